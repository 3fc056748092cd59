/*
** The sieve: a function of the scenario side that decides which of the faults
** drawn for copies happen, where a run is shrunk or replayed. It knows a fault by
** names and numbers, as its fate does.
*/
#include "sim.h"

/* Does this fault of a copy happen? The function returns false or nil, true, or
   seconds in place of those that were drawn. */
bool sim_passes(sim_Net *net, const char *kind, const sim_Packet *p,
                const sim_Interface *to, double *seconds) {
  lua_State *L = net->L;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  sim_pushref(L, net, net->sieve);
  lua_pushstring(L, kind);
  lua_pushstring(L, p->origin->host->name);
  lua_pushinteger(L, (lua_Integer)p->number + 1);
  lua_pushstring(L, to->host->name);
  lua_pushnumber(L, *seconds);
  sim_pushref(L, net, net->payloads);
  for (int i = 0; i < SIM_PAYLOAD; i++)
    lua_rawgeti(L, -1 - i, p->data + i);
  lua_remove(L, -1 - SIM_PAYLOAD);
  sim_callscenario(L, net, 5 + SIM_PAYLOAD, 1);
  bool passes = lua_toboolean(L, -1);
  if (lua_type(L, -1) == LUA_TNUMBER)
    *seconds = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return passes;
}
