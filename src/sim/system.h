/*
** The simulator's kernel, under the names of the system's: with this the sources
** of the module are those of the simulated one, so their checks, results and
** errors cannot differ.
*/
#ifndef sim_system_h
#define sim_system_h

#pragma GCC visibility push(hidden)

#define MCAST_TTL0LEAVES false
#define MCAST_MAXTRAIN 64
#define MCAST_UDP_SEGMENT 103
#define MCAST_SO_RCVBUFFORCE MCAST_NONE
#define MCAST_SO_SNDBUFFORCE MCAST_NONE

#undef MCAST_SO_DEVICE
#define MCAST_SO_DEVICE 25
#define MCAST_IP_ALL 49
#define MCAST_IPV6_ALL 29

typedef struct sim_Ifaddrs {
  struct sim_Ifaddrs *ifa_next;
  char *ifa_name;
  unsigned ifa_flags;
  struct sockaddr *ifa_addr;
} sim_Ifaddrs;

int sim_socket(int family);
int sim_close(int fd);
int sim_bind(int fd, const struct sockaddr *a);
int sim_connect(int fd, const struct sockaddr *a);
int sim_getsockname(int fd, struct sockaddr *a, socklen_t *len);
int sim_setsockopt(int fd, int level, int name, const void *value,
                   socklen_t len);
int sim_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
ssize_t sim_sendto(int fd, const void *data, size_t len,
                   const struct sockaddr *to);
ssize_t sim_sendmsg(int fd, const struct msghdr *msg);
int sim_ioctl(int fd, unsigned long request, struct ifreq *argument);
struct if_nameindex *sim_nameindex(void);
char *sim_indextoname(unsigned index, char *name);
int sim_getifaddrs(sim_Ifaddrs **list);
int sim_setsourcefilter(int fd, unsigned index, const struct sockaddr *group,
                        uint32_t mode, uint32_t count,
                        const struct sockaddr_storage *sources);
int sim_getsourcefilter(int fd, unsigned index, const struct sockaddr *group,
                        uint32_t *mode, uint32_t *count,
                        struct sockaddr_storage *sources);
bool sim_getdropped(int fd, uint32_t *dropped);

#define close(fd) sim_close(fd)
#define bind(fd, a, len) sim_bind(fd, a)
#define connect(fd, a, len) sim_connect(fd, a)
#define getsockname(fd, a, len) sim_getsockname(fd, a, len)
#define setsockopt(fd, level, name, value, len)                                \
  sim_setsockopt(fd, level, name, value, len)
#define getsockopt(fd, level, name, value, len)                                \
  sim_getsockopt(fd, level, name, value, len)
#define sendto(fd, data, len, flags, to, tolen) sim_sendto(fd, data, len, to)
#define sendmsg(fd, msg, flags) sim_sendmsg(fd, msg)
#define ioctl(fd, request, argument)                                           \
  sim_ioctl(fd, (unsigned long)(request), argument)
#define if_nameindex() sim_nameindex()
#define if_freenameindex(list) free(list)
#define if_indextoname(index, name) sim_indextoname(index, name)
#define ifaddrs sim_Ifaddrs
#define getifaddrs(list) sim_getifaddrs(list)
#define freeifaddrs(list) free(list)

#define mcast_opensocket(family) sim_socket(family)
#define mcast_getdropped(fd, dropped) sim_getdropped(fd, dropped)
#define mcast_setsourcefilter(fd, index, group, len, mode, count, sources)     \
  sim_setsourcefilter(fd, index, group, mode, count, sources)
#define mcast_getsourcefilter(fd, index, group, len, mode, count, sources)     \
  sim_getsourcefilter(fd, index, group, mode, count, sources)

static inline bool mcast_interfacename(int fd, unsigned index,
                                       char name[IF_NAMESIZE]) {
  (void)fd;
  return sim_indextoname(index, name) != NULL;
}

static inline int mcast_isinterfacemember(unsigned index,
                                          const struct sockaddr *group) {
  char name[IF_NAMESIZE];
  (void)group;
  return sim_indextoname(index, name) != NULL;
}

#pragma GCC visibility pop

#endif
