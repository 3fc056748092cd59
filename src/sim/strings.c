/*
** The metatable of strings. A process has one: that of the running node is
** installed, or the process's own, while a function of the scenario runs.
*/
#include "sim.h"

/* Installs the metatable of a reference, until the next one is installed. */
void sim_installstrings(lua_State *L, sim_Net *net, int ref) {
  if (net->installed == ref)
    return;
  net->installed = ref;
  lua_pushliteral(L, "");
  sim_pushref(L, net, ref);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* Keeps the process's own for a run. */
void sim_keepstrings(lua_State *L, sim_Net *net) {
  lua_pushliteral(L, "");
  if (!lua_getmetatable(L, -1))
    lua_pushnil(L);
  net->process = net->installed = sim_ref(L, net);
  lua_pop(L, 1);
}

/* The run has ended. */
void sim_releasestrings(lua_State *L, sim_Net *net) {
  sim_installstrings(L, net, net->process);
  sim_unref(L, net, &net->process);
}

/* Calls a function of the scenario, while no node runs. */
void sim_callscenario(lua_State *L, sim_Net *net, int arguments, int results) {
  sim_installstrings(L, net, net->process);
  lua_call(L, arguments, results);
}

/* outside(f, ...): calls a function of the scenario while a node of the net may
   run. */
static int strings_outside(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int before = net->installed;
  sim_installstrings(L, net, net->process);
  int status = lua_pcall(L, lua_gettop(L) - 2, 0, 0);
  sim_installstrings(L, net, before);
  return status == LUA_OK ? 0 : lua_error(L);
}

const luaL_Reg sim_stringsmethods[] = {{"outside", strings_outside},
                                       {NULL, NULL}};
