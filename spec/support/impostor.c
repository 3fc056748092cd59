/*
** Userdata whose bytes are the caller's choice, as other modules have them.
*/
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

/* Makes one of a size and a number of user values, its bytes as memory has them. */
static int make(lua_State *L) {
  (void)lua_newuserdatauv(L, (size_t)luaL_checkinteger(L, 1),
                          (int)luaL_checkinteger(L, 2));
  return 1;
}

/* Returns the bytes of any userdata. */
static int read(lua_State *L) {
  lua_pushlstring(L, lua_touserdata(L, 1), lua_rawlen(L, 1));
  return 1;
}

/* Writes bytes over those at the beginning. */
static int write(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, len <= lua_rawlen(L, 1), 2, "too long");
  memcpy(lua_touserdata(L, 1), bytes, len);
  return 0;
}

int luaopen_impostor(lua_State *L);

int luaopen_impostor(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"make", make}, {"read", read}, {"write", write}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
