/*
** Latencies of pairs of hosts: a matrix, or a function of the scenario.
*/
#include "sim.h"

#define UNKNOWN UINT32_MAX

/* A function of two hosts' names, and of a source of random numbers; false where
   it returns nil. */
static bool calllatency(sim_Net *net, const sim_Host *from, const sim_Host *to,
                        sim_Stream *s, double *seconds) {
  lua_State *L = net->L;
  sim_pushref(L, net, net->latency);
  lua_pushstring(L, from->name);
  lua_pushstring(L, to->name);
  sim_pushrandom(L, sim_draw(s));
  sim_callscenario(L, net, 3, 1);
  int isnumber;
  bool known = !lua_isnil(L, -1);
  *seconds = lua_tonumberx(L, -1, &isnumber);
  if (known && (!isnumber || !(*seconds >= 0)))
    luaL_error(L,
               "latency function returned '%s' (nil or number >= 0 expected)",
               luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
  return known;
}

/* The latency from one host to another, where it is known. */
bool sim_findlatency(sim_Net *net, const sim_Host *from, const sim_Host *to,
                     sim_Stream *s, double *seconds) {
  size_t n = net->nlatencies;
  if (net->latency != LUA_NOREF)
    return calllatency(net, from, to, s, seconds);
  if (from->place >= n || to->place >= n)
    return false;
  uint32_t nanoseconds = net->latencies[from->place * n + to->place];
  *seconds = (double)nanoseconds / SIM_SECOND;
  return nanoseconds != UNKNOWN;
}

/* Reads a row of n numbers of seconds, at the top. */
static void readrow(lua_State *L, uint32_t *row, lua_Integer n) {
  for (lua_Integer i = 1; i <= n; i++) {
    int isnumber;
    bool absent = lua_geti(L, -1, i) == LUA_TNIL;
    double seconds = lua_tonumberx(L, -1, &isnumber);
    if (!absent && !(isnumber && 0 <= seconds && seconds <= SIM_MAXLATENCY))
      luaL_error(L, "latency matrix has '%s' in column %I (0 to 4 expected)",
                 luaL_tolstring(L, -1, NULL), i);
    row[i - 1] = absent ? UNKNOWN : (uint32_t)sim_nanoseconds(seconds);
    lua_pop(L, 1);
  }
}

/* A function, or a list of rows, which are lists of seconds; row and column i
   are of the i-th host that is no router. */
int sim_setlatency(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  lua_settop(L, 2);
  if (lua_isfunction(L, 2)) {
    sim_unref(L, net, &net->latency);
    net->latency = sim_ref(L, net);
    return 0;
  }
  luaL_checkany(L, 2);
  lua_Integer n = luaL_len(L, 2);
  luaL_argcheck(L, 0 < n && n <= INT16_MAX, 2, "1 to 32767 rows expected");
  uint32_t *all = lua_newuserdatauv(L, (size_t)(n * n) * sizeof *all, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_geti(L, 2, i) != LUA_TTABLE || luaL_len(L, -1) > n)
      luaL_error(L, "row %I of the latency matrix is no list of %I numbers", i,
                 n);
    readrow(L, &all[(i - 1) * n], n);
    lua_pop(L, 1);
  }
  int old = net->matrix;
  net->matrix = sim_ref(L, net);
  net->latencies = all;
  net->nlatencies = (size_t)n;
  sim_unref(L, net, &old);
  sim_unref(L, net, &net->latency);
  return 0;
}
