/*
** System calls on a simulated host. Like the system's, they return -1 and set
** errno where they fail.
*/
#include "sim.h"

#define MAX_BUFFER (4 << 20) /* limit of a request; twice that is granted */
#define MIN_RECEIVE 2304     /* bytes that are granted at least */
#define MIN_SEND 4608
#define FIRST_EPHEMERAL 32768

/*
** Binding.
*/

/* Would one receive datagrams to the other? */
static bool overlaps(const sim_Socket *a, const sim_Socket *b,
                     const mcast_Sockaddr *to) {
  mcast_Sockaddr one = sim_unmap(to), other = sim_unmap(&b->bound);
  if (a->device != NULL && b->device != NULL && a->device != b->device)
    return false;
  if (one.sa.sa_family == other.sa.sa_family)
    return sim_isany(&one) || sim_isany(&other) || mcast_samehost(&one, &other);
  const sim_Socket *dual = one.sa.sa_family == AF_INET6 ? a : b;
  return !dual->values[SIM_V6ONLY] && sim_isany(dual == a ? &one : &other);
}

/* The first that shares the port by reuseport ends Linux's search. */
static bool isinuse(const sim_Socket *s, const mcast_Sockaddr *to,
                    uint16_t port) {
  for (const sim_Socket *o = s->host->sockets; o != NULL; o = o->next) {
    if (o == s || mcast_getport(&o->bound) != port ||
        (s->values[SIM_REUSEADDR] && o->values[SIM_REUSEADDR]) ||
        !overlaps(s, o, to))
      continue;
    return !(s->values[SIM_REUSEPORT] && o->values[SIM_REUSEPORT]);
  }
  return false;
}

/* The next unused port; 0 where there is none. */
static uint16_t ephemeral(const sim_Socket *s) {
  sim_Host *host = s->host;
  for (int tries = FIRST_EPHEMERAL; tries > 0; tries--) {
    bool used = false;
    host->port = host->port < FIRST_EPHEMERAL || host->port == UINT16_MAX
                     ? FIRST_EPHEMERAL
                     : (uint16_t)(host->port + 1);
    for (const sim_Socket *o = host->sockets; o != NULL && !used; o = o->next)
      used = mcast_getport(&o->bound) == host->port;
    if (!used)
      return host->port;
  }
  return 0;
}

/* In the order of Linux's list: the last bound first, but IPv6's that share by
   reuseport at its end. */
static void listsocket(sim_Socket *s) {
  sim_Socket **at = &s->host->sockets;
  while (s->shares && s->family == AF_INET6 && *at != NULL)
    at = &(*at)->next;
  s->next = *at;
  *at = s;
}

static bool islinkscope(const mcast_Sockaddr *a) {
  return IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr) ||
         IN6_IS_ADDR_MC_LINKLOCAL(&a->in6.sin6_addr) ||
         IN6_IS_ADDR_MC_NODELOCAL(&a->in6.sin6_addr);
}

/* A host of link scope binds the socket to its interface, too. */
static int checkbind6(sim_Socket *s, const mcast_Sockaddr *a) {
  mcast_Sockaddr inet = sim_unmap(a);
  if (inet.sa.sa_family == AF_INET) {
    if (s->values[SIM_V6ONLY])
      return EINVAL;
    return sim_isany(&inet) || sim_ismany(&inet) ||
                   sim_findowner(s->host, &inet) != NULL
               ? 0
               : EADDRNOTAVAIL;
  }
  if (islinkscope(a) && a->in6.sin6_scope_id != 0)
    s->device = sim_getinterface(s->host, a->in6.sin6_scope_id);
  if (islinkscope(a) && s->device == NULL)
    return a->in6.sin6_scope_id != 0 ? ENODEV : EINVAL;
  const sim_Interface *owner = sim_findowner(s->host, a);
  bool local = islinkscope(a) || IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
  if (!mcast_ismulticast(a) &&
      (owner == NULL || (local && s->device != NULL && s->device != owner)))
    return EADDRNOTAVAIL;
  s->values[SIM_V6ONLY] = 1;
  return 0;
}

/* An errno, or 0. */
static int checkbind(sim_Socket *s, const mcast_Sockaddr *a) {
  if (sim_isany(a))
    return 0;
  if (a->sa.sa_family == AF_INET6)
    return checkbind6(s, a);
  return sim_ismany(a) || sim_findowner(s->host, a) != NULL ? 0 : EADDRNOTAVAIL;
}

int sys_bind(int fd, const struct sockaddr *sa, socklen_t len) {
  (void)len;
  sim_Socket *s = sim_getsocket(fd);
  mcast_Sockaddr a;
  if (s == NULL)
    return -1;
  mcast_copyaddress(&a, sa);
  if (mcast_getport(&s->bound) != 0)
    return sim_fail(EINVAL);
  int err = checkbind(s, &a);
  if (err != 0)
    return sim_fail(err);
  uint16_t port = mcast_getport(&a);
  if (port == 0)
    port = ephemeral(s);
  if (port == 0 || isinuse(s, &a, port))
    return sim_fail(EADDRINUSE);
  s->bound = a;
  mcast_setport(&s->bound, port);
  s->shares = s->values[SIM_REUSEPORT];
  listsocket(s);
  return 0;
}

/* The zone of a host of link scope is the device. */
int sys_getsockname(int fd, struct sockaddr *a, socklen_t *len) {
  sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  if (s->family == AF_INET6 && islinkscope(&s->bound))
    s->bound.in6.sin6_scope_id = s->device != NULL ? s->device->index : 0;
  *len = mcast_addresslen(&s->bound);
  memcpy(a, &s->bound, *len);
  return 0;
}

/*
** Options.
*/

static const struct {
  int level;
  int name;
  sim_Value value;
} options[] = {
    {SOL_SOCKET, SO_REUSEADDR, SIM_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT, SIM_REUSEPORT},
    {SOL_SOCKET, SO_BROADCAST, SIM_BROADCAST},
    {SOL_SOCKET, SO_RCVBUF, SIM_RCVBUF},
    {SOL_SOCKET, SO_SNDBUF, SIM_SNDBUF},
    {IPPROTO_IP, IP_MULTICAST_TTL, SIM_TTL},
    {IPPROTO_IP, IP_TTL, SIM_UNICASTTTL},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SIM_LOOP},
    {IPPROTO_IP, MCAST_IP_ALL, SIM_ALL},
    {IPPROTO_IP, MCAST_IP_FRAGMENT, SIM_DISCOVER},
    {IPPROTO_IP, IP_TOS, SIM_TOS},
    {IPPROTO_IP, IP_MULTICAST_IF, SIM_INTERFACE},
    {IPPROTO_IPV6, IPV6_V6ONLY, SIM_V6ONLY},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SIM_TTL},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SIM_UNICASTTTL},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SIM_LOOP},
    {IPPROTO_IPV6, MCAST_IPV6_ALL, SIM_ALL},
    {IPPROTO_IPV6, MCAST_IPV6_DONTFRAG, SIM_DONTFRAG},
    {IPPROTO_IPV6, IPV6_TCLASS, SIM_TOS},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, SIM_INTERFACE},
};

static int *getvalue(sim_Socket *s, int level, int name) {
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (options[i].level == level && options[i].name == name)
      return &s->values[options[i].value];
  return NULL;
}

static int setoutgoing(sim_Socket *s, const void *value, socklen_t len) {
  struct ip_mreqn inet;
  int index;
  memset(&inet, 0, sizeof inet);
  if (len == sizeof inet)
    memcpy(&inet, value, sizeof inet);
  else
    memcpy(&inet.imr_ifindex, value, sizeof inet.imr_ifindex);
  index = inet.imr_ifindex;
  if (index != 0 && sim_getinterface(s->host, (unsigned)index) == NULL)
    return sim_fail(ENODEV);
  if (index != 0 && s->device != NULL && s->device->index != (unsigned)index)
    return sim_fail(EINVAL);
  s->values[SIM_INTERFACE] = index;
  s->source = inet.imr_address.s_addr;
  return 0;
}

static int setdevice(sim_Socket *s, const char *name, socklen_t len) {
  s->device = NULL;
  for (int i = 0; i < s->host->ninterfaces && len > 0; i++) {
    sim_Interface *interface = s->host->interfaces[i];
    if (strlen(interface->name) == len &&
        memcmp(interface->name, name, len) == 0)
      s->device = interface;
  }
  return len == 0 || s->device != NULL ? 0 : sim_fail(ENODEV);
}

static int grantbuffer(int *value, int requested, int least) {
  int granted = requested < MAX_BUFFER ? 2 * requested : 2 * MAX_BUFFER;
  *value = granted > least ? granted : least;
  return 0;
}

int sys_setsockopt(int fd, int level, int name, const void *value,
                   socklen_t len) {
  sim_Socket *s = sim_getsocket(fd);
  unsigned char byte;
  if (s == NULL)
    return -1;
  if (name == MCAST_SO_DEVICE && level == SOL_SOCKET)
    return setdevice(s, value, len);
  int *own = getvalue(s, level, name);
  if (own == NULL)
    return sim_setmembership(s, name, value, len);
  if (own == &s->values[SIM_INTERFACE])
    return setoutgoing(s, value, len);
  if (own == &s->values[SIM_V6ONLY] && mcast_getport(&s->bound) != 0)
    return sim_fail(EINVAL); /* it is bound already */
  if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF)) {
    int requested;
    memcpy(&requested, value, sizeof requested);
    return grantbuffer(own, requested,
                       name == SO_RCVBUF ? MIN_RECEIVE : MIN_SEND);
  }
  memcpy(&byte, value, sizeof byte);
  *own = byte;
  if (len == sizeof *own)
    memcpy(own, value, sizeof *own);
  return 0;
}

int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len) {
  sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  if (name == MCAST_SO_DEVICE && level == SOL_SOCKET) {
    (void)snprintf(value, *len, "%s", s->device != NULL ? s->device->name : "");
    return 0;
  }
  const int *own = getvalue(s, level, name);
  if (own == NULL)
    return sim_fail(ENOPROTOOPT);
  unsigned char byte = (unsigned char)*own;
  if (*len == sizeof byte)
    memcpy(value, &byte, sizeof byte);
  else
    memcpy(value, own, sizeof *own);
  return 0;
}

int sys_deviceindex(int fd, unsigned *index) {
  const sim_Socket *s = sim_getsocket(fd);
  *index = s != NULL && s->device != NULL ? s->device->index : 0;
  return 0;
}

bool sys_getdropped(int fd, uint32_t *dropped) {
  const sim_Socket *s = sim_getsocket(fd);
  *dropped = s != NULL ? s->dropped : 0;
  return s != NULL;
}

/*
** Sending.
*/

ssize_t sys_sendto(int fd, const void *data, size_t len, int flags,
                   const struct sockaddr *to, socklen_t tolen) {
  (void)flags, (void)tolen;
  sim_Socket *s = sim_getsocket(fd);
  mcast_Sockaddr a;
  if (s == NULL)
    return -1;
  sim_Ask ask = {0};
  mcast_copyaddress(&a, to);
  return sim_send(s, data, len, &a, &ask);
}

static void readway(sim_Ask *ask, const struct cmsghdr *c) {
  struct in_pktinfo inet;
  struct in6_pktinfo inet6;
  if (c->cmsg_level == IPPROTO_IP) {
    memcpy(&inet, CMSG_DATA(c), sizeof inet);
    ask->index = (unsigned)inet.ipi_ifindex;
    mcast_anyaddress(AF_INET, 0, &ask->source);
    ask->source.in.sin_addr = inet.ipi_spec_dst;
  } else {
    memcpy(&inet6, CMSG_DATA(c), sizeof inet6);
    ask->index = inet6.ipi6_ifindex;
    mcast_anyaddress(AF_INET6, 0, &ask->source);
    ask->source.in6.sin6_addr = inet6.ipi6_addr;
  }
  if (sim_isany(&ask->source))
    memset(&ask->source, 0, sizeof ask->source);
}

/* Reads the ancillary data that src/choice.c writes. */
static sim_Ask readcontrol(struct msghdr *msg) {
  sim_Ask ask = {0};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
       c = sys_nextcmsg(msg, c)) {
    bool inet = c->cmsg_level == IPPROTO_IP;
    if (!inet && c->cmsg_level != IPPROTO_IPV6)
      continue; /* a train */
    if (c->cmsg_type == (inet ? IP_PKTINFO : IPV6_PKTINFO))
      readway(&ask, c);
    else
      memcpy(&ask.ttl, CMSG_DATA(c), sizeof ask.ttl);
  }
  return ask;
}

/* Each part is a datagram: a segment of a train. */
ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags) {
  (void)flags;
  sim_Socket *s;
  mcast_Sockaddr to;
  ssize_t sent = 0;
  struct msghdr copy = *msg;
  sim_Ask ask = readcontrol(&copy);
  mcast_copyaddress(&to, msg->msg_name);
  for (size_t i = 0; i < (size_t)msg->msg_iovlen && sent >= 0; i++) {
    s = sim_getsocket(fd); /* a finalizer may have closed it */
    sent = s != NULL ? sim_send(s, msg->msg_iov[i].iov_base,
                                msg->msg_iov[i].iov_len, &to, &ask)
                     : -1;
  }
  return sent;
}
