/*
** Adopting a descriptor (option "fd"), such as one that systemd passes. It is the
** caller's until the socket is complete: a failure does not close it.
*/
#include "mcast.h"

static int refuse(lua_State *L, const mcast_Socket *s, int err,
                  const char *why) {
  return mcast_fail(L, err, lua_pushfstring(L, "fd %d", s->fd), why);
}

/* Why the descriptor is no UDP socket that this module can own; NULL: it is one.
   Sets errno. */
static const char *check(int fd, mcast_Sockaddr *bound) {
  int type = 0, protocol = IPPROTO_UDP;
  mcast_Sockaddr peer;
  socklen_t size = sizeof type, len = sizeof *bound, peerlen = sizeof peer;
  memset(bound, 0, sizeof *bound);
  if (sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return errno == EBADF      ? "it is not open"
           : errno == ENOTSOCK ? "it is not a socket"
                               : strerror(errno);
  if (MCAST_SO_PROTOCOL != MCAST_NONE &&
      sys_getsockopt(fd, SOL_SOCKET, MCAST_SO_PROTOCOL, &protocol, &size) != 0)
    return strerror(errno);
  if (sys_getsockname(fd, &bound->sa, &len) != 0)
    return strerror(errno);
  errno = EAFNOSUPPORT;
  if (bound->sa.sa_family != AF_INET && bound->sa.sa_family != AF_INET6)
    return "it is not a socket of family inet or inet6";
  errno = EPROTONOSUPPORT;
  if (type != SOCK_DGRAM || protocol != IPPROTO_UDP)
    return "it is not a UDP socket";
  if (sys_getpeername(fd, &peer.sa, &peerlen) != 0)
    return errno == ENOTCONN ? NULL : strerror(errno);
  errno = EISCONN;
  return "it is connected, so it receives from its peer only";
}

/* Reads the option: 0, or the number of results of a failure. */
int mcast_borrow(lua_State *L, mcast_Socket *s, int table,
                 mcast_Sockaddr *bound) {
  if (mcast_rawgetoption(L, table, "fd") == LUA_TNIL) {
    lua_pop(L, 1);
    return 0;
  }
  s->lent = true;
  s->fd = (int)lua_tointeger(L, -1);
  const char *why = check(s->fd, bound);
  if (why != NULL)
    return refuse(L, s, errno, why);
  s->family = bound->sa.sa_family;
  const char *family = mcast_familyname(s->family);
  if (mcast_rawgetoption(L, table, "family") != LUA_TNIL &&
      !mcast_isliteral(L, -1, family))
    return refuse(L, s, EAFNOSUPPORT,
                  lua_pushfstring(L, "its family is \"%s\"", family));
  lua_pushstring(L, family);
  lua_setfield(L, table, "family");
  lua_pop(L, 2);
  return 0;
}

/* Does a bound socket have the host and port that the options name? */
static bool isasked(lua_State *L, int table, const mcast_Sockaddr *asked,
                    const mcast_Sockaddr *bound) {
  uint16_t port = mcast_getport(asked);
  bool host = mcast_rawgetoption(L, table, "host") != LUA_TNIL;
  lua_pop(L, 1);
  return (port == 0 || port == mcast_getport(bound)) &&
         (!host || (mcast_samehost(asked, bound) &&
                    mcast_getzone(asked) == mcast_getzone(bound)));
}

/* Binding has fixed v6only. */
static int checkv6only(lua_State *L, mcast_Socket *s, int table) {
  int top = lua_gettop(L);
  if (mcast_rawgetoption(L, table, "v6only") != LUA_TNIL) {
    int n = mcast_readoption(L, s, "v6only");
    if (n == 1 && !lua_rawequal(L, -1, -2))
      return refuse(L, s, EINVAL, "it is bound with another v6only");
    if (n != 1)
      return n;
  }
  lua_settop(L, top);
  lua_pushnil(L);
  lua_setfield(L, table, "v6only");
  return 0;
}

/* Checks that the options agree with a bound socket: 0, or the number of results of
   a failure. */
int mcast_agree(lua_State *L, mcast_Socket *s, int table,
                const mcast_Sockaddr *asked, const mcast_Sockaddr *bound) {
  if (isasked(L, table, asked, bound))
    return checkv6only(L, s, table);
  mcast_pushaddress(L, bound);
  return refuse(L, s, EINVAL,
                lua_pushfstring(L, "it is bound to %s, not to host and port",
                                luaL_tolstring(L, -1, NULL)));
}

/* Options that are not named keep the values of the descriptor; these have an effect
   in this module, too. The interface of IPv4 cannot be read, so it is by route. */
void mcast_inherit(lua_State *L, mcast_Socket *s, int table) {
  static const char *const names[] = {"ttl", "fragment"};
  int off = 0, top = lua_gettop(L);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (mcast_rawgetoption(L, table, names[i]) == LUA_TNIL &&
        mcast_readoption(L, s, names[i]) == 1)
      lua_setfield(L, table, names[i]);
    lua_settop(L, top);
  }
  if (mcast_rawgetoption(L, table, "interface") == LUA_TNIL) {
    lua_pushliteral(L, "");
    lua_setfield(L, table, "interface");
  }
  lua_settop(L, top);
  if (MCAST_UDP_GRO != MCAST_NONE) /* receive.c asks for trains */
    (void)sys_setsockopt(s->fd, IPPROTO_UDP, MCAST_UDP_GRO, &off, sizeof off);
}

/* From here on the socket owns it: 0, or the number of results of a failure. */
int mcast_adopt(lua_State *L, mcast_Socket *s) {
  if (sys_setcloexec(s->fd) != 0)
    return refuse(L, s, errno, NULL);
  s->lent = false;
  return 0;
}
