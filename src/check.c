/*
** Checks of arguments, which all entry points share.
*/
#include "mcast.h"

/* Raises; the message shows the value of a number or a string. */
int mcast_badoption(lua_State *L, const char *name, const char *expected,
                    int arg) {
  int type = lua_type(L, arg);
  const char *got = type == LUA_TNUMBER || type == LUA_TSTRING
                        ? luaL_tolstring(L, arg, NULL)
                        : luaL_typename(L, arg);
  return luaL_error(L, "bad option '%s' (%s expected, got %s)", name, expected,
                    got);
}

/* Is it this text, also behind a zero byte? */
bool mcast_isliteral(lua_State *L, int arg, const char *literal) {
  size_t len;
  if (lua_type(L, arg) != LUA_TSTRING)
    return false;
  const char *text = lua_tolstring(L, arg, &len);
  return len == strlen(literal) && memcmp(text, literal, len) == 0;
}

mcast_Sockaddr *mcast_toaddress(lua_State *L, int arg) {
  void *a = lua_touserdata(L, arg);
  if (a == NULL || !lua_getmetatable(L, arg))
    return NULL;
  int same = lua_rawequal(L, -1, MCAST_ADDRESSES);
  lua_pop(L, 1);
  return same ? a : NULL;
}

mcast_Socket *mcast_testsocket(lua_State *L, int arg) {
  void *s = lua_touserdata(L, arg);
  if (s == NULL || !lua_getmetatable(L, arg))
    return NULL;
  int same = lua_rawequal(L, -1, MCAST_SOCKETS);
  lua_pop(L, 1);
  return same ? s : NULL;
}

mcast_Socket *mcast_checkanysocket(lua_State *L, int arg) {
  mcast_Socket *s = mcast_testsocket(L, arg);
  if (s == NULL)
    luaL_typeerror(L, arg, "mcast.socket");
  return s;
}

void mcast_checkopen(lua_State *L, const mcast_Socket *s) {
  if (s->fd < 0)
    luaL_error(L, "attempt to use a closed socket");
}

mcast_Socket *mcast_checksocket(lua_State *L, int arg) {
  mcast_Socket *s = mcast_checkanysocket(L, arg);
  mcast_checkopen(L, s);
  return s;
}

int mcast_rawgetoption(lua_State *L, int arg, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, arg);
}
