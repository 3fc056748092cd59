/*
** mcast.note in a node: an event of the trace.
*/
#include "sim.h"

/* Keeps the value of a state in the table `notes` of the node's object. */
static void keepnote(lua_State *L) {
  sim_pushref(L, sim_current->net, sim_current->object);
  if (lua_getfield(L, -1, "notes") == LUA_TTABLE) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_rawset(L, -3);
  }
  lua_pop(L, 2);
}

/* A flag, or the value of a state. */
int mcast_note(lua_State *L) {
  luaL_checkstring(L, 1);
  if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2))
    luaL_checkstring(L, 2);
  if (sim_current == NULL)
    return 0;
  lua_settop(L, 2);
  if (!lua_isnil(L, 2))
    keepnote(L);
  lua_createtable(L, 0, 5);
  lua_pushliteral(L, "note");
  lua_setfield(L, -2, "kind");
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, lua_isnil(L, 2) ? "text" : "key");
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "value");
  sim_recorddetail(L, sim_current->net, sim_current);
  return 0;
}
