/*
** The cause of a failed system call, in words, and its remedy. The system is asked
** after a failure only; a question that fails leaves the cause out. Each function
** pushes a text or returns NULL: nothing is known beyond the system's message.
*/
#include "mcast.h"

/* A cause that another interface may help. */
const char *mcast_advise(lua_State *L, const char *cause) {
  mcast_pushinterfacenames(L, true);
  return lua_pushfstring(
      L, "%s: name an interface, as in interface = \"lo\"; available: %s",
      cause, lua_tostring(L, -1));
}

static bool isloopback(const mcast_Sockaddr *a) {
  mcast_Sockaddr host = mcast_unmapped(a);
  return host.sa.sa_family == AF_INET &&
         ntohl(host.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* A question about an interface. */
static struct ifreq newquestion(const char *name) {
  struct ifreq question;
  memset(&question, 0, sizeof question);
  (void)snprintf(question.ifr_name, sizeof question.ifr_name, "%s", name);
  return question;
}

static bool getflags(const mcast_Socket *s, const char *name, short *flags) {
  struct ifreq question = newquestion(name);
  bool known = sys_ioctl(s->fd, SIOCGIFFLAGS, &question) == 0;
  *flags = question.ifr_flags;
  return known;
}

/* 0: unknown. */
static int getmtu(const mcast_Socket *s, const char *name) {
  struct ifreq question = newquestion(name);
  return sys_ioctl(s->fd, SIOCGIFMTU, &question) == 0 ? question.ifr_mtu : 0;
}

/* Is a source no address of this host? (127.0.0.0/8 always is.) */
bool mcast_isgone(const mcast_Sockaddr *source) {
  mcast_Interface owner = {0};
  mcast_Sockaddr own = mcast_unmapped(source);
  return own.sa.sa_family != AF_UNSPEC && !isloopback(&own) &&
         mcast_findowner(&own, &owner) == ENODEV;
}

/*
** IPv6.
*/

/* The owner is an interface, or an address. */
static const char *explainstate(lua_State *L, const char *owner,
                                sys_State state) {
  if (state == SYS_TENTATIVE)
    return lua_pushfstring(L,
                           "%s is tentative: wait some seconds, until it is "
                           "known that no other host has it",
                           owner);
  if (state == SYS_DUPLICATE)
    return lua_pushfstring(L, "another host has %s, too: use another address",
                           owner);
  return NULL;
}

/* Why IPv6 does not work by an interface that is up. */
const char *mcast_explaininet6(lua_State *L, const mcast_Socket *s,
                               const char *name, int err) {
  int mtu = getmtu(s, name);
  sys_State state = sys_inet6state(name, NULL);
  short flags;
  if (0 < mtu && mtu < 1280)
    return lua_pushfstring(L, "IPv6 needs an MTU of 1280, and %s has %d", name,
                           mtu);
  if (state == SYS_OFF)
    return lua_pushfstring(L,
                           "IPv6 is switched off on %s: write 0 to "
                           "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
                           name, name);
  if (err == EADDRNOTAVAIL && state != SYS_WELL)
    return explainstate(L, lua_pushfstring(L, "the address of %s", name),
                        state);
  if (err != ENETUNREACH || !getflags(s, name, &flags))
    return NULL;
  if (flags & IFF_LOOPBACK)
    return lua_pushfstring(L,
                           "%s has no route to IPv6 groups: ip -6 route add "
                           "local ff00::/8 dev %s",
                           name, name);
  const char *lack = NULL;
  if (!(flags & IFF_RUNNING))
    lack = flags & IFF_MULTICAST ? "no carrier"
                                 : "no carrier and no MULTICAST flag";
  else if (!(flags & IFF_MULTICAST))
    lack = "no MULTICAST flag";
  return lack == NULL
             ? NULL
             : lua_pushfstring(L, "no route to IPv6 groups by %s, which has %s",
                               name, lack);
}

/* Why IPv6 has no source by any interface. */
static const char *explainhost6(lua_State *L, int err) {
  return err == EADDRNOTAVAIL ? explainstate(L, "the address of this host",
                                             sys_inet6state("", NULL))
                              : NULL;
}

/*
** Sending.
*/

/* Why no datagram leaves by the way, whatever the family; the name is "" where no
   interface is named. */
static const char *explaininterface(lua_State *L, const mcast_Socket *s,
                                    const mcast_Way *way,
                                    char name[IF_NAMESIZE]) {
  short flags;
  if (way->index != 0 && !sys_interfacename(s->fd, way->index, name))
    return "the interface is gone";
  if (way->index != 0 && getflags(s, name, &flags) && !(flags & IFF_UP))
    return "the interface is down";
  if (!mcast_isgone(&way->source))
    return NULL;
  if (!way->named)
    return lua_pushfstring(L, "%s has no IPv4 address", name);
  mcast_pushhost(L, &way->source);
  return lua_pushfstring(L, "%s is no address of this host any more",
                         lua_tostring(L, -1));
}

/* Why no datagram leaves by a way that is in order. */
static const char *explainroute(lua_State *L, const mcast_Sockaddr *to,
                                const char *name, int err) {
  const char *object = mcast_ismulticast(to) ? "group" : "host";
  if (name[0] == '\0')
    return lua_pushfstring(L, "no route to the %s", object);
  if (err == EADDRNOTAVAIL)
    return lua_pushfstring(L, "%s has no usable address", name);
  return lua_pushfstring(L, "no route to the %s by %s", object, name);
}

/* Why a datagram found no way out. */
const char *mcast_explainway(lua_State *L, const mcast_Socket *s,
                             const mcast_Sockaddr *to, const mcast_Way *way,
                             int err) {
  char name[IF_NAMESIZE] = "";
  const char *cause = explaininterface(L, s, way, name), *six = NULL;
  if (cause == NULL && to->sa.sa_family == AF_INET6 && !mcast_ismapped(to))
    six = name[0] != '\0' ? mcast_explaininet6(L, s, name, err)
                          : explainhost6(L, err);
  if (six != NULL)
    return six;
  if (cause == NULL)
    cause = explainroute(L, to, name, err);
  return mcast_ismulticast(to) ? mcast_advise(L, cause) : cause;
}

/* Which options do not fit each other; index: of the interface named, or 0. */
const char *mcast_explainconflict(lua_State *L, const mcast_Socket *s,
                                  unsigned index) {
  char name[IF_NAMESIZE], other[IF_NAMESIZE];
  unsigned device = 0;
  if (index == 0 || sys_deviceindex(s->fd, &device) != 0 || device == 0 ||
      device == index || !sys_interfacename(s->fd, index, name) ||
      !sys_interfacename(s->fd, device, other))
    return NULL;
  return lua_pushfstring(
      L, "the options 'interface' (%s) and 'device' (%s) disagree", name,
      other);
}

/* EINVAL: options that do not fit each other, or the destination. */
static const char *explaininvalid(lua_State *L, const mcast_Socket *s,
                                  const mcast_Sockaddr *to,
                                  const mcast_Way *way) {
  char name[IF_NAMESIZE];
  const char *cause = mcast_explainconflict(L, s, way->index);
  if (cause != NULL)
    return cause;
  if (mcast_isgone(&way->source))
    return mcast_explainway(L, s, to, way, EINVAL);
  mcast_pushhost(L, to);
  const char *host = lua_tostring(L, -1);
  if (!isloopback(&way->source))
    return lua_pushfstring(L, "a route may discard it: see ip route get %s",
                           host);
  mcast_pushhost(L, &way->source);
  const char *source = lua_tostring(L, -1);
  if (way->index != 0 && sys_interfacename(s->fd, way->index, name))
    return lua_pushfstring(
        L, "the options 'host' (%s) and 'interface' (%s) disagree", source,
        name);
  return lua_pushfstring(
      L, "the option 'host' (%s) is for this host alone: leave it out", source);
}

/* Is it the last address of the interface's subnet? */
static bool islast(const struct ifaddrs *i, const mcast_Sockaddr *to) {
  mcast_Sockaddr own, mask;
  if (!mcast_isaddress(i) || i->ifa_addr->sa_family != AF_INET ||
      !(i->ifa_flags & IFF_BROADCAST) || i->ifa_netmask == NULL)
    return false;
  mcast_copyaddress(&own, i->ifa_addr);
  mcast_copyaddress(&mask, i->ifa_netmask);
  return (own.in.sin_addr.s_addr | ~mask.in.sin_addr.s_addr) ==
         to->in.sin_addr.s_addr;
}

static bool isbroadcast(const mcast_Sockaddr *to) {
  struct ifaddrs *list;
  if (to->sa.sa_family != AF_INET)
    return false;
  bool found = to->in.sin_addr.s_addr == htonl(INADDR_BROADCAST);
  if (found || sys_getifaddrs(&list) != 0)
    return found;
  for (struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next)
    found = islast(i, to);
  sys_freeifaddrs(list);
  return found;
}

static const char *explainroutetype(lua_State *L, const mcast_Sockaddr *to,
                                    const char *effect) {
  mcast_pushhost(L, to);
  return lua_pushfstring(L, "a route %s: see ip route get %s", effect,
                         lua_tostring(L, -1));
}

/* The device stands in for an interface that is not named. A host is not sent to by
   the option `interface`. */
static mcast_Way completeway(const mcast_Socket *s, const mcast_Sockaddr *to,
                             const mcast_Way *named) {
  mcast_Way way = *named;
  if (!mcast_ismulticast(to))
    way.index = mcast_getzone(to);
  if (way.index == 0 && sys_deviceindex(s->fd, &way.index) != 0)
    way.index = 0;
  return way;
}

/* Why a send by this way failed. */
const char *mcast_explainsend(lua_State *L, const mcast_Socket *s,
                              const mcast_Sockaddr *to, const mcast_Way *named,
                              int err) {
  mcast_Way way = completeway(s, to, named);
  mcast_Sockaddr host = mcast_unmapped(to);
  switch (err) {
  case EPERM:
    return "a packet filter refuses it: see nft list ruleset";
  case EACCES:
    return isbroadcast(&host)
               ? "it is a broadcast address: set broadcast = true"
               : explainroutetype(L, &host, "prohibits it");
  case EHOSTUNREACH:
    return explainroutetype(L, &host, "makes it unreachable");
  case ENOBUFS:
    return "no room in the send buffer or the interface's queue: raise sndbuf, "
           "or send slower";
  case EINVAL:
    return explaininvalid(L, s, &host, mcast_ismulticast(to) ? named : &way);
  default:
    break;
  }
  if (!mcast_ismissing(err))
    return NULL;
  return mcast_explainway(L, s, to, &way, err);
}

/*
** Binding.
*/

static bool islinkscope(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 &&
         (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr) ||
          IN6_IS_ADDR_MC_NODELOCAL(&a->in6.sin6_addr));
}

/* EADDRNOTAVAIL. */
static const char *explainhost(lua_State *L, const mcast_Sockaddr *a) {
  mcast_Interface owner = {0};
  mcast_Sockaddr anywhere = *a;
  const char *cause = NULL;
  if (a->sa.sa_family == AF_INET6) {
    anywhere.in6.sin6_scope_id = 0;
    cause =
        explainstate(L, "the address", sys_inet6state("", &a->in6.sin6_addr));
  }
  if (cause != NULL)
    return cause;
  if (mcast_findowner(&anywhere, &owner) == 0)
    return lua_pushfstring(L, "it is an address of %s", owner.name);
  return "no address of this host: see mcast.interfaces";
}

static const char *explainport(lua_State *L, const mcast_Sockaddr *a) {
  long first = sys_firstport();
  if (mcast_getport(a) >= first)
    return NULL;
  return lua_pushfstring(
      L,
      "ports below %d are for root and CAP_NET_BIND_SERVICE, see sysctl "
      "net.ipv4.ip_unprivileged_port_start",
      (int)first);
}

/* Why a socket is not bound to an address. */
const char *mcast_explainbind(lua_State *L, const mcast_Sockaddr *a, int err) {
  switch (err) {
  case EADDRINUSE:
    return "all sockets that share a port must set reuseaddr, or all must set "
           "reuseport; this one or the owner of the port does not";
  case EACCES:
    return explainport(L, a);
  case EADDRNOTAVAIL:
    return explainhost(L, a);
  case ENODEV:
    return "the interface is gone";
  case EINVAL:
    if (mcast_ismapped(a))
      return "an IPv4 address needs v6only = false";
    return islinkscope(a) && mcast_getzone(a) == 0
               ? "an address of link scope needs "
                 "its interface, as in fe80::1%lo"
               : NULL;
  default:
    return NULL;
  }
}
