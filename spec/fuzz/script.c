/*
** Passes each input to the function that a script returns (SCRIPT is its path).
** The function raises where the module is wrong.
*/
#include "../../src/mcast.h"

#include <lualib.h>

int luaopen_mcast(lua_State *L);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(lua_State *L, int status) {
  if (status != LUA_OK) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
}

/* A state with the function at 1. */
static lua_State *newstate(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_requiref(L, "mcast", luaopen_mcast, 0);
  lua_settop(L, 0);
  check(L, luaL_loadfile(L, SCRIPT));
  check(L, lua_pcall(L, 0, 1, 0));
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (L == NULL)
    L = newstate();
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  check(L, lua_pcall(L, 1, 0, 0));
  return 0;
}
