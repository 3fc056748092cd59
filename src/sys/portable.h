/*
** Other POSIX systems. (MCAST_PORTABLE builds this on Linux too, to test it.)
*/
#ifndef mcast_portable_h
#define mcast_portable_h

#include "posix.h"

#include "local.h"

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
typedef struct timeval sys_Timestamp;
#define sys_nanoseconds(t)                                                     \
  ((int64_t)(((uint64_t)(t).tv_sec * 1000000 + (uint64_t)(t).tv_usec) * 1000))

#define sys_setsourcefilter setsourcefilter
#define sys_getsourcefilter getsourcefilter

static inline int sys_socket(int family) {
  int fd = socket(family, SOCK_DGRAM, 0);
  if (fd >= 0)
    (void)sys_setcloexec(fd);
  return fd;
}

/* In whole milliseconds, rounded up: late rather than early. */
static inline int sys_poll(struct pollfd *fds, nfds_t n,
                           const struct timespec *timeout) {
  int ms = -1;
  if (timeout != NULL)
    ms = timeout->tv_sec >= 2000000
             ? 2000000000
             : (int)(timeout->tv_sec * 1000 +
                     (timeout->tv_nsec + 999999) / 1000000);
  return poll(fds, n, ms);
}

/* Nothing reports changes: the interfaces are compared once in this time. */
#define MCAST_INTERVAL 200000000 /* nanoseconds */

static inline int sys_openmonitor(void) { return sys_socket(AF_INET); }

static inline ssize_t sys_readchanges(int fd, void *changes, size_t size) {
  (void)fd, (void)changes, (void)size;
  return 0;
}

static inline bool sys_nextfact(const char *changes, size_t len, size_t *at,
                                sys_Fact *fact) {
  (void)changes, (void)len, (void)at, (void)fact;
  return false;
}

static inline bool sys_getdropped(int fd, uint32_t *dropped) {
  (void)fd, (void)dropped;
  return false;
}

static inline int sys_openown(sys_Own *o) {
  (void)o;
  return 0;
}

static inline void sys_closeown(sys_Own *o) { (void)o; }

/* 1, 0, or -1: unknown. */
static inline int sys_isown(const sys_Own *o, const struct sockaddr *a) {
  struct ifaddrs *hosts;
  (void)o;
  if (getifaddrs(&hosts) != 0)
    return -1;
  bool own = sys_haslocal(hosts, a);
  freeifaddrs(hosts);
  return own;
}

static inline bool sys_interfacename(int fd, unsigned index,
                                     char name[IF_NAMESIZE]) {
  (void)fd;
  if (if_indextoname(index, name) != NULL)
    return true;
  errno = errno == ENXIO ? ENODEV : errno;
  return false;
}

#endif
