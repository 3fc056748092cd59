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

#define MCAST_REFUSABLE true /* by a host that has a network of its own */

#define sys_bind bind
#define sys_close close
#define sys_freeifaddrs freeifaddrs
#define sys_getifaddrs getifaddrs
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

#if defined(SO_BINDTODEVICE)
#define MCAST_SO_DEVICE SO_BINDTODEVICE
#else
#define MCAST_SO_DEVICE MCAST_NONE
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
#include "membership.h"
#else

#define MCAST_INET6HASBOTH false
#define MCAST_TTL0LEAVES false
#define MCAST_MIXESFILTERS false
#define MCAST_LOOPBACK 0

#include "stays.h"

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
