/*
** mcast.sim.core: nets for lua/mcast/sim, which is the interface for people.
** Hosts, LANs and nodes are numbers here, from 0 on.
*/
#include "sim.h"

#define NET "mcast.sim.net"
#define STANDSTILL 50000000 /* events at one time: it does not go on */

sim_Net *sim_checknet(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, NET);
}

static int nomemory(lua_State *L) { return luaL_error(L, "not enough memory"); }

static char *copytext(lua_State *L, sim_Net *net, const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = sim_allocate(net, size);
  if (copy == NULL) {
    nomemory(L);
    return NULL;
  }
  return memcpy(copy, text, size);
}

static int checkindex(lua_State *L, int arg, int count, const char *what) {
  lua_Integer i = luaL_checkinteger(L, arg);
  luaL_argcheck(L, 0 <= i && i < count, arg, what);
  return (int)i;
}

static sim_Host *checkhost(lua_State *L, const sim_Net *net, int arg) {
  return net->hosts[checkindex(L, arg, net->nhosts, "no such host")];
}

static sim_Lan *checklan(lua_State *L, const sim_Net *net, int arg) {
  return net->lans[checkindex(L, arg, net->nlans, "no such LAN")];
}

static sim_Node *checknode(lua_State *L, const sim_Net *net, int arg) {
  return net->nodes[checkindex(L, arg, net->nnodes, "no such node")];
}

static sim_Interface *checkinterface(lua_State *L, const sim_Host *host,
                                     int arg) {
  int i = checkindex(L, arg, host->ninterfaces + 1, "no such interface");
  luaL_argcheck(L, i > 0, arg, "no such interface");
  return host->interfaces[i - 1];
}

static int64_t checktime(lua_State *L, int arg) {
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, seconds >= 0, arg, "seconds of 0 or more expected");
  return seconds <= SIM_LAST ? sim_nanoseconds(seconds) : SIM_NEVER;
}

/*
** A net's life.
*/

static void freehost(sim_Host *host) {
  for (int i = 0; i < host->ninterfaces; i++) {
    free(host->interfaces[i]->addresses);
  }
  free(host->interfaces);
  free(host->boundaries);
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

static void freelinks(const sim_Net *net) {
  for (size_t i = 0; i < net->links.capacity; i++)
    free(sim_getvalue(&net->links, i));
}

static void freepackets(sim_Net *net) {
  for (sim_Packet *p = net->packets, *older; p != NULL; p = older) {
    older = p->older;
    free(p);
  }
}

/*
** What a net holds of Lua's: the user value of its object, not the registry, in
** which what leads back to the net would keep it for ever.
*/

static const char holdings; /* the key of a weak table: net to holdings */

static void newholdings(lua_State *L, const sim_Net *net) {
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, -3, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &holdings);
  lua_insert(L, -2);
  lua_rawsetp(L, -2, net);
  lua_pop(L, 1);
}

void sim_pushholdings(lua_State *L, const sim_Net *net) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &holdings);
  lua_rawgetp(L, -1, net);
  lua_remove(L, -2);
}

void sim_pushheld(lua_State *L, const sim_Net *net, int reference) {
  sim_pushholdings(L, net);
  lua_rawgeti(L, -1, reference);
  lua_remove(L, -2);
}

/* Holds the value at the top, which it pops. */
static int hold(lua_State *L, const sim_Net *net) {
  sim_pushholdings(L, net);
  lua_insert(L, -2);
  int reference = luaL_ref(L, -2);
  lua_pop(L, 1);
  return reference;
}

static void unhold(lua_State *L, const sim_Net *net, int *reference) {
  sim_pushholdings(L, net);
  luaL_unref(L, -1, *reference);
  lua_pop(L, 1);
  *reference = LUA_NOREF;
}

static int net_gc(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  if (net->slot < 0)
    return 0;
  net->tracing = false;
  for (int i = 0; i < net->nsockets; i++)
    if (net->sockets[i] != NULL)
      sim_closesocket(net->sockets[i]);
  sim_unregisternet(net);
  net->slot = -1;
  for (int i = 0; i < net->nnodes; i++) {
  }
  for (int i = 0; i < net->nhosts; i++)
    freehost(net->hosts[i]);
  for (int i = 0; i < net->nlans; i++)
    freelan(net->lans[i]);
  sim_freerecords(net);
  freegroups(net);
  freelinks(net);
  freepackets(net);
  free(net->hosts), free(net->lans), free(net->nodes), free(net->sockets);
  free(net->events), free(net->timers);
  free(net->addresses.entries), free(net->groups.entries);
  free(net->links.entries);
  sim_freeblocks(net);
  return 0;
}

static void setdefaults(sim_Net *net) {
  sim_Faults *f = &net->faults;
  memset(f->set, true, sizeof f->set);
  f->delay.a = f->delay.b = 0.0001;
  f->delay.function = LUA_NOREF;
}

/* With the net itself, so that a socket, which has them, keeps its net. */
static void newpayloads(lua_State *L, sim_Net *net) {
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 0);
  net->payloads = hold(L, net);
}

/* new(seed, tracing, budget, nodes): nodes is where the nodes' objects are, by
   their numbers, and "ended", a function that hears of a node's end. */
static int core_new(lua_State *L) {
  lua_Integer seed = luaL_checkinteger(L, 1);
  lua_Integer budget = luaL_checkinteger(L, 3);
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_argcheck(L, 0 < budget && budget <= INT32_MAX, 3, "out of range");
  sim_Net *net = lua_newuserdatauv(L, sizeof *net, 1);
  memset(net, 0, sizeof *net);
  net->slot = -1;
  luaL_setmetatable(L, NET);
  net->seed = (uint64_t)seed;
  net->tracing = lua_toboolean(L, 2);
  net->budget = (int)budget;
  net->topology = 1;
  net->nextpayload = 1;
  net->rules = LUA_NOREF;
  setdefaults(net);
  newholdings(L, net);
  newpayloads(L, net);
  lua_newtable(L);
  net->details = hold(L, net);
  lua_pushvalue(L, 4);
  net->nodetable = hold(L, net);
  if (!sim_registernet(net)) {
    lua_gc(L, LUA_GCCOLLECT);
    if (!sim_registernet(net))
      return luaL_error(L, "too many nets");
  }
  return 1;
}

/*
** Topology.
*/

static int net_lan(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  const char *name = luaL_checkstring(L, 2);
  sim_Lan *lan = sim_allocate(net, sizeof *lan);
  if (lan == NULL || !sim_append(&net->lans, &net->nlans, lan)) {
    return nomemory(L);
  }
  lan->net = net;
  lan->id = (uint32_t)net->nlans - 1;
  lan->faults.delay.function = LUA_NOREF;
  lan->name = copytext(L, net, name);
  net->topology++;
  lua_pushinteger(L, lan->id);
  return 1;
}

/* lan, bandwidth, queue */
static int net_setlan(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  sim_Lan *lan = checklan(L, net, 2);
  lan->bandwidth = luaL_checknumber(L, 3);
  lan->queue = luaL_checknumber(L, 4);
  return 0;
}

static sim_Interface *newinterface(lua_State *L, sim_Host *host, sim_Lan *lan,
                                   const char *name, int mtu) {
  sim_Interface *i = sim_allocate(host->net, sizeof *i);
  if (i == NULL || !sim_append(&host->interfaces, &host->ninterfaces, i)) {
    nomemory(L);
    return NULL;
  }
  i->net = host->net;
  i->host = host;
  i->lan = lan;
  i->index = (unsigned)host->ninterfaces;
  i->up = true;
  i->mtu = mtu;
  (void)snprintf(i->name, sizeof i->name, "%s", name);
  uint64_t owner = (uint64_t)host->id << 16 | i->index;
  for (unsigned p = 0; p < SIM_PURPOSES; p++)
    i->streams[p] = sim_newstream(host->net->seed, owner, p);
  host->net->topology++;
  return i;
}

static void readaddress(lua_State *L, int arg, mcast_Sockaddr *a) {
  const char *text = luaL_checkstring(L, arg);
  mcast_anyaddress(AF_INET, 0, a);
  if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1)
    return;
  mcast_anyaddress(AF_INET6, 0, a);
  if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) != 1)
    luaL_error(L, "'%s' is no numeric address", text);
}

static void addaddress(lua_State *L, sim_Interface *i,
                       const mcast_Sockaddr *a) {
  sim_Key key = sim_key(a, 0);
  mcast_Sockaddr *all =
      realloc(i->addresses, (size_t)(i->naddresses + 1) * sizeof *all);
  if (all == NULL) {
    nomemory(L);
    return;
  }
  i->addresses = all;
  all[i->naddresses] = *a;
  if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
    all[i->naddresses].in6.sin6_scope_id = i->index;
  if (i->lan != NULL && sim_find(&i->net->addresses, key) != NULL)
    luaL_error(L, "the address is another interface's");
  if (i->lan != NULL && !sim_insert(&i->net->addresses, key, i))
    nomemory(L);
  i->naddresses++;
}

/* host, lan (nil: lo), name, mtu, addresses...: the interface's index. */
static int net_attach(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Host *host = checkhost(L, net, 2);
  sim_Lan *lan = lua_isnil(L, 3) ? NULL : checklan(L, net, 3);
  const char *name = luaL_checkstring(L, 4);
  lua_Integer mtu = luaL_checkinteger(L, 5);
  luaL_argcheck(L, strlen(name) < IF_NAMESIZE, 4, "name too long");
  luaL_argcheck(L, 68 <= mtu && mtu <= 65536, 5, "MTU of 68 to 65536 expected");
  sim_Interface *i = newinterface(L, host, lan, name, (int)mtu);
  for (int arg = 6; arg <= lua_gettop(L); arg++) {
    mcast_Sockaddr a;
    readaddress(L, arg, &a);
    addaddress(L, i, &a);
  }
  if (host->router && lan != NULL &&
      !sim_append(&lan->routers, &lan->nrouters, i))
    nomemory(L);
  lua_pushinteger(L, i->index);
  return 1;
}

/* name, is it a router? */
static int net_host(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  const char *name = luaL_checkstring(L, 2);
  sim_Host *host = sim_allocate(net, sizeof *host);
  if (host == NULL || !sim_append(&net->hosts, &net->nhosts, host)) {
    return nomemory(L);
  }
  host->net = net;
  host->id = (uint32_t)net->nhosts - 1;
  host->router = lua_toboolean(L, 3);
  host->name = copytext(L, net, name);
  lua_pushinteger(L, host->id);
  return 1;
}

/* router, prefix, bits */
static int net_boundary(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  sim_Host *host = checkhost(L, net, 2);
  sim_Boundary b;
  readaddress(L, 3, &b.prefix);
  lua_Integer bits = luaL_checkinteger(L, 4);
  lua_Integer most = b.prefix.sa.sa_family == AF_INET ? 32 : 128;
  luaL_argcheck(L, 0 <= bits && bits <= most, 4, "prefix length out of range");
  b.bits = (int)bits;
  sim_Boundary *all =
      realloc(host->boundaries, (size_t)(host->nboundaries + 1) * sizeof *all);
  if (all == NULL)
    return nomemory(L);
  host->boundaries = all;
  all[host->nboundaries++] = b;
  return 0;
}

/* host, index, up */
static int net_setinterface(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Interface *i = checkinterface(L, checkhost(L, net, 2), 3);
  i->up = lua_toboolean(L, 4);
  net->topology++;
  return 0;
}

/*
** Faults.
*/

static double optprobability(lua_State *L, sim_Faults *f, sim_Purpose what,
                             const char *name, double old) {
  lua_getfield(L, 3, name);
  f->set[what] = f->set[what] || !lua_isnil(L, -1);
  double value = luaL_optnumber(L, -1, old);
  lua_pop(L, 1);
  return value;
}

/* The delay at the top: {kind, a, b} or a function. */
static void readdelay(lua_State *L, const sim_Net *net, sim_Faults *f) {
  static const char *const kinds[] = {"uniform", "normal", "exponential", NULL};
  unhold(L, net, &f->delay.function);
  f->set[SIM_DELAY] = true;
  if (lua_isfunction(L, -1)) {
    f->delay.kind = SIM_FUNCTION;
    lua_pushvalue(L, -1);
    f->delay.function = hold(L, net);
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

/* The faults of the net, of the LAN that 2 names, or of the pair {from, to}. */
static sim_Faults *getfaults(lua_State *L, sim_Net *net) {
  sim_Key key;
  if (lua_isnil(L, 2))
    return &net->faults;
  if (!lua_istable(L, 2))
    return &checklan(L, net, 2)->faults;
  lua_rawgeti(L, 2, 1);
  lua_rawgeti(L, 2, 2);
  memset(&key, 0, sizeof key);
  key.number =
      (uint64_t)checkhost(L, net, -2)->id << 32 | checkhost(L, net, -1)->id;
  lua_pop(L, 2);
  sim_Faults *f = sim_find(&net->links, key);
  if (f != NULL)
    return f;
  f = calloc(1, sizeof *f);
  if (f == NULL || !sim_insert(&net->links, key, f)) {
    free(f);
    nomemory(L);
    return NULL;
  }
  f->delay.function = LUA_NOREF;
  net->nlinks++;
  return f;
}

/* where, {loss, duplicate, reorder, holdback, delay}: what is nil stays. */
static int net_faults(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  sim_Faults *f = getfaults(L, net);
  f->loss = optprobability(L, f, SIM_LOSS, "loss", f->loss);
  f->duplicate = optprobability(L, f, SIM_DUPLICATE, "duplicate", f->duplicate);
  f->reorder = optprobability(L, f, SIM_REORDER, "reorder", f->reorder);
  f->holdback = optprobability(L, f, SIM_REORDER, "holdback", f->holdback);
  if (lua_getfield(L, 3, "delay") != LUA_TNIL)
    readdelay(L, net, f);
  return 0;
}

/* Marks the hosts of the list at arg as one side of a partition. */
static void mark(lua_State *L, const sim_Net *net, int arg, int side, int bit) {
  luaL_checktype(L, arg, LUA_TTABLE);
  for (lua_Integer i = 1; lua_rawgeti(L, arg, i) != LUA_TNIL; i++) {
    checkhost(L, net, -1)->severed[side] |= (uint64_t)1 << bit;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* from, to: lists of hosts; what goes from one to the other is lost from now
   on. Gives the number by which it is healed, nil where there are too many. */
static int net_sever(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int bit = 0;
  while (bit < SIM_MAXPARTITIONS && net->partitions >> bit & 1)
    bit++;
  if (bit == SIM_MAXPARTITIONS)
    return 0;
  net->partitions |= (uint64_t)1 << bit;
  mark(L, net, 2, 0, bit);
  mark(L, net, 3, 1, bit);
  lua_pushinteger(L, bit);
  return 1;
}

static int net_heal(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int bit = checkindex(L, 2, SIM_MAXPARTITIONS, "no such partition");
  uint64_t others = ~((uint64_t)1 << bit);
  net->partitions &= others;
  for (int i = 0; i < net->nhosts; i++) {
    net->hosts[i]->severed[0] &= others;
    net->hosts[i]->severed[1] &= others;
  }
  return 0;
}

/* host, isolated: from everyone else. */
static int net_isolate(lua_State *L) {
  sim_Host *host = checkhost(L, sim_checknet(L, 1), 2);
  host->isolated += lua_toboolean(L, 3) ? 1 : -1;
  return 0;
}

/* A function that is asked about each copy, or nil. */
static int net_rules(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  unhold(L, net, &net->rules);
  if (lua_isnoneornil(L, 2))
    return 0;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  net->rules = hold(L, net);
  return 0;
}

/*
** Nodes.
*/

/* host, name */
static int net_node(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Host *host = checkhost(L, net, 2);
  const char *name = luaL_checkstring(L, 3);
  sim_Node *node = sim_allocate(net, sizeof *node);
  if (node == NULL || !sim_append(&net->nodes, &net->nnodes, node)) {
    return nomemory(L);
  }
  node->net = net;
  node->host = host;
  node->id = net->nnodes - 1;
  node->name = copytext(L, net, name);
  sim_seednode(node);
  lua_pushinteger(L, node->id);
  return 1;
}

/* node, time, function, arguments...: starts it then. */
static int net_start(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Node *node = checknode(L, net, 2);
  int64_t time = checktime(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  if (node->main != NULL)
    return luaL_error(L, "the node runs already");
  sim_start(L, node, lua_gettop(L) - 4);
  sim_setbudget(node);
  if (!sim_push(net, time > net->now ? time : net->now, SIM_START, node,
                (void *)(intptr_t)node->starts, 0))
    nomemory(L);
  return 0;
}

static int net_crash(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Node *node = checknode(L, net, 2);
  lua_State *running = net->L;
  if (node == sim_current)
    return luaL_error(L, "a node cannot crash itself");
  if (node->main == NULL)
    return 0;
  net->L = L;
  sim_endnode(node, SIM_CRASHED);
  net->L = running;
  lua_pushboolean(L, true);
  return 1;
}

/* Both give whether they changed something. */
static int net_pause(lua_State *L) {
  sim_Node *node = checknode(L, sim_checknet(L, 1), 2);
  bool pauses = node->main != NULL && !node->paused;
  node->paused = node->paused || pauses;
  lua_pushboolean(L, pauses);
  return 1;
}

/* Does now what the node would have done meanwhile: begin, or go on. */
static bool catchup(sim_Node *node) {
  int64_t now = node->net->now;
  if (lua_status(node->main) == LUA_OK)
    return sim_push(node->net, now, SIM_START, node,
                    (void *)(intptr_t)node->starts, 0);
  node->deadline = now;
  return sim_settimer(node, now);
}

static int net_resume(lua_State *L) {
  sim_Node *node = checknode(L, sim_checknet(L, 1), 2);
  bool paused = node->paused, due = node->due;
  node->paused = node->due = false;
  if (due && !catchup(node))
    nomemory(L);
  lua_pushboolean(L, paused);
  return 1;
}

/* node, i: its strings have the i-th metatable from now on. */
static int net_strings(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Node *node = checknode(L, net, 2);
  node->strings = (int)luaL_checkinteger(L, 3);
  if (node == sim_current)
    net->strings = node->strings;
  return 0;
}

/* node, skew, drift */
static int net_clock(lua_State *L) {
  sim_Node *node = checknode(L, sim_checknet(L, 1), 2);
  double skew = luaL_optnumber(L, 3, node->skew);
  double drift = luaL_optnumber(L, 4, node->drift);
  luaL_argcheck(L, -0.5 <= drift && drift <= 1, 4, "-0.5 to 1 expected");
  node->clock = sim_clock(node);
  node->since = node->net->now;
  node->skew = skew;
  node->drift = drift;
  return 0;
}

static int net_status(lua_State *L) {
  lua_pushstring(L, sim_statusname(checknode(L, sim_checknet(L, 1), 2)));
  return 1;
}

/*
** Running.
*/

static int net_call(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int64_t time = checktime(L, 2);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  int function = hold(L, net);
  if (!sim_push(net, time > net->now ? time : net->now, SIM_CALL,
                (void *)(intptr_t)function, NULL, 0)) {
    unhold(L, net, &function);
    nomemory(L);
  }
  return 0;
}

static void call(lua_State *L, const sim_Net *net, int function) {
  sim_pushheld(L, net, function);
  unhold(L, net, &function);
  lua_call(L, 0, 0);
}

static void dotimer(sim_Net *net) {
  sim_Node *node = sim_poptimer(net);
  if (!node->waiting || node->deadline == SIM_NEVER)
    return;
  if (node->deadline <= net->now)
    sim_wake(node);
  else if (!sim_settimer(node, node->deadline))
    nomemory(net->L);
}

static void doevent(sim_Net *net) {
  sim_Event e;
  (void)sim_pop(net, &e);
  switch (sim_eventkind(&e)) {
  case SIM_ARRIVE:
    sim_arrive(e.target, e.packet, sim_eventttl(&e));
    sim_release(net, e.packet);
    break;
  case SIM_TRANSMIT:
    sim_transmit(e.target, e.packet, sim_eventttl(&e));
    sim_release(net, e.packet);
    break;
  case SIM_CALL:
    call(net->L, net, (int)(intptr_t)e.target);
    break;
  case SIM_START:
    sim_resumefirst(e.target, (int)(intptr_t)e.packet);
  }
}

/* Does the function at 3, if there is one, say that it is enough? */
static bool isenough(lua_State *L) {
  if (lua_isnil(L, 3))
    return false;
  lua_pushvalue(L, 3);
  lua_call(L, 0, 1);
  bool enough = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return enough;
}

static int loop(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int64_t until = checktime(L, 2);
  int still = 0;
  bool timer, enough = isenough(L);
  net->stopped = false;
  while (!enough && !net->stopped) {
    int64_t next = sim_nexttime(net, &timer);
    if (next > until || next / SIM_SECOND >= SIM_LAST)
      break;
    still = next == net->now ? still + 1 : 0;
    if (still > STANDSTILL)
      return luaL_error(L,
                        "time stands still at %f s: nodes answer each other "
                        "without delay",
                        (double)next / SIM_SECOND);
    net->now = next;
    if (timer)
      dotimer(net);
    else
      doevent(net);
    enough = isenough(L);
  }
  if (!enough && !net->stopped && until != SIM_NEVER && until > net->now)
    net->now = until;
  lua_pushboolean(L, enough);
  return 1;
}

/* until, watcher: runs until then, until there is nothing to be done, or until
   the watcher, called after each event, gives true; gives whether it did. */
static int net_run(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  if (net->L != NULL || sim_current != NULL)
    return luaL_error(L, "a net runs already");
  lua_settop(L, 3);
  lua_pushcfunction(L, loop);
  lua_insert(L, 1);
  net->L = L;
  int status = lua_pcall(L, 3, 1, 0);
  net->L = NULL;
  net->strings = 0;
  sim_current = NULL;
  return status == LUA_OK ? 1 : lua_error(L);
}

static int net_stop(lua_State *L) {
  sim_checknet(L, 1)->stopped = true;
  return 0;
}

static int net_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)sim_checknet(L, 1)->now / SIM_SECOND);
  return 1;
}

/* node or nil, table: an event of the trace. */
static int net_record(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  const sim_Node *node = lua_isnil(L, 2) ? NULL : checknode(L, net, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  sim_recorddetail(L, net, node);
  return 0;
}

static int drawstream(lua_State *L) {
  lua_pushnumber(L, sim_uniform(lua_touserdata(L, lua_upvalueindex(1))));
  return 1;
}

/* A function that draws from a stream of the scenario's, by its number. */
static int net_stream(lua_State *L) {
  const sim_Net *net = sim_checknet(L, 1);
  lua_Integer number = luaL_checkinteger(L, 2);
  sim_Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = sim_newstream(net->seed, UINT64_MAX, (uint64_t)number);
  lua_pushcclosure(L, drawstream, 1);
  return 1;
}

/* Bytes of the receive buffer of sockets made from now on. */
static int net_setrcvbuf(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  lua_Integer bytes = luaL_checkinteger(L, 2);
  luaL_argcheck(L, 0 < bytes && bytes <= INT32_MAX, 2, "out of range");
  net->rcvbuf = (int)bytes;
  return 0;
}

static const luaL_Reg methods[] = {{"lan", net_lan},
                                   {"setlan", net_setlan},
                                   {"host", net_host},
                                   {"attach", net_attach},
                                   {"boundary", net_boundary},
                                   {"setinterface", net_setinterface},
                                   {"faults", net_faults},
                                   {"sever", net_sever},
                                   {"heal", net_heal},
                                   {"isolate", net_isolate},
                                   {"rules", net_rules},
                                   {"node", net_node},
                                   {"start", net_start},
                                   {"crash", net_crash},
                                   {"pause", net_pause},
                                   {"resume", net_resume},
                                   {"clock", net_clock},
                                   {"strings", net_strings},
                                   {"status", net_status},
                                   {"call", net_call},
                                   {"run", net_run},
                                   {"stop", net_stop},
                                   {"now", net_now},
                                   {"event", sim_trace},
                                   {"count", sim_tracelength},
                                   {"record", net_record},
                                   {"stream", net_stream},
                                   {"setrcvbuf", net_setrcvbuf},
                                   {NULL, NULL}};

__attribute__((visibility("default"))) int
luaopen_mcast_sim_core(lua_State *L) {
  luaL_checkversion(L);
  luaL_newmetatable(L, NET);
  lua_pushcfunction(L, net_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &holdings);
  lua_newtable(L);
  luaL_setfuncs(L, sim_nodefunctions, 0);
  sim_setorder(L);
  sim_pushmodule(L);
  lua_setfield(L, -2, "module");
  lua_pushcfunction(L, core_new);
  lua_setfield(L, -2, "new");
  return 1;
}
