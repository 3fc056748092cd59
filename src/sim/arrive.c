/*
** The arrival of a packet at a host: into the receive buffers of its sockets,
** and to the next LAN, if it is a router.
*/
#include "sim.h"

/* How well a socket fits, as Linux ranks them: bound to the destination, bound
   to a device, of the same family; 0: not at all. */
static int rank(const sim_Socket *s, const sim_Interface *i,
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
  return sim_isany(&s->bound) ? 2 + device : 0;
}

/* The receiver of a unicast datagram among sockets that share a port: the last
   bound, or with reuseport one that the sender's port selects. */
static sim_Socket *choosesocket(const sim_Host *host, const sim_Interface *i,
                                const sim_Packet *p) {
  sim_Socket *best = NULL;
  int score = 0, sharers = 0;
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next) {
    int r = rank(s, i, p);
    if (r > score) {
      best = s;
      score = r;
      sharers = 0;
    }
    sharers += r == score && r > 0 && s->values[SIM_REUSEPORT];
  }
  if (sharers < 2)
    return best;
  sim_Stream hash = mcast_getport(&p->from);
  int n = (int)(sim_draw(&hash) % (uint64_t)sharers);
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next)
    if (rank(s, i, p) == score && s->values[SIM_REUSEPORT] && n-- == 0)
      return s;
  return best;
}

static void arriveathost(const sim_Host *host, sim_Interface *i, sim_Packet *p,
                         int ttl, bool own) {
  if (!mcast_ismulticast(&p->to)) {
    sim_Socket *s = choosesocket(host, i, p);
    if (s == NULL)
      sim_record(host->net, SIM_DROP, NULL, i, p, ttl, "no socket");
    else
      sim_enqueue(s, i, p, ttl, own);
    return;
  }
  for (sim_Socket *s = host->sockets; s != NULL; s = s->next)
    if (s->family == p->to.sa.sa_family && rank(s, i, p) > 0 &&
        sim_accepts(s, i, p))
      sim_enqueue(s, i, p, ttl, own);
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
  if (ttl <= 1)
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, "ttl");
  else
    (void)sim_pushpacket(SIM_TRANSMIT, in->net->now, out, p, ttl - 1);
}

/* A packet that does not reach some members is recorded once. */
static void forwardgroup(sim_Interface *in, sim_Packet *p, int ttl) {
  sim_Reach limit = SIM_NOBODY;
  for (int i = 1; i < in->host->ninterfaces; i++) {
    sim_Reach reach = sim_reach(in, in->host->interfaces[i], p);
    if (reach == SIM_MEMBERS)
      forward(in, p, ttl, in->host->interfaces[i]);
    else if (reach > limit)
      limit = reach;
  }
  if (limit != SIM_NOBODY)
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl,
               limit == SIM_SCOPE ? "scope" : "boundary");
}

static void forwardunicast(sim_Interface *in, sim_Packet *p, int ttl) {
  const sim_Interface *to = sim_find(&in->net->addresses, sim_key(&p->to, 0));
  const sim_Hop *hop = to != NULL ? sim_firsthop(in->lan, to->lan) : NULL;
  if (hop != NULL && hop->in == in)
    forward(in, p, ttl, hop->out);
  else
    sim_record(in->net, SIM_DROP, NULL, in, p, ttl, "no route");
}

/* A copy of a packet arrives at an interface. */
void sim_arrive(sim_Interface *i, sim_Packet *p, int ttl) {
  bool multicast = mcast_ismulticast(&p->to);
  if (!i->up) {
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "down");
    return;
  }
  if (multicast || sim_isown(i->host, &p->to))
    arriveathost(i->host, i, p, ttl, false);
  else
    forwardunicast(i, p, ttl);
  if (multicast && i->host->router)
    forwardgroup(i, p, ttl);
}
