/*
** The choice of a call: interface, source, TTL and timeout of its datagrams alone,
** beside the options of the socket.
*/
#include "mcast.h"

#include <math.h>

/*
** Interfaces. The socket keeps those that were named for datagrams, since a look-up
** costs as much as several sends, until a send fails.
*/

#define KEPT 4 /* user value of the socket, which is at index 1 */
#define MOST 4096

/* The source of datagrams by an interface: the own address that names it, or the
   one that the socket is bound to, else the interface's first one for groups, as
   mcast_findsource explains, and the kernel's choice for unicast. 0 or errno. */
static int findsource(const mcast_Socket *s, mcast_Interface *found,
                      mcast_Way *way) {
  mcast_Sockaddr bound, any;
  socklen_t len = sizeof bound;
  memset(&bound, 0, sizeof bound);
  mcast_anyaddress(s->family, 0, &any);
  way->named = found->source.sa.sa_family != AF_UNSPEC;
  if (!way->named && sys_getsockname(s->fd, &bound.sa, &len) != 0)
    return errno;
  if (!way->named && !mcast_ismulticast(&bound) &&
      !mcast_samehost(&bound, &any)) {
    way->named = true;
    found->source = bound;
  }
  int err = way->named || s->family != AF_INET ? 0 : mcast_findsource(found);
  way->source = found->source;
  return err;
}

/* Looks up the interface that the value at arg names: 0 or errno. */
static int lookup(lua_State *L, const mcast_Socket *s, int arg,
                  mcast_Way *way) {
  mcast_Interface found;
  memset(way, 0, sizeof *way);
  int err = mcast_checkinterface(L, arg, "interface", s->family, &found);
  if (err != 0 || found.index == 0)
    return err;
  way->index = found.index;
  return findsource(s, &found, way);
}

static void keep(lua_State *L, mcast_Socket *s, int arg, const mcast_Way *way) {
  if (s->kept == MOST || lua_getiuservalue(L, 1, KEPT) != LUA_TTABLE) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, KEPT);
    s->kept = 0;
  }
  s->kept++;
  lua_pushvalue(L, arg);
  lua_pushlstring(L, (const char *)way, sizeof *way);
  lua_rawset(L, -3);
}

static bool iskept(lua_State *L, int arg, mcast_Way *way) {
  if (lua_getiuservalue(L, 1, KEPT) != LUA_TTABLE)
    return false;
  lua_pushvalue(L, arg);
  if (lua_rawget(L, -2) != LUA_TSTRING)
    return false;
  memcpy(way, lua_tostring(L, -1), sizeof *way);
  return true;
}

static int findway(lua_State *L, mcast_Socket *s, int arg, mcast_Way *way) {
  int top = lua_gettop(L), err = 0;
  if (!iskept(L, arg, way)) {
    err = lookup(L, s, arg, way);
    if (err == 0)
      keep(L, s, arg, way);
  }
  lua_settop(L, top);
  return err;
}

/*
** The fields of the table. Each function reads the value at arg: 0, or the number
** of results of a failure.
*/

/* The source may be NULL: it is not at fault. */
static int refuse(lua_State *L, const mcast_Choice *c,
                  const mcast_Sockaddr *source, int err, const char *why) {
  mcast_pushaddress(L, c->to);
  lua_pushfstring(L, "%s %s", c->name, luaL_tolstring(L, -1, NULL));
  if (source != NULL) {
    lua_pushliteral(L, " from ");
    mcast_pushhost(L, source);
    lua_concat(L, 3);
  }
  return mcast_fail(L, err, lua_tostring(L, -1), why);
}

static int read_interface(lua_State *L, mcast_Socket *s, mcast_Choice *c,
                          int arg) {
  int err = findway(L, s, arg, &c->way);
  if (err == 0)
    return 0;
  mcast_checkopen(L, s); /* a finalizer may have closed it */
  mcast_pushaddress(L, c->to);
  const char *to = luaL_tolstring(L, -1, NULL);
  const char *operation = lua_pushfstring(L, "%s %s by", c->name, to);
  return mcast_nosuchinterface(L, arg, operation, err);
}

static int read_source(lua_State *L, mcast_Socket *s, mcast_Choice *c,
                       int arg) {
  const char *expected = "own unicast address";
  if (lua_type(L, arg) != LUA_TSTRING && mcast_toaddress(L, arg) == NULL)
    mcast_badoption(L, "source", expected, arg);
  int n = mcast_readhost(L, arg, &c->source);
  if (n != 0)
    return n;
  mcast_Sockaddr any, host = mcast_unmapped(&c->source);
  mcast_anyaddress(host.sa.sa_family, 0, &any);
  bool group = mcast_ismulticast(&host);
  if (group || mcast_samehost(&host, &any)) {
    mcast_pushhost(L, &c->source);
    luaL_error(L, "bad option 'source' (%s expected, got %s%s)", expected,
               group ? "the group " : "", lua_tostring(L, -1));
  }
  if (c->source.sa.sa_family == s->family)
    return 0;
  return refuse(
      L, c, &c->source, EAFNOSUPPORT,
      lua_pushfstring(L, "the socket is %s", mcast_familyname(s->family)));
}

static int read_ttl(lua_State *L, mcast_Socket *s, mcast_Choice *c, int arg) {
  int isinteger;
  lua_Integer ttl = lua_tointegerx(L, arg, &isinteger);
  (void)s;
  if (!isinteger || ttl < 1 || ttl > 255)
    mcast_badoption(L, "ttl", "1 to 255", arg);
  c->ttl = (int)ttl;
  return 0;
}

static int read_timeout(lua_State *L, mcast_Socket *s, mcast_Choice *c,
                        int arg) {
  (void)s;
  if (lua_type(L, arg) != LUA_TNUMBER || isnan(lua_tonumber(L, arg)))
    mcast_badoption(L, "timeout", "seconds", arg);
  c->timeout = mcast_nanoseconds(lua_tonumber(L, arg));
  return 0;
}

/* In the order of reading: those that only raise come first. */
#define F(name)                                                                \
  { #name, sizeof #name - 1, read_##name }

enum { FIELDS = 4 };

static const struct {
  const char *name;
  size_t len;
  int (*read)(lua_State *L, mcast_Socket *s, mcast_Choice *c, int arg);
} fields[FIELDS] = {F(ttl), F(timeout), F(source), F(interface)};

/* The number of the field whose name is at key. */
static int findfield(lua_State *L, int key) {
  size_t len = 0;
  const char *name =
      lua_type(L, key) == LUA_TSTRING ? lua_tolstring(L, key, &len) : "";
  for (int i = 0; i < FIELDS; i++)
    if (len == fields[i].len && memcmp(name, fields[i].name, len) == 0)
      return i;
  return luaL_error(L, "unknown option '%s'", mcast_show(L, key));
}

/* Looks up the interface of the table again: 0, or errno, and the way is as it was;
   ENODEV where the table names none. */
static int renew(lua_State *L, mcast_Socket *s, mcast_Choice *c) {
  mcast_Way old = c->way;
  c->renewed = true;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, KEPT);
  s->kept = 0;
  int top = lua_gettop(L), err = ENODEV;
  if (mcast_rawgetoption(L, c->table, "interface") != LUA_TNIL)
    err = findway(L, s, top + 1, &c->way);
  lua_settop(L, top);
  if (err != 0)
    c->way = old;
  return err;
}

/* Is the interface of the choice another one than that of the zone, 0 for none?
   One that was made again may have another index than the one that is kept. */
static bool isanother(lua_State *L, mcast_Socket *s, mcast_Choice *c,
                      unsigned zone) {
  if (zone == 0 || c->way.index == 0 || zone == c->way.index)
    return false;
  (void)renew(L, s, c);
  return zone != c->way.index;
}

/* Does the choice fit the destination? The zones of IPv6 name interfaces, too. */
static int checkfit(lua_State *L, mcast_Socket *s, mcast_Choice *c) {
  if (c->source.sa.sa_family == AF_INET6 &&
      mcast_ismapped(&c->source) != mcast_ismapped(c->to))
    return refuse(L, c, &c->source, EAFNOSUPPORT,
                  "one is an IPv4 address, the other is not");
  const mcast_Sockaddr *const zoned[] = {c->to, &c->source};
  for (int i = 0; i < 2; i++) {
    unsigned zone = mcast_getzone(zoned[i]);
    if (isanother(L, s, c, zone))
      return refuse(L, c, i == 0 ? NULL : zoned[i], EINVAL,
                    "its zone and the option 'interface' differ");
    if (zone != 0 && i == 1)
      c->way.index = zone;
  }
  return 0;
}

/* Reads the table at c->table: 0, or the number of results of a failure. */
int mcast_checkchoice(lua_State *L, mcast_Socket *s, mcast_Choice *c) {
  luaL_checktype(L, c->table, LUA_TTABLE);
  memset(&c->way, 0, sizeof c->way);
  memset(&c->source, 0, sizeof c->source);
  c->ttl = 0;
  c->timeout = MCAST_FOREVER;
  int at[FIELDS] = {0}; /* the values, which stay below the key */
  int top = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, c->table)) {
    lua_insert(L, -2);
    int key = lua_gettop(L);
    at[findfield(L, key)] = key - 1;
  }
  for (int i = 0; i < FIELDS; i++) {
    int n = at[i] == 0 ? 0 : fields[i].read(L, s, c, at[i]);
    if (n != 0)
      return n;
  }
  lua_settop(L, top);
  return checkfit(L, s, c);
}

/* After a failure like that of an interface or an address which is gone: are they
   others now? 0: to be sent again; else the errno to report. */
int mcast_renewchoice(lua_State *L, mcast_Socket *s, mcast_Choice *c, int err) {
  mcast_Way old = c->way;
  if (old.index == 0 || c->renewed || !mcast_ismissing(err))
    return err;
  int failure = renew(L, s, c);
  if (failure != 0 && failure != ENODEV)
    return failure;
  return old.index == c->way.index &&
                 mcast_samehost(&old.source, &c->way.source)
             ? err
             : 0;
}

/*
** Ancillary data.
*/

/* An IPv6 address of link scope is one of an interface. */
static bool needsindex(const mcast_Sockaddr *source) {
  return source->sa.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LINKLOCAL(&source->in6.sin6_addr);
}

/* Finds the way that the ancillary data of a datagram name; false: none. */
bool mcast_nameway(const mcast_Socket *s, const mcast_Sockaddr *to,
                   const mcast_Choice *c, mcast_Way *way) {
  bool group = mcast_ismulticast(to);
  if (c == NULL || (c->way.index == 0 && c->source.sa.sa_family == AF_UNSPEC)) {
    if (!mcast_namessource(s, to))
      return false;
    *way =
        (mcast_Way){s->options.interface, s->options.named, s->options.source};
    return true;
  }
  *way = c->way;
  if (c->source.sa.sa_family != AF_UNSPEC) {
    way->source = c->source;
    way->named = true;
  } else if (!group && !way->named) {
    memset(&way->source, 0, sizeof way->source);
  }
  if (way->index == 0 && needsindex(&way->source))
    way->index = to->in6.sin6_scope_id;
  if (way->index == 0 && needsindex(&way->source) && group)
    way->index = s->options.interface;
  return true;
}

void mcast_addcontrol(mcast_Control *control, int level, int type,
                      const void *data, size_t len) {
  struct cmsghdr *c = (struct cmsghdr *)(void *)(control->bytes + control->len);
  c->cmsg_level = level;
  c->cmsg_type = type;
  sys_setlen(c->cmsg_len, CMSG_LEN(len));
  memcpy(CMSG_DATA(c), data, len);
  control->len += CMSG_SPACE(len);
}

static void addway(mcast_Control *control, bool inet, const mcast_Way *way) {
  if (inet) {
    struct in_pktinfo info;
    mcast_Sockaddr source = mcast_unmapped(&way->source);
    memset(&info, 0, sizeof info);
    sys_setlen(info.ipi_ifindex, way->index);
    if (source.sa.sa_family == AF_INET)
      info.ipi_spec_dst = source.in.sin_addr;
    mcast_addcontrol(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  } else {
    struct in6_pktinfo info;
    memset(&info, 0, sizeof info);
    info.ipi6_ifindex = way->index;
    if (way->source.sa.sa_family == AF_INET6)
      info.ipi6_addr = way->source.in6.sin6_addr;
    mcast_addcontrol(control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }
}

/* Adds the way, if it is not NULL, and the TTL. */
void mcast_addchoice(mcast_Control *control, const mcast_Sockaddr *to,
                     const mcast_Choice *c, const mcast_Way *way) {
  bool inet = to->sa.sa_family == AF_INET || mcast_ismapped(to);
  if (way != NULL)
    addway(control, inet, way);
  if (c != NULL && c->ttl != 0)
    mcast_addcontrol(control, inet ? IPPROTO_IP : IPPROTO_IPV6,
                     inet ? IP_TTL : IPV6_HOPLIMIT, &c->ttl, sizeof c->ttl);
}

/* Why nothing leaves from the source, an own address. */
static const char *explainsource(lua_State *L, const mcast_Socket *s,
                                 const mcast_Choice *c, unsigned index) {
  char name[IF_NAMESIZE] = "";
  if (index == 0 && mcast_ismulticast(c->to))
    index = s->options.interface;
  mcast_pushhost(L, &c->source);
  const char *source = lua_tostring(L, -1);
  if (index == 0 && needsindex(&c->source))
    return lua_pushfstring(L, "%s needs its interface: name that, too", source);
  if (!sys_interfacename(s->fd, index, name))
    return lua_pushfstring(L, "nothing goes there from %s", source);
  return lua_pushfstring(L, "nothing leaves by %s from %s", name, source);
}

/* Why a datagram found no way; NULL: not for its choice. */
const char *mcast_explainchoice(lua_State *L, const mcast_Socket *s,
                                const mcast_Choice *c, int err) {
  mcast_Way way;
  if (!(mcast_ismissing(err) && mcast_nameway(s, c->to, c, &way)))
    return NULL;
  if (mcast_isgone(&c->source)) {
    mcast_pushhost(L, &c->source);
    return lua_pushfstring(L, "%s is no address of this host",
                           lua_tostring(L, -1));
  }
  const char *conflict =
      err == EINVAL ? mcast_explainconflict(L, s, way.index) : NULL;
  if (conflict != NULL)
    return conflict;
  if (err == EINVAL && c->source.sa.sa_family != AF_UNSPEC)
    return explainsource(L, s, c, way.index);
  return way.index != 0 ? mcast_explainway(L, s, c->to, &way, err) : NULL;
}
