/*
** The module's table and metatables.
*/
#include "mcast.h"

static const luaL_Reg functions[] = {{"socket", mcast_socket},
                                     {"address", mcast_address},
                                     {"poll", mcast_poll},
                                     {"now", mcast_now},
                                     {"sleep", mcast_sleep},
                                     {"interfaces", mcast_interfaces},
                                     {"note", mcast_note},
                                     {"monitor", mcast_monitor},
                                     {NULL, NULL}};

/* Sets functions in the table at the top, with the shared upvalues, which lie
   from index 1 on. */
static void setfuncs(lua_State *L, const luaL_Reg *list) {
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, i);
  luaL_setfuncs(L, list, MCAST_UPVALUES);
}

/* Fills the metatable at an index. */
static void setclass(lua_State *L, int metatable, const luaL_Reg *metamethods,
                     const luaL_Reg *methods) {
  lua_pushvalue(L, metatable);
  setfuncs(L, metamethods);
  lua_newtable(L);
  setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

/* Fills the metatables and pushes the module. */
void mcast_pushmodule(lua_State *L) {
  mcast_makeguards(L);
  setclass(L, 1, mcast_socketmetamethods, mcast_socketmethods);
  setclass(L, 7, mcast_monitormetamethods, mcast_monitormethods);
  lua_pushvalue(L, 2);
  setfuncs(L, mcast_addressmethods);
  lua_newtable(L);
  setfuncs(L, functions);
  mcast_pusherrno(L);
  lua_setfield(L, -2, "errno");
  lua_pushliteral(L, MCAST_VERSION);
  lua_setfield(L, -2, "_VERSION");
}
