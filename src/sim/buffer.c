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
SIM_HOT static bool insert(sim_Socket *s, sim_Interface *i, sim_Packet *p,
                           int ttl, bool foreign) {
  size_t cost = sim_account(i, p);
  if (s->queued > 0 && s->queued + cost > (size_t)s->values[SIM_RCVBUF])
    return false;
  if (s->count == s->capacity && !growbuffer(s)) {
    s->net->exhausted = true;
    return false;
  }
  s->queue[(s->head + s->count++) & (s->capacity - 1)] =
      (sim_Queued){p, i, s->net->now, ttl, foreign, s->dropped, (uint32_t)cost};
  s->queued += cost;
  p->refs++;
  return true;
}

/* Does its node still wait? */
bool sim_iswaiting(const sim_Waiter *w) {
  return w->node != NULL && w->node->waiting && w->node->wait == w->wait;
}

/* A node that receives a datagram of its own host does so a moment later: its
   host is busy with the sender. */
static void wakelater(sim_Node *node) {
  node->deadline = node->net->now + SIM_POLL;
  if (!sim_settimer(node, node->deadline))
    node->net->exhausted = true;
}

SIM_HOT static void wake(const sim_Waiter *w, bool own) {
  if (!sim_iswaiting(w))
    return;
  if (own)
    wakelater(w->node);
  else
    sim_wake(w->node);
}

/* own: the cause is on the same host. */
void sim_wakewaiters(const sim_Socket *s, bool own) {
  wake(&s->waiter, own);
  for (int n = 0; n < s->nmore; n++)
    wake(&s->more[n], own);
}

/* Enqueues a datagram, or drops it, and wakes the node that waits for it. */
void sim_enqueue(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl,
                 bool own) {
  const sim_Interface *link = own ? p->origin : i; /* own unicast goes by lo */
  if (!insert(s, i, p, ttl, false)) {
    s->dropped++;
    sim_recordsocket(s, SIM_DROP, link, p, ttl, "buffer");
    return;
  }
  sim_recordsocket(s, SIM_DELIVER, link, p, ttl, NULL);
  sim_wakewaiters(s, own);
}

static bool isawaited(const sim_Socket *s) {
  bool awaited = sim_iswaiting(&s->waiter);
  for (int n = 0; n < s->nmore && !awaited; n++)
    awaited = sim_iswaiting(&s->more[n]);
  return awaited;
}

/* The same for one that the socket does not accept. Where Linux queues it, the
   module checks it on receipt: it has room until then, and wakes nobody; a
   reader that waits for the first datagram discards it at once. */
void sim_enqueueforeign(sim_Socket *s, sim_Interface *i, sim_Packet *p, int ttl,
                        bool own) {
  bool queues = sim_queuesforeign(s, i, p) && (s->count > 0 || !isawaited(s));
  bool full = queues && !insert(s, i, p, ttl, true);
  s->dropped += full;
  sim_recordsocket(s, SIM_DROP, own ? p->origin : i, p, ttl,
                   full ? "buffer" : "filter");
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

/* Would the module discard it, having received it? It checks the groups of inet6
   sockets once more (ancillary.c), so a leave or a filter also acts on datagrams
   that were queued before. */
static bool isforeign(const sim_Socket *s, const sim_Queued *q) {
  return s->family == AF_INET6 && q->packet->to.sa.sa_family == AF_INET6 &&
         mcast_ismulticast(&q->packet->to) &&
         !sim_hears(s, q->interface, q->packet);
}

/* The next datagram for the script; NULL: none is queued. One that was recorded as
   dropped is delivered here, if a later membership accepts it. */
const sim_Queued *sim_nextqueued(sim_Socket *s) {
  while (s->count > 0) {
    sim_Queued *next = &s->queue[s->head & (s->capacity - 1)];
    bool foreign = isforeign(s, next);
    if (foreign != next->foreign)
      sim_recordsocket(s, foreign ? SIM_DROP : SIM_DELIVER, next->interface,
                       next->packet, next->ttl, foreign ? "filter" : NULL);
    next->foreign = foreign;
    if (!foreign)
      return next;
    sim_release(s->net, sim_dequeue(s).packet);
  }
  return NULL;
}
