/*
** The life of a net, and the opener of mcast.sim.core for lua/mcast/sim.
*/
#include "sim.h"

static void freehost(sim_Host *host) {
  for (int i = 0; i < host->ninterfaces; i++) {
    free(host->interfaces[i]->addresses);
  }
  free(host->interfaces);
  free(host->changes);
  free(host->boundaries);
  free(host->flows.list);
}

static void freelan(sim_Lan *lan) {
  free(lan->routers);
  free(lan->hops);
}

static void freegroups(const sim_Net *net) {
  for (size_t i = 0; i < net->groups.capacity; i++) {
    sim_Group *g = sim_getvalue(&net->groups, i);
    if (g != NULL)
      free(g->members);
    free(g);
  }
}

static void freepackets(sim_Net *net) {
  for (sim_Packet *p = net->packets, *older; p != NULL; p = older) {
    older = p->older;
    free(p);
  }
}

static int net_gc(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  if (net->L != NULL) { /* the process ends while it runs */
    sim_endbudget(net);
    return 0;
  }
  if (net->slot < 0)
    return 0;
  net->tracing = false;
  for (int i = 0; i < net->nsockets; i++)
    if (net->sockets[i] != NULL)
      sim_closesocket(net->sockets[i]);
  sim_unregisternet(net);
  net->slot = -1;
  for (int i = 0; i < net->nhosts; i++)
    freehost(net->hosts[i]);
  for (int i = 0; i < net->nlans; i++)
    freelan(net->lans[i]);
  sim_freerecords(net);
  freegroups(net);
  sim_freetrees(net);
  freepackets(net);
  free(net->hosts), free(net->lans), free(net->nodes), free(net->sockets);
  free(net->queue.entries), free(net->receivers);
  free(net->addresses.entries), free(net->groups.entries);
  free(net->linklist), free(net->links.entries);
  free(net->mtus.entries);
  sim_freeblocks(net);
  return 0;
}

static void setdefaults(sim_Net *net) {
  sim_Faults *f = &net->faults;
  net->slot = -1;
  net->topology = 1;
  net->nextpayload = 1;
  net->most.events = net->most.records = net->most.bytes = SIZE_MAX;
  net->noted = net->rules = net->sieve = LUA_NOREF;
  net->latency = net->matrix = LUA_NOREF;
  net->process = net->installed = LUA_NOREF;
  memset(f->set, true, sizeof f->set);
  f->delay.a = f->delay.b = 0.0001;
  f->delay.function = LUA_NOREF;
}

/* A reference to a copy of the value at an index. */
static int refvalue(lua_State *L, const sim_Net *net, int index) {
  lua_pushvalue(L, index);
  return sim_ref(L, net);
}

/* With the net itself, so that a socket, which has the payloads, keeps its net.
   */
static int newpayloads(lua_State *L, const sim_Net *net) {
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 0);
  return sim_ref(L, net);
}

/* new(seed, tracing, budget, began, ended, strings): budget is in seconds; began
   and ended are functions of a node's object, its status and a message; strings
   is the metatable of strings of nodes without their own. */
static int net_new(lua_State *L) {
  lua_Integer seed = luaL_checkinteger(L, 1);
  int64_t budget = sim_checktime(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  luaL_checktype(L, 5, LUA_TFUNCTION);
  luaL_checktype(L, 6, LUA_TTABLE);
  sim_Net *net = lua_newuserdatauv(L, sizeof *net, 1);
  memset(net, 0, sizeof *net);
  setdefaults(net);
  luaL_setmetatable(L, SIM_NET);
  net->seed = (uint64_t)seed;
  net->tracing = lua_toboolean(L, 2);
  net->budget = budget;
  sim_newrefs(L, net);
  net->payloads = newpayloads(L, net);
  lua_newtable(L);
  net->details = sim_ref(L, net);
  net->began = refvalue(L, net, 4);
  net->ended = refvalue(L, net, 5);
  net->strings = refvalue(L, net, 6);
  if (sim_registernet(net))
    return 1;
  lua_gc(L, LUA_GCCOLLECT);
  if (!sim_registernet(net))
    return luaL_error(L, "new: too many nets");
  return 1;
}

/* The stream of the scenario whose number or name is at an index. */
static sim_Stream findstream(lua_State *L, const sim_Net *net, int index) {
  if (lua_type(L, index) == LUA_TSTRING)
    return sim_newstream(net->seed, UINT64_MAX - 1,
                         sim_hashname(lua_tostring(L, index)));
  return sim_newstream(net->seed, UINT64_MAX,
                       (uint64_t)luaL_checkinteger(L, index));
}

/* Draws from a stream of the scenario; from that of the net's new seed, once it
   has one. Upvalues: net, number or name, seed, the function that draws. */
static int drawstream(lua_State *L) {
  const sim_Net *net = sim_checknet(L, lua_upvalueindex(1));
  if ((uint64_t)lua_tointeger(L, lua_upvalueindex(3)) != net->seed) {
    sim_pushrandom(L, findstream(L, net, lua_upvalueindex(2)));
    lua_replace(L, lua_upvalueindex(4));
    lua_pushinteger(L, (lua_Integer)net->seed);
    lua_replace(L, lua_upvalueindex(3));
  }
  lua_pushvalue(L, lua_upvalueindex(4));
  lua_call(L, 0, 1);
  return 1;
}

/* number or name: returns a function that draws from this stream of the scenario.
   */
static int net_stream(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  sim_Stream s = findstream(L, net, 2);
  lua_settop(L, 2);
  lua_pushinteger(L, (lua_Integer)net->seed);
  sim_pushrandom(L, s);
  lua_pushcclosure(L, drawstream, 4);
  return 1;
}

/* seed: all draws are those of another seed from now on. Numbers that a script
   has seeded itself stay its own. */
static int net_reseed(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  net->seed = (uint64_t)luaL_checkinteger(L, 2);
  for (int i = 0; i < net->nnodes; i++)
    if (!net->nodes[i]->seeded)
      sim_seednode(net->nodes[i]);
  if (net->priorities.interval > 0)
    sim_setpriorities(net);
  return 0;
}

/* From now on priorities of links and hosts decide which copies are late. */
static int net_prioritize(lua_State *L) {
  sim_setpriorities(sim_checknet(L, 1));
  return 0;
}

/* bytes of the receive buffer of sockets made from now on */
static int net_setrcvbuf(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  lua_Integer bytes = luaL_checkinteger(L, 2);
  luaL_argcheck(L, 0 < bytes && bytes <= INT32_MAX, 2, "out of range");
  net->rcvbuf = (int)bytes;
  return 0;
}

static const luaL_Reg methods[] = {
    {"stream", net_stream},         {"reseed", net_reseed},
    {"prioritize", net_prioritize}, {"setrcvbuf", net_setrcvbuf},
    {"noted", sim_setnoted},        {NULL, NULL}};

static void setmethods(lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  luaL_setfuncs(L, sim_topologymethods, 0);
  luaL_setfuncs(L, sim_faultmethods, 0);
  luaL_setfuncs(L, sim_boundmethods, 0);
  luaL_setfuncs(L, sim_nodemethods, 0);
  luaL_setfuncs(L, sim_stringsmethods, 0);
  luaL_setfuncs(L, sim_schedulermethods, 0);
  luaL_setfuncs(L, sim_tracemethods, 0);
  lua_setfield(L, -2, "__index");
}

__attribute__((visibility("default"))) int
luaopen_mcast_sim_core(lua_State *L) {
  luaL_checkversion(L);
  luaL_newmetatable(L, SIM_NET);
  lua_pushcfunction(L, net_gc);
  lua_setfield(L, -2, "__gc");
  setmethods(L);
  luaL_newmetatable(L, SIM_HELD);
  lua_pop(L, 1);
  sim_openrefs(L);
  lua_newtable(L);
  lua_pushcfunction(L, net_new);
  lua_setfield(L, -2, "new");
  luaL_setfuncs(L, sim_nodefunctions, 0);
  luaL_setfuncs(L, sim_coroutinefunctions, 0);
  luaL_setfuncs(L, sim_textfunctions, 0);
  luaL_setfuncs(L, sim_boxfunctions, 0);
  luaL_setfuncs(L, sim_randomfunctions, 0);
  sim_setpairs(L);
  sim_setranges(L);
  sim_pushmodule(L);
  lua_setfield(L, -2, "module");
  return 1;
}
