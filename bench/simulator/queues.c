/*
** Measures queues of events by the sequences of pushes and pops that the
** simulator makes; each is checked against the order by (time, order) meanwhile.
** Prints a line "sequence ns" for each: nanoseconds of a push and a pop.
** usage: queues heap|calendar|ladder|radix|digits receivers events
*/
#define _POSIX_C_SOURCE 200809L
#include "queues.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const Candidate *queue;
static uint64_t sequence, state = 1;
static int64_t now;
static size_t popped, events;

static double uniform(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double exponential(void) {
  double x = uniform(), sum = 0, term = x; /* -log(1 - x), without libm */
  for (int k = 1; k < 12; k++, term *= x)
    sum += term / k;
  return sum;
}

static void push(int64_t after) {
  queue->push((Event){now + after, sequence++, NULL, NULL});
}

static void pop(void) {
  static Event before;
  Event e = queue->pop();
  if (popped++ > 0 && !isbefore(&before, &e)) {
    fprintf(stderr, "%s: wrong order\n", queue->name);
    exit(1);
  }
  before = e;
  now = e.time;
}

/* A datagram a millisecond to n receivers, delayed by 1 to 4 ms. */
static void deliver(size_t n, bool exponentially) {
  int64_t next = 0;
  for (size_t sent = 0; sent < events; sent += n, next += 1000000) {
    while (count > 0 && now < next)
      pop();
    now = now > next ? now : next;
    for (size_t i = 0; i < n; i++)
      push(1000000 +
           (int64_t)(exponentially ? exponential() * 1e6 : uniform() * 3e6));
  }
}

static void near_events(size_t n) { deliver(n, false); }

static void exponential_delays(size_t n) { deliver(n, true); }

/* Each node has a timer of 2 s, which is set again; one of ten is near. */
static void far_timers(size_t n) {
  for (size_t i = 0; i < n; i++)
    push((int64_t)(uniform() * 2e9));
  for (size_t i = 0; i < events; i++) {
    pop();
    push(uniform() < 0.1 ? (int64_t)(uniform() * 1e5)
                         : 2000000000 + (int64_t)(uniform() * 1e6));
  }
}

/* All at once, in a tenth of a second. */
static void storm(size_t n) {
  for (size_t done = 0; done < events; done += n) {
    for (size_t i = 0; i < n; i++)
      push((int64_t)(uniform() * 1e8));
    while (count > 0)
      pop();
  }
}

static void one_time(size_t n) {
  for (size_t done = 0; done < events; done += n) {
    for (size_t i = 0; i < n; i++)
      push(1000000);
    while (count > 0)
      pop();
  }
}

static const struct {
  const char *name;
  void (*run)(size_t n);
} sequences[] = {{"near", near_events},
                 {"exponential", exponential_delays},
                 {"timers", far_timers},
                 {"storm", storm},
                 {"once", one_time}};

static double seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds of a push and a pop. */
static double measure(size_t s, size_t n) {
  uint64_t before = sequence;
  double start = seconds();
  sequences[s].run(n);
  while (count > 0)
    pop();
  return (seconds() - start) / (double)(sequence - before) * 1e9;
}

int main(int argc, char **argv) {
  queue = candidates;
  if (argc != 4)
    return 2;
  while (queue->name != NULL && strcmp(queue->name, argv[1]) != 0)
    queue++;
  size_t n = (size_t)atol(argv[2]);
  events = (size_t)atol(argv[3]);
  if (queue->name == NULL || n == 0)
    return 2;
  for (size_t s = 0; s < sizeof sequences / sizeof *sequences; s++)
    if (sequences[s].run != one_time || !queue->comparing)
      printf("%s %.1f\n", sequences[s].name, measure(s, n));
  return 0;
}
