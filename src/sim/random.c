/*
** Random numbers. The simulator draws from streams: splitmix64 (Steele, Lea and
** Flood, 2014), which is 8 bytes of state for each node and purpose. Scripts
** draw from xoshiro256**, as Lua's math.random does, so that a seed set by a
** script leads to the same numbers as on the real network.
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

/*
** Numbers of scripts.
*/

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t drawscript(uint64_t *s) {
  uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

static void seedscript(uint64_t *s, uint64_t a, uint64_t b) {
  s[0] = a;
  s[1] = 0xff;
  s[2] = b;
  s[3] = 0;
  for (int i = 0; i < 16; i++)
    (void)drawscript(s);
}

void sim_seednode(sim_Node *node) {
  sim_Stream s = sim_newstream(node->net->seed, (uint64_t)node->id, 256);
  seedscript(node->random, sim_draw(&s), sim_draw(&s));
}

/* A number of 0 to n without bias: masked by the smallest mask that covers n,
   and drawn again until it fits. */
static uint64_t project(uint64_t random, uint64_t n, uint64_t *s) {
  uint64_t mask = n;
  if ((n & (n + 1)) == 0)
    return random & n;
  for (int i = 1; i < 64; i *= 2)
    mask |= mask >> i;
  while ((random &= mask) > n)
    random = drawscript(s);
  return random;
}

static int random_random(lua_State *L) {
  uint64_t *s = sim_checkcurrent(L, "random")->random;
  uint64_t random = drawscript(s);
  lua_Integer low = 1, high;
  switch (lua_gettop(L)) {
  case 0:
    lua_pushnumber(L, (double)(random >> 11) * 0x1p-53);
    return 1;
  case 1:
    high = luaL_checkinteger(L, 1);
    if (high == 0) {
      lua_pushinteger(L, (lua_Integer)random);
      return 1;
    }
    break;
  case 2:
    low = luaL_checkinteger(L, 1);
    high = luaL_checkinteger(L, 2);
    break;
  default:
    return luaL_error(L, "wrong number of arguments");
  }
  luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
  uint64_t drawn = (uint64_t)low;
  drawn += project(random, (uint64_t)high - (uint64_t)low, s);
  lua_pushinteger(L, (lua_Integer)drawn);
  return 1;
}

static int random_randomseed(lua_State *L) {
  uint64_t *s = sim_checkcurrent(L, "randomseed")->random;
  uint64_t a, b = 0;
  if (lua_isnone(L, 1)) { /* Lua seeds by the time here */
    a = drawscript(s);
    b = drawscript(s);
  } else {
    lua_Number f = luaL_checknumber(L, 1);
    lua_Integer n;
    if (!lua_numbertointeger(f, &n))
      memcpy(&n, &f, sizeof n);
    if (lua_isinteger(L, 1))
      n = lua_tointeger(L, 1);
    a = (uint64_t)n;
    b = (uint64_t)luaL_optinteger(L, 2, 0);
  }
  seedscript(s, a, b);
  lua_pushinteger(L, (lua_Integer)a);
  lua_pushinteger(L, (lua_Integer)b);
  return 2;
}

const luaL_Reg sim_randomfunctions[] = {
    {"random", random_random}, {"randomseed", random_randomseed}, {NULL, NULL}};
