/*
** The network: from a socket to its interface's LAN, through routers, and into
** the sockets that hear it.
*/
#include "sim.h"

#define MAX_INET 65507
#define MAX_INET6 65527

static ssize_t fail(int err) {
  errno = err;
  return -1;
}

/*
** Packets.
*/

#define PAYLOAD 3 /* data, from and to, in the table of payloads */

static sim_Packet *newpacket(sim_Net *net) {
  sim_Packet *p = net->freepackets;
  if (p != NULL) {
    net->freepackets = p->next;
  } else {
    p = calloc(1, sizeof *p);
    if (p == NULL)
      return NULL;
    p->older = net->packets;
    net->packets = p;
    p->data = net->nextpayload;
    net->nextpayload += PAYLOAD;
  }
  p->refs = 1;
  p->id = ++net->npackets;
  return p;
}

/* What the payloads hold of it stays until it is used again. */
void sim_release(sim_Net *net, sim_Packet *p) {
  if (--p->refs > 0)
    return;
  p->next = net->freepackets;
  net->freepackets = p;
}

static void keeppayload(lua_State *L, const sim_Packet *p, const void *data) {
  sim_pushheld(L, sim_current->net, sim_current->net->payloads);
  lua_pushlstring(L, data, p->size);
  lua_rawseti(L, -2, p->data);
  mcast_pushaddress(L, &p->from);
  lua_rawseti(L, -2, p->data + 1);
  mcast_pushaddress(L, &p->to);
  lua_rawseti(L, -2, p->data + 2);
  lua_pop(L, 1);
}

/*
** Into sockets.
*/

/* What Linux accounts for a datagram: its buffer, of a size that its allocator
   has, and what describes it. */
size_t sim_accounted(size_t size) {
  size_t needed = ((size + 59 + 63) & ~(size_t)63) + 320, room = 512;
  while (room < needed)
    room *= 2;
  return room + 256;
}

static bool enqueue(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl) {
  if (s->count == s->capacity) {
    unsigned capacity = s->capacity > 0 ? 2 * s->capacity : 2;
    sim_Arrival *queue = calloc(capacity, sizeof *queue);
    if (queue == NULL)
      return false;
    for (unsigned k = 0; k < s->count; k++)
      queue[k] = s->queue[(s->head + k) & (s->capacity - 1)];
    free(s->queue);
    s->queue = queue;
    s->head = 0;
    s->capacity = capacity;
  }
  s->queue[(s->head + s->count++) & (s->capacity - 1)] =
      (sim_Arrival){p, i, s->net->now, ttl};
  s->queued += sim_accounted(p->size);
  p->refs++;
  return true;
}

/* Gives a socket a datagram; the node that is to be woken for it, or NULL. */
static sim_Node *give(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl) {
  sim_Node *node = s->waiter;
  if (s->queued > (size_t)s->values[SIM_RCVBUF] || !enqueue(s, i, p, ttl)) {
    s->dropped++;
    sim_recordsocket(s, SIM_DROP, i, p, ttl, "buffer");
    return NULL;
  }
  sim_recordsocket(s, SIM_DELIVER, i, p, ttl, NULL);
  return node != NULL && node->waiting && node->wait == s->wait ? node : NULL;
}

static bool isunbound(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET
             ? a->in.sin_addr.s_addr == htonl(INADDR_ANY)
             : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

/* How well a socket fits, as Linux ranks them: bound to where the packet was sent
   to, bound to a device, of the same family; 0: not at all. */
static int match(const sim_Socket *s, const sim_Interface *i,
                 const sim_Packet *p) {
  static const struct in6_addr any = IN6ADDR_ANY_INIT;
  int device = s->device != NULL ? 4 : 0;
  if (mcast_getport(&s->bound) != mcast_getport(&p->to) ||
      (s->device != NULL && s->device != i))
    return 0;
  if (s->family != p->to.sa.sa_family) /* IPv4, to an inet6 socket? */
    return s->family == AF_INET6 && !s->values[SIM_V6ONLY] &&
                   memcmp(&s->bound.in6.sin6_addr, &any, sizeof any) == 0
               ? 1 + device
               : 0;
  if (mcast_samehost(&s->bound, &p->to))
    return 8 + device;
  return isunbound(&s->bound) ? 2 + device : 0;
}

/* Which of the sockets that share a port gets a unicast datagram: the last
   bound, or by reuseport one that the sender's port decides on. */
static sim_Socket *choose(const sim_Host *host, const sim_Interface *i,
                          const sim_Packet *p) {
  sim_Socket *best = NULL;
  int score = 0, sharers = 0;
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next) {
    int m = match(s, i, p);
    if (m > score) {
      best = s;
      score = m;
      sharers = 0;
    }
    sharers += m == score && m > 0 && s->values[SIM_REUSEPORT];
  }
  if (sharers < 2)
    return best;
  sim_Stream hash = mcast_getport(&p->from);
  int n = (int)(sim_draw(&hash) % (uint64_t)sharers);
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next)
    if (match(s, i, p) == score && s->values[SIM_REUSEPORT] && n-- == 0)
      return s;
  return best;
}

/* A node that hears of a datagram of its own host does so a moment later: its
   host is busy with the sender. */
static void wakelater(sim_Node *node, int64_t after) {
  node->deadline = node->net->now + after;
  (void)sim_settimer(node, node->deadline);
}

/* Gives a packet to the host's sockets; the first node that is to be woken,
   others are once this event is done. */
static sim_Node *deliver(const sim_Host *host, sim_Interface *i, sim_Packet *p,
                         int ttl) {
  sim_Node *first = NULL;
  if (!mcast_ismulticast(&p->to)) {
    sim_Socket *s = choose(host, i, p);
    if (s == NULL)
      sim_record(host->net, SIM_DROP, NULL, i, p, ttl, "no socket");
    return s != NULL ? give(s, i, p, ttl) : NULL;
  }
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next) {
    if (s->family != p->to.sa.sa_family || match(s, i, p) == 0 ||
        !sim_hears(s, i, p))
      continue;
    sim_Node *node = give(s, i, p, ttl);
    if (first == NULL)
      first = node;
    else if (node != NULL && node != first)
      wakelater(node, 0);
  }
  return first;
}

static void deliverown(const sim_Host *host, sim_Interface *i, sim_Packet *p,
                       int ttl) {
  sim_Node *node = deliver(host, i, p, ttl);
  if (node != NULL)
    wakelater(node, SIM_POLL);
}

/*
** Out of sockets.
*/

static bool islinklocal(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 &&
         (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr));
}

/* The interface's address that a packet comes from: of the family, and of link
   scope if the destination is. */
static const mcast_Sockaddr *findsource(const sim_Interface *i,
                                        const mcast_Sockaddr *to) {
  const mcast_Sockaddr *found = NULL;
  for (int k = 0; k < i->naddresses; k++) {
    const mcast_Sockaddr *a = &i->addresses[k];
    if (a->sa.sa_family != to->sa.sa_family)
      continue;
    if (islinklocal(a) == islinklocal(to))
      return a;
    if (found == NULL)
      found = a;
  }
  return found;
}

static int setsource(const sim_Socket *s, const sim_Interface *i,
                     const struct in6_addr *named, sim_Packet *p) {
  const mcast_Sockaddr *own = findsource(i, &p->to);
  bool inet = p->to.sa.sa_family == AF_INET;
  if (own == NULL)
    return ENETUNREACH;
  p->from = *own;
  if (i->lan == NULL && !mcast_ismulticast(&p->to) &&
      sim_isown(s->host, &p->to))
    p->from = p->to; /* as the table of local routes has it */
  if (s->family == p->to.sa.sa_family && !isunbound(&s->bound) &&
      !mcast_ismulticast(&s->bound))
    p->from = s->bound;
  else if (inet && s->source != 0 && mcast_ismulticast(&p->to))
    p->from.in.sin_addr.s_addr = s->source;
  else if (named != NULL)
    p->from.in6.sin6_addr = *named;
  if (!inet) /* a sender of link scope is so on the interface it is heard on */
    p->from.in6.sin6_scope_id = islinklocal(&p->from) ? i->index : 0;
  mcast_setport(&p->from, mcast_getport(&s->bound));
  return 0;
}

/* The interface that a packet leaves by; NULL and errno where there is none. */
static sim_Interface *route(const sim_Socket *s, const mcast_Sockaddr *to) {
  unsigned index = (unsigned)s->values[SIM_INTERFACE];
  bool multicast = mcast_ismulticast(to);
  if (to->sa.sa_family == AF_INET6 && to->in6.sin6_scope_id != 0)
    index = to->in6.sin6_scope_id;
  else if (!multicast)
    index = sim_isown(s->host, to) ? 1 : 0;
  sim_Interface *i =
      s->device != NULL ? s->device : sim_getinterface(s->host, index);
  const sim_Interface *other =
      multicast ? NULL : sim_find(&s->net->addresses, sim_key(to, 0));
  for (int k = 1; index == 0 && other != NULL && k < s->host->ninterfaces; k++)
    if (s->host->interfaces[k]->lan == other->lan && s->host->interfaces[k]->up)
      i = s->host->interfaces[k];
  errno = i == NULL ? ENODEV : ENETUNREACH;
  bool reaches =
      i != NULL && i->up && (multicast || i->lan != NULL || index == 1);
  return reaches ? i : NULL;
}

/* An IPv4 address that IPv6 names is IPv4's; to no address is to this host. */
static mcast_Sockaddr unmap(const mcast_Sockaddr *a) {
  mcast_Sockaddr inet = *a;
  if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
    mcast_anyaddress(AF_INET, mcast_getport(a), &inet);
    memcpy(&inet.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
  }
  if (isunbound(&inet) && inet.sa.sa_family == AF_INET)
    inet.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else if (isunbound(&inet))
    inet.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  return inet;
}

static bool isbroadcast(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET &&
         a->in.sin_addr.s_addr == htonl(INADDR_BROADCAST);
}

static void launch(const sim_Socket *s, sim_Interface *i, sim_Packet *p) {
  bool multicast = mcast_ismulticast(&p->to);
  int ttl = s->values[multicast ? SIM_TTL : SIM_UNICASTTTL];
  bool own = !multicast && i->lan == NULL;
  sim_recordsocket(s, SIM_SEND, i, p, ttl, NULL);
  if (own || (multicast && (s->values[SIM_LOOP] || i->lan == NULL)))
    deliverown(s->host, i, p, ttl);
  bool leaves = i->lan != NULL && ttl > 0 &&
                !(p->to.sa.sa_family == AF_INET6 &&
                  IN6_IS_ADDR_MC_NODELOCAL(&p->to.in6.sin6_addr));
  if (leaves && sim_push(s->net, s->net->now, SIM_TRANSMIT, i, p, ttl))
    p->refs++;
}

ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const struct in6_addr *source) {
  sim_Net *net = s->net;
  mcast_Sockaddr inet = unmap(to);
  int fd = s->fd;
  if (sim_current == NULL || sim_current->net != net)
    return fail(EPERM);
  if (len > (inet.sa.sa_family == AF_INET ? MAX_INET : MAX_INET6))
    return fail(EMSGSIZE);
  if (inet.sa.sa_family != s->family && s->values[SIM_V6ONLY])
    return fail(ENETUNREACH);
  sim_Interface *i = route(s, &inet);
  if (i != NULL && isbroadcast(&inet))
    return fail(EACCES);
  sim_Packet *p = i != NULL ? newpacket(net) : NULL;
  if (p == NULL)
    return i == NULL ? -1 : fail(ENOBUFS);
  p->to = inet;
  p->size = len;
  p->origin = i;
  int err = setsource(s, i, source, p);
  if (err == 0) {
    keeppayload(sim_current->L, p, data);
    s = sim_getsocket(fd); /* a finalizer may have closed it */
    err = s == NULL ? EBADF : 0;
  }
  if (err == 0)
    launch(s, i, p);
  sim_release(net, p);
  return err == 0 ? (ssize_t)len : fail(err);
}

/*
** On LANs.
*/

/* When the packet is on the wire as a whole, which is so one after the other;
   SIM_NEVER where it never is, or the queue is full. */
static int64_t serialize(sim_Lan *lan, const sim_Packet *p) {
  int64_t now = lan->net->now;
  if (lan->bandwidth <= 0)
    return now;
  int64_t start = lan->busy > now ? lan->busy : now;
  double waiting = (double)(start - now) / SIM_SECOND * lan->bandwidth / 8;
  if (waiting + (double)p->size > lan->queue)
    return SIM_NEVER;
  lan->busy = sim_later(start, (double)p->size * 8 / lan->bandwidth);
  return lan->busy;
}

/* Is this the router that forwards to some LAN what came from there? */
static bool forwards(const sim_Interface *router, sim_Lan *origin) {
  const sim_Host *host = router->host;
  for (int i = 1; i < host->ninterfaces; i++) {
    const sim_Lan *lan = host->interfaces[i]->lan;
    const sim_Hop *hop =
        lan != NULL && lan != origin ? sim_lasthop(origin, lan) : NULL;
    if (hop != NULL && hop->in == router)
      return true;
  }
  return false;
}

static void sendgroup(sim_Interface *i, sim_Packet *p, int ttl, int64_t start) {
  const sim_Lan *lan = i->lan;
  const sim_Group *g = sim_find(&i->net->groups, sim_key(&p->to, lan->id));
  for (int k = 0; g != NULL && k < g->count; k++)
    if (g->members[k] != i)
      sim_copy(i, g->members[k], p, ttl, start);
  for (int k = 0; k < lan->nrouters; k++) {
    sim_Interface *r = lan->routers[k];
    if (r != i && !sim_isboundary(r->host, &p->to) &&
        forwards(r, p->origin->lan) && !sim_ishostmember(r, &p->to))
      sim_copy(i, r, p, ttl, start);
  }
}

static void sendunicast(sim_Interface *i, sim_Packet *p, int ttl,
                        int64_t start) {
  sim_Interface *to = sim_find(&i->net->addresses, sim_key(&p->to, 0));
  if (to != NULL && to->lan != i->lan) {
    const sim_Hop *hop = sim_firsthop(i->lan, to->lan);
    to = hop != NULL ? hop->in : NULL;
  }
  if (to == NULL)
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "no route");
  else
    sim_copy(i, to, p, ttl, start);
}

/* Puts a packet on the interface's LAN. */
void sim_transmit(sim_Interface *i, sim_Packet *p, int ttl) {
  const char *reason = !i->up ? "down" : NULL;
  int64_t start = reason == NULL ? serialize(i->lan, p) : 0;
  if (start == SIM_NEVER)
    reason = "queue";
  if (reason != NULL)
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, reason);
  else if (mcast_ismulticast(&p->to))
    sendgroup(i, p, ttl, start);
  else
    sendunicast(i, p, ttl, start);
}

static void forward(sim_Interface *in, sim_Packet *p, int ttl,
                    sim_Interface *out) {
  if (ttl <= 1)
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, "ttl");
  else if (sim_push(in->net, in->net->now, SIM_TRANSMIT, out, p, ttl - 1))
    p->refs++;
}

static void forwardgroup(sim_Interface *in, sim_Packet *p, int ttl) {
  sim_Lan *origin = p->origin->lan;
  if (sim_isboundary(in->host, &p->to))
    return;
  for (int i = 1; i < in->host->ninterfaces; i++) {
    sim_Interface *out = in->host->interfaces[i];
    const sim_Hop *hop = out->lan != NULL && out->lan != origin
                             ? sim_lasthop(origin, out->lan)
                             : NULL;
    if (hop != NULL && hop->in == in && hop->out == out)
      forward(in, p, ttl, out);
  }
}

static void forwardunicast(sim_Interface *in, sim_Packet *p, int ttl) {
  const sim_Interface *to = sim_find(&in->net->addresses, sim_key(&p->to, 0));
  const sim_Hop *hop = to != NULL ? sim_firsthop(in->lan, to->lan) : NULL;
  if (hop != NULL && hop->in == in)
    forward(in, p, ttl, hop->out);
  else
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, "no route");
}

/* A copy of a packet has come to an interface. */
void sim_arrive(sim_Interface *i, sim_Packet *p, int ttl) {
  bool multicast = mcast_ismulticast(&p->to);
  sim_Node *node = NULL;
  if (!i->up) {
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "down");
    return;
  }
  if (multicast || sim_isown(i->host, &p->to))
    node = deliver(i->host, i, p, ttl);
  else
    forwardunicast(i, p, ttl);
  if (multicast && i->host->router)
    forwardgroup(i, p, ttl);
  if (node != NULL)
    sim_wake(node);
}
