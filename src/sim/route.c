/*
** Routing: routers know the shortest ways, as after a routing protocol has
** converged. One of them forwards a group from a LAN to the next, by the way
** from the sender's LAN (as the reverse path check and PIM's assert have it),
** so there are no loops and no duplicates.
*/
#include "sim.h"

static bool isup(const sim_Interface *i) { return i->lan != NULL && i->up; }

/* Makes room for a hop to each LAN; returns room for a list of all LANs. */
static sim_Lan **resethops(sim_Lan *from) {
  size_t n = (size_t)from->net->nlans;
  sim_Hop *hops = realloc(from->hops, n * sizeof *hops);
  if (hops == NULL)
    return NULL;
  from->hops = hops;
  memset(hops, 0, n * sizeof *hops);
  return calloc(n, sizeof(sim_Lan *));
}

/* Finds the last hop to each LAN, breadth first. */
static bool findhops(sim_Lan *from) {
  sim_Lan **queue = resethops(from);
  if (queue == NULL)
    return false;
  int head = 0, tail = 0;
  queue[tail++] = from;
  while (head < tail) {
    const sim_Lan *lan = queue[head++];
    for (int r = 0; r < lan->nrouters; r++) {
      const sim_Host *router = lan->routers[r]->host;
      for (int i = 1; isup(lan->routers[r]) && i < router->ninterfaces; i++) {
        sim_Interface *out = router->interfaces[i];
        if (!isup(out) || out->lan == from ||
            from->hops[out->lan->id].out != NULL)
          continue;
        from->hops[out->lan->id] = (sim_Hop){lan->routers[r], out};
        queue[tail++] = out->lan;
      }
    }
  }
  free(queue);
  from->version = from->net->topology;
  return true;
}

/* The last hop on the way to a LAN; NULL where there is none. */
const sim_Hop *sim_lasthop(sim_Lan *from, const sim_Lan *to) {
  if (from->version != from->net->topology && !findhops(from))
    return NULL;
  const sim_Hop *hop = &from->hops[to->id];
  return hop->out != NULL ? hop : NULL;
}

const sim_Hop *sim_firsthop(sim_Lan *from, const sim_Lan *to) {
  const sim_Hop *hop = sim_lasthop(from, to);
  while (hop != NULL && hop->in->lan != from)
    hop = sim_lasthop(from, hop->in->lan);
  return hop;
}

static bool hasprefix(const mcast_Sockaddr *a, const sim_Boundary *b) {
  if (a->sa.sa_family != b->prefix.sa.sa_family)
    return false;
  sim_Key one = sim_key(a, 0), other = sim_key(&b->prefix, 0);
  int bits = b->bits + (a->sa.sa_family == AF_INET ? 96 : 0);
  for (int i = 0; i < bits; i++)
    if ((one.host.s6_addr[i / 8] ^ other.host.s6_addr[i / 8]) & (0x80 >> i % 8))
      return false;
  return true;
}

/* Does a group stay on its side of the router? Groups of link scope always do
   (RFC 5771, RFC 4291). */
bool sim_isboundary(const sim_Host *router, const mcast_Sockaddr *group) {
  bool local = group->sa.sa_family == AF_INET
                   ? ntohl(group->in.sin_addr.s_addr) >> 8 == 0xe00000
                   : (group->in6.sin6_addr.s6_addr[1] & 15) <= 2;
  for (int i = 0; i < router->nboundaries && !local; i++)
    local = hasprefix(group, &router->boundaries[i]);
  return local;
}
