/*
** The calls that all systems have, as libc has them.
*/
#ifndef mcast_posix_h
#define mcast_posix_h

/* Monotonic time in nanoseconds. */
static inline int64_t sys_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Nanoseconds since 1970, as the kernel stamps datagrams. */
static inline int64_t sys_timeofday(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The descriptors that this process may have open, and thus wait for; -1:
   unknown. */
static inline long sys_descriptorlimit(void) { return sysconf(_SC_OPEN_MAX); }

#define MCAST_REFUSABLE true /* by a host that has a network of its own */

#define sys_bind bind
#define sys_close close
#define sys_freeifaddrs freeifaddrs
#define sys_getifaddrs getifaddrs
#define sys_getpeername getpeername
#define sys_getsockname getsockname
#define sys_getsockopt getsockopt
#define sys_if_freenameindex if_freenameindex
#define sys_if_indextoname if_indextoname
#define sys_if_nameindex if_nameindex
#define sys_ioctl ioctl
#define sys_recvfrom recvfrom
#define sys_recvmsg recvmsg
#define sys_sendmsg sendmsg
#define sys_sendto sendto
#define sys_setsockopt setsockopt

/* A collected descriptor is closed as any other. */
static inline void sys_abandon(const int *fd) { (void)fd; }

#define MCAST_ADOPTS true /* descriptors of others */

static inline int sys_setcloexec(int fd) {
  return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

#if defined(SO_PROTOCOL)
#define MCAST_SO_PROTOCOL SO_PROTOCOL
#else
#define MCAST_SO_PROTOCOL MCAST_NONE
#endif

#if defined(SO_BINDTODEVICE)
#define MCAST_SO_DEVICE SO_BINDTODEVICE
#else
#define MCAST_SO_DEVICE MCAST_NONE
#endif

/* An option by which IPv4's datagrams are cut to the MTU, or not. */
#if defined(IP_MTU_DISCOVER)
#define MCAST_IP_FRAGMENT IP_MTU_DISCOVER
#define MCAST_CUT IP_PMTUDISC_WANT
#define MCAST_WHOLE IP_PMTUDISC_DO
#define sys_iscut(value) ((value) < IP_PMTUDISC_DO || (value) > 4 /* OMIT */)
#elif defined(IP_DONTFRAG)
#define MCAST_IP_FRAGMENT IP_DONTFRAG
#define MCAST_CUT 0
#define MCAST_WHOLE 1
#define sys_iscut(value) ((value) == 0)
#else
#define MCAST_IP_FRAGMENT MCAST_NONE
#define MCAST_CUT 0
#define MCAST_WHOLE 1
#define sys_iscut(value) ((value) == 0)
#endif
#if defined(IPV6_DONTFRAG)
#define MCAST_IPV6_DONTFRAG IPV6_DONTFRAG
#else
#define MCAST_IPV6_DONTFRAG MCAST_NONE
#endif

#if defined(IP_RECVTOS)
#define MCAST_IP_RECVTOS IP_RECVTOS
#else
#define MCAST_IP_RECVTOS MCAST_NONE
#endif

#if defined(__linux__)
#define MCAST_INET6HASBOTH true /* options of IPv4 on inet6 sockets */
#include "hostonly.h"

#include "altname.h"

#include "causes.h"

#include "membership.h"
#include "mtu.h"
#else

#define MCAST_INET6HASBOTH false
#define MCAST_TTL0LEAVES false
#define MCAST_MIXESFILTERS false
#define MCAST_LOOPBACK 0

#include "stays.h"

#include "unasked.h"

static inline bool sys_istoomany(int fd, const struct sockaddr *group,
                                 uint32_t count) {
  (void)fd, (void)group, (void)count;
  return false;
}

static inline long sys_firstport(void) { return 1024; }

static inline int sys_deviceindex(int fd, unsigned *index) {
  (void)fd;
  *index = 0;
  return 0;
}

static inline int sys_pathmtu(int fd, const struct sockaddr *to,
                              const struct sockaddr *source, unsigned index) {
  (void)fd, (void)to, (void)source, (void)index;
  return 0;
}

static inline int sys_alternative(const char *name, unsigned *index) {
  (void)name, (void)index;
  return ENODEV;
}

static inline int sys_ismember(unsigned index, const struct sockaddr *group) {
  char name[IF_NAMESIZE];
  (void)group;
  if (if_indextoname(index, name) != NULL)
    return 1;
  return errno == ENXIO ? 0 : -1;
}

#endif

#endif
