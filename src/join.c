/***
Groups. A socket may join a group on several interfaces; each of these
memberships has a filter, the sources that it receives from (RFC 3678).
@classmod socket
*/
#include "membership.h"

/*
** Failures.
*/

/* Pushes "join 239.1.2.3 from 10.0.0.1 on eth0". */
static const char *pushoperation(lua_State *L, const mcast_Socket *s,
                                 const mcast_Change *c) {
  char name[IF_NAMESIZE];
  mcast_pushhost(L, &c->group);
  const char *text = lua_pushfstring(L, "%s %s", c->name, lua_tostring(L, -1));
  if (c->source.sa.sa_family != AF_UNSPEC) {
    mcast_pushhost(L, &c->source);
    text = lua_pushfstring(L, "%s from %s", text, lua_tostring(L, -1));
  }
  if (c->index != 0 && sys_interfacename(s->fd, c->index, name))
    text = lua_pushfstring(L, "%s on %s", text, name);
  return text;
}

static int refuse(lua_State *L, const mcast_Socket *s, const mcast_Change *c,
                  int err, const char *why) {
  return mcast_fail(L, err, pushoperation(L, s, c), why);
}

/* The limit that ENOBUFS or ENOMEM stands for. */
static const char *explainlimit(const mcast_Socket *s, bool sources) {
  if (sources)
    return s->family == AF_INET
               ? "too many sources (raise sysctl net.ipv4.igmp_max_msf)"
               : "too many sources (raise sysctl net.ipv6.mld_max_msf)";
  return s->family == AF_INET
             ? "too many memberships (raise sysctl "
               "net.ipv4.igmp_max_memberships or net.core.optmem_max, or use "
               "another socket)"
             : "too many memberships (raise sysctl net.core.optmem_max, or "
               "use another socket)";
}

static int failed(lua_State *L, const mcast_Socket *s, const mcast_Change *c,
                  int err) {
  char name[IF_NAMESIZE];
  if (c->why != NULL)
    return refuse(L, s, c, err, c->why);
  if (err == ENOBUFS || err == ENOMEM)
    return refuse(L, s, c, err, explainlimit(s, c->sources));
  if (err != ENODEV ||
      (c->index != 0 && sys_interfacename(s->fd, c->index, name)))
    return refuse(L, s, c, err, NULL);
  mcast_pushinterfacenames(L, true);
  return refuse(
      L, s, c, err,
      lua_pushfstring(
          L,
          "%s (%s: name an interface, as in interface = \"lo\"; available: %s)",
          strerror(err),
          c->index == 0 ? "no route to the group" : "the interface is gone",
          lua_tostring(L, -1)));
}

/*
** Arguments. Each check returns 0, or the number of results of a failure.
*/

static mcast_Change newchange(const char *name) {
  return (mcast_Change){name, {{0}}, {{0}}, 0, 0, NULL, false};
}

static int checkfamily(lua_State *L, const mcast_Socket *s,
                       const mcast_Change *c, const mcast_Sockaddr *a) {
  const char *own = mcast_familyname(s->family);
  const char *other = mcast_familyname(a->sa.sa_family);
  if (a->sa.sa_family == s->family)
    return 0;
  return refuse(L, s, c, EAFNOSUPPORT,
                lua_pushfstring(L,
                                "the socket is %s (make it with family = "
                                "\"%s\" for %s addresses)",
                                own, other, other));
}

static int checkgroup(lua_State *L, const mcast_Socket *s, mcast_Change *c) {
  int n = mcast_checkhost(L, 2, &c->group);
  if (n != 0)
    return n;
  if (!mcast_ismulticast(&c->group))
    return refuse(L, s, c, EINVAL,
                  c->group.sa.sa_family == AF_INET
                      ? "not a group (224.0.0.0 to 239.255.255.255)"
                      : "not a group (ff00::/8)");
  return checkfamily(L, s, c, &c->group);
}

static int checksource(lua_State *L, const mcast_Socket *s, mcast_Change *c,
                       int arg, mcast_Sockaddr *source) {
  int n = mcast_checkhost(L, arg, source);
  if (n == 0)
    n = checkfamily(L, s, c, source);
  if (n == 0 && mcast_ismulticast(source))
    n = refuse(L, s, c, EINVAL, "a source is a unicast address, not a group");
  return n;
}

static void checkkeys(lua_State *L, int arg, bool source) {
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    if (!mcast_isliteral(L, -2, "interface") &&
        !(source && mcast_isliteral(L, -2, "source")))
      luaL_error(L, "unknown option '%s'", mcast_show(L, -2));
    lua_pop(L, 1);
  }
}

/* The optional table of `interface` and, for some calls, `source`. */
static int checktable(lua_State *L, const mcast_Socket *s, mcast_Change *c,
                      int arg, bool source) {
  mcast_Interface interface;
  int n = 0;
  if (lua_isnoneornil(L, arg))
    return 0;
  luaL_checktype(L, arg, LUA_TTABLE);
  checkkeys(L, arg, source);
  if (mcast_rawgetoption(L, arg, "interface") != LUA_TNIL) {
    int at = lua_gettop(L);
    int err = mcast_checkinterface(L, at, "interface", s->family, &interface);
    if (err != 0) {
      c->index = 0;
      lua_pushfstring(L, "%s on", pushoperation(L, s, c));
      return mcast_nosuchinterface(L, at, lua_tostring(L, -1), err);
    }
    if (c->zone != 0 && interface.index != c->zone)
      return refuse(L, s, c, EINVAL,
                    "the group's zone names another interface");
    c->index = interface.index;
  }
  if (source && mcast_rawgetoption(L, arg, "source") != LUA_TNIL) {
    int at = lua_gettop(L);
    if (lua_type(L, at) != LUA_TSTRING && mcast_toaddress(L, at) == NULL)
      mcast_badoption(L, "source", "address or text", at);
    n = checksource(L, s, c, at, &c->source);
  }
  return n;
}

/* The group at 2, whose zone may name the interface, and the table. */
static int checkcall(lua_State *L, const mcast_Socket *s, mcast_Change *c,
                     int table, bool source) {
  int n = checkgroup(L, s, c);
  if (n != 0)
    return n;
  if (s->family == AF_INET6 && c->group.in6.sin6_scope_id != 0) {
    c->index = c->zone = c->group.in6.sin6_scope_id;
    c->group.in6.sin6_scope_id = 0;
  }
  return checktable(L, s, c, table, source);
}

/***
Groups
@section groups
*/

/***
Joins a group on an interface. With a source the membership is source-specific
(SSM); join once for each source. Joining works while the interface is down;
datagrams arrive once it is up. A process made by fork shares the membership:
a group that one of the two leaves, both have left.
@function join
@tparam string|address group numeric text, `"ff02::1%eth0"` with its interface,
or an address
@tparam[opt] table options
@tparam[opt] string|integer|address options.interface name, index or own address
(default: the socket's option, else by route)
@tparam[opt] string|address options.source (default: any source)
@treturn string|nil the name of the interface joined on
@treturn ?string message
@treturn ?integer errno: `EINVAL`, not a group; `EADDRINUSE`, already joined;
`ENODEV`, no such interface, or no route; `ENOBUFS`, `ENOMEM`, too many ...
@usage
assert(sock:join("232.1.2.3", { interface = "lo", source = "127.0.0.1" }))
@follows ip(7), RFC 1112, RFC 3678
*/
int mcast_join(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Change c = newchange("join");
  c.index = s->options.interface;
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  if (n != 0)
    return n;
  mcast_checkopen(L, s);
  int err = mcast_addmember(s, &c);
  if (err != 0)
    return failed(L, s, &c, err);
  lua_pushstring(L, mcast_membername(s, &c));
  return 1;
}

static int pushchanged(lua_State *L, mcast_Socket *s, mcast_Request request,
                       mcast_Change *c) {
  mcast_checkopen(L, s);
  int err = mcast_changemember(s, request, c);
  if (err != 0)
    return failed(L, s, c, err);
  lua_pushboolean(L, true);
  return 1;
}

/***
Leaves a group, or one source of it.
@function leave
@param group as for `join`
@tparam[opt] table options
@tparam[opt] string|integer|address options.interface (default: the one that the
group is joined on)
@tparam[opt] string|address options.source (default: the whole group)
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not joined; `EINVAL`, joined on
several interfaces
@usage assert(sock:leave "224.3.29.71")
@follows RFC 3678
*/
int mcast_leave(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Change c = newchange("leave");
  lua_settop(L, 3);
  int n = checkcall(L, s, &c, 3, true);
  return n != 0 ? n : pushchanged(L, s, LEAVE, &c);
}

static int changesource(lua_State *L, const char *name, mcast_Request request) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Change c = newchange(name);
  lua_settop(L, 4);
  int n = checkcall(L, s, &c, 4, false);
  if (n == 0)
    n = checksource(L, s, &c, 3, &c.source);
  return n != 0 ? n : pushchanged(L, s, request, &c);
}

/***
Blocks one source of a group that was joined for any source.
@function block
@param group as for `join`
@param source text or address
@tparam[opt] table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not joined; `EADDRINUSE`, already
blocked; `EINVAL`, joined for some sources only; `ENOBUFS`, too many
@usage assert(sock:block("224.3.29.71", "192.168.1.66"))
@follows RFC 3678
*/
int mcast_block(lua_State *L) { return changesource(L, "block", BLOCK); }

/***
Unblocks a source.
@function unblock
@param group as for `join`
@param source text or address
@tparam[opt] table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `EADDRNOTAVAIL`, not blocked
@usage assert(sock:unblock("224.3.29.71", "192.168.1.66"))
@follows RFC 3678
*/
int mcast_unblock(lua_State *L) { return changesource(L, "unblock", UNBLOCK); }

/* Adds the host at the top to a table of those seen; false where it is there
   already. */
static bool see(lua_State *L, int seen) {
  lua_pushvalue(L, -1);
  bool new = lua_rawget(L, seen) == LUA_TNIL;
  lua_pop(L, 1);
  lua_pushboolean(L, true);
  lua_rawset(L, seen);
  return new;
}

/* Reads the list of sources at 4 into a userdata, which is pushed. */
static int checksources(lua_State *L, const mcast_Socket *s, mcast_Change *c,
                        mcast_Filter *f) {
  lua_Unsigned count = lua_rawlen(L, 4);
  luaL_argcheck(L, count <= INT32_MAX / sizeof *f->sources, 4,
                "too many sources");
  f->sources = lua_newuserdatauv(L, count * sizeof *f->sources, 0);
  lua_newtable(L);
  int seen = lua_gettop(L);
  for (lua_Unsigned i = 1; i <= count; i++) {
    mcast_Sockaddr source;
    lua_rawgeti(L, 4, (lua_Integer)i);
    if (lua_type(L, -1) != LUA_TSTRING && mcast_toaddress(L, -1) == NULL)
      luaL_argerror(L, 4,
                    lua_pushfstring(L,
                                    "address or text expected at [%d], got "
                                    "%s",
                                    (int)i, luaL_typename(L, -1)));
    int n = checksource(L, s, c, lua_gettop(L), &source);
    if (n != 0)
      return n;
    mcast_pushhost(L, &source);
    if (see(L, seen)) {
      memset(&f->sources[f->count], 0, sizeof *f->sources);
      memcpy(&f->sources[f->count++], &source, sizeof source);
    }
    lua_pop(L, 1);
  }
  return 0;
}

/***
Sets a membership's whole filter; joins the group if it is not joined yet.
@function filter
@param group as for `join`
@tparam string mode `"include"`: receive from these sources only (an empty list
leaves); `"exclude"`: from all but these
@tparam table sources list of text or addresses
@tparam[opt] table options `interface`
@treturn true|nil
@treturn ?string message
@treturn ?integer errno: `ENOBUFS`, too many sources, or as for `join`
@usage assert(sock:filter("232.1.2.3", "include", { "10.0.0.1", "10.0.0.2" }))
@follows RFC 3678, section 4.2
*/
int mcast_filter(lua_State *L) {
  static const char *const modes[] = {"include", "exclude", NULL};
  mcast_Socket *s = mcast_checksocket(L, 1);
  mcast_Change c = newchange("filter");
  mcast_Filter f = {MCAST_INCLUDE, 0, NULL};
  lua_settop(L, 5);
  if (luaL_checkoption(L, 3, NULL, modes) == 1)
    f.mode = MCAST_EXCLUDE;
  luaL_checktype(L, 4, LUA_TTABLE);
  int n = checkcall(L, s, &c, 5, false);
  if (n == 0)
    n = checksources(L, s, &c, &f);
  if (n != 0)
    return n;
  mcast_checkopen(L, s);
  int err = mcast_setfilter(s, &c, &f);
  if (err != 0)
    return failed(L, s, &c, err);
  lua_pushboolean(L, true);
  return 1;
}

/* Sets mode and sources of the membership in the table at the top; a lost one has
   no sources. 0, or errno where the filter cannot be read. */
static int setsources(lua_State *L, const mcast_Socket *s,
                      const mcast_Membership *m, bool lost) {
  mcast_Filter f = {MCAST_EXCLUDE, 0, NULL};
  int err = mcast_getfilter(s, m, &f);
  uint32_t room = f.count;
  f.sources = lua_newuserdatauv(L, room * sizeof *f.sources, 0);
  if (err == 0)
    err = mcast_getfilter(s, m, &f);
  if (err != 0 && !lost)
    return err;
  if (err != 0)
    f.count = 0;
  lua_createtable(L, (int)room, 0);
  for (uint32_t i = 0; i < f.count && i < room; i++) {
    mcast_Sockaddr a;
    mcast_copyaddress(&a, (const struct sockaddr *)&f.sources[i]);
    mcast_pushhost(L, &a);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -3, "sources");
  lua_pop(L, 1);
  lua_pushstring(L, f.mode == MCAST_INCLUDE ? "include" : "exclude");
  lua_setfield(L, -2, "mode");
  return 0;
}

/* Pushes a membership: 0 or errno. */
static int pushmember(lua_State *L, const mcast_Socket *s, int i) {
  bool lost = mcast_islost(s, &s->members.list[i]);
  mcast_Membership m = s->members.list[i]; /* the list may move */
  lua_createtable(L, 0, 5);
  int err = setsources(L, s, &m, lost);
  if (err != 0)
    return err;
  if (lost) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "lost");
  }
  lua_pushstring(L, m.interface);
  lua_setfield(L, -2, "interface");
  mcast_pushhost(L, &m.group);
  lua_setfield(L, -2, "group");
  return 0;
}

/***
Lists the memberships of this socket: `{group, interface, mode, sources}` each,
group and sources as text, `mode` `"include"` or `"exclude"`. `lost = true`: the
interface is gone or was recreated, or a forked process left; join again. (Not
detected: an interface recreated with the same index on which another socket has
joined.)
@function groups
@treturn table|nil list
@treturn ?string message
@treturn ?integer errno
@usage for _, g in ipairs(assert(sock:groups())) do print(g.group, g.interface) end
*/
int mcast_groups(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  lua_createtable(L, s->members.count, 0);
  for (int i = 0; i < s->members.count; i++) {
    int err = pushmember(L, s, i);
    if (err != 0)
      return mcast_fail(L, err, "groups", NULL);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
