/*
** Linux: why a call failed. /proc and netlink are asked after a failure only;
** where they do not answer, the state is not known to be bad, or the limit is -1.
*/
#ifndef mcast_syscauses_h
#define mcast_syscauses_h

/* Reads the one number of a file of /proc/sys. */
static inline long sys_readnumber(const char *path) {
  char text[32], *end = text;
  FILE *f = fopen(path, "re");
  long number = -1;
  if (f == NULL)
    return -1;
  if (fgets(text, sizeof text, f) != NULL)
    number = strtol(text, &end, 10);
  (void)fclose(f);
  return end != text ? number : -1;
}

/* Does the kernel refuse so many sources of a membership? (It checks their number
   before their list, which is left out here.) */
static inline bool sys_istoomany(int fd, const struct sockaddr *group,
                                 uint32_t count) {
  bool inet = group->sa_family == AF_INET;
  struct group_filter filter;
  memset(&filter, 0, sizeof filter);
  filter.gf_numsrc = count;
  memcpy(&filter.gf_group, group,
         inet ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
  return setsockopt(fd, inet ? IPPROTO_IP : IPPROTO_IPV6, MCAST_MSFILTER,
                    &filter, GROUP_FILTER_SIZE(0)) != 0 &&
         errno == ENOBUFS;
}

/* The first port that every process may bind to. */
static inline long sys_firstport(void) {
  return sys_readnumber("/proc/sys/net/ipv4/ip_unprivileged_port_start");
}

/* A line of /proc/net/if_inet6: an address. */
typedef struct sys_Inet6 {
  char host[33];
  unsigned flags;
  char name[IF_NAMESIZE];
} sys_Inet6;

static inline sys_State sys_readstate(const sys_Inet6 *a) {
  enum { DUPLICATE = 0x08, TENTATIVE = 0x40 }; /* linux/if_addr.h: IFA_F_ */
  if (a->flags & DUPLICATE)
    return SYS_DUPLICATE;
  return a->flags & TENTATIVE ? SYS_TENTATIVE : SYS_WELL;
}

/* The state of an own address, or that of all of an interface, or of the host
   where the name is "": well where one of them is, or where there is none. */
static inline sys_State sys_addressstate(const char *name,
                                         const struct in6_addr *own) {
  char line[128], text[33];
  sys_Inet6 a;
  sys_State state = SYS_WELL;
  FILE *f = fopen("/proc/net/if_inet6", "re");
  if (own != NULL)
    sys_printhost(own, text);
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
    if (sscanf(line, "%32s %*x %*x %*x %x %15s", a.host, &a.flags, a.name) != 3)
      continue;
    bool same =
        name[0] != '\0' ? strcmp(name, a.name) == 0 : strcmp("lo", a.name) != 0;
    if (!same || (own != NULL && strcmp(text, a.host) != 0))
      continue;
    state = sys_readstate(&a);
    if (state == SYS_WELL)
      break;
  }
  if (f != NULL)
    (void)fclose(f);
  return state;
}

static inline sys_State sys_inet6state(const char *name,
                                       const struct in6_addr *own) {
  char path[sizeof "/proc/sys/net/ipv6/conf//disable_ipv6" + IF_NAMESIZE];
  (void)snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
                 name);
  if (name[0] != '\0' && sys_readnumber(path) > 0)
    return SYS_OFF;
  return sys_addressstate(name, own);
}

/* Is the interface a port of the device? A socket of a VRF's device hears the
   ports. */
static inline bool sys_isport(unsigned index, unsigned device) {
  enum { MASTER = 10 }; /* IFLA_MASTER */
  const struct {
    sys_Header header;
    struct {
      uint16_t family, type;
      uint32_t index, flags, change;
    } link;
  } request = {{sizeof request, SYS_GETLINK, SYS_REQUEST, 0, 0},
               {AF_UNSPEC, 0, index, 0, 0}};
  char answer[8192];
  unsigned master = 0;
  sys_Asker a = {0};
  ssize_t n = sys_ask(&a, &request, sizeof request, answer, sizeof answer);
  sys_closeasker(&a);
  return n > (ssize_t)sizeof request &&
         sys_findattribute(answer + sizeof request, (size_t)n - sizeof request,
                           MASTER, &master, sizeof master) &&
         master == device;
}

#endif
