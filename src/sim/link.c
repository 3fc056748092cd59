/*
** A link: the way of a copy from one interface to another. Partition, rule,
** loss, duplication, delay and reordering act on it, in this order.
*/
#include "sim.h"

static bool issevered(const sim_Host *from, const sim_Host *to) {
  return from->isolated > 0 || to->isolated > 0 ||
         (from->severed[0] & to->severed[1]) != 0;
}

/* The faults of this link, of its LAN or of the net that set the purpose. */
static const sim_Faults *findfaults(const sim_Interface *from,
                                    const sim_Interface *to,
                                    sim_Purpose purpose) {
  const sim_Net *net = from->net;
  if (net->nlinks > 0) {
    sim_Key key;
    memset(&key, 0, sizeof key);
    key.number = (uint64_t)from->host->id << 32 | to->host->id;
    const sim_Faults *f = sim_find(&net->links, key);
    if (f != NULL && f->set[purpose])
      return f;
  }
  return from->lan->faults.set[purpose] ? &from->lan->faults : &net->faults;
}

/* The numbers of a copy: they depend on its packet's fate and its receiver's
   name, and not on other copies. */
static sim_Stream newstream(const sim_Packet *p, const sim_Interface *to,
                            sim_Purpose purpose) {
  return sim_newstream(p->fate, to->host->hash, purpose);
}

/*
** Delay.
*/

/* A function of the scenario returns the delay; it may draw from the stream. */
static double calldelay(sim_Net *net, int function, sim_Stream *s) {
  lua_State *L = net->L;
  sim_pushref(L, net, function);
  sim_pushrandom(L, sim_draw(s));
  lua_call(L, 1, 1);
  int isnumber;
  double seconds = lua_tonumberx(L, -1, &isnumber);
  if (!isnumber || !(seconds >= 0))
    luaL_error(L, "delay function returned '%s' (number >= 0 expected)",
               luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  return seconds;
}

static double getdelay(const sim_Delay *d, sim_Net *net, sim_Stream *s) {
  switch (d->kind) {
  case SIM_NORMAL:
    return d->a + d->b * sim_normal(s);
  case SIM_EXPONENTIAL:
    return d->a + d->b * sim_exponential(s);
  case SIM_FUNCTION:
    return calldelay(net, d->function, s);
  default:
    return d->a == d->b ? d->a : d->a + (d->b - d->a) * sim_uniform(s);
  }
}

/*
** Loss.
*/

/* The fragments of a packet, which is lost with any of them. */
static int countfragments(const sim_Packet *p, int mtu) {
  size_t header = p->to.sa.sa_family == AF_INET ? 20 : 40;
  size_t fragment = p->to.sa.sa_family == AF_INET ? 0 : 8; /* its own header */
  size_t room = ((size_t)mtu - header - fragment) & ~(size_t)7;
  if (p->size + 8 + header <= (size_t)mtu)
    return 1;
  return (int)((p->size + 8 + room - 1) / room);
}

static bool islost(const sim_Interface *from, const sim_Interface *to,
                   const sim_Packet *p) {
  double loss = findfaults(from, to, SIM_LOSS)->loss;
  sim_Stream s = newstream(p, to, SIM_LOSS);
  bool lost = false;
  if (loss > 0)
    for (int n = countfragments(p, from->mtu); n > 0 && !lost; n--)
      lost = sim_uniform(&s) < loss;
  return lost;
}

static bool happens(double probability, sim_Stream *s) {
  return probability > 0 && sim_uniform(s) < probability;
}

static void pushcopy(sim_Interface *to, sim_Packet *p, int ttl, int64_t time) {
  if (!sim_pushpacket(SIM_ARRIVE, time, to, p, ttl))
    sim_record(to->net, SIM_DROP, NULL, to, p, ttl, "memory");
}

/* Sends so many copies, each with a delay of its own. */
static void delaycopies(const sim_Interface *from, sim_Interface *to,
                        sim_Packet *p, int ttl, int64_t start, int count) {
  const sim_Faults *reorder = findfaults(from, to, SIM_REORDER);
  sim_Stream delays = newstream(p, to, SIM_DELAY);
  sim_Stream reorders = newstream(p, to, SIM_REORDER);
  for (int i = 0; i < count; i++) {
    double delay =
        getdelay(&findfaults(from, to, SIM_DELAY)->delay, from->net, &delays);
    if (happens(reorder->reorder, &reorders))
      delay += reorder->holdback * sim_uniform(&reorders);
    pushcopy(to, p, ttl, sim_later(start, delay));
  }
}

/*
** Rules: a function of the scenario is called with the copy and a source of
** random numbers, and returns nil, false, or delays.
*/

static void pusharguments(lua_State *L, const sim_Interface *from,
                          const sim_Interface *to, const sim_Packet *p,
                          int ttl) {
  lua_createtable(L, 0, 9);
  sim_setpacket(L, from->net, p, ttl);
  lua_pushstring(L, from->host->name);
  lua_setfield(L, -2, "sender");
  lua_pushstring(L, to->host->name);
  lua_setfield(L, -2, "receiver");
  lua_pushstring(L, from->lan->name);
  lua_setfield(L, -2, "lan");
  lua_pushnumber(L, (double)from->net->now / SIM_SECOND);
  lua_setfield(L, -2, "time");
}

/* True where a rule has decided. */
static bool copybyrule(const sim_Interface *from, sim_Interface *to,
                       sim_Packet *p, int ttl, int64_t start) {
  lua_State *L = from->net->L;
  int top = lua_gettop(L);
  sim_pushref(L, from->net, from->net->rules);
  pusharguments(L, from, to, p, ttl);
  sim_pushrandom(L, newstream(p, to, SIM_RULE));
  lua_call(L, 2, LUA_MULTRET);
  int n = lua_gettop(L) - top;
  bool decided = n > 0 && !lua_isnil(L, top + 1);
  if (decided && !lua_toboolean(L, top + 1))
    sim_record(from->net, SIM_DROP, NULL, to, p, ttl, "rule");
  for (int i = 1; decided && i <= n && lua_toboolean(L, top + 1); i++) {
    int isnumber;
    double delay = lua_tonumberx(L, top + i, &isnumber);
    if (!isnumber || !(delay >= 0))
      luaL_error(L, "rule returned '%s' (nil, false or delays >= 0 expected)",
                 luaL_tolstring(L, top + i, NULL));
    pushcopy(to, p, ttl, sim_later(start, delay));
  }
  lua_settop(L, top);
  return decided;
}

/* Sends a copy that is on the wire from start on. */
void sim_copy(sim_Interface *from, sim_Interface *to, sim_Packet *p, int ttl,
              int64_t start) {
  sim_Net *net = from->net;
  if (issevered(from->host, to->host)) {
    sim_record(net, SIM_DROP, NULL, to, p, ttl, "partition");
    return;
  }
  if (net->rules != LUA_NOREF && copybyrule(from, to, p, ttl, start))
    return;
  if (islost(from, to, p)) {
    sim_record(net, SIM_DROP, NULL, to, p, ttl, "loss");
    return;
  }
  sim_Stream duplicates = newstream(p, to, SIM_DUPLICATE);
  bool twice =
      happens(findfaults(from, to, SIM_DUPLICATE)->duplicate, &duplicates);
  delaycopies(from, to, p, ttl, start, twice ? 2 : 1);
}
