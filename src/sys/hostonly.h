/*
** Linux: does a datagram of TTL 0 stay on this host? The kernel keeps it only
** where the group has a member on the interface that it would leave by, who
** hears its source. (Seen with Linux 6.18, IPv4 and IPv6.)
*/
#ifndef mcast_syshostonly_h
#define mcast_syshostonly_h

#include "hearers.h"

#define MCAST_TTL0LEAVES true

/* Linux's check of IPv6 sources uses the first membership of a group in the
   socket's list, whatever its interface. */
#define MCAST_MIXESFILTERS true
#define MCAST_LOOPBACK 1 /* index of lo, in each network namespace */

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

static inline const struct in6_addr *sys_host6(const struct sockaddr *a) {
  return &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
}

/* IPv6. The route is asked for only where the interface or the source has to be
   known, or where the datagram is not sent: its failure is reported then. */
static inline int sys_stays6(sys_Asker *a, const struct sockaddr *to,
                             const struct sockaddr *source, unsigned index,
                             bool loopback) {
  sys_Way way = {.index = index};
  sys_Flow f = {index, sys_host6(to),
                source != NULL ? sys_host6(source) : NULL};
  if (index == MCAST_LOOPBACK)
    return 1;
  bool routed = index == 0 || a->last.filtered;
  int hearing = routed ? SYS_UNSURE : loopback ? sys_ishearing(a, &f) : 0;
  if (hearing == 1 || hearing < 0)
    return hearing;
  int found = sys_findway(a, to, source, index, &way);
  if (found != 1 || way.index == MCAST_LOOPBACK ||
      (source == NULL && !way.sourced))
    return found < 0 ? -1 : 1;
  f.index = way.index;
  f.source = source != NULL ? sys_host6(source) : &way.source;
  return hearing == SYS_UNSURE && loopback ? sys_ishearing(a, &f) : 0;
}

/* Returns 1: to be sent, for it stays, or sending fails and says why; 0: it would
   leave; -1: failure, errno set. source: NULL, the kernel's choice; index 0: by
   route. */
static inline int sys_stays(sys_Asker *a, const struct sockaddr *to,
                            const struct sockaddr *source, unsigned index,
                            bool loopback) {
  sys_Way way;
  if (to->sa_family == AF_INET6)
    return sys_stays6(a, to, source, index, loopback);
  int found = sys_findway(a, to, source, index, &way);
  if (found != 1)
    return found < 0 ? -1 : 1;
  return way.kept || way.index == MCAST_LOOPBACK;
}

#endif
