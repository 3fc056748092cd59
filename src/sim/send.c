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

/* May datagrams to this address not be cut? */
static bool iswhole(const sim_Socket *s, const mcast_Sockaddr *to) {
  return to->sa.sa_family == AF_INET ? s->values[SIM_DISCOVER] == MCAST_WHOLE
                                     : s->values[SIM_DONTFRAG];
}

/* Returns the reason of a drop, or NULL. */
static const char *leave(const sim_Socket *s, sim_Interface *i, sim_Packet *p,
                         int ttl) {
  sim_Host *host = s->host;
  sim_setmtu(p, iswhole(s, &p->to));
  int64_t time = sim_pass(&host->up, host->net->now, sim_countbytes(p, i));
  bool fated = sim_setfate(host, p);
  if (fated && time == SIM_NEVER)
    return "queue";
  if (!fated || !sim_pushpacket(SIM_TRANSMIT, time, i, p, ttl))
    host->net->exhausted = true;
  return NULL;
}

static void sendpacket(const sim_Socket *s, const sim_Way *way, int ttl,
                       sim_Packet *p) {
  sim_Interface *i = way->out;
  bool multicast = mcast_ismulticast(&p->to);
  bool within = i->lan == NULL;
  bool returns = multicast ? s->values[SIM_LOOP] : sim_isbroadcast(&p->to);
  sim_recordsocket(s, SIM_SEND, i, p, ttl, NULL);
  if (within && !i->up)
    sim_recordsocket(s, SIM_DROP, i, p, ttl, "down");
  else if (within || returns)
    sim_arriveown(s->host, way->in, p, ttl);
  bool leaves = !within && ttl > 0 &&
                !(p->to.sa.sa_family == AF_INET6 &&
                  IN6_IS_ADDR_MC_NODELOCAL(&p->to.in6.sin6_addr));
  const char *reason = leaves ? leave(s, i, p, ttl) : NULL;
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
static int checksend(const sim_Socket *s, size_t len, const sim_Ask *ask,
                     sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  if (inet && len > UINT16_MAX)
    return EMSGSIZE;
  if (way->to.sa.sa_family != s->family && s->values[SIM_V6ONLY])
    return ENETUNREACH;
  int err = sim_chooseway(s, ask, way);
  if (err == 0 && !inet && ask->source.sa.sa_family == AF_UNSPEC &&
      sim_unmap(&s->bound).sa.sa_family == AF_INET)
    err = EAFNOSUPPORT;
  if (err == 0 && sim_isbroadcast(&way->to) && !s->values[SIM_BROADCAST])
    err = EACCES;
  if (err == 0 && len > (inet ? MAX_INET : MAX_INET6))
    err = EMSGSIZE;
  if (err == 0 && iswhole(s, &way->to) &&
      len + (inet ? 28 : 48) > (size_t)sim_pathmtu(way->out, &way->to))
    err = EMSGSIZE;
  if (err == 0 &&
      sim_accountsent(way->out, inet, len) >=
          2 * (size_t)s->values[SIM_SNDBUF] &&
      !isheldback(s, way))
    err = ENOBUFS; /* Linux waits for the first fragment only */
  return err;
}

/* Linux asks a connected socket, which needs the zone of such an address. */
static bool lackszone(const sim_Socket *s, const mcast_Sockaddr *to,
                      unsigned index) {
  return sim_needszone(to) && to->in6.sin6_scope_id == 0 && s->device == NULL &&
         (index == 0 || !mcast_ismulticast(to));
}

/* Bytes; 0: unknown. */
int sys_pathmtu(int fd, const struct sockaddr *to,
                const struct sockaddr *source, unsigned index) {
  const sim_Socket *s = sim_getsocket(fd);
  sim_Ask ask = {.index = index};
  sim_Way way;
  mcast_Sockaddr a;
  if (s == NULL)
    return 0;
  mcast_copyaddress(&a, to);
  way.to = getdestination(s, &a);
  if (source != NULL)
    mcast_copyaddress(&ask.source, source);
  if (lackszone(s, &way.to, index) || sim_chooseway(s, &ask, &way) != 0)
    return 0;
  return sim_pathmtu(way.out, &way.to);
}

ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const sim_Ask *ask) {
  sim_Net *net = s->net;
  sim_Way way = {.to = getdestination(s, to)};
  bool multicast = mcast_ismulticast(&way.to);
  int ttl = ask->ttl != 0 ? ask->ttl
                          : s->values[multicast ? SIM_TTL : SIM_UNICASTTTL];
  int fd = s->fd;
  if (sim_current == NULL || sim_current->net != net)
    return sim_fail(EPERM);
  int err = checksend(s, len, ask, &way);
  if (err != 0)
    return sim_fail(err);
  sim_checkbounds(sim_current->L, net);
  sim_Packet *p = sim_newpacket(net);
  if (p == NULL)
    return sim_fail(ENOBUFS);
  p->from = way.from;
  p->to = way.to;
  p->tclass = s->values[SIM_TOS];
  p->size = len;
  p->cost = sim_accountwhole(way.out, way.to.sa.sa_family == AF_INET, len);
  net->bytes += len;
  sim_current->sent++;
  p->origin = way.out;
  sim_storepayload(sim_current->L, net, p, data);
  s = sim_getsocket(fd); /* a finalizer may have closed it */
  if (s != NULL)
    sendpacket(s, &way, ttl, p);
  sim_release(net, p);
  return s != NULL ? (ssize_t)len : sim_fail(EBADF);
}
