/*
** Queues of events that bench/simulator/queues.c measures.
*/
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Event {
  int64_t time;
  uint64_t order;
  void *a, *b; /* as an interface and a packet */
} Event;

typedef struct Candidate {
  const char *name;
  void (*push)(Event e);
  Event (*pop)(void);
  bool comparing; /* it compares each event with all others of its time */
} Candidate;

extern const Candidate candidates[]; /* the last one has no name */

extern size_t count; /* of the events in the queue */

static inline bool isbefore(const Event *a, const Event *b) {
  return a->time < b->time || (a->time == b->time && a->order < b->order);
}
