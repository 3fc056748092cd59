/*
** The interface that a datagram leaves its host by, and its source address, as
** Linux's routes choose them: connected LANs, and a default route by the first
** LAN. Own addresses stay within the host.
*/
#include "sim.h"

static bool isinetloopback(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET &&
         ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
}

/* Does the host of an IPv6 address depend on its zone? */
static bool needszone(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 &&
         (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_NODELOCAL(&a->in6.sin6_addr));
}

/* The interface of the default route, up or down; a host without LANs sends by
   lo. Groups of IPv6 have a route by each LAN that is up. */
static sim_Interface *getdefault(const sim_Host *host,
                                 const mcast_Sockaddr *to) {
  sim_Interface *first = host->interfaces[host->ninterfaces > 1 ? 1 : 0];
  if (to->sa.sa_family == AF_INET6 && mcast_ismulticast(to))
    for (int k = 1; k < host->ninterfaces; k++)
      if (host->interfaces[k]->up && !sim_lacksinet6(host->interfaces[k]->mtu))
        return host->interfaces[k];
  return first;
}

/* The interface of the route to an address that is not the host's; NULL where
   there is none. */
sim_Interface *sim_findroute(const sim_Host *host, const mcast_Sockaddr *to) {
  const sim_Interface *other =
      mcast_ismulticast(to) ? NULL
                            : sim_find(&host->net->addresses, sim_key(to, 0));
  for (int k = 1; other != NULL && k < host->ninterfaces; k++)
    if (host->interfaces[k]->lan == other->lan && host->interfaces[k]->up)
      return host->interfaces[k];
  sim_Interface *i = getdefault(host, to);
  bool reaches = i->up && (i->lan != NULL || mcast_ismulticast(to));
  return reaches ? i : NULL;
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
    if (needszone(a) == needszone(to))
      return a;
    if (found == NULL)
      found = a;
  }
  return found;
}

/* The interface that the socket, the destination or the options name; NULL:
   none. */
static int getnamed(const sim_Socket *s, const mcast_Sockaddr *to,
                    sim_Interface **named) {
  unsigned index = 0;
  *named = s->device;
  if (needszone(to))
    index = to->in6.sin6_scope_id;
  if (index == 0 && s->device == NULL && mcast_ismulticast(to))
    index = (unsigned)s->values[SIM_INTERFACE];
  if (index == 0)
    return 0;
  *named = sim_getinterface(s->host, index);
  return *named != NULL ? 0 : ENODEV;
}

/* The address that the socket is bound to, if that is a source; or NULL. */
static const mcast_Sockaddr *getbound(const sim_Socket *s,
                                      const mcast_Sockaddr *to) {
  bool source = s->bound.sa.sa_family == to->sa.sa_family &&
                !sim_isany(&s->bound) && !mcast_ismulticast(&s->bound);
  return source ? &s->bound : NULL;
}

/*
** Both of these set out, in and from, and return an errno, or 0.
*/

static int routewithin(const sim_Socket *s, const mcast_Sockaddr *bound,
                       sim_Interface *owner, sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  const mcast_Sockaddr *first = chooseaddress(owner, &way->to);
  if (!inet && !owner->up)
    return ENETUNREACH;
  way->out = s->host->interfaces[0];
  way->in = owner;
  bool secondary = inet &&
                   first != NULL && /* lo's have prefixes of their own */
                   (owner->lan != NULL || isinetloopback(&way->to));
  way->from = bound != NULL ? *bound : secondary ? *first : way->to;
  return 0;
}

static int routeout(const sim_Socket *s, const mcast_Sockaddr *bound,
                    sim_Interface *named, sim_Way *way) {
  bool multicast = mcast_ismulticast(&way->to);
  bool inet = way->to.sa.sa_family == AF_INET;
  sim_Interface *i = named;
  if (i == NULL && multicast && inet && bound != NULL)
    i = sim_findowner(s->host, bound);
  if (i == NULL)
    i = sim_findroute(s->host, &way->to);
  if (i == NULL || !i->up || (!inet && !multicast && i->lan == NULL))
    return ENETUNREACH;
  const mcast_Sockaddr *own = chooseaddress(i, &way->to);
  if (own == NULL && bound == NULL)
    return ENETUNREACH;
  way->out = way->in = i;
  way->from = bound != NULL ? *bound : *own;
  if (inet && bound == NULL && multicast && s->source != 0)
    way->from.in.sin_addr.s_addr = s->source;
  return isinetloopback(&way->from) && i->lan != NULL ? EINVAL : 0;
}

/* The unspecified address is this host. */
static void namehost(const sim_Socket *s, const mcast_Sockaddr *bound,
                     sim_Way *way) {
  uint16_t port = mcast_getport(&way->to);
  const sim_Interface *i =
      s->device != NULL ? s->device : s->host->interfaces[0];
  const mcast_Sockaddr *own = chooseaddress(i, &way->to);
  if (!sim_isany(&way->to))
    return;
  if (way->to.sa.sa_family == AF_INET6)
    way->to.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  else if (bound != NULL || own != NULL)
    way->to = bound != NULL ? *bound : *own;
  else
    way->to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  mcast_setport(&way->to, port);
}

/* Fills the way to way->to; source: the one in ancillary data, or NULL. Returns
   an errno, or 0. */
int sim_chooseway(const sim_Socket *s, const struct in6_addr *source,
                  sim_Way *way) {
  mcast_Sockaddr ancillary;
  const mcast_Sockaddr *bound = getbound(s, &way->to);
  sim_Interface *named;
  if (source != NULL) {
    mcast_anyaddress(AF_INET6, 0, &ancillary);
    ancillary.in6.sin6_addr = *source;
    bound = &ancillary;
  }
  namehost(s, bound, way);
  int err = getnamed(s, &way->to, &named);
  if (err != 0)
    return err;
  sim_Interface *owner = sim_findowner(s->host, &way->to);
  err = owner != NULL && (named == NULL || named == owner)
            ? routewithin(s, bound, owner, way)
            : routeout(s, bound, named, way);
  if (way->from.sa.sa_family ==
      AF_INET6) /* the zone of a sender of link scope */
    way->from.in6.sin6_scope_id = needszone(&way->from) ? way->in->index : 0;
  mcast_setport(&way->from, mcast_getport(&s->bound));
  return err;
}
