/*
** Random numbers. The simulator draws from streams: splitmix64 (Steele, Lea and
** Flood, 2014), which is 8 bytes of state for each purpose. Scripts
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

/* Of a name (FNV-1a). */
uint64_t sim_hashname(const char *name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *name != '\0'; name++)
    hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
  return mix(hash);
}

/* In [0, 1), of 53 bits. */
double sim_uniform(sim_Stream *s) {
  return (double)(sim_draw(s) >> 11) * 0x1p-53;
}

/* The natural logarithm of a number in (0, 1], by the series of the inverse
   hyperbolic tangent: libm's last digit differs between systems. */
static double naturallog(double x) {
  int exponent = 0;
  for (; x < 0.75; exponent--)
    x *= 2;
  double t = (x - 1) / (x + 1), square = t * t, sum = 0;
  for (int k = 21; k > 0; k -= 2) {
    sum = sum * square;
    sum = sum + 1.0 / k;
  }
  sum = sum * t;
  return exponent * 0.6931471805599453 + 2 * sum;
}

/* Of mean 0 and deviation 1, by Marsaglia's polar method. (IEEE 754 rounds sqrt
   exactly.) */
double sim_normal(sim_Stream *s) {
  double x, square;
  do {
    x = 2 * sim_uniform(s) - 1;
    double y = 2 * sim_uniform(s) - 1;
    double first = x * x, second = y * y;
    square = first + second;
  } while (square >= 1 || square == 0);
  return x * sqrt(-2 * naturallog(square) / square);
}

/* Of mean 1. */
double sim_exponential(sim_Stream *s) {
  return -naturallog(1 - sim_uniform(s));
}

/* u, uniform in [0, 1): returns a number of mean 1. */
static int random_exponential(lua_State *L) {
  lua_Number u = luaL_checknumber(L, 1);
  luaL_argcheck(L, 0 <= u && u < 1, 1, "out of range");
  lua_pushnumber(L, -naturallog(1 - u));
  return 1;
}

/* Pushes a function of numbers from 0 to 1. It holds the stream's state, so a
   script may keep it. */
static int drawpushed(lua_State *L) {
  sim_Stream s = (sim_Stream)lua_tointeger(L, lua_upvalueindex(1));
  lua_pushnumber(L, sim_uniform(&s));
  lua_pushinteger(L, (lua_Integer)s);
  lua_replace(L, lua_upvalueindex(1));
  return 1;
}

void sim_pushrandom(lua_State *L, sim_Stream s) {
  lua_pushinteger(L, (lua_Integer)s);
  lua_pushcclosure(L, drawpushed, 1);
}

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
  sim_Stream s = sim_newstream(node->net->seed, sim_hashname(node->name), 256);
  uint64_t first = sim_draw(&s);
  seedscript(node->random, first, sim_draw(&s));
  node->seeded = false;
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
  luaL_argcheck(L, low <= high, 1, "interval is empty");
  uint64_t drawn = (uint64_t)low;
  drawn += project(random, (uint64_t)high - (uint64_t)low, s);
  lua_pushinteger(L, (lua_Integer)drawn);
  return 1;
}

static int random_randomseed(lua_State *L) {
  sim_Node *node = sim_checkcurrent(L, "randomseed");
  uint64_t *s = node->random, a, b = 0;
  if (lua_isnone(L, 1)) { /* Lua seeds by the time here */
    a = drawscript(s);
    b = drawscript(s);
  } else {
    a = (uint64_t)luaL_checkinteger(L, 1);
    b = (uint64_t)luaL_optinteger(L, 2, 0);
    node->seeded = true;
  }
  seedscript(s, a, b);
  lua_pushinteger(L, (lua_Integer)a);
  lua_pushinteger(L, (lua_Integer)b);
  return 2;
}

const luaL_Reg sim_randomfunctions[] = {{"exponential", random_exponential},
                                        {"random", random_random},
                                        {"randomseed", random_randomseed},
                                        {NULL, NULL}};
