/*
** What differs between systems, and nothing else: the simulator's, then Linux,
** then the path for other POSIX systems (which MCAST_PORTABLE builds on Linux, for
** its test).
*/
#ifndef mcast_system_h
#define mcast_system_h

#if !defined(_GNU_SOURCE)
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-*): the C library's name */
#define _GNU_SOURCE /* ppoll, struct in6_pktinfo */
#endif
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-*): macOS's name */
#define __APPLE_USE_RFC_3542

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MCAST_NONE (-1) /* an option that this system has not */

/* Datagrams in a train: older kernels take no more than this. */
#define MCAST_OLDTRAIN 64

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__)
#define mcast_setsockaddrlen(sa, n) ((void)((sa)->sa_len = (uint8_t)(n)))
#else
#define mcast_setsockaddrlen(sa, n) ((void)(sa), (void)(n))
#endif

/* Lengths in struct msghdr and cmsghdr are size_t, int or socklen_t. */
#define mcast_setlen(field, n) ((field) = (__typeof__(field))(n))

/* musl's macro mixes signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
static inline struct cmsghdr *mcast_nextcmsg(struct msghdr *msg,
                                             struct cmsghdr *c) {
  return CMSG_NXTHDR(msg, c);
}
#pragma GCC diagnostic pop

#if defined(SO_BINDTODEVICE)
#define MCAST_SO_DEVICE SO_BINDTODEVICE
#else
#define MCAST_SO_DEVICE MCAST_NONE
#endif

#if defined(MCAST_SIMULATED)

#include "sim/system.h" /* the simulator's kernel in place of the system's */

#else

#if defined(__linux__)

/* A datagram of TTL 0 is kept on the host only if the group has a member on the
   interface that it would leave by. (Seen with Linux 6.18, IPv4 and IPv6.) */
#define MCAST_TTL0LEAVES true

/* A line of /proc/net/igmp (the group below its interface's line) or igmp6. */
static inline bool mcast_readmembership(const char *line, bool inet,
                                        unsigned *index, char group[33]) {
  if (!inet) /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
    return sscanf(line, "%u %*s %32s", index, group) == 2;
  if (line[0] == '\t')
    return sscanf(line, "%32s", group) == 1;
  /* NOLINTNEXTLINE(cert-err34-c): the same */
  (void)sscanf(line, "%u", index);
  return false;
}

/* Is the group still a membership of the interface? (An interface made again
   under the old index has none, and the socket is not told.) 1, 0, or -1 where
   that cannot be known, with errno set. */
static inline int mcast_isinterfacemember(unsigned index,
                                          const struct sockaddr *group) {
  const struct sockaddr_in *in = (const void *)group;
  const struct sockaddr_in6 *in6 = (const void *)group;
  bool inet = group->sa_family == AF_INET;
  char line[128], expected[33], found[33];
  unsigned at = 0;
  if (inet)
    (void)snprintf(expected, sizeof expected, "%08X", in->sin_addr.s_addr);
  for (size_t i = 0; !inet && i < sizeof in6->sin6_addr; i++)
    (void)snprintf(expected + 2 * i, 3, "%02x", in6->sin6_addr.s6_addr[i]);
  FILE *f = fopen(inet ? "/proc/net/igmp" : "/proc/net/igmp6", "re");
  bool member = false;
  int err = 0;
  if (f == NULL)
    return -1;
  while (!member && fgets(line, sizeof line, f) != NULL)
    member = mcast_readmembership(line, inet, &at, found) && at == index &&
             strcmp(found, expected) == 0;
  if (ferror(f))
    err = errno;
  (void)fclose(f);
  errno = err;
  return err == 0 ? member : -1;
}

#else

#define MCAST_TTL0LEAVES false

static inline int mcast_isinterfacemember(unsigned index,
                                          const struct sockaddr *group) {
  char name[IF_NAMESIZE];
  (void)group;
  if (if_indextoname(index, name) != NULL)
    return 1;
  return errno == ENXIO ? 0 : -1;
}

#endif

#if defined(__linux__) && !defined(MCAST_PORTABLE)

#if !defined(IPV6_MULTICAST_ALL)
#define IPV6_MULTICAST_ALL 29 /* since Linux 4.20 */
#endif
#if !defined(SO_MEMINFO)
#define SO_MEMINFO 55
#endif

/* linux/sock_diag.h, which is not everywhere beside the C library's headers */
#define SK_MEMINFO_DROPS 8
#define SK_MEMINFO_VARS 9

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
typedef struct timespec mcast_Timestamp;
#define mcast_timestampnsec(t) ((t).tv_nsec)

static inline int mcast_opensocket(int family) {
  return socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static inline int mcast_pollfor(struct pollfd *fds, nfds_t n,
                                const struct timespec *timeout) {
  return ppoll(fds, n, timeout, NULL);
}

/* The kernel's count of what this socket lost, exact at once (SO_RXQ_OVFL is
   told only with the next datagram). */
static inline bool mcast_getdropped(int fd, uint32_t *dropped) {
  uint32_t info[SK_MEMINFO_VARS] = {0};
  socklen_t len = sizeof info;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
    return false;
  *dropped = info[SK_MEMINFO_DROPS];
  return true;
}

/* One system call, where if_indextoname makes three. False: errno is set, ENODEV
   where there is no such interface. */
static inline bool mcast_interfacename(int fd, unsigned index,
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
static inline int mcast_filtercall(int fd, struct group_filter *filter,
                                   bool set) {
  int level = filter->gf_group.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
  socklen_t len = (socklen_t)GROUP_FILTER_SIZE(filter->gf_numsrc);
  return set ? setsockopt(fd, level, MCAST_MSFILTER, filter, len)
             : getsockopt(fd, level, MCAST_MSFILTER, filter, &len);
}

static inline struct group_filter *mcast_newfilter(unsigned index,
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

static inline int mcast_setsourcefilter(int fd, unsigned index,
                                        struct sockaddr *group, socklen_t len,
                                        uint32_t mode, uint32_t count,
                                        struct sockaddr_storage *sources) {
  struct group_filter *filter = mcast_newfilter(index, group, len, count);
  if (filter == NULL)
    return -1;
  filter->gf_fmode = mode;
  if (count > 0)
    memcpy(filter->gf_slist, sources, count * sizeof *sources);
  int status = mcast_filtercall(fd, filter, true);
  int err = errno;
  free(filter);
  errno = err;
  return status;
}

static inline int mcast_getsourcefilter(int fd, unsigned index,
                                        struct sockaddr *group, socklen_t len,
                                        uint32_t *mode, uint32_t *count,
                                        struct sockaddr_storage *sources) {
  struct group_filter *filter = mcast_newfilter(index, group, len, *count);
  if (filter == NULL)
    return -1;
  int status = mcast_filtercall(fd, filter, false);
  int err = errno;
  if (status == 0) {
    uint32_t told = filter->gf_numsrc < *count ? filter->gf_numsrc : *count;
    if (sources != NULL)
      memcpy(sources, filter->gf_slist, told * sizeof *sources);
    *mode = filter->gf_fmode;
    *count = filter->gf_numsrc;
  }
  free(filter);
  errno = err;
  return status;
}

#else /* portable */

#define MCAST_MAXTRAIN 1
#define MCAST_UDP_SEGMENT MCAST_NONE
#define MCAST_UDP_GRO MCAST_NONE
#define MCAST_IP_ALL MCAST_NONE
#define MCAST_IPV6_ALL MCAST_NONE
#define MCAST_SO_RCVBUFFORCE MCAST_NONE
#define MCAST_SO_SNDBUFFORCE MCAST_NONE
#define MCAST_SO_OVERFLOW MCAST_NONE
#define MCAST_SO_TIMESTAMP SO_TIMESTAMP
#define MCAST_SCM_TIMESTAMP SCM_TIMESTAMP
typedef struct timeval mcast_Timestamp;
#define mcast_timestampnsec(t) ((double)(t).tv_usec * 1000)

#define mcast_setsourcefilter setsourcefilter
#define mcast_getsourcefilter getsourcefilter

static inline int mcast_opensocket(int family) {
  int fd = socket(family, SOCK_DGRAM, 0);
  if (fd >= 0)
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

/* In whole milliseconds, rounded up: late rather than early. */
static inline int mcast_pollfor(struct pollfd *fds, nfds_t n,
                                const struct timespec *timeout) {
  int ms = -1;
  if (timeout != NULL)
    ms = timeout->tv_sec >= 2000000
             ? 2000000000
             : (int)(timeout->tv_sec * 1000 +
                     (timeout->tv_nsec + 999999) / 1000000);
  return poll(fds, n, ms);
}

static inline bool mcast_getdropped(int fd, uint32_t *dropped) {
  (void)fd, (void)dropped;
  return false;
}

static inline bool mcast_interfacename(int fd, unsigned index,
                                       char name[IF_NAMESIZE]) {
  (void)fd;
  if (if_indextoname(index, name) != NULL)
    return true;
  errno = errno == ENXIO ? ENODEV : errno;
  return false;
}

#endif

#endif

#endif
