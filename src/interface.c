/*
** Interfaces: named by name, index or own address, wherever one is named.
*/
#include "mcast.h"

static bool isown(const struct ifaddrs *entry, const mcast_Sockaddr *own) {
  mcast_Sockaddr a;
  if (!mcast_isaddress(entry))
    return false;
  mcast_copyaddress(&a, entry->ifa_addr);
  return mcast_samehost(&a, own) &&
         (mcast_getzone(own) == 0 || mcast_getzone(own) == mcast_getzone(&a));
}

/* Finds the interface that has this address: 0 or errno. */
int mcast_findowner(const mcast_Sockaddr *own, mcast_Interface *interface) {
  struct ifaddrs *list;
  if (sys_getifaddrs(&list) != 0)
    return errno;
  for (struct ifaddrs *i = list; i != NULL && interface->name[0] == '\0';
       i = i->ifa_next)
    if (isown(i, own))
      (void)snprintf(interface->name, sizeof interface->name, "%.*s",
                     (int)strcspn(i->ifa_name, ":"), i->ifa_name);
  sys_freeifaddrs(list);
  return interface->name[0] == '\0' ? ENODEV
                                    : mcast_completeinterface(interface);
}

/* Finds the address of its first that an interface has at this moment. With an
   index alone, Linux may send IPv4 from another interface's address, so this one
   is named, too. (IPv6 chooses well by itself.) An interface without one gets an
   address of the reserved ones (RFC 1112, section 4), which is nobody's: sends
   fail, as by an address that is gone. 0 or errno. */
int mcast_findsource(mcast_Interface *interface) {
  struct ifaddrs *list;
  int err = mcast_completeinterface(interface);
  if (err != 0)
    return err;
  mcast_anyaddress(AF_INET, 0, &interface->source);
  interface->source.in.sin_addr.s_addr = htonl(MCAST_NOBODY);
  if (sys_getifaddrs(&list) != 0)
    return errno;
  for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
    if (mcast_isaddress(i) && i->ifa_addr->sa_family == AF_INET &&
        mcast_isof(i, interface->name)) {
      mcast_copyaddress(&interface->source, i->ifa_addr);
      break;
    }
  sys_freeifaddrs(list);
  return 0;
}

static int findinterface(lua_State *L, int arg, int family,
                         mcast_Interface *interface) {
  mcast_Sockaddr own;
  if (interface->index != 0)
    return mcast_completeinterface(interface);
  size_t len = 0;
  const char *text = lua_tolstring(L, arg, &len); /* NULL: an address */
  int err = ENODEV;
  if (text != NULL && strlen(text) == len)
    err = mcast_lookupinterface(text, interface);
  if (err != ENODEV || mcast_readhost(L, arg, &own) != 0)
    return err;
  memset(interface, 0, sizeof *interface);
  own = mcast_unmapped(&own);
  if (own.sa.sa_family == family)
    interface->source = own;
  return mcast_findowner(&own, interface);
}

/* Reads an option that names an interface: 0 or errno. "" is index 0: by route.
   The source is set where it is an address of the family. */
int mcast_checkinterface(lua_State *L, int arg, const char *option, int family,
                         mcast_Interface *interface) {
  const char *expected = "name, index or own address";
  memset(interface, 0, sizeof *interface);
  if (lua_type(L, arg) == LUA_TNUMBER) {
    lua_Integer index = lua_tointeger(L, arg);
    if (index < 1 || index > INT32_MAX)
      mcast_badoption(L, option, expected, arg);
    interface->index = (unsigned)index;
  } else if (lua_type(L, arg) != LUA_TSTRING) {
    if (mcast_toaddress(L, arg) == NULL)
      mcast_badoption(L, option, expected, arg);
  } else if (lua_rawlen(L, arg) == 0) {
    return 0;
  }
  int top = lua_gettop(L);
  int err = findinterface(L, arg, family, interface);
  lua_settop(L, top);
  return err;
}

/* Fails an operation on the interface that arg names. */
int mcast_nosuchinterface(lua_State *L, int arg, const char *operation,
                          int err) {
  const char *why = NULL;
  if (err == ENODEV) {
    mcast_pushinterfacenames(L, false);
    why = lua_pushfstring(L, "no such interface (available: %s)",
                          lua_tostring(L, -1));
  }
  const char *text = luaL_tolstring(L, arg, NULL);
  return mcast_fail(L, err, lua_pushfstring(L, "%s %s", operation, text), why);
}
