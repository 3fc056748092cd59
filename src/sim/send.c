/*
** Sending: from a socket to the host's own sockets, and to an interface.
*/
#include "sim.h"

#define MAX_INET 65507 /* bytes of a datagram */
#define MAX_INET6 65527

/* The destination where a mapped address is IPv4's. */
static mcast_Sockaddr getdestination(const sim_Socket *s,
                                     const mcast_Sockaddr *to) {
  mcast_Sockaddr bound = sim_unmap(&s->bound), inet;
  if (bound.sa.sa_family == s->family || to->sa.sa_family == AF_INET ||
      !sim_isany(to))
    return sim_unmap(to);
  mcast_anyaddress(AF_INET, mcast_getport(to), &inet);
  inet.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return inet;
}

/* Returns the reason of a drop, or NULL. */
static const char *leave(sim_Host *host, sim_Interface *i, sim_Packet *p,
                         int ttl) {
  sim_setmtu(p);
  int64_t time = sim_pass(&host->up, host->net->now, sim_countbytes(p, i));
  bool fated = sim_setfate(host, p);
  if (fated && time == SIM_NEVER)
    return "queue";
  if (!fated || !sim_pushpacket(SIM_TRANSMIT, time, i, p, ttl))
    host->net->exhausted = true;
  return NULL;
}

/* A socket's unicast_ttl is for its own family. */
static int getttl(const sim_Socket *s, const sim_Packet *p) {
  if (mcast_ismulticast(&p->to))
    return s->values[SIM_TTL];
  return p->to.sa.sa_family == s->family ? s->values[SIM_UNICASTTTL]
                                         : SIM_DEFAULTTTL;
}

static void sendpacket(const sim_Socket *s, const sim_Way *way, sim_Packet *p) {
  sim_Interface *i = way->out;
  bool multicast = mcast_ismulticast(&p->to);
  int ttl = getttl(s, p);
  bool within = i->lan == NULL;
  sim_recordsocket(s, SIM_SEND, i, p, ttl, NULL);
  if (within && !i->up)
    sim_recordsocket(s, SIM_DROP, i, p, ttl, "down");
  else if (within || (multicast && s->values[SIM_LOOP]))
    sim_arriveown(s->host, way->in, p, ttl);
  bool leaves = !within && ttl > 0 &&
                !(p->to.sa.sa_family == AF_INET6 &&
                  IN6_IS_ADDR_MC_NODELOCAL(&p->to.in6.sin6_addr));
  const char *reason = leaves ? leave(s->host, i, p, ttl) : NULL;
  if (reason != NULL)
    sim_recordsocket(s, SIM_DROP, i, p, ttl, reason);
}

/* Does nobody on the host hear a datagram of TTL 0? Linux would let it out, so the
   real module does not send it. */
static bool isheldback(const sim_Socket *s, const sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  return mcast_ismulticast(&way->to) && s->values[SIM_TTL] == 0 &&
         way->out->lan != NULL &&
         !((inet || s->values[SIM_LOOP]) &&
           sim_hostaccepts(way->out, &way->to, &way->from));
}

/* Chooses the way, and checks what Linux checks, in its order. An errno, or 0. */
static int checksend(const sim_Socket *s, size_t len,
                     const struct in6_addr *source, sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  if (inet && len > UINT16_MAX)
    return EMSGSIZE;
  if (way->to.sa.sa_family != s->family && s->values[SIM_V6ONLY])
    return ENETUNREACH;
  int err = sim_chooseway(s, source, way);
  if (err == 0 && !inet && sim_unmap(&s->bound).sa.sa_family == AF_INET)
    err = EAFNOSUPPORT;
  if (err == 0 && sim_isbroadcast(&way->to))
    err = EACCES;
  if (err == 0 && len > (inet ? MAX_INET : MAX_INET6))
    err = EMSGSIZE;
  if (err == 0 &&
      sim_accountsent(way->out, inet, len) >=
          2 * (size_t)s->values[SIM_SNDBUF] &&
      !isheldback(s, way))
    err = ENOBUFS; /* Linux waits for the first fragment only */
  return err;
}

ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const struct in6_addr *source) {
  sim_Net *net = s->net;
  sim_Way way = {.to = getdestination(s, to)};
  int fd = s->fd;
  if (sim_current == NULL || sim_current->net != net)
    return sim_fail(EPERM);
  int err = checksend(s, len, source, &way);
  if (err != 0)
    return sim_fail(err);
  sim_checkbounds(sim_current->L, net);
  sim_Packet *p = sim_newpacket(net);
  if (p == NULL)
    return sim_fail(ENOBUFS);
  p->from = way.from;
  p->to = way.to;
  p->size = len;
  p->cost = sim_accountwhole(way.out, way.to.sa.sa_family == AF_INET, len);
  net->bytes += len;
  sim_current->sent++;
  p->origin = way.out;
  sim_storepayload(sim_current->L, net, p, data);
  s = sim_getsocket(fd); /* a finalizer may have closed it */
  if (s != NULL)
    sendpacket(s, &way, p);
  sim_release(net, p);
  return s != NULL ? (ssize_t)len : sim_fail(EBADF);
}
