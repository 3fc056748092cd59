/*
** The topology: LANs, hosts, interfaces, and boundaries of routers.
*/
#include "sim.h"

/* name */
static int topology_lan(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  char *name = sim_copytext(net, luaL_checkstring(L, 2));
  sim_Lan *lan = sim_allocate(net, sizeof *lan);
  if (name == NULL || lan == NULL || !sim_append(&net->lans, &net->nlans, lan))
    return sim_nomemory(L);
  lan->net = net;
  lan->id = (uint32_t)net->nlans - 1;
  lan->faults.delay.function = LUA_NOREF;
  lan->name = name;
  net->topology++;
  lua_pushinteger(L, lan->id);
  return 1;
}

/* lan, bandwidth, queue, overhead; below 0: the defaults */
static int topology_setlan(lua_State *L) {
  sim_Lan *lan = sim_checklan(L, sim_checknet(L, 1), 2);
  sim_setbandwidth(L, &lan->bandwidth, 3, 4);
  lan->overhead = (int)luaL_checkinteger(L, 5);
  return 0;
}

/* host, bandwidth up, and down, queue of each */
static int topology_sethost(lua_State *L) {
  sim_Host *host = sim_checkhost(L, sim_checknet(L, 1), 2);
  sim_setbandwidth(L, &host->up, 3, 5);
  sim_setbandwidth(L, &host->down, 4, 5);
  sim_setbandwidth(L, &host->carriers, 4, 5);
  return 0;
}

/* name, is it a router?, does it flood? */
static int topology_host(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  char *name = sim_copytext(net, luaL_checkstring(L, 2));
  sim_Host *host = sim_allocate(net, sizeof *host);
  if (name == NULL || host == NULL ||
      !sim_append(&net->hosts, &net->nhosts, host))
    return sim_nomemory(L);
  host->net = net;
  host->id = (uint32_t)net->nhosts - 1;
  host->router = lua_toboolean(L, 3);
  host->flood = lua_toboolean(L, 4);
  host->place = host->router ? UINT32_MAX : net->nplaces++;
  host->name = name;
  host->hash = sim_hashname(name);
  lua_pushinteger(L, host->id);
  return 1;
}

/*
** Interfaces.
*/

static sim_Interface *newinterface(lua_State *L, sim_Host *host, sim_Lan *lan,
                                   const char *name, int mtu) {
  sim_Interface *i = sim_allocate(host->net, sizeof *i);
  if (i == NULL || !sim_append(&host->interfaces, &host->ninterfaces, i))
    sim_nomemory(L);
  i->net = host->net;
  i->host = host;
  i->lan = lan;
  i->index = (unsigned)host->ninterfaces;
  i->up = true;
  i->mtu = mtu;
  (void)snprintf(i->name, sizeof i->name, "%s", name);
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
    luaL_error(L, "'%s' is not a numeric address", text);
}

/* The place of an address in the order of Linux's lists: IPv4's, IPv6's, those
   of link scope. */
static int place(const mcast_Sockaddr *a) {
  if (a->sa.sa_family == AF_INET)
    return 0;
  return IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ? 2 : 1;
}

/* Linux puts an IPv6 address that is new before the older ones. */
static void insertaddress(sim_Interface *i, mcast_Sockaddr a, bool newest) {
  int at = i->naddresses++;
  int before = place(&a) - (newest && a.sa.sa_family == AF_INET6);
  if (place(&a) == 2)
    a.in6.sin6_scope_id = i->index;
  for (; at > 0 && place(&i->addresses[at - 1]) > before; at--)
    i->addresses[at] = i->addresses[at - 1];
  i->addresses[at] = a;
}

static void addaddress(lua_State *L, sim_Interface *i, const mcast_Sockaddr *a,
                       bool newest) {
  sim_Key key = sim_key(a, 0);
  mcast_Sockaddr *all =
      realloc(i->addresses, (size_t)(i->naddresses + 1) * sizeof *all);
  if (all == NULL)
    sim_nomemory(L);
  i->addresses = all;
  const sim_Interface *other =
      i->lan != NULL ? sim_find(&i->net->addresses, key) : NULL;
  if (i->lan != NULL && a->sa.sa_family == AF_INET6 && sim_lacksinet6(i->mtu))
    luaL_error(L, "address of %s on %s: no IPv6 on a LAN of an MTU under 1280",
               i->host->name, i->name);
  if (mcast_ismulticast(a) || sim_isany(a) || sim_isbroadcast(a))
    luaL_error(L, "address of %s on %s: not that of a host", i->host->name,
               i->name);
  if (other != NULL)
    luaL_error(L, "address of %s on %s: %s on %s has it already", i->host->name,
               i->name, other->host->name, other->name);
  if (i->lan != NULL && !sim_insert(&i->net->addresses, key, i))
    sim_nomemory(L);
  insertaddress(i, *a, newest);
}

/* host, lan (nil: lo), name, mtu, addresses...: returns the index. */
static int topology_attach(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Host *host = sim_checkhost(L, net, 2);
  sim_Lan *lan = lua_isnil(L, 3) ? NULL : sim_checklan(L, net, 3);
  const char *name = luaL_checkstring(L, 4);
  lua_Integer mtu = luaL_checkinteger(L, 5);
  luaL_argcheck(L, strlen(name) < IF_NAMESIZE, 4, "name too long");
  luaL_argcheck(L, 68 <= mtu && mtu <= 65536, 5, "MTU of 68 to 65536 expected");
  sim_Interface *i = newinterface(L, host, lan, name, (int)mtu);
  for (int arg = 6; arg <= lua_gettop(L); arg++) {
    mcast_Sockaddr a;
    readaddress(L, arg, &a);
    addaddress(L, i, &a, false);
  }
  if (host->router && lan != NULL &&
      !sim_append(&lan->routers, &lan->nrouters, i))
    return sim_nomemory(L);
  if (!sim_joinnodes(i))
    return sim_nomemory(L);
  lua_pushinteger(L, i->index);
  return 1;
}

/* address: returns the host that has it on a LAN. */
static int topology_owner(lua_State *L) {
  mcast_Sockaddr a;
  readaddress(L, 2, &a);
  const sim_Interface *i =
      sim_find(&sim_checknet(L, 1)->addresses, sim_key(&a, 0));
  if (i == NULL)
    return 0;
  lua_pushinteger(L, i->host->id);
  return 1;
}

/*
** Changes while the net runs.
*/

/* host, index */
static sim_Interface *checkinterface(lua_State *L, const sim_Net *net) {
  const sim_Host *host = sim_checkhost(L, net, 2);
  int i = sim_checkindex(L, 3, host->ninterfaces + 1, "no such interface");
  luaL_argcheck(L, i > 0, 3, "no such interface");
  return host->interfaces[i - 1];
}

/* Reports a change, of one of the interface's addresses where it is not NULL, to
   the host's monitors. */
static void change(lua_State *L, const sim_Interface *i,
                   const mcast_Sockaddr *address, bool holds) {
  sys_Fact f = {.index = i->index, .holds = holds, .up = i->up};
  memcpy(f.name, i->name, sizeof f.name);
  if (address != NULL)
    memcpy(&f.address, address, sizeof f.address);
  if (!sim_change(i->host, &f))
    sim_nomemory(L);
}

/* The same of its addresses of link scope, which go down with it. */
static void changelocal(lua_State *L, const sim_Interface *i) {
  for (int k = 0; k < i->naddresses; k++)
    if (place(&i->addresses[k]) == 2)
      change(L, i, &i->addresses[k], i->up);
}

/* host, index, up: returns whether that changed it. */
static int topology_setinterface(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Interface *i = checkinterface(L, net);
  bool up = lua_toboolean(L, 4), changed = up != i->up;
  net->topology++;
  if (changed)
    i->since = net->topology;
  i->up = up;
  if (changed) {
    change(L, i, NULL, true);
    changelocal(L, i);
  }
  lua_pushboolean(L, changed);
  return 1;
}

static int indexofaddress(const sim_Interface *i, const mcast_Sockaddr *a) {
  int k = 0;
  while (k < i->naddresses && !mcast_samehost(&i->addresses[k], a))
    k++;
  return k;
}

static void removeaddress(sim_Interface *i, int k) {
  if (i->lan != NULL)
    sim_remove(&i->net->addresses, sim_key(&i->addresses[k], 0));
  i->naddresses--;
  memmove(&i->addresses[k], &i->addresses[k + 1],
          (size_t)(i->naddresses - k) * sizeof *i->addresses);
}

/* host, index, address, present: returns whether that changed it. */
static int topology_setaddress(lua_State *L) {
  mcast_Sockaddr a;
  sim_Interface *i = checkinterface(L, sim_checknet(L, 1));
  readaddress(L, 4, &a);
  int k = indexofaddress(i, &a);
  bool present = lua_toboolean(L, 5), changed = present != (k < i->naddresses);
  if (changed && present)
    addaddress(L, i, &a, true);
  else if (changed)
    removeaddress(i, k);
  if (place(&a) == 2)
    a.in6.sin6_scope_id = i->index;
  if (changed && (i->up || place(&a) != 2))
    change(L, i, &a, present);
  lua_pushboolean(L, changed);
  return 1;
}

/* host: returns the first address of its first LAN that has one, else of lo. */
static int topology_address(lua_State *L) {
  const sim_Host *host = sim_checkhost(L, sim_checknet(L, 1), 2);
  for (int k = 1; k <= host->ninterfaces; k++) {
    const sim_Interface *i = host->interfaces[k % host->ninterfaces];
    if (i->naddresses > 0) {
      mcast_pushhost(L, &i->addresses[0]);
      return 1;
    }
  }
  lua_pushliteral(L, "127.0.0.1");
  return 1;
}

/* router, prefix, bits */
static int topology_boundary(lua_State *L) {
  sim_Host *host = sim_checkhost(L, sim_checknet(L, 1), 2);
  sim_Boundary b;
  readaddress(L, 3, &b.prefix);
  lua_Integer bits = luaL_checkinteger(L, 4);
  lua_Integer most = b.prefix.sa.sa_family == AF_INET ? 32 : 128;
  luaL_argcheck(L, 0 <= bits && bits <= most, 4, "prefix length out of range");
  b.bits = (int)bits;
  sim_Boundary *all =
      realloc(host->boundaries, (size_t)(host->nboundaries + 1) * sizeof *all);
  if (all == NULL)
    return sim_nomemory(L);
  host->boundaries = all;
  all[host->nboundaries++] = b;
  return 0;
}

const luaL_Reg sim_topologymethods[] = {{"lan", topology_lan},
                                        {"setlan", topology_setlan},
                                        {"host", topology_host},
                                        {"sethost", topology_sethost},
                                        {"attach", topology_attach},
                                        {"setinterface", topology_setinterface},
                                        {"boundary", topology_boundary},
                                        {"setaddress", topology_setaddress},
                                        {"address", topology_address},
                                        {"owner", topology_owner},
                                        {NULL, NULL}};
