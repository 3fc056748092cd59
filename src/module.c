/*
** The module's table and metatables.
*/
#include "mcast.h"

static const luaL_Reg functions[] = {
    {"socket", mcast_socket}, {"address", mcast_address},
    {"poll", mcast_poll},     {"now", mcast_now},
    {"sleep", mcast_sleep},   {"interfaces", mcast_interfaces},
    {"note", mcast_note},     {NULL, NULL}};

/* Sets functions in the table at the top, with the shared upvalues, which lie
   from index 1 on. */
static void setfuncs(lua_State *L, const luaL_Reg *list) {
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, i);
  luaL_setfuncs(L, list, MCAST_UPVALUES);
}

/* Fills the metatables and pushes the module. */
void mcast_pushmodule(lua_State *L) {
  lua_pushvalue(L, 1);
  setfuncs(L, mcast_socketmetamethods);
  lua_newtable(L);
  setfuncs(L, mcast_socketmethods);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, 2);
  setfuncs(L, mcast_addressmethods);
  lua_newtable(L);
  setfuncs(L, functions);
  mcast_pusherrno(L);
  lua_setfield(L, -2, "errno");
  lua_pushliteral(L, MCAST_VERSION);
  lua_setfield(L, -2, "_VERSION");
}
