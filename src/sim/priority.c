/*
** Priorities: a search by them makes some links, or hosts, early and others late,
** with few changes, after PCT (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A
** Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
** Delays drawn for each copy alone are late on one link again and again in hardly
** any run. The seed draws whether senders, receivers or links (a flow and a
** receiver) have priorities, how many are late, and after how many datagrams each
** has a new one: its change points.
*/
#include "sim.h"

#define NARROW 1e-6 /* seconds by which a constant delay is late at most */

/* A number in { 2^0, ... 2^(n - 1) }. */
static uint64_t drawpower(sim_Stream *s, unsigned n) {
  return (uint64_t)1 << sim_draw(s) % n;
}

/* Draws how the net's priorities are, from its seed. */
void sim_setpriorities(sim_Net *net) {
  sim_Priorities *new = &net->priorities;
  sim_Stream s = sim_newstream(net->seed, UINT64_MAX, SIM_PRIORITY);
  static const sim_Priority of[] = {SIM_FLOW, SIM_FLOW, SIM_SENDER,
                                    SIM_RECEIVER};
  new->of = of[sim_draw(&s) % 4];
  new->interval = drawpower(&s, 10);
  double share = 0.5 / (double)drawpower(&s, 4);
  new->late = sim_uniform(&s) < 0.5 ? share : 1 - share;
}

static bool islate(const sim_Net *net, const sim_Packet *p,
                   const sim_Host *receiver) {
  const sim_Priorities *of = &net->priorities;
  uint64_t sender = of->of == SIM_FLOW     ? p->flow
                    : of->of == SIM_SENDER ? p->origin->host->hash
                                           : 0;
  sim_Stream s = sim_newstream(net->seed, sender,
                               of->of == SIM_SENDER ? 0 : receiver->hash);
  uint64_t phase = sim_draw(&s) % of->interval;
  s = sim_newstream(s, (p->number + phase) / of->interval, SIM_PRIORITY);
  return sim_uniform(&s) < of->late;
}

/* The delay of a copy by its priority, of several that were drawn by a function.
   Copies of a constant delay that would arrive at one time do so one after the
   other. */
double sim_prioritize(const sim_Net *net, const sim_Packet *p,
                      const sim_Interface *to, const double *drawn) {
  double least = drawn[0], most = drawn[0];
  bool late = islate(net, p, to->host);
  for (int i = 1; i < SIM_DRAWS; i++) {
    least = drawn[i] < least ? drawn[i] : least;
    most = drawn[i] > most ? drawn[i] : most;
  }
  sim_Stream s = sim_copystream(p, to, SIM_PRIORITY);
  if (least == most && late)
    most += NARROW * sim_uniform(&s);
  return late ? most : least;
}
