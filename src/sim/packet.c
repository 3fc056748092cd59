/*
** Packets: datagrams on their way, and in receive buffers.
*/
#include "sim.h"

static sim_Packet *makepacket(sim_Net *net) {
  sim_Packet *p = net->freepackets;
  if (p != NULL) {
    net->freepackets = p->next;
  } else {
    p = calloc(1, sizeof *p);
    if (p == NULL)
      return NULL;
    p->older = net->packets;
    net->packets = p;
    p->slot = net->nextpayload;
    net->nextpayload += SIM_PAYLOAD;
  }
  p->refs = 1;
  p->data = p->slot;
  return p;
}

sim_Packet *sim_newpacket(sim_Net *net) {
  sim_Packet *p = makepacket(net);
  if (p == NULL)
    return NULL;
  p->id = ++net->npackets;
  p->carried = false;
  p->whole = NULL;
  p->lost = p->extra = false;
  p->delayed = p->held = 0;
  return p;
}

/* A carrier of a packet, or of a carrier's packet. */
sim_Packet *sim_newcarrier(sim_Net *net, sim_Packet *p) {
  sim_Packet *whole = p->whole != NULL ? p->whole : p;
  sim_Packet *new = makepacket(net);
  if (new == NULL)
    return NULL;
  sim_Packet *older = new->older;
  int slot = new->slot;
  *new = *whole;
  new->refs = 1;
  new->slot = slot;
  new->older = older;
  new->whole = whole;
  whole->refs++;
  return new;
}

void sim_release(sim_Net *net, sim_Packet *p) {
  if (--p->refs > 0)
    return;
  if (p->whole == NULL)
    net->bytes -= p->size;
  p->size = 0;
  if (p->whole != NULL)
    sim_release(net, p->whole);
  p->next = net->freepackets;
  net->freepackets = p;
}
