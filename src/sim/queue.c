/*
** The queue: events and timers by (time, sequence), and the list of runnable
** nodes. A node has one timer, which may be early (its wait has become longer
** since): it is checked then, and set again. So a node that waits again and again
** needs one entry.
**
** Times are numbers with digits of six bits (a radix heap: R. K. Ahuja et al.,
** Faster algorithms for the shortest path problem, 1990; digits: E. V. Denardo,
** B. L. Fox, Shortest-route methods, 1979). An event is in the list of the highest
** digit in which its time differs from `floor`, which no event is before. So the
** first list of the lowest level has the next events; the floor rises to its
** beginning, and the list is spread over lower levels. An event goes down a level
** each time, whatever the number of others, and no memory is needed for that.
**
** Each list has its events in the order in which they were pushed: equal times
** are in one list at any time, and a list is spread in order over empty ones.
*/
#include "sim.h"

#define DIGIT 6
#define FEWEST 1024 /* entries whose memory is kept */

/* The entries are numbered from 1 on. A list is a ring; the queue has the number
   of its last one. */
static uint32_t *getlist(sim_Queue *q, int64_t time, int *level,
                         unsigned *digit) {
  uint64_t differs = (uint64_t)(time ^ q->floor);
  *level = differs == 0 ? 0 : (63 - __builtin_clzll(differs)) / DIGIT;
  *digit = (unsigned)(time >> *level * DIGIT) & ((1 << DIGIT) - 1);
  return &q->lists[*level][*digit];
}

SIM_HOT static void append(sim_Queue *q, uint32_t i) {
  int level;
  unsigned digit;
  sim_Event *e = &q->entries[i];
  uint32_t *last = getlist(q, e->time, &level, &digit);
  q->digits[level] |= UINT64_C(1) << digit;
  q->levels |= 1U << level;
  e->previous = *last != 0 ? *last : i;
  e->next = *last != 0 ? q->entries[*last].next : i;
  q->entries[e->previous].next = i;
  q->entries[e->next].previous = i;
  *last = i;
}

/* The list of this level and digit has become empty. */
static void clear(sim_Queue *q, int level, unsigned digit) {
  q->lists[level][digit] = 0;
  q->digits[level] &= ~(UINT64_C(1) << digit);
  if (q->digits[level] == 0)
    q->levels &= ~(1U << level);
}

SIM_HOT static void takeout(sim_Queue *q, uint32_t i) {
  int level;
  unsigned digit;
  const sim_Event *e = &q->entries[i];
  uint32_t *last = getlist(q, e->time, &level, &digit);
  q->entries[e->previous].next = e->next;
  q->entries[e->next].previous = e->previous;
  if (e->next == i)
    clear(q, level, digit);
  else if (*last == i)
    *last = e->previous;
}

/*
** Memory of the entries.
*/

/* 0 without memory. */
SIM_HOT static uint32_t newentry(sim_Queue *q) {
  uint32_t i = q->unused;
  if (i == 0 && q->most + 1 >= q->capacity) {
    void *new = q->capacity < UINT32_MAX / 2
                    ? sim_grow(q->entries, &q->capacity, sizeof *q->entries)
                    : NULL;
    if (new == NULL)
      return 0;
    q->entries = new;
  }
  if (i == 0)
    i = ++q->most;
  else
    q->unused = q->entries[i].next;
  q->count++;
  return i;
}

/* Moves the entries of a list to others; returns the last one's number. */
static uint32_t movelist(sim_Queue *q, sim_Event *entries, uint32_t last) {
  uint32_t first = q->most + 1, i = last;
  do {
    i = q->entries[i].next;
    sim_Event *e = &entries[++q->most];
    *e = q->entries[i];
    e->previous = q->most - 1;
    e->next = q->most + 1;
    if (e->kind == SIM_TIMER)
      e->node->timer = q->most;
  } while (i != last);
  entries[first].previous = q->most;
  entries[q->most].next = first;
  return q->most;
}

/* Gives memory back, after a storm. Without memory for that, all stays. */
static void shrink(sim_Queue *q) {
  sim_Event *entries = malloc(q->capacity / 4 * sizeof *entries);
  if (entries == NULL)
    return;
  q->most = 0;
  for (int level = 0; level < SIM_LEVELS; level++)
    for (uint64_t rest = q->digits[level]; rest != 0; rest &= rest - 1) {
      uint32_t *last = &q->lists[level][__builtin_ctzll(rest)];
      *last = movelist(q, entries, *last);
    }
  free(q->entries);
  q->entries = entries;
  q->capacity /= 4;
  q->unused = 0;
}

static void freeentry(sim_Queue *q, uint32_t i) {
  q->entries[i].next = q->unused;
  q->unused = i;
  q->count--;
  if (q->capacity > FEWEST && q->count < q->capacity / 8)
    shrink(q);
}

/*
** Events and timers.
*/

/* False without memory. */
static inline bool push(sim_Net *net, sim_Event e) {
  uint32_t i = newentry(&net->queue);
  if (i == 0)
    return false;
  net->queue.entries[i] = e;
  append(&net->queue, i);
  net->nevents++;
  return true;
}

/* SIM_ARRIVE, SIM_TRANSMIT or SIM_PASSED. */
bool sim_pushpacket(sim_EventKind kind, int64_t time, sim_Interface *i,
                    sim_Packet *p, int ttl) {
  sim_Event e = {time, 0, 0, {{i, p}}, (uint8_t)kind, (uint8_t)ttl};
  bool pushed = push(i->net, e);
  p->refs += pushed;
  return pushed;
}

bool sim_pushcall(sim_Net *net, int64_t time, int function) {
  return push(net,
              (sim_Event){time, 0, 0, {.function = function}, SIM_CALL, 0});
}

bool sim_pushstart(sim_Node *node, int64_t time) {
  sim_Event e = {time, 0, 0, {{NULL, NULL}}, SIM_START, 0};
  e.node = node;
  e.start = node->starts;
  return push(node->net, e);
}

/* Has the node checked at this time or before; false without memory. */
bool sim_settimer(sim_Node *node, int64_t time) {
  sim_Queue *q = &node->net->queue;
  uint32_t i = node->timer;
  if (i != 0 && q->entries[i].time <= time)
    return true;
  if (i != 0)
    takeout(q, i);
  else
    i = newentry(q);
  if (i == 0)
    return false;
  sim_Event *e = &q->entries[i];
  e->time = time;
  e->kind = SIM_TIMER;
  e->node = node;
  node->timer = i;
  append(q, i);
  return true;
}

/* Does the list with this last entry have one until then? */
SIM_HOT static bool isdue(const sim_Queue *q, uint32_t last, int level,
                          int64_t until) {
  int64_t rest = ((int64_t)1 << level * DIGIT) - 1, time;
  uint32_t i = last;
  if ((q->entries[last].time | rest) <= until)
    return true;
  if ((q->entries[last].time & ~rest) > until)
    return false;
  do {
    i = q->entries[i].next;
    time = q->entries[i].time;
  } while (time > until && i != last);
  return time <= until;
}

/* Spreads a list over lower levels. */
SIM_HOT static void spread(sim_Queue *q, int level, unsigned digit) {
  uint32_t last = q->lists[level][digit], i = q->entries[last].next, next;
  clear(q, level, digit);
  q->floor = q->entries[i].time >> level * DIGIT << level * DIGIT;
  for (bool more = true; more; i = next) {
    next = q->entries[i].next;
    more = i != last;
    append(q, i);
  }
}

/* The time of the next event or timer, which is the next to be popped; SIM_NEVER:
   none is until then. */
int64_t sim_nexttime(sim_Net *net, int64_t until) {
  sim_Queue *q = &net->queue;
  while (q->levels != 0) {
    int level = __builtin_ctz(q->levels);
    unsigned digit = (unsigned)__builtin_ctzll(q->digits[level]);
    uint32_t last = q->lists[level][digit];
    int64_t time = q->entries[last].time;
    if (level == 0 || q->entries[last].next == last)
      return time <= until ? time : SIM_NEVER;
    if (!isdue(q, last, level, until))
      return SIM_NEVER;
    spread(q, level, digit);
  }
  return SIM_NEVER;
}

/* Removes the one that sim_nexttime has found. */
void sim_pop(sim_Net *net, sim_Event *event) {
  sim_Queue *q = &net->queue;
  int level = __builtin_ctz(q->levels);
  uint32_t last = q->lists[level][__builtin_ctzll(q->digits[level])];
  uint32_t i = q->entries[last].next;
  *event = q->entries[i];
  __builtin_prefetch(q->entries[event->next].interface); /* of the next one */
  takeout(q, i);
  q->floor = event->time;
  if (event->kind == SIM_TIMER)
    event->node->timer = 0;
  else
    net->nevents--;
  freeentry(q, i);
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
