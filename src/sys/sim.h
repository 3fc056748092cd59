/*
** The simulator's kernel (sim/kernel.c, sim/membership.c) in place of the
** system's: the files of the module are compiled over it once more, so the checks,
** results and errors of both cannot differ.
*/
#ifndef mcast_syssim_h
#define mcast_syssim_h

#pragma GCC visibility push(hidden)

#define MCAST_REFUSABLE false
#define MCAST_INET6HASBOTH true
#define MCAST_TTL0LEAVES false
#define MCAST_MIXESFILTERS false
#define MCAST_LOOPBACK 0
#define MCAST_ADOPTS false
#define MCAST_SO_PROTOCOL MCAST_NONE
#define MCAST_UDP_GRO MCAST_NONE
#define MCAST_MAXTRAIN 64
#define MCAST_UDP_SEGMENT 103
#define MCAST_SO_RCVBUFFORCE MCAST_NONE
#define MCAST_SO_SNDBUFFORCE MCAST_NONE
#define MCAST_SO_DEVICE 25
#define MCAST_IP_FRAGMENT 10
#define MCAST_CUT 1
#define MCAST_WHOLE 2
#define sys_iscut(value) ((value) != MCAST_WHOLE)
#define MCAST_IPV6_DONTFRAG 62
#define MCAST_IP_ALL 49
#define MCAST_IPV6_ALL 29

int sys_socket(int family);
int sys_close(int fd);
int sys_bind(int fd, const struct sockaddr *a, socklen_t len);
int sys_getsockname(int fd, struct sockaddr *a, socklen_t *len);
int sys_setsockopt(int fd, int level, int name, const void *value,
                   socklen_t len);
int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
ssize_t sys_sendto(int fd, const void *data, size_t len, int flags,
                   const struct sockaddr *to, socklen_t tolen);
ssize_t sys_sendmsg(int fd, const struct msghdr *msg, int flags);
int sys_ioctl(int fd, unsigned long request, struct ifreq *interface);
struct if_nameindex *sys_if_nameindex(void);
char *sys_if_indextoname(unsigned index, char *name);
int sys_getifaddrs(struct ifaddrs **list);
int sys_setsourcefilter(int fd, unsigned index, const struct sockaddr *group,
                        socklen_t len, uint32_t mode, uint32_t count,
                        const struct sockaddr_storage *sources);
int sys_getsourcefilter(int fd, unsigned index, const struct sockaddr *group,
                        socklen_t len, uint32_t *mode, uint32_t *count,
                        struct sockaddr_storage *sources);
bool sys_getdropped(int fd, uint32_t *dropped);
int sys_deviceindex(int fd, unsigned *index);
bool sys_istoomany(int fd, const struct sockaddr *group, uint32_t count);
int sys_pathmtu(int fd, const struct sockaddr *to,
                const struct sockaddr *source, unsigned index);
int sys_openmonitor(void);
ssize_t sys_readchanges(int fd, void *changes, size_t size);
bool sys_nextfact(const char *changes, size_t len, size_t *at, sys_Fact *fact);

#define MCAST_INTERVAL 0 /* the descriptor reports changes, so that ... */

/* ... nothing is done by time. */
static inline int64_t sys_now(void) { return 0; }

/* The kernel's lists are one block each. */
static inline void sys_if_freenameindex(struct if_nameindex *list) {
  free(list);
}

static inline void sys_freeifaddrs(struct ifaddrs *list) { free(list); }

static inline bool sys_interfacename(int fd, unsigned index,
                                     char name[IF_NAMESIZE]) {
  (void)fd;
  return sys_if_indextoname(index, name) != NULL;
}

/* For descriptors of others. */
static inline int sys_getpeername(int fd, struct sockaddr *a, socklen_t *len) {
  (void)fd, (void)a, (void)len;
  errno = ENOTCONN;
  return -1;
}

static inline int sys_setcloexec(int fd) {
  (void)fd;
  return 0;
}

/* A script has dropped what has this descriptor, without closing it. */
void sys_abandon(int *fd);

/* Its recvmsg (sim/receive.c) knows. */
static inline int sys_openown(sys_Own *o) {
  (void)o;
  return 0;
}

static inline void sys_closeown(sys_Own *o) { (void)o; }

#include "stays.h"

#include "unasked.h"

static inline long sys_descriptorlimit(void) { return -1; }

static inline long sys_firstport(void) { return 0; }

static inline int sys_alternative(const char *name, unsigned *index) {
  (void)name, (void)index;
  return ENODEV;
}

static inline int sys_ismember(unsigned index, const struct sockaddr *group) {
  char name[IF_NAMESIZE];
  (void)group;
  return sys_if_indextoname(index, name) != NULL;
}

#pragma GCC visibility pop

#endif
