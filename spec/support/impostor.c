/*
** Userdata whose bytes are the caller's choice, as other modules have them.
*/
#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(bytes, len) ((void)0)
#endif

/* Makes one of a size and a number of user values, its bytes as memory has them. */
static int make(lua_State *L) {
  size_t len = (size_t)luaL_checkinteger(L, 1);
  void *bytes = lua_newuserdatauv(L, len, (int)luaL_checkinteger(L, 2));
  (void)VALGRIND_MAKE_MEM_DEFINED(bytes, len);
  return 1;
}

/* Returns the bytes of any userdata. */
static int read(lua_State *L) {
  luaL_Buffer b;
  size_t len = lua_rawlen(L, 1);
  char *bytes = luaL_buffinitsize(L, &b, len);
  memcpy(bytes, lua_touserdata(L, 1), len);
  (void)VALGRIND_MAKE_MEM_DEFINED(bytes, len);
  luaL_pushresultsize(&b, len);
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
