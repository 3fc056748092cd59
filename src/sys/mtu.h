/*
** Linux: the MTU of the way to an address, which only a connected socket knows.
*/
#ifndef mcast_sysmtu_h
#define mcast_sysmtu_h

/* Names device, interface and source of a socket as those of a datagram, whose
   zone comes before its device. A failure leaves the choice to the route. */
static inline void sys_copyway(int fd, int scratch, const struct sockaddr *to,
                               const struct sockaddr *source, unsigned index) {
  const struct sockaddr_in6 *to6 = (const void *)to;
  bool inet = to->sa_family == AF_INET;
  bool zone = !inet && to6->sin6_scope_id != 0;
  char device[IF_NAMESIZE] = "";
  socklen_t len = sizeof device;
  struct ip_mreqn outgoing;
  uint32_t order = htonl(index);
  memset(&outgoing, 0, sizeof outgoing);
  outgoing.imr_ifindex = (int)index;
  if (!zone && getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0 &&
      device[0] != '\0')
    (void)setsockopt(scratch, SOL_SOCKET, SO_BINDTODEVICE, device, len);
  if (index != 0) {
    (void)setsockopt(scratch, inet ? IPPROTO_IP : IPPROTO_IPV6,
                     inet ? IP_MULTICAST_IF : IPV6_MULTICAST_IF,
                     inet ? (const void *)&outgoing : &index,
                     inet ? sizeof outgoing : sizeof index);
    (void)setsockopt(scratch, inet ? IPPROTO_IP : IPPROTO_IPV6,
                     inet ? IP_UNICAST_IF : IPV6_UNICAST_IF, &order,
                     sizeof order);
  }
  if (source != NULL)
    (void)bind(scratch, source,
               inet ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

/* Bytes; 0: unknown. source: NULL, none; index 0: none. */
static inline int sys_pathmtu(int fd, const struct sockaddr *to,
                              const struct sockaddr *source, unsigned index) {
  bool inet = to->sa_family == AF_INET;
  int mtu = 0;
  socklen_t len = sizeof mtu;
  int scratch = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (scratch < 0)
    return 0;
  sys_copyway(fd, scratch, to, source, index);
  if (connect(scratch, to,
              inet ? sizeof(struct sockaddr_in)
                   : sizeof(struct sockaddr_in6)) != 0 ||
      getsockopt(scratch, inet ? IPPROTO_IP : IPPROTO_IPV6,
                 inet ? IP_MTU : IPV6_MTU, &mtu, &len) != 0)
    mtu = 0;
  close(scratch);
  return mtu;
}

#endif
