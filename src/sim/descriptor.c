/*
** Descriptors: the number of a net, above that of a socket. So a socket that is
** collected, or used outside of its net's run, is found or not found, but never
** mistaken for another one.
*/
#include "sim.h"

#include <stdatomic.h>

#define SLOTS 2048
#define SOCKETBITS 20

static _Atomic(sim_Net *) nets[SLOTS];

/* False where there are too many nets. */
bool sim_registernet(sim_Net *net) {
  for (int i = 0; i < SLOTS; i++) {
    sim_Net *none = NULL;
    if (atomic_compare_exchange_strong(&nets[i], &none, net)) {
      net->slot = i;
      return true;
    }
  }
  return false;
}

void sim_unregisternet(sim_Net *net) { atomic_store(&nets[net->slot], NULL); }

/* The number of its socket, which is the descriptor that scripts see. */
int sim_descriptor(int fd) { return fd & ((1 << SOCKETBITS) - 1); }

/* NULL where it is closed. */
sim_Socket *sim_findsocket(int fd) {
  const sim_Net *net = fd >= 0 ? atomic_load(&nets[fd >> SOCKETBITS]) : NULL;
  int i = fd & ((1 << SOCKETBITS) - 1);
  return net != NULL && i < net->nsockets ? net->sockets[i] : NULL;
}

/* For system calls. A node must not use sockets of another net, whose time is
   not its own. */
sim_Socket *sim_getsocket(int fd) {
  sim_Socket *s = sim_findsocket(fd);
  if (s == NULL || (sim_current != NULL && sim_current->net != s->net)) {
    errno = EBADF;
    return NULL;
  }
  return s;
}

static void freesocket(sim_Net *net, sim_Socket *s) {
  if (s == NULL)
    return;
  s->next = net->freesockets;
  net->freesockets = s;
}

static sim_Socket *allocatesocket(sim_Net *net) {
  sim_Socket *s = net->freesockets;
  if (s == NULL)
    return sim_allocate(net, sizeof *s);
  net->freesockets = s->next;
  memset(s, 0, sizeof *s);
  return s;
}

/* A socket of the node, with a descriptor; NULL and errno where it fails. */
sim_Socket *sim_newsocket(sim_Node *node) {
  sim_Net *net = node->net;
  errno = node->nsockets == SIM_MAXDESCRIPTORS ? EMFILE : ENFILE;
  if (node->nsockets == SIM_MAXDESCRIPTORS || net->nsockets == 1 << SOCKETBITS)
    return NULL;
  sim_Socket *s = allocatesocket(net);
  if (s == NULL || !sim_append(&net->sockets, &net->nsockets, s)) {
    freesocket(net, s);
    errno = ENOMEM;
    return NULL;
  }
  s->net = net;
  s->host = node->host;
  s->owner = node;
  s->fd = net->slot << SOCKETBITS | (net->nsockets - 1);
  node->nsockets++;
  return s;
}

void sim_removesocket(sim_Socket *s) {
  s->net->sockets[sim_descriptor(s->fd)] = NULL;
  s->owner->nsockets--;
  freesocket(s->net, s);
}
