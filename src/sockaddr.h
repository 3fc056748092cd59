/*
** Socket addresses of both families.
*/
#ifndef mcast_sockaddr_h
#define mcast_sockaddr_h

#include "sys/sys.h"

typedef union mcast_Sockaddr {
  struct sockaddr sa;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} mcast_Sockaddr;

static inline socklen_t mcast_addresslen(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET ? sizeof a->in : sizeof a->in6;
}

static inline const char *mcast_familyname(int family) {
  return family == AF_INET ? "inet" : "inet6";
}

static inline bool mcast_ismulticast(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET ? IN_MULTICAST(ntohl(a->in.sin_addr.s_addr))
                                    : IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

static inline void mcast_anyaddress(int family, uint16_t port,
                                    mcast_Sockaddr *a) {
  memset(a, 0, sizeof *a);
  a->sa.sa_family = (sa_family_t)family;
  sys_setsockaddrlen(&a->sa, mcast_addresslen(a));
  if (family == AF_INET)
    a->in.sin_port = htons(port);
  else
    a->in6.sin6_port = htons(port);
}

/* Is it IPv4's, as an address of IPv6? */
static inline bool mcast_ismapped(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr);
}

/* The IPv4 host of a mapped address, without a port; another address as it is. */
static inline mcast_Sockaddr mcast_unmapped(const mcast_Sockaddr *a) {
  mcast_Sockaddr inet;
  if (!mcast_ismapped(a))
    return *a;
  mcast_anyaddress(AF_INET, 0, &inet);
  memcpy(&inet.in.sin_addr, &a->in6.sin6_addr.s6_addr[12],
         sizeof inet.in.sin_addr);
  return inet;
}

/* The same host, whatever port and zone. */
static inline bool mcast_samehost(const mcast_Sockaddr *a,
                                  const mcast_Sockaddr *b) {
  if (a->sa.sa_family != b->sa.sa_family)
    return false;
  return a->sa.sa_family == AF_INET
             ? a->in.sin_addr.s_addr == b->in.sin_addr.s_addr
             : IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
}

/* The index of its interface; 0: none. */
static inline unsigned mcast_getzone(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET6 ? a->in6.sin6_scope_id : 0;
}

static inline void mcast_copyaddress(mcast_Sockaddr *to,
                                     const struct sockaddr *from) {
  memset(to, 0, sizeof *to);
  if (from->sa_family == AF_INET)
    memcpy(&to->in, from, sizeof to->in);
  else if (from->sa_family == AF_INET6)
    memcpy(&to->in6, from, sizeof to->in6);
}

static inline uint16_t mcast_getport(const mcast_Sockaddr *a) {
  return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static inline void mcast_setport(mcast_Sockaddr *a, uint16_t port) {
  uint16_t n = htons(port);
  if (a->sa.sa_family == AF_INET)
    a->in.sin_port = n;
  else
    a->in6.sin6_port = n;
}

/* Family, host, zone, port: below 0, 0 or above 0, as for memcmp. */
static inline int mcast_compareaddresses(const mcast_Sockaddr *a,
                                         const mcast_Sockaddr *b) {
  bool inet = a->sa.sa_family == AF_INET;
  unsigned zone = mcast_getzone(a), other = mcast_getzone(b);
  if (inet != (b->sa.sa_family == AF_INET))
    return inet ? -1 : 1;
  int sign =
      inet ? memcmp(&a->in.sin_addr, &b->in.sin_addr, sizeof a->in.sin_addr)
           : memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
                    sizeof a->in6.sin6_addr);
  if (sign == 0)
    sign = (zone > other) - (zone < other);
  return sign != 0 ? sign : mcast_getport(a) - mcast_getport(b);
}

/* The host as text, without its zone. */
static inline const char *mcast_hosttext(const mcast_Sockaddr *a,
                                         char text[INET6_ADDRSTRLEN]) {
  const void *bytes = a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr
                                                 : &a->in6.sin6_addr;
  return inet_ntop(a->sa.sa_family, bytes, text, INET6_ADDRSTRLEN);
}

#endif
