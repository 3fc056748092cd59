/*
** Routing: routers know the shortest ways, as after a routing protocol has
** converged. One of them forwards a group from a LAN to the next, by the way
** from the sender's LAN (as the reverse path check and PIM's assert have it),
** so there are no loops and no duplicates; and only to LANs with members, and on
** the way to these.
*/
#include "sim.h"

/* How far packets from one LAN to a group go. */
typedef struct sim_Tree {
  uint32_t topology; /* in this version of the topology ... */
  uint64_t members;  /* ... and of the members */
  uint8_t reach[];   /* sim_Reach, by LAN */
} Tree;

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
static sim_Reach getlimit(const sim_Host *router, const mcast_Sockaddr *group) {
  if (group->sa.sa_family == AF_INET
          ? ntohl(group->in.sin_addr.s_addr) >> 8 == 0xe00000
          : (group->in6.sin6_addr.s6_addr[1] & 15) <= 2)
    return SIM_SCOPE;
  for (int i = 0; i < router->nboundaries; i++)
    if (hasprefix(group, &router->boundaries[i]))
      return SIM_BOUNDARY;
  return SIM_MEMBERS;
}

/*
** Groups.
*/

/* Marks the way from one LAN to a LAN with members, beginning at its end. Before
   a limit, the packet is only due at the router that drops it. */
static void markway(sim_Lan *from, const sim_Lan *to,
                    const mcast_Sockaddr *group, uint8_t *reach) {
  sim_Reach mark = SIM_MEMBERS;
  while (to != from) {
    const sim_Hop *hop = sim_lasthop(from, to);
    if (hop == NULL)
      return;
    sim_Reach limit = getlimit(hop->in->host, group);
    mark = limit < mark ? limit : mark;
    if (reach[to->id] >= mark)
      return;
    reach[to->id] = (uint8_t)mark;
    to = hop->in->lan;
  }
}

/* The tree of a LAN and a group; NULL without memory. */
static const Tree *gettree(sim_Lan *from, const mcast_Sockaddr *group) {
  sim_Net *net = from->net;
  sim_Key key = sim_key(group, from->id);
  size_t n = (size_t)net->nlans;
  Tree *tree = sim_find(&net->trees, key);
  if (tree != NULL && tree->topology == net->topology &&
      tree->members == net->members)
    return tree;
  Tree *new = malloc(sizeof *new + n);
  if (new == NULL || !sim_insert(&net->trees, key, new)) {
    free(new);
    return NULL;
  }
  free(tree);
  new->topology = net->topology;
  new->members = net->members;
  memset(new->reach, SIM_NOBODY, n);
  for (size_t i = 0; i < n; i++) {
    const sim_Group *g = sim_find(&net->groups, sim_key(group, i));
    if (g != NULL && g->count > 0)
      markway(from, net->lans[i], group, new->reach);
  }
  return new;
}

/* Does a router forward a packet to a group from one of its interfaces to
   another one? SIM_MEMBERS: it does. */
sim_Reach sim_reach(const sim_Interface *in, const sim_Interface *out,
                    const sim_Packet *p) {
  sim_Lan *origin = p->origin->lan;
  if (out->lan == NULL || out->lan == origin ||
      (p->to.sa.sa_family == AF_INET6 && sim_lacksinet6(out->mtu)))
    return SIM_NOBODY;
  const sim_Hop *hop = sim_lasthop(origin, out->lan);
  if (hop == NULL || hop->in != in || hop->out != out)
    return SIM_NOBODY;
  const Tree *tree = gettree(origin, &p->to);
  sim_Reach reach =
      tree != NULL ? (sim_Reach)tree->reach[out->lan->id] : SIM_NOBODY;
  return in->host->flood && getlimit(in->host, &p->to) == SIM_MEMBERS
             ? SIM_MEMBERS
             : reach;
}
