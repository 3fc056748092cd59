/*
** Descriptors: the number of a net, above that of a socket. So a socket that is
** used outside of its net's run is found, or not. A number is used again after
** its socket was closed, which then takes the descriptor from its script.
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

static int getindex(int fd) { return fd & ((1 << SOCKETBITS) - 1); }

/* NULL where it is closed. */
sim_Socket *sim_findsocket(int fd) {
  const sim_Net *net = fd >= 0 ? atomic_load(&nets[fd >> SOCKETBITS]) : NULL;
  int i = getindex(fd);
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

/* Of a number that was used before, or of the next one; NULL and errno. */
static sim_Socket *allocatesocket(sim_Net *net) {
  sim_Socket *s = net->freesockets;
  if (s != NULL) {
    int fd = s->fd;
    net->freesockets = s->next;
    memset(s, 0, sizeof *s);
    s->fd = fd;
    net->sockets[getindex(fd)] = s;
    return s;
  }
  errno = net->nsockets == 1 << SOCKETBITS ? ENFILE : ENOMEM;
  if (net->nsockets == 1 << SOCKETBITS)
    return NULL;
  s = sim_allocate(net, sizeof *s);
  if (s == NULL || !sim_append(&net->sockets, &net->nsockets, s))
    return NULL;
  s->fd = net->slot << SOCKETBITS | (net->nsockets - 1);
  return s;
}

/* At the end of its owner's list. */
static void addtoowner(sim_Node *node, sim_Socket *s) {
  s->owner = node;
  s->older = node->lastsocket;
  if (s->older != NULL)
    s->older->newer = s;
  else
    node->sockets = s;
  node->lastsocket = s;
  node->nsockets++;
}

static void removefromowner(sim_Socket *s) {
  sim_Node *node = s->owner;
  if (s->older != NULL)
    s->older->newer = s->newer;
  else
    node->sockets = s->newer;
  if (s->newer != NULL)
    s->newer->older = s->older;
  else
    node->lastsocket = s->older;
  node->nsockets--;
}

/* A socket of the node, with a descriptor; NULL and errno where it fails. */
sim_Socket *sim_newsocket(sim_Node *node) {
  sim_Net *net = node->net;
  errno = EMFILE;
  if (node->nsockets == SIM_MAXDESCRIPTORS)
    return NULL;
  sim_Socket *s = allocatesocket(net);
  if (s == NULL)
    return NULL;
  s->net = net;
  s->host = node->host;
  s->serial = net->nmade++;
  addtoowner(node, s);
  return s;
}

/* Frees its number for another one. */
void sim_removesocket(sim_Socket *s) {
  sim_Net *net = s->net;
  if (s->own != NULL)
    *s->own = -1;
  net->sockets[getindex(s->fd)] = NULL;
  removefromowner(s);
  s->next = net->freesockets;
  net->freesockets = s;
}
