/*
** The queue: events and timers, each a 4-ary heap by (time, order), and the
** list of runnable nodes. A node has one timer, which may be early (its wait
** has become longer since): it is checked then, and set again. So a node that
** waits again and again needs one entry.
*/
#include "sim.h"

static bool isbefore(int64_t time, uint64_t order, int64_t othertime,
                     uint64_t otherorder) {
  return time < othertime || (time == othertime && order < otherorder);
}

static uint64_t nextorder(sim_Net *net, int ttl, sim_EventKind kind) {
  return net->sequence++ << 11 | (uint64_t)ttl << 3 | kind;
}

/*
** Events.
*/

static bool iseventbefore(const sim_Event *a, const sim_Event *b) {
  return isbefore(a->time, a->order, b->time, b->order);
}

/* False without memory. */
static inline bool push(sim_Net *net, sim_Event e) {
  if (net->nevents == net->eventcapacity) {
    void *new = sim_grow(net->events, &net->eventcapacity, sizeof *net->events);
    if (new == NULL)
      return false;
    net->events = new;
  }
  size_t i = net->nevents++;
  for (; i > 0 && iseventbefore(&e, &net->events[(i - 1) / 4]); i = (i - 1) / 4)
    net->events[i] = net->events[(i - 1) / 4];
  net->events[i] = e;
  return true;
}

/* SIM_ARRIVE, SIM_TRANSMIT or SIM_PASSED. */
bool sim_pushpacket(sim_EventKind kind, int64_t time, sim_Interface *i,
                    sim_Packet *p, int ttl) {
  sim_Event e = {time, nextorder(i->net, ttl, kind), {{i, p}}};
  bool pushed = push(i->net, e);
  p->refs += pushed;
  return pushed;
}

bool sim_pushcall(sim_Net *net, int64_t time, int function) {
  sim_Event e = {time, nextorder(net, 0, SIM_CALL), {.function = function}};
  return push(net, e);
}

bool sim_pushstart(sim_Node *node, int64_t time) {
  sim_Event e = {time, nextorder(node->net, 0, SIM_START), {{NULL, NULL}}};
  e.node = node;
  e.start = node->starts;
  return push(node->net, e);
}

static size_t firstchild(const sim_Event *events, size_t n, size_t i) {
  size_t best = 4 * i + 1, end = best + 4 < n ? best + 4 : n;
  for (size_t k = best + 1; k < end; k++)
    if (iseventbefore(&events[k], &events[best]))
      best = k;
  return best;
}

bool sim_pop(sim_Net *net, sim_Event *event) {
  if (net->nevents == 0)
    return false;
  *event = net->events[0];
  size_t n = --net->nevents, i = 0;
  sim_Event last = net->events[n];
  while (4 * i + 1 < n) {
    size_t child = firstchild(net->events, n, i);
    if (!iseventbefore(&net->events[child], &last))
      break;
    net->events[i] = net->events[child];
    i = child;
  }
  net->events[i] = last;
  __builtin_prefetch(net->events[0].interface); /* of the next one */
  return true;
}

/*
** Timers. A node's place is one more than its index; 0: none is set.
*/

static bool isnodebefore(const sim_Node *a, const sim_Node *b) {
  return isbefore(a->time, a->order, b->time, b->order);
}

static void puttimer(sim_Net *net, size_t i, sim_Node *node) {
  net->timers[i] = node;
  node->place = i + 1;
}

static void raisetimer(sim_Net *net, size_t i, sim_Node *node) {
  for (; i > 0 && isnodebefore(node, net->timers[(i - 1) / 4]); i = (i - 1) / 4)
    puttimer(net, i, net->timers[(i - 1) / 4]);
  puttimer(net, i, node);
}

/* Has the node checked at this time or before; false without memory. */
bool sim_settimer(sim_Node *node, int64_t time) {
  sim_Net *net = node->net;
  if (node->place != 0 && node->time <= time)
    return true;
  if (node->place == 0 && net->ntimers == net->timercapacity) {
    void *new = sim_grow(net->timers, &net->timercapacity, sizeof(void *));
    if (new == NULL)
      return false;
    net->timers = new;
  }
  node->time = time;
  node->order = nextorder(net, 0, SIM_ARRIVE);
  raisetimer(net, node->place != 0 ? node->place - 1 : net->ntimers++, node);
  return true;
}

sim_Node *sim_poptimer(sim_Net *net) {
  sim_Node *first = net->timers[0];
  size_t n = --net->ntimers, i = 0;
  sim_Node *last = net->timers[n];
  while (4 * i + 1 < n) {
    size_t best = 4 * i + 1, end = best + 4 < n ? best + 4 : n;
    for (size_t k = best + 1; k < end; k++)
      if (isnodebefore(net->timers[k], net->timers[best]))
        best = k;
    if (!isnodebefore(net->timers[best], last))
      break;
    puttimer(net, i, net->timers[best]);
    i = best;
  }
  if (n > 0)
    puttimer(net, i, last);
  first->place = 0;
  return first;
}

/* The time of the next event or timer, and whether it is a timer. */
int64_t sim_nexttime(const sim_Net *net, bool *timer) {
  const sim_Event *e = net->nevents > 0 ? net->events : NULL;
  const sim_Node *node = net->ntimers > 0 ? net->timers[0] : NULL;
  *timer = node != NULL &&
           (e == NULL || isbefore(node->time, node->order, e->time, e->order));
  return *timer ? node->time : e != NULL ? e->time : SIM_NEVER;
}

/*
** Runnable nodes, first in, first out.
*/

/* Makes a waiting node runnable. */
void sim_wake(sim_Node *node) {
  sim_Net *net = node->net;
  if (node->runnable)
    return;
  node->runnable = true;
  node->next = NULL;
  if (net->runnable == NULL)
    net->runnable = node;
  else
    net->lastrunnable->next = node;
  net->lastrunnable = node;
}

/* Removes the first one from the list, which is not empty. */
sim_Node *sim_nextrunnable(sim_Net *net) {
  sim_Node *node = net->runnable;
  net->runnable = node->next;
  node->runnable = false;
  return node;
}
