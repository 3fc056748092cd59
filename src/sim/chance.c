/*
** Chance: whether a copy is lost, and its delay, drawn from streams.
*/
#include "sim.h"

/* The numbers of a copy: they depend on its packet's fate and its receiver's
   name, and not on other copies. */
sim_Stream sim_copystream(const sim_Packet *p, const sim_Interface *to,
                          sim_Purpose purpose) {
  return sim_newstream(p->fate, to->host->hash, purpose);
}

bool sim_happens(double probability, sim_Stream *s) {
  return probability > 0 && sim_uniform(s) < probability;
}

/*
** Delay.
*/

/* A function of the scenario returns the delay; it may draw from the stream. */
static double calldelay(sim_Net *net, int function, sim_Stream *s) {
  lua_State *L = net->L;
  sim_pushref(L, net, function);
  sim_pushrandom(L, sim_draw(s));
  sim_callscenario(L, net, 1, 1);
  int isnumber;
  double seconds = lua_tonumberx(L, -1, &isnumber);
  if (!isnumber || !(seconds >= 0))
    luaL_error(L, "delay function returned '%s' (number >= 0 expected)",
               luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  return seconds;
}

/* Numbers below 0 are drawn anew. The mean is not below 0, so half of them are
   not. */
static double drawnormal(const sim_Delay *d, sim_Stream *s) {
  double seconds;
  do {
    double deviation = d->b * sim_normal(s);
    seconds = d->a + deviation;
  } while (seconds < 0);
  return seconds;
}

double sim_drawdelay(const sim_Delay *d, sim_Net *net, sim_Stream *s) {
  double above;
  switch (d->kind) {
  case SIM_NORMAL:
    return drawnormal(d, s);
  case SIM_EXPONENTIAL:
    above = d->b * sim_exponential(s);
    return d->a + above;
  case SIM_FUNCTION:
    return calldelay(net, d->function, s);
  default:
    above = d->a == d->b ? 0 : (d->b - d->a) * sim_uniform(s);
    return d->a + above;
  }
}

/* The least or the mean delay, of those that are not a function's. */
double sim_usualdelay(const sim_Delay *d, const sim_Net *net) {
  if (d->kind == SIM_NORMAL || !net->meandelays)
    return d->a;
  return d->a + (d->kind == SIM_EXPONENTIAL ? d->b : (d->b - d->a) / 2);
}

/*
** Loss. In bursts, it has a good and a bad state (Gilbert, 1960; Elliott, 1963),
** which change from datagram to datagram of a flow, for each receiver.
*/

/* Is this datagram in the bad state? The number drawn for each datagram decides
   the next state. Some numbers lead to one state from either state, so it is
   enough to look back to one of these, and no state has to be stored. The first
   datagram's state is drawn from the stationary distribution. */
static bool isbad(const sim_Faults *f, const sim_Net *net, const sim_Packet *p,
                  const sim_Host *receiver) {
  double leave = 1 - f->togood, changes = f->tobad + f->togood;
  double low = f->tobad < leave ? f->tobad : leave;
  double high = f->tobad < leave ? leave : f->tobad;
  bool opposite = false; /* to the state at the datagram looked at */
  for (uint64_t n = p->number;; n--) {
    sim_Stream s = sim_newstream(net->seed, p->flow, n);
    s = sim_newstream(s, receiver->hash, SIM_BURST);
    double u = sim_uniform(&s);
    if (n == 0)
      return opposite != (u * changes < f->tobad);
    if (u < low || u >= high)
      return opposite != (u < low);
    opposite = opposite != (f->tobad > leave); /* else the state stays */
  }
}

/* A packet is lost with any of its fragments. */
bool sim_drawloss(const sim_Faults *f, const sim_Net *net, const sim_Packet *p,
                  const sim_Interface *to, int fragments) {
  double loss = f->loss;
  if (f->tobad > 0 && isbad(f, net, p, to->host))
    loss = f->bad;
  if (loss <= 0)
    return false;
  sim_Stream s = net->priorities.lose ? sim_prioritystream(net, p, to, SIM_LOSS)
                                      : sim_copystream(p, to, SIM_LOSS);
  bool lost = false;
  for (; fragments > 0 && !lost; fragments--)
    lost = sim_uniform(&s) < loss;
  return lost;
}
