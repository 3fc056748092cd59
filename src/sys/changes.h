/*
** Linux: changes of interfaces and addresses, as the kernel reports them by
** netlink, rtnetlink(7).
*/
#ifndef mcast_syschanges_h
#define mcast_syschanges_h

#define MCAST_INTERVAL 0 /* the descriptor reports changes */

/* From linux/rtnetlink.h, which not every C library brings; SYS_NEWLINK is in
   altname.h. */
enum {
  SYS_DELLINK = 17,
  SYS_NEWADDR = 20,
  SYS_DELADDR = 21,
  SYS_IFNAME = 3,                    /* IFLA_IFNAME */
  SYS_LOCAL = 2,                     /* IFA_LOCAL; IFA_ADDRESS is SYS_DST */
  SYS_MONITORED = 0x1 | 0x10 | 0x100 /* of links, IPv4 and IPv6 addresses */
};

typedef struct sys_Report { /* nlmsghdr and ifinfomsg or ifaddrmsg */
  uint32_t len;
  uint16_t type;
  uint16_t flags;
  uint32_t seq;
  uint32_t pid;
  uint8_t family;
  uint8_t prefix; /* of an address */
  uint16_t kind;
  uint32_t index;
} sys_Report;

typedef struct sys_LinkFlags { /* the rest of ifinfomsg */
  uint32_t flags;
  uint32_t change;
} sys_LinkFlags;

static inline int sys_openmonitor(void) {
  const sys_Netlink own = {.family = AF_NETLINK, .groups = SYS_MONITORED};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0 ||
      bind(fd, (const struct sockaddr *)(const void *)&own, sizeof own) == 0)
    return fd;
  int err = errno;
  close(fd);
  errno = err;
  return -1;
}

/* Reads reports: their bytes, 0 where there is none, or -1 and errno; ENOBUFS:
   some were lost. */
static inline ssize_t sys_readchanges(int fd, void *changes, size_t size) {
  for (;;) {
    sys_Netlink from = {0};
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, changes, size, MSG_DONTWAIT | MSG_TRUNC,
                         (struct sockaddr *)(void *)&from, &len);
    if (n < 0)
      return errno == EAGAIN || errno == EINTR ? 0 : -1;
    errno = ENOBUFS;
    if ((size_t)n > size)
      return -1;
    if (n > 0 && from.pid == 0) /* the kernel's */
      return n;
  }
}

static inline void sys_readname(sys_Fact *f, const char *data, size_t len) {
  if (len > 0 && len <= sizeof f->name && data[len - 1] == '\0')
    memcpy(f->name, data, len);
}

static inline void sys_readaddress(sys_Fact *f, const char *data, size_t len) {
  bool inet = f->address.sa.sa_family == AF_INET;
  if (inet && len == sizeof f->address.in.sin_addr)
    memcpy(&f->address.in.sin_addr, data, len);
  if (!inet && len == sizeof f->address.in6.sin6_addr)
    memcpy(&f->address.in6.sin6_addr, data, len);
  if (!inet && IN6_IS_ADDR_LINKLOCAL(&f->address.in6.sin6_addr))
    f->address.in6.sin6_scope_id = f->index;
}

/* Reads the name of a link, or an address: where the other end of a link has one,
   the own one comes as SYS_LOCAL. */
static inline void sys_readfact(sys_Fact *f, const char *at, size_t left) {
  bool link = f->address.sa.sa_family == AF_UNSPEC, local = false;
  sys_Attribute a;
  while (left >= sizeof a) {
    memcpy(&a, at, sizeof a);
    if (a.len < sizeof a || a.len > left)
      return;
    const char *data = at + sizeof a;
    if (link && a.type == SYS_IFNAME)
      sys_readname(f, data, a.len - sizeof a);
    if (!link && (a.type == SYS_LOCAL || (a.type == SYS_DST && !local)))
      sys_readaddress(f, data, a.len - sizeof a);
    local = local || a.type == SYS_LOCAL;
    size_t step = sys_align(a.len) < left ? sys_align(a.len) : left;
    at += step;
    left -= step;
  }
}

/* Is the report about a link or an address? (Those of a family are about a port
   of a bridge, which may leave it.) */
static inline bool sys_isfact(const sys_Report *r) {
  if (r->type == SYS_NEWLINK || r->type == SYS_DELLINK)
    return r->family == AF_UNSPEC &&
           r->len >= sizeof *r + sizeof(sys_LinkFlags);
  return (r->type == SYS_NEWADDR || r->type == SYS_DELADDR) &&
         (r->family == AF_INET || r->family == AF_INET6) && r->len >= sizeof *r;
}

/* Reads the next fact among the reports from *at on, which it moves. */
static inline bool sys_nextfact(const char *changes, size_t len, size_t *at,
                                sys_Fact *f) {
  sys_Report r;
  while (len - *at >= sizeof r) {
    const char *report = changes + *at;
    memcpy(&r, report, sizeof r);
    if (r.len < 16 || r.len > len - *at)
      return false;
    size_t step = sys_align(r.len);
    *at = step < len - *at ? *at + step : len;
    if (!sys_isfact(&r))
      continue;
    size_t header = sizeof r;
    memset(f, 0, sizeof *f);
    f->index = r.index;
    f->holds = r.type == SYS_NEWLINK || r.type == SYS_NEWADDR;
    f->address.sa.sa_family = r.family;
    if (r.family == AF_UNSPEC) {
      sys_LinkFlags flags;
      memcpy(&flags, report + header, sizeof flags);
      header += sizeof flags;
      f->up = flags.flags & IFF_UP;
    } else {
      f->prefix = r.prefix;
    }
    sys_readfact(f, report + header, r.len - header);
    return true;
  }
  return false;
}

#endif
