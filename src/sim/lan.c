/*
** A LAN: transmits a packet to the interfaces that receive it.
*/
#include "sim.h"

/* Makes room for so many receivers. */
static bool reserve(sim_Net *net, size_t n) {
  while (net->receivercapacity < n) {
    void *new = sim_grow(net->receivers, &net->receivercapacity,
                         sizeof(sim_Interface *));
    if (new == NULL)
      return false;
    net->receivers = new;
  }
  return true;
}

/* Lists members, and from *routers on routers on the way to members; returns how
   many, or -1 without memory. A router that is a member receives and forwards one
   copy, but for carriers. */
SIM_HOT static int listreceivers(sim_Interface *from, const sim_Packet *p,
                                 int *routers) {
  sim_Net *net = from->net;
  const sim_Lan *lan = from->lan;
  const sim_Group *g = sim_find(&net->groups, sim_key(&p->to, lan->id));
  int members = g != NULL ? g->count : 0, n = 0;
  if (!reserve(net, (size_t)members + (size_t)lan->nrouters))
    return -1;
  for (int k = 0; k < members; k++)
    if (g->members[k] != NULL && g->members[k] != from)
      net->receivers[n++] = g->members[k];
  *routers = n;
  for (int k = 0; k < lan->nrouters; k++) {
    sim_Interface *r = lan->routers[k];
    if (r != from && sim_isonway(r, p) &&
        (p->carried || !sim_ishostmember(r, &p->to)))
      net->receivers[n++] = r;
  }
  return n;
}

/* To all hosts of the LAN, which are members of 224.0.0.1; no router forwards it. */
static void transmitbroadcast(sim_Interface *i, sim_Packet *p, int ttl,
                              int64_t start) {
  mcast_Sockaddr all;
  mcast_anyaddress(AF_INET, 0, &all);
  all.in.sin_addr.s_addr = htonl(INADDR_ALLHOSTS_GROUP);
  const sim_Group *g = sim_find(&i->net->groups, sim_key(&all, i->lan->id));
  for (int k = 0; g != NULL && k < g->count; k++)
    if (g->members[k] != i)
      sim_copy(i, g->members[k], p, ttl, start, SIM_FINAL);
}

/* The list is complete before the first copy: a rule may end a node, and
   thereby change the members. */
SIM_HOT static void transmitgroup(sim_Interface *i, sim_Packet *p, int ttl,
                                  int64_t start) {
  int routers, n = listreceivers(i, p, &routers);
  if (n < 0)
    i->net->exhausted = true;
  for (int k = 0; k < n; k++) {
    sim_Interface *to = i->net->receivers[k];
    bool hop = k >= routers || (to->host->router && !p->carried);
    sim_copy(i, to, p, ttl, start,
             !hop         ? SIM_FINAL
             : p->carried ? SIM_CARRIER
                          : SIM_HOP);
  }
}

static void transmitunicast(sim_Interface *i, sim_Packet *p, int ttl,
                            int64_t start) {
  sim_Interface *last = sim_find(&i->net->addresses, sim_key(&p->to, 0));
  sim_Interface *to = last;
  if (to != NULL && to->lan != i->lan) {
    const sim_Hop *hop = sim_firsthop(i->lan, to->lan);
    to = hop != NULL ? hop->in : NULL;
  }
  if (to == NULL)
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, "no route");
  else
    sim_copy(i, to, p, ttl, start,
             to->host == last->host ? SIM_FINAL : SIM_HOP);
}

/* Transmits a packet to the interface's LAN. */
void sim_transmit(sim_Interface *i, sim_Packet *p, int ttl) {
  const char *reason = !i->up ? "down" : NULL;
  int64_t start = reason == NULL ? sim_pass(&i->lan->bandwidth, i->net->now,
                                            sim_countbytes(p, i))
                                 : 0;
  if (start == SIM_NEVER)
    reason = "queue";
  if (reason != NULL)
    sim_record(i->net, SIM_DROP, NULL, i, p, ttl, reason);
  else if (mcast_ismulticast(&p->to)) {
    if (i == p->origin) {
      p->carried = i->host->nfar > 0 || sim_haslatencies(i->net);
      p->topology = i->net->topology;
    }
    transmitgroup(i, p, ttl, start);
  } else if (sim_isbroadcast(&p->to))
    transmitbroadcast(i, p, ttl, start);
  else
    transmitunicast(i, p, ttl, start);
}
