/*
** Queues of events, by (time, order):
**
**   heap      4-ary heap in an array
**   calendar  R. Brown: Calendar queues (1988)
**   ladder    W. T. Tang, R. S. M. Goh, I. L.-J. Thng: Ladder queue (2005), with
**             one rung
**   radix     R. K. Ahuja et al.: Faster algorithms for the shortest path
**             problem (1990): a list for each bit of the time
**   digits    E. V. Denardo, B. L. Fox: Shortest-route methods (1979): the same
**             with digits of 6 bits, as in src/sim/queue.c
*/
#include "queues.h"

#include <stdlib.h>

size_t count; /* of the events in the queue */

/* An event in a list. */
typedef struct Item {
  Event e;
  uint32_t next; /* index + 1; 0: none */
} Item;

static void *grow(void *array, size_t n, size_t *capacity, size_t size) {
  if (n < *capacity)
    return array;
  *capacity = *capacity > 0 ? 2 * *capacity : 16;
  array = realloc(array, *capacity * size);
  if (array == NULL)
    exit(1);
  return array;
}

/*
** The heap.
*/

static Event *heap;
static size_t heapcapacity;

static void heap_push(Event e) {
  heap = grow(heap, count, &heapcapacity, sizeof *heap);
  size_t i = count++;
  for (; i > 0 && isbefore(&e, &heap[(i - 1) / 4]); i = (i - 1) / 4)
    heap[i] = heap[(i - 1) / 4];
  heap[i] = e;
}

static Event heap_pop(void) {
  Event first = heap[0], last = heap[--count];
  size_t i = 0;
  while (4 * i + 1 < count) {
    size_t best = 4 * i + 1, end = best + 4 < count ? best + 4 : count;
    for (size_t k = best + 1; k < end; k++)
      if (isbefore(&heap[k], &heap[best]))
        best = k;
    if (!isbefore(&heap[best], &last))
      break;
    heap[i] = heap[best];
    i = best;
  }
  heap[i] = last;
  return first;
}

/*
** Items of the others: a pool, and lists in it that are rings from the last on.
*/

static Item *items; /* from 1 on */
static size_t nitems, itemcapacity;
static uint32_t freeitem;

static uint32_t newitem(Event e) {
  uint32_t i = freeitem;
  if (i != 0)
    freeitem = items[i].next;
  else {
    items = grow(items, ++nitems, &itemcapacity, sizeof *items);
    i = (uint32_t)nitems;
  }
  items[i].e = e;
  count++;
  return i;
}

static Event freeatonce(uint32_t i) {
  items[i].next = freeitem;
  freeitem = i;
  count--;
  return items[i].e;
}

static void append(uint32_t *last, uint32_t i) {
  items[i].next = *last != 0 ? items[*last].next : i;
  if (*last != 0)
    items[*last].next = i;
  *last = i;
}

static uint32_t removefirst(uint32_t *last) {
  uint32_t i = items[*last].next;
  if (i == *last)
    *last = 0;
  else
    items[*last].next = items[i].next;
  return i;
}

/* Before those that follow it. */
static void insert(uint32_t *first, uint32_t i) {
  while (*first != 0 && isbefore(&items[*first].e, &items[i].e))
    first = &items[*first].next;
  items[i].next = *first;
  *first = i;
}

/*
** The calendar: days of a length, in years of a power of two of days.
*/

static uint32_t *days;
static size_t ndays;
static int64_t daylength, today; /* today: its number, from 0 on */

static void setcalendar(size_t n, int64_t length) {
  uint32_t all = 0, *at = &all;
  for (size_t d = 0; d < ndays; d++) {
    *at = days[d];
    while (*at != 0)
      at = &items[*at].next;
  }
  free(days);
  days = calloc(n, sizeof *days);
  if (days == NULL)
    exit(1);
  today = today * daylength / length;
  ndays = n;
  daylength = length;
  while (all != 0) {
    uint32_t i = all;
    all = items[i].next;
    insert(&days[(size_t)(items[i].e.time / length) & (n - 1)], i);
  }
}

static Event calendar_take(bool only) {
  for (size_t tried = 0;; today++, tried++) {
    uint32_t *day = &days[(size_t)today & (ndays - 1)];
    if (*day != 0 && items[*day].e.time / daylength == today) {
      uint32_t i = *day;
      if (only)
        return items[i].e;
      *day = items[i].next;
      return freeatonce(i);
    }
    if (tried == ndays) { /* nothing in a year: the first of all days */
      int64_t first = INT64_MAX;
      for (size_t d = 0; d < ndays; d++)
        if (days[d] != 0 && items[days[d]].e.time < first)
          first = items[days[d]].e.time;
      today = first / daylength - 1;
    }
  }
}

/* Three times the mean distance of the next events. */
static void resize(size_t n) {
  enum { SAMPLE = 25 };
  Event taken[SAMPLE];
  int k = 0;
  int64_t day = today;
  while (k < SAMPLE && count > 0)
    taken[k++] = calendar_take(false);
  int64_t length = 3 * (taken[k - 1].time - taken[0].time) / k;
  for (int i = 0; i < k; i++)
    insert(&days[(size_t)(taken[i].time / daylength) & (ndays - 1)],
           newitem(taken[i]));
  today = day;
  setcalendar(n, length > 0 ? length : 1);
}

static void calendar_push(Event e) {
  if (days == NULL)
    setcalendar(2, 1000);
  if (e.time / daylength < today)
    today = e.time / daylength;
  insert(&days[(size_t)(e.time / daylength) & (ndays - 1)], newitem(e));
  if (count > 2 * ndays)
    resize(2 * ndays);
}

static Event calendar_pop(void) {
  Event e = calendar_take(false);
  if (ndays > 2 && count < ndays / 2 - 2 && count > 2)
    resize(ndays / 2);
  return e;
}

/*
** The ladder: those that come next, sorted, the first one last; buckets of those
** that follow; and those after them, in no order.
*/

#define RUNG 65536

typedef struct List {
  Event *e;
  size_t n, capacity;
} List;

static List near, rung[RUNG], far;
static size_t nbuckets, current;
static int64_t base, nearend, rungend, least = INT64_MAX, most;
static int shift;

static void add(List *l, const Event *e) {
  l->e = grow(l->e, l->n, &l->capacity, sizeof *l->e);
  l->e[l->n++] = *e;
}

static void ladder_push(Event e) {
  count++;
  if (e.time < nearend) {
    add(&near, &e);
    size_t i = near.n - 1;
    for (; i > 0 && isbefore(&near.e[i - 1], &e); i--)
      near.e[i] = near.e[i - 1];
    near.e[i] = e;
  } else if (e.time < rungend)
    add(&rung[(uint64_t)(e.time - base) >> shift], &e);
  else {
    least = e.time < least ? e.time : least;
    most = e.time > most ? e.time : most;
    add(&far, &e);
  }
}

static int compare(const void *a, const void *b) {
  return isbefore(a, b) ? 1 : -1;
}

static void sort(Event *e, size_t n) {
  if (n > 32) {
    qsort(e, n, sizeof *e, compare);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    Event x = e[i];
    size_t k = i;
    for (; k > 0 && isbefore(&e[k - 1], &x); k--)
      e[k] = e[k - 1];
    e[k] = x;
  }
}

static void spread(void) {
  size_t want = 64;
  while (want * 4 < far.n && want < RUNG)
    want *= 2;
  uint64_t span = (uint64_t)(most - least) + 1;
  for (shift = 0; span >> shift >= want; shift++)
    ;
  nbuckets = (size_t)(span >> shift) + 1;
  base = nearend = least;
  current = 0;
  rungend = base + (int64_t)(nbuckets << shift);
  for (size_t i = 0; i < far.n; i++)
    add(&rung[(uint64_t)(far.e[i].time - base) >> shift], &far.e[i]);
  far.n = 0;
  least = INT64_MAX;
  most = 0;
}

static Event ladder_pop(void) {
  while (near.n == 0) {
    while (current < nbuckets && rung[current].n == 0)
      current++;
    if (current == nbuckets) {
      spread();
      continue;
    }
    List empty = near;
    near = rung[current];
    rung[current++] = empty;
    nearend = base + (int64_t)(current << shift);
    sort(near.e, near.n);
  }
  count--;
  return near.e[--near.n];
}

/*
** Radix, with digits of so many bits. An event is in the bucket of the highest
** digit in which its time differs from `last`, a time before all events. The
** order of equal times needs no comparison: they are in one list, in order.
*/

static uint32_t lists[64][64]; /* level, digit */
static uint64_t levels, digits[64];
static int64_t last;

static inline void put(uint32_t i, int bits) {
  uint64_t differs = (uint64_t)(items[i].e.time ^ last);
  int level = differs == 0 ? 0 : (63 - __builtin_clzll(differs)) / bits;
  unsigned digit = (unsigned)((uint64_t)items[i].e.time >> level * bits) &
                   ((1U << bits) - 1);
  append(&lists[level][digit], i);
  digits[level] |= UINT64_C(1) << digit;
  levels |= UINT64_C(1) << level;
}

static inline Event take(int bits) {
  for (;;) {
    int level = __builtin_ctzll(levels), digit = __builtin_ctzll(digits[level]);
    uint32_t *list = &lists[level][digit], i = items[*list].next;
    bool alone = i == *list;
    if (level == 0 || alone) {
      last = items[i].e.time;
      (void)removefirst(list);
    }
    if (level > 0 && !alone) {
      int shifted = level * bits;
      last = items[i].e.time >> shifted << shifted;
      items[*list].next = 0;
      *list = 0;
      for (uint32_t next; i != 0; i = next) {
        next = items[i].next;
        put(i, bits);
      }
    }
    if (*list == 0)
      digits[level] &= ~(UINT64_C(1) << digit);
    if (digits[level] == 0)
      levels &= ~(UINT64_C(1) << level);
    if (level == 0 || alone)
      return freeatonce(i);
  }
}

static void radix_push(Event e) { put(newitem(e), 1); }

static Event radix_pop(void) { return take(1); }

static void digits_push(Event e) { put(newitem(e), 6); }

static Event digits_pop(void) { return take(6); }

const Candidate candidates[] = {{"heap", heap_push, heap_pop, false},
                                {"calendar", calendar_push, calendar_pop, true},
                                {"ladder", ladder_push, ladder_pop, false},
                                {"radix", radix_push, radix_pop, false},
                                {"digits", digits_push, digits_pop, false},
                                {NULL, NULL, NULL, false}};
