/*
** Fragments of a packet.
*/
#include "sim.h"

/* The fragments of a packet on a LAN of this MTU. */
int sim_countfragments(const sim_Packet *p, int mtu) {
  size_t header = p->to.sa.sa_family == AF_INET ? 20 : 40;
  size_t fragment = p->to.sa.sa_family == AF_INET ? 0 : 8; /* its own header */
  size_t room = ((size_t)mtu - header - fragment) & ~(size_t)7;
  if (p->size + 8 + header <= (size_t)mtu)
    return 1;
  return (int)((p->size + 8 + room - 1) / room);
}
