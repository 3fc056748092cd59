/*
** The kernel: what system calls do on a simulated host. They give -1 and errno,
** as the system's do.
*/
#include "sim.h"

#include <stdatomic.h>

#define MAX_DESCRIPTORS 1024 /* of a node */
#define DEFAULT_BUFFER 212992
#define MAX_BUFFER (4 << 20) /* what may be asked for; twice that is granted */
#define MIN_BUFFER 2304
#define FIRST_EPHEMERAL 32768

/* The node that runs, on whose host a new socket is. */
_Thread_local sim_Node *sim_current;

static int fail(int err) {
  errno = err;
  return -1;
}

/*
** Descriptors tell the net, so that a socket which is collected or used outside
** of its net's run is still found, or not found, but never mistaken.
*/

#define SLOTS 2048
#define SOCKETBITS 20

static _Atomic(sim_Net *) nets[SLOTS];

/* False where there are too many nets. */
bool sim_registernet(sim_Net *net) {
  for (int i = 0; i < SLOTS; i++) {
    sim_Net *none = NULL;
    if (atomic_compare_exchange_strong(&nets[i], &none, net)) {
      net->slot = i;
      return true;
    }
  }
  return false;
}

void sim_unregisternet(sim_Net *net) { atomic_store(&nets[net->slot], NULL); }

static sim_Socket *findsocket(int fd) {
  const sim_Net *net = fd >= 0 ? atomic_load(&nets[fd >> SOCKETBITS]) : NULL;
  int i = fd & ((1 << SOCKETBITS) - 1);
  return net != NULL && i < net->nsockets ? net->sockets[i] : NULL;
}

/* A node has no use of another net's sockets: that net's time is not its own. */
sim_Socket *sim_getsocket(int fd) {
  sim_Socket *s = findsocket(fd);
  if (s == NULL || (sim_current != NULL && sim_current->net != s->net)) {
    errno = EBADF;
    return NULL;
  }
  return s;
}

/* What a script sees of a descriptor: the net's count. */
int sim_descriptor(int fd) { return fd & ((1 << SOCKETBITS) - 1); }

static const int defaults[SIM_VALUES] = {
    [SIM_TTL] = 1, [SIM_UNICASTTTL] = 64,         [SIM_LOOP] = 1,
    [SIM_ALL] = 1, [SIM_SNDBUF] = DEFAULT_BUFFER,
};

static sim_Socket *newsocket(sim_Net *net) {
  sim_Socket *s = net->freesockets;
  if (s == NULL)
    return sim_allocate(net, sizeof *s);
  net->freesockets = s->next;
  memset(s, 0, sizeof *s);
  return s;
}

static void keepsocket(sim_Net *net, sim_Socket *s) {
  if (s == NULL)
    return;
  s->next = net->freesockets;
  net->freesockets = s;
}

int sys_socket(int family) {
  sim_Node *node = sim_current;
  if (node == NULL)
    return fail(EPERM); /* only nodes have sockets */
  sim_Net *net = node->net;
  if (node->nsockets == MAX_DESCRIPTORS)
    return fail(EMFILE);
  if (net->nsockets == 1 << SOCKETBITS)
    return fail(ENFILE);
  sim_Socket *s = newsocket(net);
  if (s == NULL || !sim_append(&net->sockets, &net->nsockets, s)) {
    keepsocket(net, s);
    return fail(ENOMEM);
  }
  s->net = net;
  s->host = node->host;
  s->owner = node;
  s->family = family;
  s->fd = net->slot << SOCKETBITS | (net->nsockets - 1);
  memcpy(s->values, defaults, sizeof defaults);
  s->values[SIM_RCVBUF] = net->rcvbuf > 0 ? net->rcvbuf : DEFAULT_BUFFER;
  mcast_anyaddress(family, 0, &s->bound);
  node->nsockets++;
  return s->fd;
}

static void unlinksocket(sim_Socket *s) {
  sim_Socket **at = &s->host->sockets;
  while (*at != NULL && *at != s)
    at = &(*at)->next;
  if (*at == s)
    *at = s->next;
}

void sim_closesocket(sim_Socket *s) {
  sim_leaveall(s);
  unlinksocket(s);
  for (; s->count > 0; s->count--)
    sim_release(s->net, s->queue[s->head++ & (s->capacity - 1)].packet);
  s->net->sockets[sim_descriptor(s->fd)] = NULL;
  s->owner->nsockets--;
  free(s->queue);
  free(s->members);
  keepsocket(s->net, s);
}

int sys_close(int fd) {
  sim_Socket *s = findsocket(fd);
  if (s == NULL)
    return fail(EBADF);
  sim_closesocket(s);
  return 0;
}

/*
** When memory is collected depends on the process. So what a script has dropped
** without closing it stays open until its node needs descriptors.
*/

void sim_abandon(int fd) {
  sim_Socket *s = findsocket(fd);
  if (s != NULL)
    s->abandoned = true;
}

void sim_makeroom(lua_State *L) {
  const sim_Node *node = sim_current;
  if (node == NULL || node->nsockets < MAX_DESCRIPTORS)
    return;
  lua_gc(L, LUA_GCCOLLECT);
  for (int i = 0; i < node->net->nsockets; i++) {
    sim_Socket *s = node->net->sockets[i];
    if (s != NULL && s->owner == node && s->abandoned)
      sim_closesocket(s);
  }
}

/*
** Binding.
*/

static bool isany(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET
             ? a->in.sin_addr.s_addr == htonl(INADDR_ANY)
             : IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

static bool isloopback(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET ? ntohl(a->in.sin_addr.s_addr) >> 24 == 127
                                    : IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool sim_isown(const sim_Host *host, const mcast_Sockaddr *a) {
  if (isloopback(a))
    return true;
  for (int i = 0; i < host->ninterfaces; i++)
    for (int k = 0; k < host->interfaces[i]->naddresses; k++)
      if (mcast_samehost(&host->interfaces[i]->addresses[k], a))
        return true;
  return false;
}

/* Would one hear what is sent to the other? */
static bool overlaps(const sim_Socket *a, const sim_Socket *b,
                     const mcast_Sockaddr *to) {
  const sim_Socket *dual = a->family == AF_INET6 ? a : b;
  if (a->device != NULL && b->device != NULL && a->device != b->device)
    return false;
  if (a->family != b->family)
    return !dual->values[SIM_V6ONLY] && isany(dual == a ? to : &b->bound);
  return isany(&b->bound) || isany(to) || mcast_samehost(&b->bound, to);
}

static bool isinuse(const sim_Socket *s, const mcast_Sockaddr *to,
                    uint16_t port) {
  for (const sim_Socket *o = s->host->sockets; o != NULL; o = o->next) {
    bool share = (s->values[SIM_REUSEADDR] && o->values[SIM_REUSEADDR]) ||
                 (s->values[SIM_REUSEPORT] && o->values[SIM_REUSEPORT]);
    if (o != s && mcast_getport(&o->bound) == port && !share &&
        overlaps(s, o, to))
      return true;
  }
  return false;
}

/* The next port that nobody has, 0 where there is none. */
static uint16_t ephemeral(const sim_Socket *s) {
  sim_Host *host = s->host;
  for (int tries = FIRST_EPHEMERAL; tries > 0; tries--) {
    bool taken = false;
    host->port = host->port < FIRST_EPHEMERAL || host->port == UINT16_MAX
                     ? FIRST_EPHEMERAL
                     : (uint16_t)(host->port + 1);
    for (const sim_Socket *o = host->sockets; o != NULL && !taken; o = o->next)
      taken = mcast_getport(&o->bound) == host->port;
    if (!taken)
      return host->port;
  }
  return 0;
}

int sys_bind(int fd, const struct sockaddr *sa, socklen_t len) {
  (void)len;
  sim_Socket *s = sim_getsocket(fd);
  mcast_Sockaddr a;
  if (s == NULL)
    return -1;
  mcast_copyaddress(&a, sa);
  if (mcast_getport(&s->bound) != 0)
    return fail(EINVAL);
  if (!isany(&a) && !mcast_ismulticast(&a) && !sim_isown(s->host, &a))
    return fail(EADDRNOTAVAIL);
  uint16_t port = mcast_getport(&a);
  if (port == 0)
    port = ephemeral(s);
  if (port == 0 || isinuse(s, &a, port))
    return fail(EADDRINUSE);
  s->bound = a;
  mcast_setport(&s->bound, port);
  s->next = s->host->sockets;
  s->host->sockets = s;
  return 0;
}

/* Only to find out by which interface something would go (interface.c): the
   socket is then bound to that one's address. */
int sys_connect(int fd, const struct sockaddr *sa, socklen_t len) {
  (void)len;
  sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  sim_Interface *i = sim_getinterface(s->host, 0);
  for (int k = 0; k < i->naddresses; k++)
    if (i->addresses[k].sa.sa_family == sa->sa_family) {
      s->bound = i->addresses[k];
      return 0;
    }
  return fail(ENETUNREACH);
}

int sys_getsockname(int fd, struct sockaddr *a, socklen_t *len) {
  sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
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
    {SOL_SOCKET, SO_RCVBUF, SIM_RCVBUF},
    {SOL_SOCKET, SO_SNDBUF, SIM_SNDBUF},
    {IPPROTO_IP, IP_MULTICAST_TTL, SIM_TTL},
    {IPPROTO_IP, IP_TTL, SIM_UNICASTTTL},
    {IPPROTO_IP, IP_MULTICAST_LOOP, SIM_LOOP},
    {IPPROTO_IP, MCAST_IP_ALL, SIM_ALL},
    {IPPROTO_IP, IP_TOS, SIM_TOS},
    {IPPROTO_IP, IP_MULTICAST_IF, SIM_INTERFACE},
    {IPPROTO_IPV6, IPV6_V6ONLY, SIM_V6ONLY},
    {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SIM_TTL},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, SIM_UNICASTTTL},
    {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SIM_LOOP},
    {IPPROTO_IPV6, MCAST_IPV6_ALL, SIM_ALL},
    {IPPROTO_IPV6, IPV6_TCLASS, SIM_TOS},
    {IPPROTO_IPV6, IPV6_MULTICAST_IF, SIM_INTERFACE},
};

static int *getvalue(sim_Socket *s, int level, int name) {
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (options[i].level == level && options[i].name == name)
      return &s->values[options[i].value];
  return NULL;
}

static int setinterface(sim_Socket *s, const void *value, socklen_t len) {
  struct ip_mreqn inet;
  int index;
  memset(&inet, 0, sizeof inet);
  if (len == sizeof inet)
    memcpy(&inet, value, sizeof inet);
  else
    memcpy(&inet.imr_ifindex, value, sizeof inet.imr_ifindex);
  index = inet.imr_ifindex;
  if (index != 0 && sim_getinterface(s->host, (unsigned)index) == NULL)
    return fail(ENODEV);
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
  return len == 0 || s->device != NULL ? 0 : fail(ENODEV);
}

static int grantbuffer(int *value, int asked) {
  int granted = asked < MAX_BUFFER ? 2 * asked : 2 * MAX_BUFFER;
  *value = granted > MIN_BUFFER ? granted : MIN_BUFFER;
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
    return setinterface(s, value, len);
  if (own == &s->values[SIM_V6ONLY] && mcast_getport(&s->bound) != 0)
    return fail(EINVAL); /* it is bound already */
  if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF)) {
    int asked;
    memcpy(&asked, value, sizeof asked);
    return grantbuffer(own, asked);
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
    return fail(ENOPROTOOPT);
  unsigned char byte = (unsigned char)*own;
  if (*len == sizeof byte)
    memcpy(value, &byte, sizeof byte);
  else
    memcpy(value, own, sizeof *own);
  return 0;
}

bool sys_getdropped(int fd, uint32_t *dropped) {
  const sim_Socket *s = sim_getsocket(fd);
  *dropped = s != NULL ? s->dropped : 0;
  return s != NULL;
}

/*
** Interfaces.
*/

/* The interface of the index; of 0, that of the route to everywhere: the first
   one beside lo that is up, else lo. */
sim_Interface *sim_getinterface(const sim_Host *host, unsigned index) {
  if (index != 0)
    return index <= (unsigned)host->ninterfaces ? host->interfaces[index - 1]
                                                : NULL;
  for (int i = 1; i < host->ninterfaces; i++)
    if (host->interfaces[i]->up)
      return host->interfaces[i];
  return host->interfaces[0];
}

static const sim_Host *currenthost(void) {
  if (sim_current == NULL)
    errno = EPERM;
  return sim_current != NULL ? sim_current->host : NULL;
}

char *sys_if_indextoname(unsigned index, char *name) {
  const sim_Host *host = currenthost();
  const sim_Interface *i =
      host != NULL && index != 0 ? sim_getinterface(host, index) : NULL;
  if (i == NULL) {
    errno = ENXIO;
    return NULL;
  }
  return memcpy(name, i->name, IF_NAMESIZE);
}

/* One block, to be freed as a whole. */
struct if_nameindex *sys_if_nameindex(void) {
  const sim_Host *host = currenthost();
  size_t n = host != NULL ? (size_t)host->ninterfaces : 0;
  struct if_nameindex *list = calloc(n + 1, sizeof *list);
  if (list == NULL)
    return NULL;
  for (size_t i = 0; i < n; i++) {
    list[i].if_index = host->interfaces[i]->index;
    list[i].if_name = host->interfaces[i]->name;
  }
  return list;
}

static unsigned getflags(const sim_Interface *i) {
  return (i->up ? IFF_UP | IFF_RUNNING : 0u) | IFF_MULTICAST |
         (i->lan == NULL ? IFF_LOOPBACK : 0u);
}

int sys_getifaddrs(struct ifaddrs **list) {
  const sim_Host *host = currenthost();
  size_t n = 0, k = 0;
  for (int i = 0; host != NULL && i < host->ninterfaces; i++)
    n += 1 + (size_t)host->interfaces[i]->naddresses;
  *list = calloc(n + 1, sizeof **list);
  if (*list == NULL)
    return fail(ENOMEM);
  for (int i = 0; host != NULL && i < host->ninterfaces; i++) {
    sim_Interface *interface = host->interfaces[i];
    for (int a = -1; a < interface->naddresses; a++, k++) {
      (*list)[k].ifa_name = interface->name;
      (*list)[k].ifa_flags = getflags(interface);
      (*list)[k].ifa_addr = a >= 0 ? &interface->addresses[a].sa : NULL;
      (*list)[k].ifa_next = k + 1 < n ? &(*list)[k + 1] : NULL;
    }
  }
  return 0;
}

/* What interface.c and send.c ask of an interface by its name. */
int sys_ioctl(int fd, unsigned long request, struct ifreq *argument) {
  const sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  for (int i = 0; i < s->host->ninterfaces; i++) {
    const sim_Interface *interface = s->host->interfaces[i];
    if (strcmp(interface->name, argument->ifr_name) == 0) {
      if (request == SIOCGIFMTU)
        argument->ifr_mtu = interface->mtu;
      else
        argument->ifr_flags = (short)getflags(interface);
      return 0;
    }
  }
  return fail(ENODEV);
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
  mcast_copyaddress(&a, to);
  return sim_send(s, data, len, &a, NULL);
}

/* A source that ancillary data names, or NULL. */
static const struct in6_addr *getsource(const struct msghdr *msg) {
  const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
  return c != NULL && c->cmsg_level == IPPROTO_IPV6
             ? (const void *)CMSG_DATA(c) /* which in6_pktinfo begins with */
             : NULL;
}

/* Each part is a datagram: of a train, its segments. */
ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags) {
  (void)flags;
  sim_Socket *s;
  mcast_Sockaddr to;
  ssize_t sent = 0;
  mcast_copyaddress(&to, msg->msg_name);
  for (size_t i = 0; i < (size_t)msg->msg_iovlen && sent >= 0; i++) {
    s = sim_getsocket(fd); /* a finalizer may have closed it */
    sent = s != NULL ? sim_send(s, msg->msg_iov[i].iov_base,
                                msg->msg_iov[i].iov_len, &to, getsource(msg))
                     : -1;
  }
  return sent;
}
