/*
** Random streams: splitmix64 (Steele, Lea and Flood, 2014), which is 8 bytes of
** state for each node and purpose.
*/
#include "sim.h"

#include <math.h>

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

sim_Stream sim_newstream(uint64_t seed, uint64_t owner, uint64_t purpose) {
  return mix(mix(mix(seed + 1) + owner) + purpose);
}

uint64_t sim_draw(sim_Stream *s) { return mix(*s += 0x9e3779b97f4a7c15u); }

/* In [0, 1), of 53 bits. */
double sim_uniform(sim_Stream *s) {
  return (double)(sim_draw(s) >> 11) * 0x1p-53;
}

/* Of mean 0 and deviation 1, by Marsaglia's polar method. */
double sim_normal(sim_Stream *s) {
  double x, square;
  do {
    x = 2 * sim_uniform(s) - 1;
    double y = 2 * sim_uniform(s) - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  return x * sqrt(-2 * log(square) / square);
}

/* Of mean 1. */
double sim_exponential(sim_Stream *s) { return -log(1 - sim_uniform(s)); }
