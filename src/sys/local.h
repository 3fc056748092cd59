/*
** Addresses of this host in a list of getifaddrs.
*/
#ifndef mcast_syslocal_h
#define mcast_syslocal_h

/* The bytes of an address, IPv4's as a mapped one, and its zone. */
static inline struct in6_addr sys_tohost(const struct sockaddr *a,
                                         uint32_t *zone) {
  struct in6_addr bytes = {{{[10] = 0xff, [11] = 0xff}}};
  struct sockaddr_in6 in6;
  struct sockaddr_in in;
  *zone = 0;
  if (a->sa_family == AF_INET) {
    memcpy(&in, a, sizeof in);
    memcpy(bytes.s6_addr + 12, &in.sin_addr, sizeof in.sin_addr);
    return bytes;
  }
  memcpy(&in6, a, sizeof in6);
  *zone = in6.sin6_scope_id;
  return in6.sin6_addr;
}

/* All of 127.0.0.0/8 is this host. */
static inline bool sys_haslocal(const struct ifaddrs *list,
                                const struct sockaddr *a) {
  uint32_t zone, z;
  struct in6_addr wanted = sys_tohost(a, &zone);
  if (IN6_IS_ADDR_V4MAPPED(&wanted) && wanted.s6_addr[12] == 127)
    return true;
  for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
    if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET &&
                                i->ifa_addr->sa_family != AF_INET6))
      continue;
    struct in6_addr own = sys_tohost(i->ifa_addr, &z);
    if (zone == z && IN6_ARE_ADDR_EQUAL(&own, &wanted))
      return true;
  }
  return false;
}

#endif
