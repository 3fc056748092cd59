/*
** Packets: datagrams on their way, and in receive buffers.
*/
#include "sim.h"

sim_Packet *sim_newpacket(sim_Net *net) {
  sim_Packet *p = net->freepackets;
  if (p != NULL) {
    net->freepackets = p->next;
  } else {
    p = calloc(1, sizeof *p);
    if (p == NULL)
      return NULL;
    p->older = net->packets;
    net->packets = p;
    p->data = net->nextpayload;
    net->nextpayload += SIM_PAYLOAD;
  }
  p->refs = 1;
  p->id = ++net->npackets;
  return p;
}

void sim_release(sim_Net *net, sim_Packet *p) {
  if (--p->refs > 0)
    return;
  p->next = net->freepackets;
  net->freepackets = p;
}
