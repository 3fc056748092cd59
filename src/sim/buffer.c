/*
** The receive buffer of a socket: a ring of datagrams.
*/
#include "sim.h"

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

/* False where there is no room; an empty buffer has room for any datagram. */
static bool insert(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl) {
  size_t cost = sim_account(i, p);
  if (s->queued > 0 && s->queued + cost > (size_t)s->values[SIM_RCVBUF])
    return false;
  if (s->count == s->capacity && !growbuffer(s)) {
    s->net->exhausted = true;
    return false;
  }
  s->queue[(s->head + s->count++) & (s->capacity - 1)] =
      (sim_Queued){p, i, s->net->now, ttl, s->dropped, (uint32_t)cost};
  s->queued += cost;
  p->refs++;
  return true;
}

/* A node that receives a datagram of its own host does so a moment later: its
   host is busy with the sender. */
static void wakelater(sim_Node *node) {
  node->deadline = node->net->now + SIM_POLL;
  if (!sim_settimer(node, node->deadline))
    node->net->exhausted = true;
}

/* Does nothing where the node does not wait any more. */
static void wake(const sim_Waiter *w, bool own) {
  sim_Node *node = w->node;
  if (node == NULL || !node->waiting || node->wait != w->wait)
    return;
  if (own)
    wakelater(node);
  else
    sim_wake(node);
}

/* Enqueues a datagram, or drops it, and wakes the node that waits for it. */
void sim_enqueue(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl,
                 bool own) {
  const sim_Interface *link = own ? p->origin : i; /* own unicast goes by lo */
  if (!insert(s, i, p, ttl)) {
    s->dropped++;
    sim_recordsocket(s, SIM_DROP, link, p, ttl, "buffer");
    return;
  }
  sim_recordsocket(s, SIM_DELIVER, link, p, ttl, NULL);
  wake(&s->waiter, own);
  for (int n = 0; n < s->nmore; n++)
    wake(&s->more[n], own);
}

/* Linux moves what arrived to a list of its own where it looks for a datagram
   and that list is empty. */
void sim_look(sim_Socket *s) {
  if (s->listed == 0)
    s->listed = s->count;
}

/* Of a buffer that is not empty. The caller releases the packet. Linux gives
   room back once a quarter of the buffer, or that whole list, was read. */
sim_Queued sim_dequeue(sim_Socket *s) {
  sim_look(s);
  sim_Queued q = s->queue[s->head++ & (s->capacity - 1)];
  s->count--;
  s->listed--;
  s->read += q.cost;
  if (s->listed == 0 || s->read >= (size_t)s->values[SIM_RCVBUF] / 4) {
    s->queued -= s->read;
    s->read = 0;
  }
  return q;
}

/* Would the module discard it, having received it? For all = false, it checks
   the groups of inet6 sockets once more (ancillary.c), so a leave or a filter
   also acts on datagrams that were queued before. */
static bool isforeign(const sim_Socket *s, const sim_Queued *q) {
  return s->family == AF_INET6 && !s->values[SIM_ALL] &&
         q->packet->to.sa.sa_family == AF_INET6 &&
         mcast_ismulticast(&q->packet->to) &&
         !sim_accepts(s, q->interface, q->packet);
}

/* The next datagram for the script; NULL: none is queued. */
const sim_Queued *sim_nextqueued(sim_Socket *s) {
  while (s->count > 0) {
    const sim_Queued *next = &s->queue[s->head & (s->capacity - 1)];
    if (!isforeign(s, next))
      return next;
    sim_Queued q = sim_dequeue(s);
    sim_recordsocket(s, SIM_DROP, q.interface, q.packet, q.ttl, "filter");
    sim_release(s->net, q.packet);
  }
  return NULL;
}
