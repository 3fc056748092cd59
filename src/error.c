/*
** Failures of the network, the system or input text: nil, message, errno. (A bug
** in the script raises.)
*/
#include "mcast.h"

#define E(name)                                                                \
  { #name, name }

static const struct {
  const char *name;
  int number;
} numbers[] = {
    E(EACCES),          E(EADDRINUSE),  E(EADDRNOTAVAIL), E(EAFNOSUPPORT),
    E(EAGAIN),          E(EBADF),       E(ECONNREFUSED),  E(EDESTADDRREQ),
    E(EEXIST),          E(EFAULT),      E(EHOSTDOWN),     E(EHOSTUNREACH),
    E(EINTR),           E(EINVAL),      E(EIO),           E(EISCONN),
    E(EMFILE),          E(EMSGSIZE),    E(ENETDOWN),      E(ENETUNREACH),
    E(ENFILE),          E(ENOBUFS),     E(ENODEV),        E(ENOENT),
    E(ENOMEM),          E(ENOPROTOOPT), E(ENOSYS),        E(ENOTCONN),
    E(ENOTSOCK),        E(ENXIO),       E(EOPNOTSUPP),    E(EPERM),
    E(EPROTONOSUPPORT), E(ETIMEDOUT),   E(EWOULDBLOCK),
};

/* Pushes nil, "operation: why" and err; why NULL: the system's message for err. */
void mcast_pushfailure(lua_State *L, int err, const char *operation,
                       const char *why) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", operation, why != NULL ? why : strerror(err));
  lua_pushinteger(L, err);
}

void mcast_pushtimeout(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "timeout");
  lua_pushinteger(L, ETIMEDOUT);
}

void mcast_pusherrno(lua_State *L) {
  size_t n = sizeof numbers / sizeof numbers[0];
  lua_createtable(L, 0, (int)n);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, numbers[i].number);
    lua_setfield(L, -2, numbers[i].name);
  }
}
