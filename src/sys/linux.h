/*
** Linux.
*/
#ifndef mcast_linux_h
#define mcast_linux_h

#include "posix.h"

#include "changes.h"

#include "local.h"

#if !defined(IPV6_MULTICAST_ALL)
#define IPV6_MULTICAST_ALL 29 /* since Linux 4.20 */
#endif
#if !defined(SO_MEMINFO)
#define SO_MEMINFO 55
#endif

/* From linux/sock_diag.h, which not every C library brings. */
#define SK_MEMINFO_RMEM_ALLOC 0
#define SK_MEMINFO_DROPS 8
#define SK_MEMINFO_VARS 9

#include "own.h"

#define MCAST_MAXTRAIN 128
#define MCAST_UDP_SEGMENT 103 /* linux/udp.h: UDP_SEGMENT, since Linux 4.18 */
#define MCAST_UDP_GRO 104     /* UDP_GRO, since 5.0 */
#define MCAST_IP_ALL IP_MULTICAST_ALL
#define MCAST_IPV6_ALL IPV6_MULTICAST_ALL
#define MCAST_SO_RCVBUFFORCE SO_RCVBUFFORCE
#define MCAST_SO_SNDBUFFORCE SO_SNDBUFFORCE
#define MCAST_SO_OVERFLOW SO_RXQ_OVFL
#define MCAST_SO_TIMESTAMP SO_TIMESTAMPNS
#define MCAST_SCM_TIMESTAMP SCM_TIMESTAMPNS
typedef struct timespec sys_Timestamp;
#define sys_nanoseconds(t)                                                     \
  ((int64_t)((uint64_t)(t).tv_sec * 1000000000 + (uint64_t)(t).tv_nsec))

static inline int sys_socket(int family) {
  return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static inline int sys_poll(struct pollfd *fds, nfds_t n,
                           const struct timespec *timeout) {
  return ppoll(fds, n, timeout, NULL);
}

/* The datagrams that this socket lost, up to date at once (SO_RXQ_OVFL comes
   only with the next datagram). */
static inline bool sys_getdropped(int fd, uint32_t *dropped) {
  uint32_t info[SK_MEMINFO_VARS] = {0};
  socklen_t len = sizeof info;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
    return false;
  *dropped = info[SK_MEMINFO_DROPS];
  return true;
}

/* One system call, where if_indextoname makes three. On failure false and
   errno, ENODEV for an unknown index. */
static inline bool sys_interfacename(int fd, unsigned index,
                                     char name[IF_NAMESIZE]) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_ifindex = (int)index;
  if (ioctl(fd, SIOCGIFNAME, &request) != 0)
    return false;
  memcpy(name, request.ifr_name, IF_NAMESIZE);
  return true;
}

/* RFC 3678, section 4.2, which musl's libc lacks. */
static inline int sys_filtercall(int fd, struct group_filter *filter,
                                 bool set) {
  int level = filter->gf_group.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  socklen_t len = (socklen_t)GROUP_FILTER_SIZE(filter->gf_numsrc);
  return set ? setsockopt(fd, level, MCAST_MSFILTER, filter, len)
             : getsockopt(fd, level, MCAST_MSFILTER, filter, &len);
}

static inline struct group_filter *sys_newfilter(unsigned index,
                                                 const struct sockaddr *group,
                                                 socklen_t len,
                                                 uint32_t count) {
  struct group_filter *filter = calloc(1, GROUP_FILTER_SIZE(count));
  if (filter != NULL) {
    filter->gf_interface = index;
    filter->gf_numsrc = count;
    memcpy(&filter->gf_group, group, len);
  }
  return filter;
}

static inline int sys_setsourcefilter(int fd, unsigned index,
                                      struct sockaddr *group, socklen_t len,
                                      uint32_t mode, uint32_t count,
                                      struct sockaddr_storage *sources) {
  struct group_filter *filter = sys_newfilter(index, group, len, count);
  if (filter == NULL)
    return -1;
  filter->gf_fmode = mode;
  if (count > 0)
    memcpy(filter->gf_slist, sources, count * sizeof *sources);
  int status = sys_filtercall(fd, filter, true);
  int err = errno;
  free(filter);
  errno = err;
  return status;
}

static inline int sys_getsourcefilter(int fd, unsigned index,
                                      struct sockaddr *group, socklen_t len,
                                      uint32_t *mode, uint32_t *count,
                                      struct sockaddr_storage *sources) {
  struct group_filter *filter = sys_newfilter(index, group, len, *count);
  if (filter == NULL)
    return -1;
  int status = sys_filtercall(fd, filter, false);
  int err = errno;
  if (status == 0) {
    uint32_t n = filter->gf_numsrc < *count ? filter->gf_numsrc : *count;
    if (sources != NULL)
      memcpy(sources, filter->gf_slist, n * sizeof *sources);
    *mode = filter->gf_fmode;
    *count = filter->gf_numsrc;
  }
  free(filter);
  errno = err;
  return status;
}

#endif
