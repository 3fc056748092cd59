/*
** The arrival of a packet at a host: into the receive buffers of its sockets,
** and to the next LAN, if it is a router.
*/
#include "sim.h"

/* Do port, device and family of a socket fit? */
SIM_HOT static bool fits(const sim_Socket *s, const sim_Interface *i,
                         const sim_Packet *p) {
  int family = p->to.sa.sa_family;
  return mcast_getport(&s->bound) == mcast_getport(&p->to) &&
         (s->device == NULL || s->device == i) &&
         (s->family == family ||
          (s->family == AF_INET6 && !s->values[SIM_V6ONLY]));
}

/* ::ffff:0.0.0.0, the wildcard of IPv4. */
static bool ismappedany(const mcast_Sockaddr *a) {
  mcast_Sockaddr inet = sim_unmap(a);
  return inet.sa.sa_family == AF_INET && sim_isany(&inet);
}

/* Is one that fits bound to the wildcard, or else to the destination? */
SIM_HOT static bool isbound(const sim_Socket *s, const sim_Packet *p,
                            bool wildcard) {
  if (wildcard)
    return sim_isany(&s->bound) ||
           (s->family != p->to.sa.sa_family && ismappedany(&s->bound));
  if (s->family == p->to.sa.sa_family)
    return mcast_samehost(&s->bound, &p->to);
  mcast_Sockaddr bound = sim_unmap(&s->bound);
  return mcast_samehost(&bound, &p->to);
}

/* How well a socket fits, as Linux scores it: 0, not at all. */
static int rank(const sim_Socket *s, const sim_Interface *i,
                const sim_Packet *p, bool wildcard) {
  if (!fits(s, i, p) || !isbound(s, p, wildcard))
    return 0;
  return (s->family == p->to.sa.sa_family ? 2 : 1) +
         (s->device != NULL ? 4 : 0);
}

/* Are these two of those that share a port by reuseport? */
static bool issharer(const sim_Socket *a, const sim_Socket *b) {
  return b->shares && a->family == b->family && a->device == b->device &&
         a->values[SIM_V6ONLY] == b->values[SIM_V6ONLY] &&
         mcast_getport(&a->bound) == mcast_getport(&b->bound) &&
         mcast_samehost(&a->bound, &b->bound);
}

/* One of them, which the sender's port selects. */
static sim_Socket *choosesharer(const sim_Host *host, const sim_Socket *first,
                                const sim_Packet *p) {
  sim_Stream hash = mcast_getport(&p->from);
  sim_Socket *chosen = NULL;
  uint64_t count = 0;
  for (const sim_Socket *s = host->sockets; s != NULL; s = s->next)
    count += issharer(first, s);
  uint64_t n = sim_draw(&hash) % (count + (count == 0));
  for (sim_Socket *s = host->sockets; s != NULL && chosen == NULL; s = s->next)
    if (issharer(first, s) && n-- == 0)
      chosen = s;
  return chosen;
}

/* The receiver of a unicast datagram among sockets that share a port: the best,
   of these the last bound; but the first that shares by reuseport, in the order
   of Linux's list, ends the search. */
static sim_Socket *choosesocket(const sim_Host *host, const sim_Interface *i,
                                const sim_Packet *p, bool wildcard) {
  sim_Socket *best = NULL;
  int most = 0;
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next) {
    int r = rank(s, i, p, wildcard);
    if (r > most && s->shares && s->values[SIM_REUSEPORT])
      return choosesharer(host, s, p);
    if (r > most) {
      best = s;
      most = r;
    }
  }
  return best;
}

/* A socket that has joined the group, but not this source or interface, is
   recorded. */
SIM_HOT static void arriveatsocket(sim_Socket *s, sim_Interface *i,
                                   sim_Packet *p, int ttl, bool own) {
  if (sim_isbroadcast(&p->to) || sim_accepts(s, i, p))
    sim_enqueue(s, i, p, ttl, own);
  else if (sim_hasjoined(s, &p->to))
    sim_enqueueforeign(s, i, p, ttl, own);
}

SIM_HOT static void arriveathost(const sim_Host *host, sim_Interface *i,
                                 sim_Packet *p, int ttl, bool own) {
  bool within = own && !sim_ismany(&p->to);
  if (!within && p->from.sa.sa_family == AF_INET6 && i->lan != NULL &&
      IN6_IS_ADDR_LOOPBACK(&p->from.in6.sin6_addr)) {
    sim_record(host->net, SIM_DROP, NULL, i, p, ttl, "scope");
    return; /* RFC 4291, section 2.5.3 */
  }
  if (!sim_ismany(&p->to)) {
    sim_Socket *s = choosesocket(host, i, p, false);
    if (s == NULL)
      s = choosesocket(host, i, p, true);
    if (s == NULL)
      sim_record(host->net, SIM_DROP, NULL, own ? p->origin : i, p, ttl,
                 "no socket");
    else
      sim_enqueue(s, i, p, ttl, own);
    return;
  }
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next)
    if (fits(s, i, p) && (isbound(s, p, true) || isbound(s, p, false)))
      arriveatsocket(s, i, p, ttl, own);
}

/* A packet that its own host has sent. */
void sim_arriveown(const sim_Host *host, sim_Interface *i, sim_Packet *p,
                   int ttl) {
  arriveathost(host, i, p, ttl, true);
}

/*
** Routers.
*/

static void forward(sim_Interface *in, sim_Packet *p, int ttl,
                    sim_Interface *out) {
  const char *reason = ttl <= 1 ? "ttl" : NULL;
  if (reason == NULL && !sim_fits(p, out->mtu)) {
    reason = "mtu";
    sim_learnmtu(p, out->mtu);
  }
  if (reason != NULL)
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, reason);
  else if (!sim_pushpacket(SIM_TRANSMIT, in->net->now, out, p, ttl - 1))
    in->net->exhausted = true;
  else
    sim_recordforward(in, out, p, ttl - 1);
}

/* A packet that does not reach some members is recorded once. */
static void forwardgroup(sim_Interface *in, sim_Packet *p, int ttl) {
  static const char *const reasons[] = {[SIM_DOWN] = "down",
                                        [SIM_FILTER] = "filter",
                                        [SIM_SCOPE] = "scope",
                                        [SIM_BOUNDARY] = "boundary"};
  sim_Reach limit = SIM_NOBODY;
  for (int i = 1; i < in->host->ninterfaces; i++) {
    sim_Interface *out = in->host->interfaces[i];
    sim_Reach reach = sim_reach(in, out, p);
    if (reach == SIM_NOBODY && sim_haslostway(out, p))
      reach = SIM_DOWN;
    if (reach == SIM_MEMBERS)
      forward(in, p, ttl, out);
    else if (reach > limit)
      limit = reach;
  }
  if (limit != SIM_NOBODY)
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, reasons[limit]);
}

static void forwardunicast(sim_Interface *in, sim_Packet *p, int ttl) {
  const sim_Interface *to = sim_find(&in->net->addresses, sim_key(&p->to, 0));
  const sim_Hop *hop = to != NULL ? sim_firsthop(in->lan, to->lan) : NULL;
  if (hop != NULL && hop->in == in)
    forward(in, p, ttl, hop->out);
  else
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, "no route");
}

/* A router receives a packet, or forwards its carrier, or does both. A partition
   between it and the sender does not keep the packet from others. */
SIM_HOT static void arrivegroup(sim_Interface *i, sim_Packet *p, int ttl) {
  sim_Host *host = i->host;
  bool carrier = p->whole != NULL;
  bool severed = host->router && sim_issevered(p->origin->host, host);
  if (!carrier && !severed)
    arriveathost(host, i, p, ttl, false);
  else if (!carrier && sim_ishostmember(i, &p->to))
    sim_record(host->net, SIM_DROP, NULL, i, p, ttl, "partition");
  if (host->router && carrier == p->carried)
    forwardgroup(i, p, ttl);
}

/* A copy that has passed the bandwidth of its receiver. */
void sim_accept(sim_Interface *i, sim_Packet *p, int ttl) {
  bool multicast = mcast_ismulticast(&p->to);
  if (multicast)
    arrivegroup(i, p, ttl);
  else if (sim_isbroadcast(&p->to) || sim_findowner(i->host, &p->to) != NULL)
    arriveathost(i->host, i, p, ttl, false);
  else
    forwardunicast(i, p, ttl);
}

/* Passes the bandwidth of the receiver. A packet that a router receives as a
   carrier and as a copy counts once, for each at its own time. */
static int64_t passdown(sim_Interface *i, const sim_Packet *p) {
  sim_Host *host = i->host;
  sim_Bandwidth *queue = &host->down, *other = &host->carriers;
  size_t bytes = sim_countbytes(p, i);
  bool twin = host->router && p->carried;
  if (p->whole != NULL) {
    queue = &host->carriers;
    other = &host->down;
    twin = sim_ishostmember(i, &p->to);
  } else if (twin)
    twin = sim_isonway(i, p);
  int64_t time = sim_pass(queue, host->net->now, bytes);
  if (host->router && !twin && time != SIM_NEVER)
    sim_pass(other, host->net->now, bytes);
  return time;
}

/* A copy of a packet arrives at an interface. */
void sim_arrive(sim_Interface *i, sim_Packet *p, int ttl) {
  const sim_Bandwidth *down = &i->host->down;
  if (!i->up) {
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "down");
    return;
  }
  if (down->bits <= 0) {
    sim_accept(i, p, ttl);
    return;
  }
  int64_t time = passdown(i, p);
  if (time == SIM_NEVER)
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "queue");
  else if (!sim_pushpacket(SIM_PASSED, time, i, p, ttl))
    i->net->exhausted = true;
}
