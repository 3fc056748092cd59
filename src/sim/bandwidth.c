/*
** Bandwidth: that of a LAN, and of a host up and down. Packets wait for those
** before them.
*/
#include "sim.h"

#define LONGEST 0.1 /* seconds that a packet waits where no limit is set */

/* The time when a packet of so many bytes has passed; SIM_NEVER where the queue
   is full, or no clock gets there. A packet that finds none before it passes. */
int64_t sim_pass(sim_Bandwidth *b, int64_t now, size_t bytes) {
  if (b->bits <= 0)
    return now;
  int64_t start = b->busy > now ? b->busy : now;
  double seconds = (double)(start - now) / SIM_SECOND;
  double waiting = seconds * b->bits / 8;
  bool full =
      b->queue < 0 ? seconds > LONGEST : waiting + (double)bytes > b->queue;
  if (start > now && full)
    return SIM_NEVER;
  b->busy = sim_later(start, (double)bytes * 8 / b->bits);
  return b->busy;
}

void sim_setbandwidth(lua_State *L, sim_Bandwidth *b, int bits, int queue) {
  b->bits = luaL_checknumber(L, bits);
  b->queue = luaL_checknumber(L, queue);
}
