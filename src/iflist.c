/*
** The interfaces of this host: their names, indices and addresses.
*/
#include "mcast.h"

#define LIST "mcast.interfaces"

/* Completes the name by the index, or the index by the name: 0 or errno.
   (if_nametoindex has one result for an unknown name and for a process out of
   descriptors.) */
int mcast_completeinterface(mcast_Interface *interface) {
  struct if_nameindex *list = sys_if_nameindex();
  int err = list != NULL ? ENODEV : errno;
  for (struct if_nameindex *i = list; i != NULL && i->if_index != 0; i++)
    if (interface->index != 0 ? i->if_index == interface->index
                              : strcmp(i->if_name, interface->name) == 0) {
      interface->index = i->if_index;
      (void)snprintf(interface->name, sizeof interface->name, "%s", i->if_name);
      err = 0;
      break;
    }
  if (list != NULL)
    sys_if_freenameindex(list);
  return err;
}

/* An index in digits; 0: it is none. */
static unsigned readindex(const char *text) {
  char *end;
  unsigned long index = strtoul(text, &end, 10);
  bool digits = text[0] >= '0' && text[0] <= '9' && *end == '\0';
  return digits && index <= INT32_MAX ? (unsigned)index : 0;
}

/* Looks up a name, an alternative name, or an index in digits: 0 or errno. */
int mcast_lookupinterface(const char *text, mcast_Interface *interface) {
  size_t len = strlen(text);
  int err = ENODEV;
  interface->index = 0;
  if (len > 0 && len < sizeof interface->name) {
    memcpy(interface->name, text, len + 1);
    err = mcast_completeinterface(interface);
  }
  if (err == ENODEV && len > 0 && len < MCAST_NAMESIZE) {
    err = sys_alternative(text, &interface->index);
    if (err == ENODEV)
      interface->index = readindex(text);
    if (interface->index != 0)
      err = mcast_completeinterface(interface);
  }
  return err;
}

int mcast_interfaceindex(const char *name, unsigned *index) {
  mcast_Interface interface = {0};
  int err = mcast_lookupinterface(name, &interface);
  *index = interface.index;
  return err;
}

bool mcast_isaddress(const struct ifaddrs *entry) {
  return entry->ifa_addr != NULL && (entry->ifa_addr->sa_family == AF_INET ||
                                     entry->ifa_addr->sa_family == AF_INET6);
}

/* An IPv4 alias has a label behind a colon: "eth0:1". */
bool mcast_isof(const struct ifaddrs *entry, const char *name) {
  size_t n = strlen(name);
  return strncmp(entry->ifa_name, name, n) == 0 &&
         (entry->ifa_name[n] == '\0' || entry->ifa_name[n] == ':');
}

/*
** Lists: a userdata owns the system's lists, so an error leaks nothing.
*/

typedef struct List {
  struct if_nameindex *names;
  struct ifaddrs *addresses;
  int fd; /* to ask for the MTU */
} List;

static int list_close(lua_State *L) {
  List *list = luaL_checkudata(L, 1, LIST);
  if (list->names != NULL)
    sys_if_freenameindex(list->names);
  if (list->addresses != NULL)
    sys_freeifaddrs(list->addresses);
  if (list->fd >= 0)
    sys_close(list->fd);
  *list = (List){NULL, NULL, -1};
  return 0;
}

/* Pushes a list; NULL where the system fails, with errno set. */
static List *newlist(lua_State *L) {
  List *list = lua_newuserdatauv(L, sizeof *list, 0);
  *list = (List){NULL, NULL, -1};
  if (luaL_newmetatable(L, LIST)) {
    lua_pushcfunction(L, list_close);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  bool filled = (list->names = sys_if_nameindex()) != NULL &&
                sys_getifaddrs(&list->addresses) == 0 &&
                (list->fd = sys_socket(AF_INET)) >= 0;
  return filled ? list : NULL;
}

static void closelist(lua_State *L, int index) {
  lua_pushcfunction(L, list_close);
  lua_pushvalue(L, index);
  lua_call(L, 1, 0);
}

static unsigned getflags(const List *list, const char *name) {
  for (struct ifaddrs *i = list->addresses; i != NULL; i = i->ifa_next)
    if (mcast_isof(i, name))
      return i->ifa_flags;
  return 0;
}

/* Pushes "lo, eth0"; usable: only those that multicast can be sent by. */
void mcast_pushinterfacenames(lua_State *L, bool usable) {
  List *list = newlist(L);
  int at = lua_gettop(L);
  lua_pushliteral(L, "");
  for (struct if_nameindex *i = list != NULL ? list->names : NULL;
       i != NULL && i->if_index != 0; i++) {
    unsigned flags = getflags(list, i->if_name);
    if (usable && !(flags & IFF_UP && flags & (IFF_MULTICAST | IFF_LOOPBACK)))
      continue;
    const char *before = lua_tostring(L, -1);
    lua_pushfstring(L, "%s%s%s", before, *before != '\0' ? ", " : "",
                    i->if_name);
    lua_remove(L, -2);
  }
  if (lua_rawlen(L, -1) == 0) {
    lua_pushliteral(L, "none");
    lua_remove(L, -2);
  }
  closelist(L, at);
  lua_remove(L, at);
}

static void setflag(lua_State *L, const char *name, unsigned flag) {
  lua_pushboolean(L, flag != 0);
  lua_setfield(L, -2, name);
}

/* Pushes an address with its zone, so that mcast.address accepts it. */
void mcast_pushown(lua_State *L, const mcast_Sockaddr *a, const char *name) {
  char host[INET6_ADDRSTRLEN];
  lua_pushstring(L, mcast_hosttext(a, host));
  if (mcast_getzone(a) != 0) {
    lua_pushfstring(L, "%s%%%s", lua_tostring(L, -1), name);
    lua_remove(L, -2);
  }
}

static void pushaddresses(lua_State *L, const List *list, const char *name) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (struct ifaddrs *i = list->addresses; i != NULL; i = i->ifa_next)
    if (mcast_isaddress(i) && mcast_isof(i, name)) {
      mcast_Sockaddr a;
      mcast_copyaddress(&a, i->ifa_addr);
      mcast_pushown(L, &a, name);
      lua_rawseti(L, -2, ++n);
    }
}

static void setmtu(lua_State *L, const List *list, const char *name) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (sys_ioctl(list->fd, SIOCGIFMTU, &request) == 0) {
    lua_pushinteger(L, request.ifr_mtu);
    lua_setfield(L, -2, "mtu");
  }
}

static void pushinterface(lua_State *L, const List *list,
                          const struct if_nameindex *i) {
  unsigned flags = getflags(list, i->if_name);
  lua_createtable(L, 0, 8);
  lua_pushstring(L, i->if_name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, i->if_index);
  lua_setfield(L, -2, "index");
  pushaddresses(L, list, i->if_name);
  lua_setfield(L, -2, "addresses");
  setflag(L, "up", flags & IFF_UP);
  setflag(L, "running", flags & IFF_RUNNING);
  setflag(L, "loopback", flags & IFF_LOOPBACK);
  setflag(L, "multicast", flags & IFF_MULTICAST);
  setmtu(L, list, i->if_name);
}

int mcast_interfaces(lua_State *L) {
  mcast_checkrefusal(L);
  lua_settop(L, 0);
  List *list = newlist(L);
  if (list == NULL)
    return mcast_fail(L, errno, "interfaces", NULL);
  lua_Integer n = 0;
  lua_newtable(L);
  for (struct if_nameindex *i = list->names; i->if_index != 0; i++) {
    pushinterface(L, list, i);
    lua_rawseti(L, 2, ++n);
  }
  closelist(L, 1);
  return 1;
}
