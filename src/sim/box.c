/*
** Boxes: userdata that carry a Lua value, so that files of nodes are userdata,
** as Lua's are.
*/
#include "sim.h"

/* value, metatable */
static int box_new(lua_State *L) {
  luaL_checkany(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  (void)lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_setmetatable(L, -2);
  return 1;
}

/* any value, metatable: returns the value in a box of this metatable, or nil */
static int box_open(lua_State *L) {
  lua_settop(L, 2);
  if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1) ||
      !lua_rawequal(L, -1, 2))
    return 0;
  (void)lua_getiuservalue(L, 1, 1);
  return 1;
}

const luaL_Reg sim_boxfunctions[] = {
    {"box", box_new}, {"unbox", box_open}, {NULL, NULL}};
