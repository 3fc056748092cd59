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
bool sim_needszone(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 &&
         (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_NODELOCAL(&a->in6.sin6_addr));
}

static bool isup6(const sim_Interface *i) {
  return i->up && !sim_lacksinet6(i->mtu);
}

/* The interface of the default route, up or down; a host without LANs sends by
   lo. IPv6's groups, and neighbours of link scope, have a route by each LAN that
   is up; the oldest counts. */
static sim_Interface *getdefault(const sim_Host *host,
                                 const mcast_Sockaddr *to) {
  sim_Interface *first = host->interfaces[host->ninterfaces > 1 ? 1 : 0];
  if (to->sa.sa_family == AF_INET ||
      !(mcast_ismulticast(to) || sim_needszone(to)))
    return first;
  for (int k = 1; k < host->ninterfaces; k++) {
    sim_Interface *i = host->interfaces[k];
    if (isup6(i) && (!isup6(first) || i->since < first->since))
      first = i;
  }
  return first;
}

/* IPv4's routes are those of an interface's addresses, and go with the last one. */
static bool hasroutes(const sim_Interface *i, int family) {
  return i->up &&
         (family == AF_INET6 ||
          (i->naddresses > 0 && i->addresses[0].sa.sa_family == AF_INET));
}

/* The interface of the route to an address that is not the host's; NULL where
   there is none. */
sim_Interface *sim_findroute(const sim_Host *host, const mcast_Sockaddr *to) {
  const sim_Interface *other =
      mcast_ismulticast(to) ? NULL
                            : sim_find(&host->net->addresses, sim_key(to, 0));
  for (int k = 1; other != NULL && k < host->ninterfaces; k++)
    if (host->interfaces[k]->lan == other->lan &&
        hasroutes(host->interfaces[k], to->sa.sa_family))
      return host->interfaces[k];
  sim_Interface *i = getdefault(host, to);
  bool reaches = hasroutes(i, to->sa.sa_family) &&
                 (i->lan != NULL || mcast_ismulticast(to));
  return reaches ? i : NULL;
}

/* The interface's address that a packet comes from: of the family, and of link
   scope if the destination is. */
static const mcast_Sockaddr *findaddress(const sim_Interface *i,
                                         const mcast_Sockaddr *to) {
  const mcast_Sockaddr *found = NULL;
  for (int k = 0; k < i->naddresses; k++) {
    const mcast_Sockaddr *a = &i->addresses[k];
    if (a->sa.sa_family != to->sa.sa_family)
      continue;
    if (sim_needszone(a) == sim_needszone(to))
      return a;
    if (found == NULL)
      found = a;
  }
  return found;
}

/* The same; where IPv4 has none on this interface, it is another one's. The
   addresses of lo are for this host: a socket that names lo, and no source, sends
   from a LAN's address. */
static const mcast_Sockaddr *chooseaddress(const sim_Interface *i,
                                           const mcast_Sockaddr *to) {
  const mcast_Sockaddr *own = findaddress(i, to);
  const sim_Host *host = i->host;
  if (to->sa.sa_family != AF_INET || (own != NULL && i->lan != NULL))
    return own;
  for (int k = 1; k < host->ninterfaces; k++) {
    const mcast_Sockaddr *other = findaddress(host->interfaces[k], to);
    if (other != NULL)
      return other;
  }
  return own;
}

/* The index that the datagram, its destination or the socket's device names; 0:
   none. An errno, or 0. */
static int getindex(const sim_Socket *s, const sim_Ask *ask,
                    const mcast_Sockaddr *to, unsigned *index) {
  *index = s->device != NULL ? s->device->index : 0;
  if (sim_needszone(to) && to->in6.sin6_scope_id != 0)
    *index = to->in6.sin6_scope_id;
  if (to->sa.sa_family == AF_INET6 && ask->index != 0 && *index != 0 &&
      *index != ask->index)
    return EINVAL;
  if (ask->index != 0)
    *index = ask->index;
  return *index == 0 || sim_getinterface(s->host, *index) != NULL ? 0 : ENODEV;
}

/* The interface of the index, or of the socket's options; NULL: none. */
static sim_Interface *getnamed(const sim_Socket *s, unsigned index,
                               const mcast_Sockaddr *to) {
  if (index == 0 && mcast_ismulticast(to))
    index = (unsigned)s->values[SIM_INTERFACE];
  return sim_getinterface(s->host, index);
}

/* Reads the address that the socket is bound to, if that is a source. */
static bool getbound(const sim_Socket *s, int family, mcast_Sockaddr *bound) {
  *bound = sim_unmap(&s->bound);
  return bound->sa.sa_family == family && !sim_isany(bound) &&
         !sim_ismany(bound);
}

/*
** The two ways.
*/

static void routewithin(const sim_Socket *s, const mcast_Sockaddr *bound,
                        sim_Interface *owner, sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  const mcast_Sockaddr *first = findaddress(owner, &way->to);
  way->out = s->host->interfaces[0];
  way->in = owner;
  bool secondary = inet &&
                   first != NULL && /* lo's have prefixes of their own */
                   (owner->lan != NULL || isinetloopback(&way->to));
  way->from = bound != NULL ? *bound : secondary ? *first : way->to;
}

/* Has IPv6 a route to a host by this interface? */
static bool hasroute6(const sim_Interface *i, const mcast_Sockaddr *to) {
  const sim_Interface *other = sim_find(&i->net->addresses, sim_key(to, 0));
  if (i->lan == NULL || sim_needszone(to) || i == i->host->interfaces[1])
    return i->lan != NULL;
  return other != NULL && other->lan == i->lan;
}

/* The interface to a group or a neighbour; NULL where there is none. IPv4's
   groups go by the owner of the bound address, even if it is down. */
static sim_Interface *chooseinterface(const sim_Socket *s,
                                      const mcast_Sockaddr *bound,
                                      sim_Interface *named,
                                      const mcast_Sockaddr *to) {
  bool many = sim_ismany(to), inet = to->sa.sa_family == AF_INET;
  if (inet && named == NULL && bound != NULL && many)
    return sim_findowner(s->host, bound);
  sim_Interface *i = named != NULL ? named : sim_findroute(s->host, to);
  if (i == NULL || !i->up || (!inet && !many && !hasroute6(i, to)))
    return NULL;
  return i;
}

/* Was it an address of the host, and is no more? */
static bool isgone(const sim_Socket *s, const mcast_Sockaddr *source) {
  return sim_findowner(s->host, source) == NULL;
}

static int routeout(const sim_Socket *s, const mcast_Sockaddr *bound,
                    sim_Interface *named, sim_Way *way) {
  bool inet = way->to.sa.sa_family == AF_INET;
  sim_Interface *i = chooseinterface(s, bound, named, &way->to);
  if (i == NULL)
    return ENETUNREACH;
  const mcast_Sockaddr *own = chooseaddress(i, &way->to);
  if (!inet && own == NULL && bound == NULL)
    return sim_lacksinet6(i->mtu) ? ENETUNREACH : EADDRNOTAVAIL;
  way->out = way->in = i;
  mcast_anyaddress(way->to.sa.sa_family, 0, &way->from);
  if (bound != NULL || own != NULL) /* else IPv4's source is 0.0.0.0 */
    way->from = bound != NULL ? *bound : *own;
  bool named4 =
      inet && bound == NULL && mcast_ismulticast(&way->to) && s->source != 0;
  if (named4)
    way->from.in.sin_addr.s_addr = s->source;
  if (named4 && isgone(s, &way->from))
    return ENETUNREACH;
  return isinetloopback(&way->from) && i->lan != NULL ? EINVAL : 0;
}

/* The unspecified address is this host: IPv4's is the source. */
static void namehost(const sim_Socket *s, const mcast_Sockaddr *bound,
                     unsigned index, sim_Way *way) {
  uint16_t port = mcast_getport(&way->to);
  way->in = sim_getinterface(s->host, index != 0 ? index : 1);
  const mcast_Sockaddr *own = findaddress(way->in, &way->to);
  if (way->to.sa.sa_family == AF_INET6)
    way->to.in6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  else if (bound != NULL || own != NULL)
    way->to = bound != NULL ? *bound : *own;
  else
    way->to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  mcast_setport(&way->to, port);
}

/* The owner of an own address that datagrams reach within the host. */
static sim_Interface *findown(const sim_Socket *s, const sim_Interface *named,
                              const mcast_Sockaddr *to) {
  sim_Interface *owner = sim_findowner(s->host, to);
  bool reached = owner != NULL && (named == NULL || named == owner) &&
                 (owner->up || to->sa.sa_family == AF_INET);
  return reached ? owner : NULL;
}

/* May the source that one datagram names be this one? IPv6's of link scope are
   those of the interface. An errno, or 0. */
static int checksource(const sim_Socket *s, const mcast_Sockaddr *a,
                       unsigned index) {
  const sim_Interface *i = sim_getinterface(s->host, index);
  if (a->sa.sa_family == AF_INET)
    return 0;
  bool local = sim_needszone(a);
  if (isgone(s, a) || (local && i == NULL))
    return EINVAL;
  if (!local && !(IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) && i != NULL))
    return 0;
  for (int k = 0; k < i->naddresses; k++)
    if (mcast_samehost(&i->addresses[k], a))
      return 0;
  return EINVAL;
}

/* Is IPv6's interface a wish only, as for a datagram with a source to a host? */
static bool iswish(const sim_Socket *s, const sim_Ask *ask,
                   const mcast_Sockaddr *bound, const mcast_Sockaddr *to) {
  return to->sa.sa_family == AF_INET6 && ask->index != 0 && bound != NULL &&
         s->device == NULL && !mcast_ismulticast(to) && !sim_needszone(to) &&
         !IN6_IS_ADDR_LOOPBACK(&to->in6.sin6_addr);
}

/* Fills the way to way->to. Returns an errno, or 0. */
int sim_chooseway(const sim_Socket *s, const sim_Ask *ask, sim_Way *way) {
  mcast_Sockaddr own;
  int family = way->to.sa.sa_family;
  const mcast_Sockaddr *bound = getbound(s, family, &own) ? &own : NULL;
  unsigned index;
  bool unspecified = sim_isany(&way->to);
  int err = getindex(s, ask, &way->to, &index);
  if (err == 0 && ask->source.sa.sa_family == family) {
    own = ask->source;
    bound = &own;
    err = checksource(s, bound, index);
  }
  if (err == 0 && family == AF_INET && bound != NULL && isgone(s, bound))
    err = ENETUNREACH;
  if (err != 0)
    return err;
  if (unspecified)
    namehost(s, bound, index, way);
  sim_Interface *named = getnamed(s, index, &way->to);
  if (iswish(s, ask, bound, &way->to) &&
      (sim_findowner(s->host, &way->to) != NULL || !named->up ||
       !hasroute6(named, &way->to)))
    named = NULL;
  if (named != NULL && !named->up)
    return ENETUNREACH;
  sim_Interface *owner = findown(s, named, &way->to);
  if (unspecified && family == AF_INET)
    owner = way->in;
  if (owner != NULL)
    routewithin(s, bound, owner, way);
  else
    err = routeout(s, bound, named, way);
  if (family == AF_INET6) /* the zone of a sender of link scope */
    way->from.in6.sin6_scope_id =
        sim_needszone(&way->from) ? way->in->index : 0;
  mcast_setport(&way->from, mcast_getport(&s->bound));
  return err;
}
