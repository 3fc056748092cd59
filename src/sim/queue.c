/*
** Events and timers, each a 4-ary heap by (time, order). A node has one timer,
** which may be early (its wait has become longer since): it is looked at then,
** and set anew. So a node that waits again and again costs no entry for each.
*/
#include "sim.h"

static bool isbefore(int64_t time, uint64_t order, int64_t othertime,
                     uint64_t otherorder) {
  return time < othertime || (time == othertime && order < otherorder);
}

static uint64_t nextorder(sim_Net *net, int ttl, sim_EventKind kind) {
  return net->sequence++ << 10 | (uint64_t)ttl << 2 | kind;
}

/*
** Events.
*/

static bool eventbefore(const sim_Event *a, const sim_Event *b) {
  return isbefore(a->time, a->order, b->time, b->order);
}

/* False without memory. */
bool sim_push(sim_Net *net, int64_t time, sim_EventKind kind, void *target,
              sim_Packet *packet, int ttl) {
  if (net->nevents == net->eventcapacity) {
    void *new = sim_grow(net->events, &net->eventcapacity, sizeof *net->events);
    if (new == NULL)
      return false;
    net->events = new;
  }
  sim_Event e = {time, nextorder(net, ttl, kind), target, packet};
  size_t i = net->nevents++;
  for (; i > 0 && eventbefore(&e, &net->events[(i - 1) / 4]); i = (i - 1) / 4)
    net->events[i] = net->events[(i - 1) / 4];
  net->events[i] = e;
  return true;
}

static size_t firstchild(const sim_Event *events, size_t n, size_t i) {
  size_t best = 4 * i + 1, end = best + 4 < n ? best + 4 : n;
  for (size_t k = best + 1; k < end; k++)
    if (eventbefore(&events[k], &events[best]))
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
    if (!eventbefore(&net->events[child], &last))
      break;
    net->events[i] = net->events[child];
    i = child;
  }
  net->events[i] = last;
  __builtin_prefetch(net->events[0].target); /* which is next */
  return true;
}

/*
** Timers. A node's place is one more than its index; 0: it has none set.
*/

static bool nodebefore(const sim_Node *a, const sim_Node *b) {
  return isbefore(a->time, a->order, b->time, b->order);
}

static void put(sim_Net *net, size_t i, sim_Node *node) {
  net->timers[i] = node;
  node->place = i + 1;
}

static void rise(sim_Net *net, size_t i, sim_Node *node) {
  for (; i > 0 && nodebefore(node, net->timers[(i - 1) / 4]); i = (i - 1) / 4)
    put(net, i, net->timers[(i - 1) / 4]);
  put(net, i, node);
}

/* Sees that the node is looked at by then; false without memory. */
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
  rise(net, node->place != 0 ? node->place - 1 : net->ntimers++, node);
  return true;
}

sim_Node *sim_poptimer(sim_Net *net) {
  sim_Node *first = net->timers[0];
  size_t n = --net->ntimers, i = 0;
  sim_Node *last = net->timers[n];
  while (4 * i + 1 < n) {
    size_t best = 4 * i + 1, end = best + 4 < n ? best + 4 : n;
    for (size_t k = best + 1; k < end; k++)
      if (nodebefore(net->timers[k], net->timers[best]))
        best = k;
    if (!nodebefore(net->timers[best], last))
      break;
    put(net, i, net->timers[best]);
    i = best;
  }
  if (n > 0)
    put(net, i, last);
  first->place = 0;
  return first;
}

/* When something is to be done next, and whether it is a timer's. */
int64_t sim_nexttime(const sim_Net *net, bool *timer) {
  const sim_Event *e = net->nevents > 0 ? net->events : NULL;
  const sim_Node *node = net->ntimers > 0 ? net->timers[0] : NULL;
  *timer = node != NULL &&
           (e == NULL || isbefore(node->time, node->order, e->time, e->order));
  return *timer ? node->time : e != NULL ? e->time : SIM_NEVER;
}
