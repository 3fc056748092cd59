/*
** A link: the way of a copy from one interface to another. Partition, rule,
** loss, duplication, delay and reordering act on it, in this order. A rule may
** hold it: it is let go later.
**
** Links and partitions hold between the sender's host and the last receiver's,
** also across routers. A fault that such a link sets acts on the last LAN, in
** place of those of the LANs on the way. A group's datagram crosses a router once
** for all receivers, so what the LANs on the way do to it cannot be done to the
** datagram itself, where some receiver has a link from its sender: a carrier
** crosses then, without loss and delay, and brings them along for the receivers
** without a link. Copies to the sockets of routers are apart from carriers.
*/
#include "sim.h"

typedef struct Copy {
  sim_Interface *from;
  sim_Interface *to;
  sim_Packet *p;
  int ttl;
  int64_t start;
  sim_Leg leg;
  bool lost;               /* a carrier, for receivers without a link */
  bool extra;              /* a duplicate */
  bool timed;              /* its delay is that between the ends */
  const sim_Host *last;    /* the last receiver's host; NULL: several */
  const sim_Faults *link;  /* from the sender's host to the last receiver's */
  const sim_Faults *local; /* from host to host on this LAN */
} Copy;

static sim_Faults *findlink(const sim_Host *from, const sim_Host *to) {
  sim_Key key;
  memset(&key, 0, sizeof key);
  key.number = (uint64_t)from->id << 32 | to->id;
  sim_Link *link = sim_find(&from->net->links, key);
  return link != NULL ? &link->faults : NULL;
}

/* The host of the last receiver; NULL where a group may have several. */
static const sim_Host *findlast(const sim_Interface *to, const sim_Packet *p,
                                sim_Leg leg) {
  if (leg == SIM_FINAL)
    return to->host;
  if (mcast_ismulticast(&p->to))
    return NULL;
  const sim_Interface *owner =
      sim_find(&to->net->addresses, sim_key(&p->to, 0));
  return owner != NULL ? owner->host : NULL;
}

/* The link that a copy goes by. */
static const sim_Faults *uselink(const sim_Host *from, const sim_Host *to) {
  sim_Faults *f = findlink(from, to);
  if (f != NULL)
    f->touched = true;
  return f;
}

SIM_HOT static void findlinks(Copy *c) {
  const sim_Net *net = c->from->net;
  const sim_Host *origin = c->p->origin->host;
  if (net->nlinks == 0 && !sim_haslatencies(net))
    return;
  if (c->leg != SIM_FINAL || origin != c->from->host)
    c->local = uselink(c->from->host, c->to->host);
  c->last = findlast(c->to, c->p, c->leg);
  if (c->last != NULL)
    c->link = uselink(origin, c->last);
}

/* Does the link between the ends set it? */
static bool isset(const Copy *c, sim_Purpose purpose) {
  return c->link != NULL && c->link->set[purpose];
}

/* The faults that set the purpose, of the link between the ends, of that on this
   LAN, of the LAN, or of the net. */
SIM_HOT static const sim_Faults *findfaults(const Copy *c,
                                            sim_Purpose purpose) {
  static const sim_Faults none;
  if (isset(c, purpose))
    return c->leg == SIM_FINAL ? c->link : &none;
  if (c->local != NULL && c->local->set[purpose])
    return c->local;
  const sim_Lan *lan = c->from->lan;
  return lan->faults.set[purpose] ? &lan->faults : &lan->net->faults;
}

static void drop(const Copy *c, const char *reason) {
  sim_record(c->to->net, SIM_DROP, NULL, c->to, c->p, c->ttl, reason);
}

/*
** Carriers.
*/

/* Is the router on the way from one LAN to another? */
static bool isonway(sim_Lan *from, const sim_Lan *to,
                    const sim_Interface *router) {
  const sim_Hop *hop = NULL;
  for (; to != from && (hop == NULL || hop->in != router); to = hop->in->lan) {
    hop = sim_lasthop(from, to);
    if (hop == NULL)
      return false;
  }
  return hop != NULL && hop->in == router;
}

/* Is a member on this LAN whom the packet reaches, lost as it is? */
static bool haslinked(const sim_Lan *lan, const sim_Packet *p) {
  const sim_Group *g = sim_find(&lan->net->groups, sim_key(&p->to, lan->id));
  for (int i = 0; g != NULL && i < g->count; i++) {
    const sim_Interface *m = g->members[i];
    const sim_Faults *f = m != NULL ? findlink(p->origin->host, m->host) : NULL;
    if (f != NULL && f->set[SIM_LOSS])
      return true;
  }
  return false;
}

static bool islinkedbehind(const sim_Interface *router, const sim_Packet *p) {
  const sim_Net *net = router->net;
  for (int i = 0; i < net->nlans; i++)
    if (net->lans[i] != p->origin->lan && haslinked(net->lans[i], p) &&
        isonway(p->origin->lan, net->lans[i], router))
      return true;
  return false;
}

static int64_t add(int64_t a, int64_t b) {
  return a < SIM_NEVER - b ? a + b : SIM_NEVER;
}

/* A carrier, which brings along these and the delays that the packet has
   already. */
static sim_Packet *newcarrier(const Copy *c, int64_t delay, int64_t held) {
  sim_Packet *new = sim_newcarrier(c->to->net, c->p);
  if (new == NULL)
    return NULL;
  new->delayed = add(c->p->delayed, delay);
  new->held = add(c->p->held, held);
  new->lost = c->lost;
  new->extra = c->p->extra || c->extra;
  return new;
}

/*
** Copies.
*/

SIM_HOT static bool push(const Copy *c, int64_t delay, sim_Packet *p) {
  return sim_pushpacket(SIM_ARRIVE, add(c->start, delay), c->to, p, c->ttl);
}

/* With the delays that a carrier has brought along. */
SIM_HOT static void pushlast(const Copy *c, int64_t delay) {
  sim_Packet *whole = c->p->whole != NULL ? c->p->whole : c->p;
  if (c->p->whole != NULL && !c->timed)
    delay = add(delay, c->p->delayed);
  if (c->p->whole != NULL && !isset(c, SIM_REORDER))
    delay = add(delay, c->p->held);
  if (!push(c, delay, whole))
    c->from->net->exhausted = true;
}

/* By carriers, delays of LANs are brought along; those of rules are waited for.
   */
SIM_HOT static void pushcopy(const Copy *c, double delay, double held,
                             double wait) {
  int64_t all[] = {sim_nanoseconds(delay), sim_nanoseconds(held),
                   sim_nanoseconds(wait)};
  if (c->leg != SIM_CARRIER) {
    pushlast(c, add(add(all[0], all[1]), all[2]));
    return;
  }
  sim_Packet *carrier = newcarrier(c, all[0], all[1]);
  if (carrier == NULL || !push(c, all[2], carrier))
    c->from->net->exhausted = true;
  if (carrier != NULL)
    sim_release(c->to->net, carrier);
}

/* The latency between the ends, where it is known, and no link sets it. */
static bool findlatency(const Copy *c, sim_Stream *s, double *seconds) {
  sim_Net *net = c->to->net;
  return !isset(c, SIM_DELAY) && c->last != NULL && sim_haslatencies(net) &&
         sim_findlatency(net, c->p->origin->host, c->last, s, seconds);
}

/* The delay of the link between the ends, else their latency, else that of the
   LAN. */
SIM_HOT static inline double drawdelay(Copy *c, sim_Stream *s) {
  double seconds;
  bool known = findlatency(c, s, &seconds);
  c->timed = known || isset(c, SIM_DELAY);
  if (known)
    return c->leg == SIM_FINAL ? seconds : 0;
  return sim_drawdelay(&findfaults(c, SIM_DELAY)->delay, c->to->net, s);
}

/* Where priorities decide, several are drawn. */
static double drawprioritized(Copy *c, sim_Stream *s) {
  double drawn[SIM_DRAWS];
  for (int i = 0; i < SIM_DRAWS; i++)
    drawn[i] = drawdelay(c, s);
  return sim_prioritize(c->to->net, c->p, c->to, drawn);
}

/* Does the fault happen? */
static bool passes(const Copy *c, const char *kind, double *seconds) {
  return c->to->net->sieve == LUA_NOREF ||
         sim_passes(c->to->net, kind, c->p, c->to, seconds);
}

/* The delay of a copy that is neither late nor early. Latencies and functions
   have none. */
static double usualdelay(const Copy *c, double drawn) {
  const sim_Delay *d = &findfaults(c, SIM_DELAY)->delay;
  bool islatency = c->timed && !isset(c, SIM_DELAY);
  return islatency || d->kind == SIM_FUNCTION ? drawn
                                              : sim_usualdelay(d, c->to->net);
}

/* A copy that may not be late or early has the usual delay. */
static void siftdelay(const Copy *c, double *delay, double *held) {
  double usual = usualdelay(c, *delay), drawn = *delay + *held, seconds = drawn;
  const char *kind = seconds < usual ? "early" : "late";
  if (c->extra)
    kind = seconds < usual ? "early double" : "late double";
  if (seconds == usual)
    return;
  if (!passes(c, kind, &seconds))
    seconds = usual;
  if (seconds != drawn) {
    *delay = seconds;
    *held = 0;
  }
}

/* Sends so many copies, each with a delay of its own. */
SIM_HOT static void delaycopies(Copy *c, int count) {
  const sim_Faults *reorder = findfaults(c, SIM_REORDER);
  bool prioritized = c->to->net->priorities.interval > 0;
  sim_Stream delays = sim_copystream(c->p, c->to, SIM_DELAY);
  sim_Stream reorders =
      reorder->reorder > 0 ? sim_copystream(c->p, c->to, SIM_REORDER) : 0;
  for (int i = 0; i < count; i++) {
    double delay =
        prioritized ? drawprioritized(c, &delays) : drawdelay(c, &delays);
    double held = 0;
    if (sim_happens(reorder->reorder, &reorders))
      held = reorder->holdback * sim_uniform(&reorders);
    c->extra = i > 0;
    if (c->to->net->sieve != LUA_NOREF)
      siftdelay(c, &delay, &held);
    pushcopy(c, delay, held, 0);
  }
}

SIM_HOT static inline bool issevered(const Copy *c) {
  return sim_issevered(c->from->host, c->to->host) ||
         (c->leg == SIM_FINAL &&
          sim_issevered(c->p->origin->host, c->to->host));
}

/*
** Copies that are held. The scenario has an object for each, which keeps the
** net alive.
*/

/* Holds it; the function at an index is called with the object. */
static void hold(const Copy *c, int function) {
  sim_Net *net = c->to->net;
  lua_State *L = net->L;
  lua_pushvalue(L, function);
  Copy *held = lua_newuserdatauv(L, sizeof *held, 1);
  *held = *c;
  luaL_setmetatable(L, SIM_HELD);
  sim_pushref(L, net, net->payloads);
  lua_rawgeti(L, -1, 0); /* the net */
  lua_setiuservalue(L, -3, 1);
  lua_pop(L, 1);
  c->p->refs++;
  net->nheld++;
  sim_callscenario(L, net, 1, 0);
}

/* Lets it go: it arrives now, whatever its delays. */
static void letgo(Copy *c) {
  c->start = c->to->net->now;
  if (issevered(c))
    drop(c, "partition");
  else if (c->leg == SIM_CARRIER)
    pushcopy(c, 0, 0, 0);
  else if (!push(c, 0, c->p->whole != NULL ? c->p->whole : c->p))
    c->from->net->exhausted = true;
}

/* net, object: returns false where it was let go before. */
int sim_letgo(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  Copy *c = luaL_checkudata(L, 2, SIM_HELD);
  luaL_argcheck(L, c->to->net == net, 2, "it is held in another net");
  bool held = c->p != NULL;
  if (held) {
    letgo(c);
    sim_release(net, c->p);
    net->nheld--;
    c->p = NULL;
  }
  lua_pushboolean(L, held);
  return 1;
}

/*
** Rules: a function of the scenario is called with the copy and a source of
** random numbers. It returns nil, false, or delays; or nil and a function: the
** copy is held.
*/

static void pusharguments(lua_State *L, const Copy *c) {
  lua_createtable(L, 0, 9);
  sim_setpacket(L, c->to->net, c->p, c->ttl);
  lua_pushstring(L, c->from->host->name);
  lua_setfield(L, -2, "sender");
  lua_pushstring(L, c->to->host->name);
  lua_setfield(L, -2, "receiver");
  lua_pushstring(L, c->from->lan->name);
  lua_setfield(L, -2, "lan");
  lua_pushnumber(L, (double)c->to->net->now / SIM_SECOND);
  lua_setfield(L, -2, "time");
}

/* Does the delay that the link or the latency between the ends has replace those
   that a carrier has brought along, though a rule decides? */
static bool istimed(const Copy *c) {
  double seconds;
  sim_Stream s = sim_copystream(c->p, c->to, SIM_DELAY);
  return isset(c, SIM_DELAY) ||
         (c->p->whole != NULL && findlatency(c, &s, &seconds));
}

/* True where a rule has decided. */
static bool copybyrule(Copy *c) {
  sim_Net *net = c->to->net;
  lua_State *L = net->L;
  int top = lua_gettop(L);
  sim_pushref(L, net, net->rules);
  pusharguments(L, c);
  sim_pushrandom(L, sim_copystream(c->p, c->to, SIM_RULE));
  sim_callscenario(L, net, 2, LUA_MULTRET);
  int n = lua_gettop(L) - top;
  bool lost = !lua_toboolean(L, top + 1);
  bool held = lua_isnil(L, top + 1) && lua_isfunction(L, top + 2);
  double none = 0;
  bool decided = n > 0 && (held || !lua_isnil(L, top + 1)) &&
                 passes(c,
                        held   ? "held"
                        : lost ? "lost by a rule"
                               : "delayed by a rule",
                        &none);
  if (decided && held)
    hold(c, top + 2);
  else if (decided && lost)
    drop(c, "rule");
  else if (decided)
    c->timed = istimed(c);
  for (int i = 1; decided && i <= n && lua_toboolean(L, top + 1); i++) {
    int isnumber;
    double delay = lua_tonumberx(L, top + i, &isnumber);
    if (!isnumber || !(delay >= 0))
      luaL_error(L, "rule returned '%s' (nil, false or delays >= 0 expected)",
                 luaL_tolstring(L, top + i, NULL));
    pushcopy(c, 0, 0, delay);
  }
  lua_settop(L, top);
  return decided;
}

/* Has a LAN on the way of a carrier lost it for a receiver without a link, or for
   all behind a router, or duplicated it for a receiver with a link? */
SIM_HOT static bool ismissing(const Copy *c) {
  if (c->leg == SIM_CARRIER)
    return c->lost && !islinkedbehind(c->to, c->p);
  return c->leg == SIM_FINAL && ((c->p->lost && !isset(c, SIM_LOSS)) ||
                                 (c->p->extra && isset(c, SIM_DUPLICATE)));
}

SIM_HOT static bool isdoubled(const Copy *c) {
  double probability = findfaults(c, SIM_DUPLICATE)->duplicate;
  if (c->lost || probability <= 0)
    return false;
  sim_Stream s = sim_copystream(c->p, c->to, SIM_DUPLICATE);
  double none = 0;
  return sim_happens(probability, &s) && passes(c, "doubled", &none);
}

/* Is it lost to all? A carrier that is lost goes on to receivers with a link. */
SIM_HOT static bool islost(Copy *c) {
  const sim_Faults *f = findfaults(c, SIM_LOSS);
  double none = 0;
  if (c->lost)
    return false;
  bool drawn = sim_drawloss(f, c->to->net, c->p, c->to,
                            sim_countfragments(c->p, c->from));
  if (!(drawn || c->to->net->imposing) ||
      !passes(c, drawn ? "lost" : "not lost", &none))
    return false;
  drop(c, "loss");
  c->lost = c->leg == SIM_CARRIER && islinkedbehind(c->to, c->p);
  return !c->lost;
}

/* Sends a copy that is on the wire from start on. */
void sim_copy(sim_Interface *from, sim_Interface *to, sim_Packet *p, int ttl,
              int64_t start, sim_Leg leg) {
  Copy c = {.from = from,
            .to = to,
            .p = p,
            .ttl = ttl,
            .start = start,
            .leg = leg,
            .lost = leg == SIM_CARRIER && p->lost};
  findlinks(&c);
  if (ismissing(&c))
    return;
  if (issevered(&c)) {
    drop(&c, "partition");
    return;
  }
  if (from->net->rules != LUA_NOREF && copybyrule(&c))
    return;
  if (!islost(&c))
    delaycopies(&c, isdoubled(&c) ? 2 : 1);
}
