/*
** The seam: every call to the system is a sys_* function of this folder, over
** libc (posix.h) or over the simulator's kernel (sim.h). A name that one side
** lacks does not compile.
*/
#ifndef mcast_sys_h
#define mcast_sys_h

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

#define MCAST_NONE (-1) /* an option that is not available on this system */

/* Bytes of an interface's name at the most, Linux's alternative ones included. */
#define MCAST_NAMESIZE 128

/* The datagrams of a train that older kernels accept at the most. */
#define MCAST_OLDTRAIN 64

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__)
#define sys_setsockaddrlen(sa, n) ((void)((sa)->sa_len = (uint8_t)(n)))
#else
#define sys_setsockaddrlen(sa, n) ((void)(sa), (void)(n))
#endif

/* Lengths in struct msghdr and cmsghdr are size_t, int or socklen_t. */
#define sys_setlen(field, n) ((field) = (__typeof__(field))(n))

/* musl's macro mixes signs. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
static inline struct cmsghdr *sys_nextcmsg(struct msghdr *msg,
                                           struct cmsghdr *c) {
  return CMSG_NXTHDR(msg, c);
}
#pragma GCC diagnostic pop

/* The state of an interface, or of one of its addresses. */
typedef struct sys_Fact {
  unsigned index;
  bool holds;             /* false: it is no more */
  bool up;                /* of an interface ... */
  char name[IF_NAMESIZE]; /* ... too */
  uint8_t prefix;         /* bits of the address */
  union {
    struct sockaddr sa; /* AF_UNSPEC: the fact is about the interface */
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } address;
} sys_Fact;

/* Whether IPv6 works on an interface. */
typedef enum sys_State {
  SYS_WELL,
  SYS_OFF,
  SYS_TENTATIVE, /* its address may be another host's, too ... */
  SYS_DUPLICATE  /* ... and is */
} sys_State;

/* Asks the kernel for routes and members, if the system has such questions. */
typedef struct sys_Asker {
  pid_t owner; /* the process that opened it; 0: none */
  int fd;
  struct {
    int fd;         /* reports changes; -1: not opened yet, -2: unavailable */
    unsigned index; /* 0: none asked for yet, or there were changes */
    struct in6_addr group;
    bool joined;
    bool filtered; /* by a member that names sources */
  } last;          /* the IPv6 group asked for last */
  int files[2];    /* -1: not opened yet */
} sys_Asker;

/* The addresses of this host, where the system sends notices of changes. */
typedef struct sys_Own {
  bool opened;
  int fd;
  uint32_t bytes;   /* of notices, and the number of those dropped, ... */
  uint32_t dropped; /* ... when the list was read */
  struct ifaddrs *list;
} sys_Own;

#if defined(MCAST_SIMULATED)
#include "sim.h"
#elif defined(__linux__) && !defined(MCAST_PORTABLE)
#include "linux.h"
#else
#include "portable.h"
#endif

#endif
