/*
** Linux: does a datagram of TTL 0 stay on this host? The kernel keeps it only
** where the group has a member on the interface that it would leave by, who
** hears its source. (Seen with Linux 6.18, IPv4 and IPv6.)
*/
#ifndef mcast_syshostonly_h
#define mcast_syshostonly_h

#define MCAST_TTL0LEAVES true

/* Linux's check of IPv6 sources uses the first membership of a group in the
   socket's list, whatever its interface. */
#define MCAST_MIXESFILTERS true
#define MCAST_LOOPBACK 1 /* index of lo, in each network namespace */

#define MCAST_LOOPBACK 1     /* index of lo, in each network namespace */
#define SYS_KEPT 0x80000000U /* RTCF_LOCAL, linux/in_route.h */

/*
** From linux/netlink.h and linux/rtnetlink.h, which not every C library brings.
*/

enum {
  SYS_ERROR = 2, /* NLMSG_ERROR */
  SYS_NEWROUTE = 24,
  SYS_GETROUTE = 26,
  SYS_REQUEST = 1, /* NLM_F_REQUEST */
  SYS_DST = 1,     /* RTA_DST ... */
  SYS_SRC = 2,
  SYS_OIF = 4,
  SYS_PREFSRC = 7
};

typedef struct sys_Netlink { /* sockaddr_nl */
  uint16_t family;
  uint16_t pad;
  uint32_t pid;
  uint32_t groups;
} sys_Netlink;

typedef struct sys_Message { /* nlmsghdr and rtmsg, or the begin of nlmsgerr */
  uint32_t len;
  uint16_t type;
  uint16_t flags;
  uint32_t seq;
  uint32_t pid;
  union {
    int32_t error;
    struct {
      uint8_t family, dstlen, srclen, tos, table, protocol, scope, type;
      uint32_t flags;
    } route;
  } u;
} sys_Message;

typedef struct sys_Attribute { /* rtattr: the data follow */
  uint16_t len;
  uint16_t type;
} sys_Attribute;

/* The room of an attribute. */
static inline size_t sys_align(size_t n) { return (n + 3) & ~(size_t)3; }

/* A datagram's way out, as the kernel would send it now. */
typedef struct sys_Way {
  unsigned index;
  bool kept; /* IPv4: there is a member */
  bool sourced;
  struct in6_addr source;
} sys_Way;

typedef struct sys_WayRequest {
  sys_Message message;
  char attributes[3 * (sizeof(sys_Attribute) + sizeof(struct in6_addr))];
} sys_WayRequest;

static inline void sys_addattribute(sys_WayRequest *r, uint16_t type,
                                    const void *data, size_t len) {
  sys_Attribute a = {(uint16_t)(sizeof a + len), type};
  char *at = (char *)r + r->message.len;
  memcpy(at, &a, sizeof a);
  memcpy(at + sizeof a, data, len);
  r->message.len += (uint32_t)sys_align(a.len);
}

/* The bytes of an address, and their number. */
static inline const void *sys_hostbytes(const struct sockaddr *a, size_t *len) {
  const struct sockaddr_in *in = (const void *)a;
  const struct sockaddr_in6 *in6 = (const void *)a;
  *len = a->sa_family == AF_INET ? sizeof in->sin_addr : sizeof in6->sin6_addr;
  return a->sa_family == AF_INET ? (const void *)&in->sin_addr
                                 : &in6->sin6_addr;
}

static inline void sys_askway(sys_WayRequest *r, const struct sockaddr *to,
                              const struct sockaddr *source, unsigned index) {
  size_t len;
  const void *host = sys_hostbytes(to, &len);
  memset(r, 0, sizeof *r);
  r->message.len = sizeof r->message;
  r->message.type = SYS_GETROUTE;
  r->message.flags = SYS_REQUEST;
  r->message.u.route.family = (uint8_t)to->sa_family;
  r->message.u.route.dstlen = (uint8_t)(8 * len);
  sys_addattribute(r, SYS_DST, host, len);
  if (source != NULL) {
    r->message.u.route.srclen = (uint8_t)(8 * len);
    sys_addattribute(r, SYS_SRC, sys_hostbytes(source, &len), len);
  }
  if (index != 0)
    sys_addattribute(r, SYS_OIF, &index, sizeof index);
}

static inline void sys_readattributes(const char *at, size_t left,
                                      sys_Way *way) {
  sys_Attribute a;
  while (left >= sizeof a) {
    memcpy(&a, at, sizeof a);
    if (a.len < sizeof a || a.len > left)
      return;
    if (a.type == SYS_OIF && a.len == sizeof a + sizeof way->index)
      memcpy(&way->index, at + sizeof a, sizeof way->index);
    if (a.type == SYS_PREFSRC && a.len == sizeof a + sizeof way->source) {
      memcpy(&way->source, at + sizeof a, sizeof way->source);
      way->sourced = true;
    }
    size_t step = sys_align(a.len) < left ? sys_align(a.len) : left;
    at += step;
    left -= step;
  }
}

/* Reads the kernel's answer: 0 or errno. */
static inline int sys_readway(const char *answer, size_t len, sys_Way *way) {
  sys_Message m;
  if (len < sizeof m)
    return EIO;
  memcpy(&m, answer, sizeof m);
  if (m.type == SYS_ERROR)
    return m.u.error < 0 ? -m.u.error : EIO;
  if (m.type != SYS_NEWROUTE || m.len > len || m.len < sizeof m)
    return EIO;
  way->kept = m.u.route.flags & SYS_KEPT;
  sys_readattributes(answer + sizeof m, m.len - sizeof m, way);
  return way->index != 0 ? 0 : EIO;
}

static inline void sys_closeasker(sys_Asker *a) {
  if (a->owner != 0)
    close(a->fd);
  a->owner = 0;
}

/* Opens it once for a process: two would mix up their answers. 0 or errno. */
static inline int sys_openasker(sys_Asker *a) {
  pid_t own = getpid();
  if (a->owner == own)
    return 0;
  sys_closeasker(a);
  a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (a->fd < 0)
    return errno;
  a->owner = own;
  return 0;
}

/* Finds a datagram's way out, in one exchange with the kernel: 0 or errno. */
static inline int sys_findway(sys_Asker *a, const struct sockaddr *to,
                              const struct sockaddr *source, unsigned index,
                              sys_Way *way) {
  static const sys_Netlink kernel = {.family = AF_NETLINK};
  sys_WayRequest request;
  char answer[1024];
  memset(way, 0, sizeof *way);
  sys_askway(&request, to, source, index);
  int err = sys_openasker(a);
  if (err != 0)
    return err;
  ssize_t n =
      sendto(a->fd, &request, request.message.len, MSG_DONTWAIT,
             (const struct sockaddr *)(const void *)&kernel, sizeof kernel);
  if (n >= 0) /* the answer is there already */
    n = recvfrom(a->fd, answer, sizeof answer, MSG_DONTWAIT, NULL, NULL);
  if (n >= 0)
    return sys_readway(answer, (size_t)n, way);
  err = errno;
  sys_closeasker(a); /* with an answer that may still come */
  return err;
}

/* Numbers of an IPv6 group on an interface, from /proc. */
typedef struct sys_Hearers {
  unsigned long members;
  unsigned long includes; /* of all sources, by all members */
  unsigned long included; /* of the one source */
  unsigned long excluded;
} sys_Hearers;

typedef struct sys_Flow {
  unsigned index;
  char group[33];
  char source[33];
} sys_Flow;

/* A line of /proc/net/igmp6. */
static inline void sys_countmembers(const char *line, const sys_Flow *f,
                                    sys_Hearers *h) {
  char group[33];
  unsigned index;
  unsigned long n; /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
  if (sscanf(line, "%u %*s %32s %lu", &index, group, &n) == 3 &&
      index == f->index && strcmp(group, f->group) == 0)
    h->members = n;
}

/* A line of /proc/net/mcfilter6. */
static inline void sys_countsources(const char *line, const sys_Flow *f,
                                    sys_Hearers *h) {
  char group[33], source[33];
  unsigned index;
  unsigned long in, ex; /* NOLINTNEXTLINE(cert-err34-c): the same */
  if (sscanf(line, "%u %*s %32s %32s %lu %lu", &index, group, source, &in,
             &ex) != 5 ||
      index != f->index || strcmp(group, f->group) != 0)
    return;
  h->includes += in;
  if (strcmp(source, f->source) == 0) {
    h->included = in;
    h->excluded = ex;
  }
}

typedef void sys_Count(const char *line, const sys_Flow *f, sys_Hearers *h);

static inline int sys_readhearers(const char *path, sys_Count *count,
                                  const sys_Flow *flow, sys_Hearers *h) {
  char line[160];
  int err = 0;
  FILE *f = fopen(path, "re");
  if (f == NULL)
    return errno;
  while (fgets(line, sizeof line, f) != NULL)
    if (strstr(line, flow->group) != NULL)
      count(line, flow, h);
  if (ferror(f))
    err = errno;
  (void)fclose(f);
  return err;
}

/* Does an IPv6 group have a member on the interface that certainly hears the
   source? 1, 0, or -1 and errno. Members that name sources are counted by them:
   one with several sources may hide another that hears all. */
static inline int sys_ishearing(unsigned index, const struct in6_addr *group,
                                const struct in6_addr *source) {
  sys_Hearers h = {0, 0, 0, 0};
  sys_Flow f = {index, "", ""};
  for (size_t i = 0; i < sizeof *group; i++) {
    (void)snprintf(f.group + 2 * i, 3, "%02x", group->s6_addr[i]);
    (void)snprintf(f.source + 2 * i, 3, "%02x", source->s6_addr[i]);
  }
  errno = sys_readhearers("/proc/net/igmp6", sys_countmembers, &f, &h);
  if (errno == 0 && h.members > 0)
    errno = sys_readhearers("/proc/net/mcfilter6", sys_countsources, &f, &h);
  if (errno != 0)
    return -1;
  return h.included > 0 || h.members > h.includes + h.excluded;
}

/* Finds the interface that a socket is bound to; 0: none. 0 or errno. */
static inline int sys_deviceindex(int fd, unsigned *index) {
  struct ifreq request;
  socklen_t len = IF_NAMESIZE;
  *index = 0;
  memset(&request, 0, sizeof request);
  if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, request.ifr_name, &len) != 0)
    return errno;
  if (request.ifr_name[0] == '\0')
    return 0;
  if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
    return errno;
  *index = (unsigned)request.ifr_ifindex;
  return 0;
}

/* Returns 1: to be sent, for it stays; 0: it would leave; -1: failure, errno set.
   source: NULL, the kernel's choice; index 0: by route. */
static inline int sys_stays(sys_Asker *a, const struct sockaddr *to,
                            const struct sockaddr *source, unsigned index,
                            bool loopback) {
  const struct sockaddr_in6 *to6 = (const void *)to;
  const struct sockaddr_in6 *source6 = (const void *)source;
  sys_Way way;
  errno = sys_findway(a, to, source, index, &way);
  if (errno == ENODEV || errno == ENETUNREACH || errno == EADDRNOTAVAIL)
    return 1; /* sending fails, and says why */
  if (errno != 0)
    return -1;
  if (to->sa_family == AF_INET)
    return way.kept || way.index == MCAST_LOOPBACK;
  if (way.index == MCAST_LOOPBACK || (source == NULL && !way.sourced))
    return 1;
  return loopback
             ? sys_ishearing(way.index, &to6->sin6_addr,
                             source != NULL ? &source6->sin6_addr : &way.source)
             : 0;
}

#endif
