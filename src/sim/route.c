/*
** Routing: routers know the shortest ways, as after a routing protocol has
** converged. One of them forwards a group from a LAN to the next, by the way
** from the sender's LAN (as the reverse path check and PIM's assert have it),
** so there are no loops and no duplicates; and only to LANs with members whose
** filters accept its source (as IGMPv3 and MLDv2 report them), and on the way to
** these.
*/
#include "sim.h"

/* How far packets from one LAN to a group go. */
typedef struct sim_Tree {
  uint32_t topology; /* in this version of the topology ... */
  uint64_t members;  /* ... and of the members */
  bool filtered;     /* by source: each source has a tree of its own ... */
  sim_Map sources;   /* ... among these */
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

/* Lists the LANs next to one that have no hop yet; returns the list's end. */
static int findnext(sim_Lan *from, const sim_Lan *lan, bool down,
                    sim_Lan **queue, int tail) {
  for (int r = 0; r < lan->nrouters; r++) {
    sim_Interface *in = lan->routers[r];
    for (int i = 1; (down || isup(in)) && i < in->host->ninterfaces; i++) {
      sim_Interface *out = in->host->interfaces[i];
      if (out->lan == NULL || out->lan == from || !(down || isup(out)) ||
          from->hops[out->lan->id].out != NULL)
        continue;
      from->hops[out->lan->id] = (sim_Hop){in, out, down};
      queue[tail++] = out->lan;
    }
  }
  return tail;
}

/* Finds the last hop to each LAN, breadth first; then to those that only
   interfaces that are down lead to. */
static bool findhops(sim_Lan *from) {
  sim_Lan **queue = resethops(from);
  if (queue == NULL)
    return false;
  int tail = 0;
  queue[tail++] = from;
  for (int head = 0; head < tail; head++)
    tail = findnext(from, queue[head], false, queue, tail);
  for (int head = 0; head < tail; head++)
    tail = findnext(from, queue[head], true, queue, tail);
  free(queue);
  from->version = from->net->topology;
  return true;
}

/* The last hop on the way to a LAN, up or down; NULL where there is none. */
static const sim_Hop *getlasthop(sim_Lan *from, const sim_Lan *to) {
  if (from->version != from->net->topology && !findhops(from)) {
    from->net->exhausted = true;
    return NULL;
  }
  const sim_Hop *hop = &from->hops[to->id];
  return hop->out != NULL ? hop : NULL;
}

/* The last hop on the way to a LAN; NULL where there is none. */
const sim_Hop *sim_lasthop(sim_Lan *from, const sim_Lan *to) {
  const sim_Hop *hop = getlasthop(from, to);
  return hop != NULL && !hop->down ? hop : NULL;
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
                    const mcast_Sockaddr *group, sim_Reach mark,
                    uint8_t *reach) {
  while (to != from) {
    const sim_Hop *hop = getlasthop(from, to);
    if (hop == NULL)
      return;
    sim_Reach limit = hop->down ? SIM_DOWN : getlimit(hop->in->host, group);
    mark = limit < mark ? limit : mark;
    if (reach[to->id] >= mark)
      return;
    reach[to->id] = (uint8_t)mark;
    to = hop->in->lan;
  }
}

/* Does one of the members accept packets of this source? */
static bool hasaccepting(const sim_Group *g, const sim_Packet *p) {
  bool accepts = !g->filtered;
  for (int i = 0; i < g->count && !accepts; i++)
    accepts = g->members[i] != NULL &&
              sim_hostaccepts(g->members[i], &p->to, &p->from);
  return accepts;
}

/* The tree of a LAN and the packet's group, or also of its source; NULL without
   memory. */
static Tree *newtree(sim_Lan *from, const sim_Packet *p, bool bysource) {
  sim_Net *net = from->net;
  size_t n = (size_t)net->nlans;
  Tree *tree = calloc(1, sizeof *tree + n);
  if (tree == NULL)
    return NULL;
  tree->topology = net->topology;
  tree->members = net->members;
  for (size_t i = 0; i < n; i++) {
    const sim_Group *g = sim_find(&net->groups, sim_key(&p->to, i));
    if (g == NULL || g->count == g->gone)
      continue;
    tree->filtered = tree->filtered || g->filtered;
    markway(from, net->lans[i], &p->to,
            !bysource || hasaccepting(g, p) ? SIM_MEMBERS : SIM_FILTER,
            tree->reach);
  }
  return tree;
}

static void freetree(Tree *tree) {
  for (size_t i = 0; tree != NULL && i < tree->sources.capacity; i++)
    free(sim_getvalue(&tree->sources, i));
  if (tree != NULL)
    free(tree->sources.entries);
  free(tree);
}

/* The tree of a source, among those of its group; NULL without memory. */
static const Tree *getsource(sim_Lan *from, Tree *group, const sim_Packet *p) {
  sim_Key key = sim_key(&p->from, 0);
  Tree *tree = sim_find(&group->sources, key);
  if (tree != NULL)
    return tree;
  tree = newtree(from, p, true);
  if (tree != NULL && sim_insert(&group->sources, key, tree))
    return tree;
  free(tree);
  return NULL;
}

/* The tree that a packet goes by; NULL without memory. */
static const Tree *gettree(const sim_Packet *p) {
  sim_Lan *from = p->origin->lan;
  sim_Net *net = from->net;
  sim_Key key = sim_key(&p->to, from->id);
  Tree *tree = sim_find(&net->trees, key);
  if (tree == NULL || tree->topology != net->topology ||
      tree->members != net->members) {
    Tree *new = newtree(from, p, false);
    if (new == NULL || !sim_insert(&net->trees, key, new)) {
      free(new);
      return NULL;
    }
    freetree(tree);
    tree = new;
  }
  return tree->filtered ? getsource(from, tree, p) : tree;
}

void sim_freetrees(sim_Net *net) {
  for (size_t i = 0; i < net->trees.capacity; i++)
    freetree(sim_getvalue(&net->trees, i));
  free(net->trees.entries);
}

/* How far the packet goes towards a LAN. */
static sim_Reach getreach(const sim_Packet *p, const sim_Lan *to) {
  const Tree *tree = gettree(p);
  if (tree == NULL)
    to->net->exhausted = true;
  return tree != NULL ? (sim_Reach)tree->reach[to->id] : SIM_NOBODY;
}

/* Does a router forward a packet to a group from one of its interfaces to
   another one? SIM_MEMBERS: it does. */
sim_Reach sim_reach(const sim_Interface *in, const sim_Interface *out,
                    const sim_Packet *p) {
  sim_Lan *origin = p->origin->lan;
  if (out->lan == NULL || out->lan == origin ||
      (p->to.sa.sa_family == AF_INET6 && sim_lacksinet6(out->mtu)))
    return SIM_NOBODY;
  const sim_Hop *hop = getlasthop(origin, out->lan);
  if (hop == NULL || hop->in != in || hop->out != out)
    return SIM_NOBODY;
  bool floods = in->host->flood && !hop->down &&
                getlimit(in->host, &p->to) == SIM_MEMBERS;
  return floods ? SIM_MEMBERS : getreach(p, out->lan);
}

/* Does a router forward the packet, or stop it on its way to members? */
bool sim_isonway(const sim_Interface *router, const sim_Packet *p) {
  const sim_Host *host = router->host;
  for (int i = 1; i < host->ninterfaces; i++)
    if (sim_reach(router, host->interfaces[i], p) != SIM_NOBODY)
      return true;
  return false;
}

/* Has the way to members by this interface gone down since the packet was sent,
   so that another router has it now? */
bool sim_haslostway(const sim_Interface *out, const sim_Packet *p) {
  return !out->up && out->since > p->topology && out->lan != NULL &&
         out->lan != p->origin->lan && getreach(p, out->lan) == SIM_MEMBERS;
}
