/*
** The receive buffer of a socket: a ring of datagrams.
*/
#include "sim.h"

/* Bytes that Linux accounts for a datagram: its buffer, of a size of the
   kernel's allocator, and the structure that describes it. */
static size_t account(size_t size) {
  size_t needed = ((size + 59 + 63) & ~(size_t)63) + 320, room = 512;
  while (room < needed)
    room *= 2;
  return room + 256;
}

static bool growbuffer(sim_Socket *s) {
  unsigned capacity = s->capacity > 0 ? 2 * s->capacity : 2;
  sim_Queued *queue = calloc(capacity, sizeof *queue);
  if (queue == NULL)
    return false;
  for (unsigned k = 0; k < s->count; k++)
    queue[k] = s->queue[(s->head + k) & (s->capacity - 1)];
  free(s->queue);
  s->queue = queue;
  s->head = 0;
  s->capacity = capacity;
  return true;
}

/* False where there is no room. */
static bool insert(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl) {
  if (s->queued > (size_t)s->values[SIM_RCVBUF] ||
      (s->count == s->capacity && !growbuffer(s)))
    return false;
  s->queue[(s->head + s->count++) & (s->capacity - 1)] =
      (sim_Queued){p, i, s->net->now, ttl};
  s->queued += account(p->size);
  p->refs++;
  return true;
}

/* A node that receives a datagram of its own host does so a moment later: its
   host is busy with the sender. */
static void wakelater(sim_Node *node) {
  node->deadline = node->net->now + SIM_POLL;
  (void)sim_settimer(node, node->deadline);
}

/* Enqueues a datagram, or drops it, and wakes the node that waits for it. */
void sim_enqueue(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl,
                 bool own) {
  sim_Node *node = s->waiter;
  if (!insert(s, i, p, ttl)) {
    s->dropped++;
    sim_recordsocket(s, SIM_DROP, i, p, ttl, "buffer");
    return;
  }
  sim_recordsocket(s, SIM_DELIVER, i, p, ttl, NULL);
  if (node == NULL || !node->waiting || node->wait != s->wait)
    return;
  if (own)
    wakelater(node);
  else
    sim_wake(node);
}

/* Of a buffer that is not empty. The caller releases the packet. */
sim_Queued sim_dequeue(sim_Socket *s) {
  sim_Queued q = s->queue[s->head++ & (s->capacity - 1)];
  s->count--;
  s->queued -= account(q.packet->size);
  return q;
}
