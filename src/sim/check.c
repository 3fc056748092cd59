/*
** Checks of arguments, and of the running node. Hosts, LANs and nodes are
** numbers from 0 on.
*/
#include "sim.h"

_Thread_local sim_Node *sim_current;

int sim_nomemory(lua_State *L) { luaL_error(L, "not enough memory"); }

sim_Net *sim_checknet(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SIM_NET);
}

int sim_checkindex(lua_State *L, int arg, int count, const char *message) {
  lua_Integer i = luaL_checkinteger(L, arg);
  luaL_argcheck(L, 0 <= i && i < count, arg, message);
  return (int)i;
}

sim_Host *sim_checkhost(lua_State *L, const sim_Net *net, int arg) {
  return net->hosts[sim_checkindex(L, arg, net->nhosts, "no such host")];
}

sim_Lan *sim_checklan(lua_State *L, const sim_Net *net, int arg) {
  return net->lans[sim_checkindex(L, arg, net->nlans, "no such LAN")];
}

sim_Node *sim_checknode(lua_State *L, const sim_Net *net, int arg) {
  return net->nodes[sim_checkindex(L, arg, net->nnodes, "no such node")];
}

/* Seconds. */
int64_t sim_checktime(lua_State *L, int arg) {
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, seconds >= 0, arg, "seconds of 0 or more expected");
  return seconds <= SIM_LAST ? sim_nanoseconds(seconds) : SIM_NEVER;
}

/* The running node; name is that of the function which needs one. */
sim_Node *sim_checkcurrent(lua_State *L, const char *name) {
  if (sim_current == NULL)
    luaL_error(L, "%s: no node is running", name);
  return sim_current;
}
