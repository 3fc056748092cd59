/*
** Sending: from a socket to the host's own sockets, and to an interface.
*/
#include "sim.h"

#define MAX_INET 65507 /* bytes of a datagram */
#define MAX_INET6 65527

static bool islinklocal(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 &&
         (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr));
}

/* The interface's address that a packet comes from: of the family, and of link
   scope if the destination is. */
static const mcast_Sockaddr *chooseaddress(const sim_Interface *i,
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

/* Returns an errno, or 0. */
static int setsource(const sim_Socket *s, const sim_Interface *i,
                     const struct in6_addr *named, sim_Packet *p) {
  const mcast_Sockaddr *own = chooseaddress(i, &p->to);
  bool inet = p->to.sa.sa_family == AF_INET;
  if (own == NULL)
    return ENETUNREACH;
  p->from = *own;
  if (i->lan == NULL && !mcast_ismulticast(&p->to) &&
      sim_isown(s->host, &p->to))
    p->from = p->to; /* as the table of local routes has it */
  if (s->family == p->to.sa.sa_family && !sim_isany(&s->bound) &&
      !mcast_ismulticast(&s->bound))
    p->from = s->bound;
  else if (inet && s->source != 0 && mcast_ismulticast(&p->to))
    p->from.in.sin_addr.s_addr = s->source;
  else if (named != NULL)
    p->from.in6.sin6_addr = *named;
  if (!inet) /* the zone of a sender of link scope is the interface */
    p->from.in6.sin6_scope_id = islinklocal(&p->from) ? i->index : 0;
  mcast_setport(&p->from, mcast_getport(&s->bound));
  return 0;
}

/* The interface that a packet leaves by; NULL and errno where there is none. */
static sim_Interface *chooseinterface(const sim_Socket *s,
                                      const mcast_Sockaddr *to) {
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

/* A mapped IPv4 address is IPv4's; the unspecified address is this host. */
static mcast_Sockaddr unmap(const mcast_Sockaddr *a) {
  mcast_Sockaddr inet = *a;
  if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
    mcast_anyaddress(AF_INET, mcast_getport(a), &inet);
    memcpy(&inet.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
  }
  if (sim_isany(&inet) && inet.sa.sa_family == AF_INET)
    inet.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  else if (sim_isany(&inet))
    inet.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  return inet;
}

static bool isbroadcast(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET &&
         a->in.sin_addr.s_addr == htonl(INADDR_BROADCAST);
}

static void sendpacket(const sim_Socket *s, sim_Interface *i, sim_Packet *p) {
  bool multicast = mcast_ismulticast(&p->to);
  int ttl = s->values[multicast ? SIM_TTL : SIM_UNICASTTTL];
  bool own = !multicast && i->lan == NULL;
  sim_recordsocket(s, SIM_SEND, i, p, ttl, NULL);
  if (own || (multicast && (s->values[SIM_LOOP] || i->lan == NULL)))
    sim_arriveown(s->host, i, p, ttl);
  bool leaves = i->lan != NULL && ttl > 0 &&
                !(p->to.sa.sa_family == AF_INET6 &&
                  IN6_IS_ADDR_MC_NODELOCAL(&p->to.in6.sin6_addr));
  if (leaves && !(sim_setfate(s->host, p) &&
                  sim_pushpacket(SIM_TRANSMIT, s->net->now, i, p, ttl)))
    sim_recordsocket(s, SIM_DROP, i, p, ttl, "memory");
}

ssize_t sim_send(sim_Socket *s, const void *data, size_t len,
                 const mcast_Sockaddr *to, const struct in6_addr *source) {
  sim_Net *net = s->net;
  mcast_Sockaddr inet = unmap(to);
  int fd = s->fd;
  if (sim_current == NULL || sim_current->net != net)
    return sim_fail(EPERM);
  if (len > (inet.sa.sa_family == AF_INET ? MAX_INET : MAX_INET6))
    return sim_fail(EMSGSIZE);
  if (inet.sa.sa_family != s->family && s->values[SIM_V6ONLY])
    return sim_fail(ENETUNREACH);
  sim_Interface *i = chooseinterface(s, &inet);
  if (i != NULL && isbroadcast(&inet))
    return sim_fail(EACCES);
  sim_Packet *p = i != NULL ? sim_newpacket(net) : NULL;
  if (p == NULL)
    return i == NULL ? -1 : sim_fail(ENOBUFS);
  p->to = inet;
  p->size = len;
  p->origin = i;
  int err = setsource(s, i, source, p);
  if (err == 0) {
    sim_storepayload(sim_current->L, net, p, data);
    s = sim_getsocket(fd); /* a finalizer may have closed it */
    err = s == NULL ? EBADF : 0;
  }
  if (err == 0)
    sendpacket(s, i, p);
  sim_release(net, p);
  return err == 0 ? (ssize_t)len : sim_fail(err);
}
