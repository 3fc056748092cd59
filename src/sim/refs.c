/*
** References from C to Lua values: luaL_ref in a table of the net. That table
** is the user value of the net's object, not in the registry, where a value
** that leads back to the net would keep both for ever.
*/
#include "sim.h"

static const char key; /* in the registry: a weak table from nets to tables */

/* The core may be loaded again. */
void sim_openrefs(lua_State *L) {
  int type = lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  lua_pop(L, 1);
  if (type != LUA_TNIL)
    return;
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

/* Makes the table of the net whose object is at the top. */
void sim_newrefs(lua_State *L, const sim_Net *net) {
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  lua_insert(L, -2);
  lua_rawsetp(L, -2, net);
  lua_pop(L, 1);
}

void sim_pushrefs(lua_State *L, const sim_Net *net) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  lua_rawgetp(L, -1, net);
  lua_remove(L, -2);
}

void sim_pushref(lua_State *L, const sim_Net *net, int ref) {
  sim_pushrefs(L, net);
  lua_rawgeti(L, -1, ref);
  lua_remove(L, -2);
}

/* A reference to the value at the top, which is popped. */
int sim_ref(lua_State *L, const sim_Net *net) {
  sim_pushrefs(L, net);
  lua_insert(L, -2);
  int ref = luaL_ref(L, -2);
  lua_pop(L, 1);
  return ref;
}

void sim_unref(lua_State *L, const sim_Net *net, int *ref) {
  sim_pushrefs(L, net);
  luaL_unref(L, -1, *ref);
  lua_pop(L, 1);
  *ref = LUA_NOREF;
}
