/*
** Time: units, and clocks of nodes, which run by 1 + drift.
*/
#include "sim.h"

#include <math.h>

#define DELAY_LIMIT 9e9 /* seconds, more than any run has */
#define SKEW_LIMIT 4e9 /* seconds, so that a day in nanoseconds is an int64_t */
#define EPOCH 946684800 /* seconds: the year 2000 */

int64_t sim_nanoseconds(double seconds) {
  if (!(seconds > 0))
    return 0;
  return (int64_t)((seconds < DELAY_LIMIT ? seconds : DELAY_LIMIT) *
                       SIM_SECOND +
                   0.5);
}

/* SIM_NEVER where no clock gets there. */
int64_t sim_later(int64_t time, double seconds) {
  int64_t passed = sim_nanoseconds(seconds);
  return passed < SIM_NEVER - time ? time + passed : SIM_NEVER;
}

/* The node's clock now. */
int64_t sim_clock(const sim_Node *node) {
  int64_t passed = node->net->now - node->since;
  return node->clock + passed + (int64_t)((double)passed * node->drift);
}

/* Seconds of the node's day, shifted by its skew, at a time of the net. A day
   begins with the year 2000. */
double sim_day(const sim_Node *node, int64_t time) {
  return EPOCH + (double)time / SIM_SECOND + node->skew;
}

/* The same in nanoseconds. */
int64_t sim_daynanoseconds(const sim_Node *node, int64_t time) {
  double skew = fmax(-SKEW_LIMIT, fmin(SKEW_LIMIT, node->skew));
  return (int64_t)EPOCH * SIM_SECOND + time +
         (int64_t)floor(skew * SIM_SECOND + 0.5);
}

/* The net's time when a timeout by the node's clock will have passed. */
int64_t sim_deadline(const sim_Node *node, int64_t timeout) {
  if (node == NULL)
    return 0;
  int64_t now = node->net->now;
  if (timeout == MCAST_FOREVER)
    return SIM_NEVER;
  if (node->drift != 0)
    timeout = sim_nanoseconds((double)timeout / SIM_SECOND / (1 + node->drift));
  if (timeout < SIM_POLL)
    timeout = SIM_POLL;
  return timeout < SIM_NEVER - now ? now + timeout : SIM_NEVER;
}
