/*
** Linux: questions to the kernel by netlink. The structures are those of
** linux/netlink.h and linux/rtnetlink.h, which not every C library brings.
*/
#ifndef mcast_sysnetlink_h
#define mcast_sysnetlink_h

#define SYS_KEPT 0x80000000U /* RTCF_LOCAL, linux/in_route.h */

enum {
  SYS_ERROR = 2, /* NLMSG_ERROR */
  SYS_DONE = 3,  /* NLMSG_DONE */
  SYS_NEWROUTE = 24,
  SYS_GETROUTE = 26,
  SYS_GETMULTICAST = 58,
  SYS_REQUEST = 1,   /* NLM_F_REQUEST */
  SYS_DUMP = 0x300,  /* NLM_F_DUMP */
  SYS_NETLINK = 270, /* SOL_NETLINK */
  SYS_SUBSCRIBE = 1, /* NETLINK_ADD_MEMBERSHIP */
  SYS_CHANGES = 38,  /* RTNLGRP_IPV6_MCADDR, since Linux 6.14 */
  SYS_STRICT = 12,   /* NETLINK_GET_STRICT_CHK */
  SYS_DST = 1,       /* RTA_DST ... */
  SYS_SRC = 2,
  SYS_OIF = 4,
  SYS_PREFSRC = 7,
  SYS_GROUP = 7 /* IFA_MULTICAST */
};

typedef struct sys_Netlink { /* sockaddr_nl */
  uint16_t family;
  uint16_t pad;
  uint32_t pid;
  uint32_t groups;
} sys_Netlink;

typedef struct sys_Header { /* nlmsghdr */
  uint32_t len;
  uint16_t type;
  uint16_t flags;
  uint32_t seq;
  uint32_t pid;
} sys_Header;

typedef struct sys_Route { /* rtmsg */
  uint8_t family, dstlen, srclen, tos, table, protocol, scope, type;
  uint32_t flags;
} sys_Route;

typedef struct sys_Host { /* ifaddrmsg */
  uint8_t family, prefixlen, flags, scope;
  uint32_t index;
} sys_Host;

typedef struct sys_Attribute { /* rtattr: the data follow */
  uint16_t len;
  uint16_t type;
} sys_Attribute;

/* The room of a message or an attribute. */
static inline size_t sys_align(size_t n) { return (n + 3) & ~(size_t)3; }

/* Copies an attribute of this type and size, if there is one. */
static inline bool sys_findattribute(const char *at, size_t left, int type,
                                     void *data, size_t len) {
  sys_Attribute a;
  while (left >= sizeof a) {
    memcpy(&a, at, sizeof a);
    if (a.len < sizeof a || a.len > left)
      return false;
    if (a.type == type && a.len == sizeof a + len) {
      memcpy(data, at + sizeof a, len);
      return true;
    }
    size_t step = sys_align(a.len) < left ? sys_align(a.len) : left;
    at += step;
    left -= step;
  }
  return false;
}

/*
** The asker: its descriptors are opened once for a process, since two would mix
** up their answers.
*/

static inline void sys_closeasker(sys_Asker *a) {
  if (a->owner == 0)
    return;
  close(a->fd);
  if (a->last.fd >= 0)
    close(a->last.fd);
  for (int i = 0; i < 2; i++)
    if (a->files[i] >= 0)
      close(a->files[i]);
  a->owner = 0;
}

/* 0 or errno. Where the kernel has no strict checks, a dump is of all
   interfaces. */
static inline int sys_openasker(sys_Asker *a) {
  pid_t own = getpid();
  int on = 1;
  if (a->owner == own)
    return 0;
  sys_closeasker(a);
  a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (a->fd < 0)
    return errno;
  (void)setsockopt(a->fd, SYS_NETLINK, SYS_STRICT, &on, sizeof on);
  a->last.index = 0;
  a->last.fd = a->files[0] = a->files[1] = -1;
  a->owner = own;
  return 0;
}

/* Is the call to be made again? An answer that is lost does not come later. */
static inline bool sys_isrepeated(ssize_t n, int *tries) {
  return n < 0 && (errno == EINTR || errno == EAGAIN) && ++*tries < 3;
}

/* Receives a part of an answer, which is there already. */
static inline ssize_t sys_receiveanswer(const sys_Asker *a, char *answer,
                                        size_t room) {
  ssize_t n;
  int tries = 0;
  do
    n = recvfrom(a->fd, answer, room, MSG_DONTWAIT, NULL, NULL);
  while (sys_isrepeated(n, &tries));
  return n;
}

/* Asks, and receives the first part of the answer: its length, or -1 and
   errno. */
static inline ssize_t sys_ask(sys_Asker *a, const void *request, size_t len,
                              char *answer, size_t room) {
  static const sys_Netlink kernel = {.family = AF_NETLINK};
  ssize_t n;
  int tries = 0;
  errno = sys_openasker(a);
  if (errno != 0)
    return -1;
  do
    n = sendto(a->fd, request, len, MSG_DONTWAIT,
               (const struct sockaddr *)(const void *)&kernel, sizeof kernel);
  while (sys_isrepeated(n, &tries));
  return n < 0 ? n : sys_receiveanswer(a, answer, room);
}

/* After a failure: an answer may still come. Returns -1 and keeps errno. */
static inline int sys_dropasker(sys_Asker *a) {
  int err = errno;
  sys_closeasker(a);
  errno = err;
  return -1;
}

/*
** Routes.
*/

/* A datagram's way out, as the kernel would send it now. */
typedef struct sys_Way {
  unsigned index;
  bool kept; /* IPv4: there is a member */
  bool sourced;
  struct in6_addr source;
} sys_Way;

typedef struct sys_RouteRequest {
  sys_Header header;
  sys_Route route;
  char attributes[3 * (sizeof(sys_Attribute) + sizeof(struct in6_addr))];
} sys_RouteRequest;

static inline void sys_addattribute(sys_RouteRequest *r, uint16_t type,
                                    const void *data, size_t len) {
  sys_Attribute a = {(uint16_t)(sizeof a + len), type};
  char *at = (char *)r + r->header.len;
  memcpy(at, &a, sizeof a);
  memcpy(at + sizeof a, data, len);
  r->header.len += (uint32_t)sys_align(a.len);
}

/* The bytes of an address, and their number. */
static inline const void *sys_hostbytes(const struct sockaddr *a, size_t *len) {
  const struct sockaddr_in *in = (const void *)a;
  const struct sockaddr_in6 *in6 = (const void *)a;
  *len = a->sa_family == AF_INET ? sizeof in->sin_addr : sizeof in6->sin6_addr;
  return a->sa_family == AF_INET ? (const void *)&in->sin_addr
                                 : &in6->sin6_addr;
}

static inline void sys_fillrequest(sys_RouteRequest *r,
                                   const struct sockaddr *to,
                                   const struct sockaddr *source,
                                   unsigned index) {
  size_t len;
  const void *host = sys_hostbytes(to, &len);
  memset(r, 0, sizeof *r);
  r->header.len = offsetof(sys_RouteRequest, attributes);
  r->header.type = SYS_GETROUTE;
  r->header.flags = SYS_REQUEST;
  r->route.family = (uint8_t)to->sa_family;
  r->route.dstlen = (uint8_t)(8 * len);
  sys_addattribute(r, SYS_DST, host, len);
  if (source != NULL) {
    r->route.srclen = (uint8_t)(8 * len);
    sys_addattribute(r, SYS_SRC, sys_hostbytes(source, &len), len);
  }
  if (index != 0)
    sys_addattribute(r, SYS_OIF, &index, sizeof index);
}

/* Reads the number of an error or of the end of a dump: errno. */
static inline int sys_readerror(const char *answer, size_t len) {
  int32_t err;
  if (len < sizeof(sys_Header) + sizeof err)
    return EIO;
  memcpy(&err, answer + sizeof(sys_Header), sizeof err);
  return err < 0 ? -err : 0;
}

/* Reads the kernel's answer: 0 or errno. */
static inline int sys_readway(const char *answer, size_t len, sys_Way *way) {
  sys_Header header;
  sys_Route route;
  const size_t begin = sizeof header + sizeof route;
  memset(way, 0, sizeof *way);
  if (len < sizeof header)
    return EIO;
  memcpy(&header, answer, sizeof header);
  if (header.type == SYS_ERROR) {
    int err = sys_readerror(answer, len);
    return err != 0 ? err : EIO;
  }
  if (header.type != SYS_NEWROUTE || header.len > len || header.len < begin)
    return EIO;
  memcpy(&route, answer + sizeof header, sizeof route);
  answer += begin;
  len = header.len - begin;
  way->kept = route.flags & SYS_KEPT;
  way->sourced = sys_findattribute(answer, len, SYS_PREFSRC, &way->source,
                                   sizeof way->source);
  (void)sys_findattribute(answer, len, SYS_OIF, &way->index, sizeof way->index);
  return way->index != 0 ? 0 : EIO;
}

/* Finds a datagram's way out, in one exchange with the kernel. Returns 1; 0:
   there is none, so that sending fails, and says why; -1: failure, errno set. */
static inline int sys_findway(sys_Asker *a, const struct sockaddr *to,
                              const struct sockaddr *source, unsigned index,
                              sys_Way *way) {
  sys_RouteRequest request;
  char answer[1024];
  sys_fillrequest(&request, to, source, index);
  ssize_t n = sys_ask(a, &request, request.header.len, answer, sizeof answer);
  if (n < 0)
    return sys_dropasker(a);
  errno = sys_readway(answer, (size_t)n, way);
  if (errno == ENODEV || errno == ENETUNREACH || errno == EADDRNOTAVAIL)
    return 0;
  return errno == 0 ? 1 : -1;
}

#endif
