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

/* Passes the note to the function of the net's `noted`. */
static void passnote(lua_State *L) {
  sim_pushref(L, sim_current->net, sim_current->net->noted);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 0);
}

/* Calls the function with each note of a node from now on, while the node runs.
 */
int sim_setnoted(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  sim_unref(L, net, &net->noted);
  net->noted = sim_ref(L, net);
  return 0;
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
  if (sim_current->net->noted != LUA_NOREF)
    passnote(L);
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
