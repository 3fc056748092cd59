/*
** Faults of links, LANs and the net, rules, and partitions, as a scenario sets
** them. link.c applies them.
*/
#include "sim.h"

static double optprobability(lua_State *L, sim_Faults *f, sim_Purpose purpose,
                             const char *name, double old) {
  lua_getfield(L, 3, name);
  f->set[purpose] = f->set[purpose] || !lua_isnil(L, -1);
  double value = luaL_optnumber(L, -1, old);
  lua_pop(L, 1);
  return value;
}

/* The delay at the top: {kind, a, b} or a function. */
static void readdelay(lua_State *L, const sim_Net *net, sim_Faults *f) {
  static const char *const kinds[] = {"uniform", "normal", "exponential", NULL};
  sim_unref(L, net, &f->delay.function);
  f->set[SIM_DELAY] = true;
  if (lua_isfunction(L, -1)) {
    f->delay.kind = SIM_FUNCTION;
    lua_pushvalue(L, -1);
    f->delay.function = sim_ref(L, net);
    return;
  }
  luaL_checktype(L, -1, LUA_TTABLE);
  int at = lua_gettop(L);
  lua_rawgeti(L, at, 1);
  lua_rawgeti(L, at, 2);
  lua_rawgeti(L, at, 3);
  f->delay.kind = (sim_DelayKind)luaL_checkoption(L, at + 1, NULL, kinds);
  f->delay.a = luaL_checknumber(L, at + 2);
  f->delay.b = luaL_checknumber(L, at + 3);
  lua_settop(L, at);
}

/* May a datagram from one host to another cross a router? It may go by any LAN
   of the one, and be received on any of the other. */
static bool isfar(const sim_Host *from, const sim_Host *to) {
  for (int i = 1; i < from->ninterfaces; i++)
    for (int k = 1; k < to->ninterfaces; k++)
      if (from->interfaces[i]->lan != to->interfaces[k]->lan)
        return true;
  return false;
}

/* The faults of the link from one host to another, which are made if need be at
   this place of the scenario. */
static sim_Faults *getlink(lua_State *L, sim_Net *net, sim_Host *from,
                           sim_Host *to, int place) {
  sim_Key key;
  memset(&key, 0, sizeof key);
  key.number = (uint64_t)from->id << 32 | to->id;
  sim_Link *link = sim_find(&net->links, key);
  if (link != NULL)
    return &link->faults;
  link = sim_allocate(net, sizeof *link);
  if (link == NULL || !sim_append(&net->linklist, &net->nlinks, link))
    sim_nomemory(L);
  link->from = from;
  link->to = to;
  link->place = place;
  link->faults.delay.function = LUA_NOREF;
  if (!sim_insert(&net->links, key, link)) {
    net->nlinks--;
    sim_nomemory(L);
  }
  from->nfar += isfar(from, to);
  return &link->faults;
}

/* The faults of the net (2 is nil), of a LAN, or of the link {from, to,
   place}. */
static sim_Faults *getfaults(lua_State *L, sim_Net *net) {
  if (lua_isnil(L, 2))
    return &net->faults;
  if (!lua_istable(L, 2))
    return &sim_checklan(L, net, 2)->faults;
  lua_rawgeti(L, 2, 1);
  lua_rawgeti(L, 2, 2);
  lua_rawgeti(L, 2, 3);
  sim_Host *from = sim_checkhost(L, net, -3);
  sim_Host *to = sim_checkhost(L, net, -2);
  int place = (int)luaL_checkinteger(L, -1);
  lua_pop(L, 3);
  return getlink(L, net, from, to, place);
}

/* where, {loss, bad, to_bad, to_good, duplicate, reorder, holdback, delay}: nil leaves a part as is.
   */
static int fault_faults(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  sim_Faults *f = getfaults(L, net);
  f->loss = optprobability(L, f, SIM_LOSS, "loss", f->loss);
  f->bad = optprobability(L, f, SIM_LOSS, "bad", f->bad);
  f->tobad = optprobability(L, f, SIM_LOSS, "to_bad", f->tobad);
  f->togood = optprobability(L, f, SIM_LOSS, "to_good", f->togood);
  f->duplicate = optprobability(L, f, SIM_DUPLICATE, "duplicate", f->duplicate);
  f->reorder = optprobability(L, f, SIM_REORDER, "reorder", f->reorder);
  f->holdback = optprobability(L, f, SIM_REORDER, "holdback", f->holdback);
  if (lua_getfield(L, 3, "delay") != LUA_TNIL)
    readdelay(L, net, f);
  return 0;
}

/* Sets a reference to the function at 2, or to none. */
static int setfunction(lua_State *L, const sim_Net *net, int *ref) {
  sim_unref(L, net, ref);
  if (lua_isnoneornil(L, 2))
    return 0;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  *ref = sim_ref(L, net);
  return 0;
}

/* A function that is called with each copy, or nil. */
static int fault_rules(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  return setfunction(L, net, &net->rules);
}

/* A function that is called with each fault of a copy, or nil; is the usual delay
   the mean one? Does the function decide on losses that are not drawn, too? */
static int fault_sieve(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  net->meandelays = lua_toboolean(L, 3);
  net->imposing = lua_toboolean(L, 4);
  return setfunction(L, net, &net->sieve);
}

/* From now on no two hosts have a link. Those that were are still reported. */
static int fault_unlink(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  free(net->links.entries);
  memset(&net->links, 0, sizeof net->links);
  for (int i = 0; i < net->nhosts; i++)
    net->hosts[i]->nfar = 0;
  return 0;
}

/*
** Partitions.
*/

/* Marks the hosts of the list at arg as one side of a partition. */
static void mark(lua_State *L, const sim_Net *net, int arg, int side, int bit) {
  luaL_checktype(L, arg, LUA_TTABLE);
  for (lua_Integer i = 1; lua_rawgeti(L, arg, i) != LUA_TNIL; i++) {
    sim_checkhost(L, net, -1)->severed[side] |= (uint64_t)1 << bit;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* from, to: lists of hosts; packets from one to the other are lost from now on.
   Returns the number to heal it by; nil where there are too many. */
static int fault_sever(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int bit = 0;
  while (bit < SIM_MAXPARTITIONS && net->partitions >> bit & 1)
    bit++;
  if (bit == SIM_MAXPARTITIONS)
    return 0;
  net->partitions |= (uint64_t)1 << bit;
  net->touched &= ~((uint64_t)1 << bit);
  mark(L, net, 2, 0, bit);
  mark(L, net, 3, 1, bit);
  lua_pushinteger(L, bit);
  return 1;
}

static int fault_heal(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int bit = sim_checkindex(L, 2, SIM_MAXPARTITIONS, "no such partition");
  uint64_t others = ~((uint64_t)1 << bit);
  net->partitions &= others;
  for (int i = 0; i < net->nhosts; i++) {
    net->hosts[i]->severed[0] &= others;
    net->hosts[i]->severed[1] &= others;
  }
  return 0;
}

/* host, isolated: from all others. */
static int fault_isolate(lua_State *L) {
  sim_Host *host = sim_checkhost(L, sim_checknet(L, 1), 2);
  host->isolated += lua_toboolean(L, 3) ? 1 : -1;
  return 0;
}

/*
** Has a fault touched a copy? A partition by its number, the isolation of a host,
** the link from one host to another.
*/

static int fault_severed(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  int bit = sim_checkindex(L, 2, SIM_MAXPARTITIONS, "no such partition");
  lua_pushboolean(L, (net->touched >> bit & 1) != 0);
  return 1;
}

static int fault_cut(lua_State *L) {
  lua_pushboolean(L, sim_checkhost(L, sim_checknet(L, 1), 2)->cut);
  return 1;
}

/* i: names of the hosts of the i-th link, its place in the scenario, and whether
   it has touched a copy; nil where there is none. */
static int fault_link(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > net->nlinks)
    return 0;
  const sim_Link *link = net->linklist[i - 1];
  lua_pushstring(L, link->from->name);
  lua_pushstring(L, link->to->name);
  lua_pushinteger(L, link->place);
  lua_pushboolean(L, link->faults.touched);
  return 4;
}

const luaL_Reg sim_faultmethods[] = {{"faults", fault_faults},
                                     {"latency", sim_setlatency},
                                     {"rules", fault_rules},
                                     {"sieve", fault_sieve},
                                     {"sever", fault_sever},
                                     {"heal", fault_heal},
                                     {"isolate", fault_isolate},
                                     {"severed", fault_severed},
                                     {"cut", fault_cut},
                                     {"link", fault_link},
                                     {"unlink", fault_unlink},
                                     {"letgo", sim_letgo},
                                     {NULL, NULL}};
