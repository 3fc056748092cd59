/*
** Hosts: their interfaces, and the system calls that report these.
*/
#include "sim.h"

/* The interface of the index; NULL where there is none. */
sim_Interface *sim_getinterface(const sim_Host *host, unsigned index) {
  return 0 < index && index <= (unsigned)host->ninterfaces
             ? host->interfaces[index - 1]
             : NULL;
}

/* A mapped IPv4 address as an IPv4 one. */
mcast_Sockaddr sim_unmap(const mcast_Sockaddr *a) {
  mcast_Sockaddr inet;
  if (a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
    return *a;
  mcast_anyaddress(AF_INET, mcast_getport(a), &inet);
  memcpy(&inet.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
  return inet;
}

static bool isloopback(const mcast_Sockaddr *a) {
  return a->sa.sa_family == AF_INET ? ntohl(a->in.sin_addr.s_addr) >> 24 == 127
                                    : IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

/* Does the interface have this address now? IPv6's of link scope go down with
   it. */
static bool has(const sim_Interface *i, const mcast_Sockaddr *a) {
  return i->up || a->sa.sa_family == AF_INET ||
         !IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
}

/* Has lo its address of the family, and with it the whole prefix? */
static bool haslo(const sim_Host *host, int family) {
  const sim_Interface *lo = host->interfaces[0];
  for (int k = 0; k < lo->naddresses; k++)
    if (lo->addresses[k].sa.sa_family == family &&
        isloopback(&lo->addresses[k]))
      return true;
  return false;
}

/* The interface that has this address; NULL: it is not the host's. */
sim_Interface *sim_findowner(const sim_Host *host, const mcast_Sockaddr *a) {
  if (isloopback(a))
    return haslo(host, a->sa.sa_family) ? host->interfaces[0] : NULL;
  for (int i = 0; i < host->ninterfaces; i++)
    for (int k = 0; k < host->interfaces[i]->naddresses; k++)
      if (mcast_samehost(&host->interfaces[i]->addresses[k], a) &&
          has(host->interfaces[i], a))
        return host->interfaces[i];
  return NULL;
}

/* The partitions and isolations that keep from one what the other sends. */
static void touch(sim_Host *from, sim_Host *to) {
  from->net->touched |= from->severed[0] & to->severed[1];
  from->cut = from->cut || from->isolated > 0;
  to->cut = to->cut || to->isolated > 0;
}

/* Do partitions keep from one what the other sends? */
bool sim_issevered(sim_Host *from, sim_Host *to) {
  bool severed = from->isolated > 0 || to->isolated > 0 ||
                 (from->severed[0] & to->severed[1]) != 0;
  if (severed)
    touch(from, to);
  return severed;
}

static const sim_Host *currenthost(void) {
  if (sim_current == NULL)
    errno = EPERM;
  return sim_current != NULL ? sim_current->host : NULL;
}

char *sys_if_indextoname(unsigned index, char *name) {
  const sim_Host *host = currenthost();
  const sim_Interface *i = host != NULL ? sim_getinterface(host, index) : NULL;
  if (i == NULL) {
    errno = ENXIO;
    return NULL;
  }
  return memcpy(name, i->name, IF_NAMESIZE);
}

/* One block, to be freed as a whole. */
struct if_nameindex *sys_if_nameindex(void) {
  const sim_Host *host = currenthost();
  size_t n = host != NULL ? (size_t)host->ninterfaces : 0;
  struct if_nameindex *list = calloc(n + 1, sizeof *list);
  if (list == NULL)
    return NULL;
  for (size_t i = 0; i < n; i++) {
    list[i].if_index = host->interfaces[i]->index;
    list[i].if_name = host->interfaces[i]->name;
  }
  return list;
}

static unsigned getflags(const sim_Interface *i) {
  return (i->up ? IFF_UP | IFF_RUNNING : 0u) | IFF_MULTICAST |
         (i->lan == NULL ? IFF_LOOPBACK : 0u);
}

int sys_getifaddrs(struct ifaddrs **list) {
  const sim_Host *host = currenthost();
  size_t n = 0, k = 0;
  for (int i = 0; host != NULL && i < host->ninterfaces; i++)
    n += 1 + (size_t)host->interfaces[i]->naddresses;
  *list = calloc(n + 1, sizeof **list);
  if (*list == NULL)
    return sim_fail(ENOMEM);
  for (int i = 0; host != NULL && i < host->ninterfaces; i++) {
    sim_Interface *interface = host->interfaces[i];
    for (int a = -1; a < interface->naddresses; a++) {
      if (a >= 0 && !has(interface, &interface->addresses[a]))
        continue;
      if (k > 0)
        (*list)[k - 1].ifa_next = &(*list)[k];
      (*list)[k].ifa_name = interface->name;
      (*list)[k].ifa_flags = getflags(interface);
      (*list)[k].ifa_addr = a >= 0 ? &interface->addresses[a].sa : NULL;
      k++;
    }
  }
  return 0;
}

/* The requests of iflist.c and send.c, for an interface by its name. */
int sys_ioctl(int fd, unsigned long request, struct ifreq *argument) {
  const sim_Socket *s = sim_getsocket(fd);
  if (s == NULL)
    return -1;
  for (int i = 0; i < s->host->ninterfaces; i++) {
    const sim_Interface *interface = s->host->interfaces[i];
    if (strcmp(interface->name, argument->ifr_name) == 0) {
      if (request == SIOCGIFMTU)
        argument->ifr_mtu = interface->mtu;
      else
        argument->ifr_flags = (short)getflags(interface);
      return 0;
    }
  }
  return sim_fail(ENODEV);
}
