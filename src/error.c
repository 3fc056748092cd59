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

/* The causes that are the same for each call; NULL: unknown. */
static const char *getcause(int err) {
  switch (err) {
  case EMFILE:
    return "close some of this process, or raise ulimit -n";
  case ENFILE:
    return "raise sysctl fs.file-max";
  case EAFNOSUPPORT:
  case EPROTONOSUPPORT:
    return "this system has no such sockets";
  default:
    return NULL;
  }
}

/* Pushes the system's message for err, with a cause unless it is NULL. */
const char *mcast_explained(lua_State *L, int err, const char *cause) {
  if (cause == NULL)
    cause = getcause(err);
  if (cause == NULL)
    return lua_pushstring(L, strerror(err));
  return lua_pushfstring(L, "%s (%s)", strerror(err), cause);
}

/* Pushes nil, "operation: why" and err; why NULL: the system's message for err. */
void mcast_pushfailure(lua_State *L, int err, const char *operation,
                       const char *why) {
  if (why == NULL)
    why = mcast_explained(L, err, NULL);
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", operation, why);
  lua_pushinteger(L, err);
}

void mcast_pushtimeout(lua_State *L) {
  luaL_pushfail(L);
  lua_pushliteral(L, "timeout");
  lua_pushinteger(L, ETIMEDOUT);
}

/* Where descriptors ran out, objects that wait for collection may own some: they
   are collected, and true means to try again. */
bool mcast_freedescriptors(lua_State *L, int err) {
  if (err != EMFILE && err != ENFILE)
    return false;
  lua_gc(L, LUA_GCCOLLECT);
  return true;
}

void mcast_pusherrno(lua_State *L) {
  size_t n = sizeof numbers / sizeof numbers[0];
  lua_createtable(L, 0, (int)n);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, numbers[i].number);
    lua_setfield(L, -2, numbers[i].name);
  }
}
