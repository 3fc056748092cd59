/*
** Bounds: events in flight, events of the trace, and bytes of datagrams. A net
** beyond one of them, or without memory, raises, before the system ends the
** process.
*/
#include "sim.h"

static const sim_Node *findbusiest(const sim_Net *net) {
  const sim_Node *busiest = NULL;
  for (int i = 0; i < net->nnodes; i++)
    if (busiest == NULL || net->nodes[i]->sent > busiest->sent)
      busiest = net->nodes[i];
  return busiest;
}

/* Pushes the reason to stop, with the time and the busiest node. */
const char *sim_pushbound(lua_State *L, const sim_Net *net) {
  const sim_Node *node = findbusiest(net);
  size_t flying = net->nevents + net->nheld;
  const char *option = flying > net->most.events           ? "in_flight"
                       : net->nrecords > net->most.records ? "kept"
                       : net->bytes > net->most.bytes      ? "payload"
                                                           : NULL;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  if (option != NULL)
    lua_pushfstring(L, "the bound '%s' of sim.new is exceeded", option);
  else
    lua_pushliteral(L, "not enough memory");
  luaL_addvalue(&b);
  lua_pushfstring(L,
                  " at %f s: %I events in flight, %I events and %I bytes of "
                  "datagrams kept; the busiest node is %s, which sent %I "
                  "datagrams (a storm?)",
                  (double)net->now / SIM_SECOND, (LUAI_UACINT)flying,
                  (LUAI_UACINT)net->nrecords, (LUAI_UACINT)net->bytes,
                  node != NULL ? node->name : "none",
                  (LUAI_UACINT)(node != NULL ? node->sent : 0));
  luaL_addvalue(&b);
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

int sim_raisebound(lua_State *L, const sim_Net *net) {
  (void)sim_pushbound(L, net);
  lua_error(L);
}

static size_t checkbound(lua_State *L, int arg) {
  lua_Integer n = luaL_checkinteger(L, arg);
  luaL_argcheck(L, n > 0, arg, "out of range");
  return (size_t)n;
}

/* events in flight, events of the trace, bytes of datagrams */
static int bound_bounds(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  net->most.events = checkbound(L, 2);
  net->most.records = checkbound(L, 3);
  net->most.bytes = checkbound(L, 4);
  return 0;
}

const luaL_Reg sim_boundmethods[] = {{"bounds", bound_bounds}, {NULL, NULL}};
