/*
** Priorities: a search by them makes some links, or hosts, early and others late,
** with few changes, after PCT (Burckhardt, Kothari, Musuvathi and Nagarakatte, "A
** Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
** Delays drawn for each copy alone are late on one link again and again in hardly
** any run, and so is loss. The seed draws whether senders, receivers or links (a
** flow and a receiver) have priorities, how many are late, after how many
** datagrams each has a new one (its change points), and whether these datagrams
** also share the number that decides on their loss.
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
  new->interval = drawpower(&s, 6);
  double share = 0.5 / (double)drawpower(&s, 4);
  new->late = sim_uniform(&s) < 0.5 ? share : 1 - share;
  new->lose = sim_uniform(&s) < 0.5;
}

/* The numbers of a link, or a host, between two change points. */
sim_Stream sim_prioritystream(const sim_Net *net, const sim_Packet *p,
                              const sim_Interface *to, sim_Purpose purpose) {
  const sim_Priorities *of = &net->priorities;
  uint64_t sender = of->of == SIM_FLOW     ? p->flow
                    : of->of == SIM_SENDER ? p->origin->host->hash
                                           : 0;
  uint64_t receiver = of->of == SIM_SENDER ? 0 : to->host->hash;
  sim_Stream s = sim_newstream(net->seed, sender, receiver);
  uint64_t phase = sim_draw(&s) % of->interval;
  return sim_newstream(s, (p->number + phase) / of->interval,
                       SIM_PRIORITY + (uint64_t)purpose);
}

static bool islate(const sim_Net *net, const sim_Packet *p,
                   const sim_Interface *to) {
  sim_Stream s = sim_prioritystream(net, p, to, SIM_DELAY);
  return sim_uniform(&s) < net->priorities.late;
}

/* The delay of a copy by its priority, of several that were drawn by a function.
   Copies of a constant delay that would arrive at one time do so one after the
   other. */
double sim_prioritize(const sim_Net *net, const sim_Packet *p,
                      const sim_Interface *to, const double *drawn) {
  double least = drawn[0], most = drawn[0];
  bool late = islate(net, p, to);
  for (int i = 1; i < SIM_DRAWS; i++) {
    least = drawn[i] < least ? drawn[i] : least;
    most = drawn[i] > most ? drawn[i] : most;
  }
  sim_Stream s = sim_newstream(p->fate, to->host->hash, SIM_PRIORITY);
  if (least == most && late)
    most += NARROW * sim_uniform(&s);
  return late ? most : least;
}
