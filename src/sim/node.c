/*
** Nodes: scripts that run as coroutines. What would block yields to the clock,
** also from within the script's own coroutines.
*/
#include "sim.h"

/*
** Clocks. A node's runs by 1 + drift; skew shifts what it tells of the day.
*/

int64_t sim_clock(const sim_Node *node) {
  int64_t passed = node->net->now - node->since;
  return node->clock + passed + (int64_t)((double)passed * node->drift);
}

/* Seconds of the node's day at a time of the net's: the day begins the year
   2000. */
double sim_day(const sim_Node *node, int64_t time) {
  return 946684800 + (double)time / SIM_SECOND + node->skew;
}

/* The net's time at which so much of the node's will have passed. */
static int64_t deadline(const sim_Node *node, int64_t timeout) {
  int64_t now = node->net->now;
  if (timeout == MCAST_FOREVER)
    return SIM_NEVER;
  if (node->drift != 0)
    timeout = sim_nanoseconds((double)timeout / SIM_SECOND / (1 + node->drift));
  if (timeout < SIM_POLL)
    timeout = SIM_POLL;
  return timeout < SIM_NEVER - now ? now + timeout : SIM_NEVER;
}

/*
** Waiting.
*/

/* Pushes the name of the function at the top, which is one of the library's. */
static const char *findname(lua_State *L, const char *library) {
  const char *name = NULL;
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, library);
  lua_pushnil(L);
  while (name == NULL && lua_next(L, -2)) {
    if (lua_rawequal(L, -1, -5))
      name = lua_pushfstring(L, "%s.%s", library, lua_tostring(L, -2));
    else
      lua_pop(L, 1);
  }
  return name;
}

/* The name of the C function that a callback, which is to wait, runs under. */
static const char *findcaller(lua_State *L) {
  lua_Debug ar;
  int top = lua_gettop(L);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_settop(L, top);
    (void)lua_getinfo(L, "Snf", &ar);
    const char *name = *ar.what == 'C' ? findname(L, "string") : NULL;
    if (*ar.what == 'C')
      return name != NULL ? name : ar.name != NULL ? ar.name : "a C function";
  }
  return "a C function";
}

/* Raises where a wait is not possible. */
void sim_checkwait(lua_State *L, const char *name) {
  const sim_Node *node = sim_current;
  if (node == NULL || node->L != L)
    luaL_error(L, "%s: only a node of a running net can wait", name);
  if (!lua_isyieldable(L) || node->unyieldable > 0)
    luaL_error(L,
               "%s cannot wait within a callback of %s: the simulator cannot "
               "leave it and come back",
               name, findcaller(L));
}

/* Waits until the deadline or until it is woken; a socket that is to wake it has
   been told so before, by sim_watch. */
int sim_wait(lua_State *L, int64_t until, lua_KFunction k, lua_KContext ctx) {
  sim_Node *node = sim_current;
  node->deadline = until;
  if (until != SIM_NEVER && !sim_settimer(node, until))
    return luaL_error(L, "not enough memory");
  node->waiting = true;
  return lua_yieldk(L, 0, ctx, k);
}

int64_t sim_deadline(int64_t timeout) {
  return sim_current != NULL ? deadline(sim_current, timeout) : 0;
}

void sim_watch(sim_Socket *s) {
  s->waiter = sim_current;
  s->wait = sim_current->wait;
}

/*
** Running.
*/

static const char *const statuses[] = {"new", "running", "ended", "failed",
                                       "crashed"};

const char *sim_statusname(const sim_Node *node) {
  return statuses[node->status];
}

/* Calls a function of the net's nodes: with the node's object, its status, and
   what it failed of. */
static void tell(lua_State *L, const sim_Node *node, const char *name,
                 const char *message) {
  sim_pushheld(L, node->net, node->net->nodetable);
  lua_getfield(L, -1, name);
  lua_rawgeti(L, -2, node->id);
  lua_pushstring(L, statuses[node->status]);
  lua_pushstring(L, message);
  lua_call(L, 3, 0);
  lua_pop(L, 1);
}

static void closesockets(sim_Node *node) {
  sim_Net *net = node->net;
  for (int i = 0; i < net->nsockets && node->nsockets > 0; i++)
    if (net->sockets[i] != NULL && net->sockets[i]->owner == node)
      sim_closesocket(net->sockets[i]);
}

/* Ends a node: its sockets are closed, as a process's are. */
void sim_endnode(sim_Node *node, sim_Status status) {
  node->status = status;
  node->waiting = node->due = node->paused = false;
  node->wait++;
  closesockets(node);
  node->main = node->L = NULL;
  sim_pushholdings(node->net->L, node->net);
  lua_pushnil(node->net->L);
  lua_rawsetp(node->net->L, -2, node);
  lua_pop(node->net->L, 1);
}

static void hook(lua_State *L, lua_Debug *ar);

static int totext(lua_State *L) {
  (void)luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Pushes what an uncaught error says, and where it was raised. Its __tostring is
   the script's, so it may raise, and has the node's budget. */
static const char *pusherror(lua_State *L, lua_State *co, int budget) {
  lua_State *teller = lua_newthread(L);
  lua_sethook(teller, hook, LUA_MASKCOUNT, budget);
  lua_xmove(co, teller, 1);
  lua_pushfstring(teller, "(error object is a %s value)",
                  luaL_typename(teller, 1));
  bool speaks = lua_isstring(teller, 1) ||
                luaL_getmetafield(teller, 1, "__tostring") != LUA_TNIL;
  lua_settop(teller, 2);
  lua_pushcfunction(teller, totext);
  lua_pushvalue(teller, 1);
  if (!speaks || lua_pcall(teller, 1, 1, 0) != LUA_OK)
    lua_settop(teller, 2);
  luaL_traceback(L, co, lua_tostring(teller, -1), 0);
  return lua_tostring(L, -1);
}

static void finish(lua_State *L, sim_Node *node, int status) {
  const char *message = NULL;
  lua_State *co = node->main;
  int top = lua_gettop(L);
  bool exited = node->ending && node->exitcode >= 0;
  sim_current = node;
  node->L = co;
  if (exited && node->exitcode > 0)
    message = lua_pushfstring(L, "exit code %d", node->exitcode);
  else if (node->ending && !exited)
    message = lua_pushfstring(
        L, "%s: no wait in %d instructions: a loop without end?", node->where,
        node->net->budget);
  else if (!exited && status != LUA_OK)
    message = pusherror(L, co, node->net->budget);
  (void)lua_resetthread(co); /* closes what is to be closed */
  sim_current = NULL;
  sim_endnode(node, message != NULL ? SIM_FAILED : SIM_ENDED);
  tell(L, node, "ended", message);
  lua_settop(L, top);
}

/* Strings have the node's own metatable, if it has one. */
static void swapstrings(lua_State *L, const sim_Node *node) {
  sim_Net *net = node->net;
  if (net->strings == node->strings)
    return;
  net->strings = node->strings;
  lua_pushliteral(L, "");
  sim_pushheld(L, net, net->nodetable);
  lua_getfield(L, -1, "strings");
  lua_rawgeti(L, -1, node->strings);
  lua_setmetatable(L, -4);
  lua_pop(L, 3);
}

static void resume(sim_Node *node, int arguments) {
  int results;
  lua_State *L = node->net->L;
  swapstrings(L, node);
  node->waiting = false;
  node->wait++;
  node->L = node->main;
  node->unyieldable = 0;
  sim_current = node;
  int status = lua_resume(node->main, L, arguments, &results);
  sim_current = NULL;
  if (status != LUA_YIELD)
    finish(L, node, status);
  else
    lua_pop(node->main, results);
}

void sim_wake(sim_Node *node) {
  if (node->paused)
    node->due = true;
  else if (node->waiting)
    resume(node, 0);
}

/* Makes a coroutine of the function and its n arguments at the top. */
void sim_start(lua_State *L, sim_Node *node, int n) {
  sim_pushholdings(L, node->net);
  lua_State *co = lua_newthread(L);
  lua_rawsetp(L, -2, node);
  lua_pop(L, 1);
  node->main = node->L = co;
  node->status = SIM_RUNNING;
  node->ending = false;
  node->exitcode = -1;
  node->seen = node->wait;
  node->starts++;
  luaL_checkstack(co, n + 1, "too many arguments");
  lua_xmove(L, co, n + 1);
}

/* The node may have crashed, and been started again, before it began. */
void sim_resumefirst(sim_Node *node, int start) {
  if (node->main == NULL || node->starts != start)
    return;
  if (node->paused) { /* it begins once it goes on */
    node->due = true;
    return;
  }
  tell(node->net->L, node, "began", NULL);
  resume(node, lua_gettop(node->main) - 1);
}

/*
** The budget: a hook that counts instructions finds that the node has not
** waited since it last looked. What has to end is raised at each instruction
** from then on, so that no pcall keeps it.
*/

static int endnow(lua_State *L);

static void hook(lua_State *L, lua_Debug *ar) {
  sim_Node *node = sim_current;
  if (node == NULL)
    return;
  if (node->ending)
    endnow(L);
  if (node->seen != node->wait) {
    node->seen = node->wait;
    return;
  }
  node->ending = true;
  (void)lua_getinfo(L, "Sl", ar);
  (void)snprintf(node->where, sizeof node->where, "%s:%d", ar->short_src,
                 ar->currentline);
  endnow(L);
}

/* L may be a coroutine that the running one closes. */
static int endnow(lua_State *L) {
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  lua_sethook(sim_current->L, hook, LUA_MASKCOUNT, 1);
  lua_pushliteral(L, "exit");
  return lua_error(L);
}

void sim_setbudget(sim_Node *node) {
  lua_sethook(node->main, hook, LUA_MASKCOUNT, node->net->budget);
}

/* os.exit([code]). */
static int node_exit(lua_State *L) {
  sim_Node *node = sim_current;
  int code = lua_isnoneornil(L, 1) ? 0
             : lua_isboolean(L, 1) ? !lua_toboolean(L, 1)
                                   : (int)luaL_checkinteger(L, 1) & 255;
  if (node == NULL)
    return luaL_error(L, "exit: no node runs");
  node->ending = true;
  node->exitcode = code;
  return endnow(L);
}

/*
** The script's own coroutines: a wait in one of them is handed outwards.
*/

static lua_State *getco(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

static int resumeinner(lua_State *L, lua_State *co, int arguments);

static int resumeagain(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return resumeinner(L, (lua_State *)ctx, 0);
}

/* Gives the number of results that lie on co's stack, or -1 where the error
   does; it does not return where the coroutine waits. */
static int resumeinner(lua_State *L, lua_State *co, int arguments) {
  sim_Node *node = sim_current;
  int results = 0;
  bool unyieldable = !lua_isyieldable(L);
  node->unyieldable += unyieldable;
  node->L = co;
  int status = lua_resume(co, L, arguments, &results);
  node->L = L;
  node->unyieldable -= unyieldable;
  if (node->ending)
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  if (status == LUA_YIELD && node->waiting) {
    lua_pop(co, results);
    return lua_yieldk(L, 0, (lua_KContext)co, resumeagain);
  }
  bool wrapped = lua_toboolean(L, lua_upvalueindex(2));
  if (status == LUA_OK || status == LUA_YIELD) {
    luaL_checkstack(L, results + 1, "too many results to resume");
    if (!wrapped)
      lua_pushboolean(L, true);
    lua_xmove(co, L, results);
    return results + !wrapped;
  }
  if (!wrapped) {
    lua_pushboolean(L, false);
    lua_xmove(co, L, 1);
    return 2;
  }
  lua_xmove(co, L, 1);
  if (lua_resetthread(co) != LUA_OK) /* what was to be closed raised anew */
    lua_xmove(co, L, 1);
  if (lua_type(L, -1) == LUA_TSTRING) { /* where it was called is told, too */
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* Moves the arguments to a coroutine that can be resumed; false, and a message
   pushed, where it cannot. */
static bool prepare(lua_State *L, lua_State *co, int arguments) {
  bool fresh = lua_status(co) == LUA_OK && lua_gettop(co) > 0;
  lua_Debug ar;
  if (sim_current == NULL)
    luaL_error(L, "only a running node resumes its coroutines");
  if (fresh && lua_getstack(co, 0, &ar))
    fresh = false; /* it runs, or resumes another one */
  if (!fresh && lua_status(co) != LUA_YIELD) {
    bool dead = lua_status(co) != LUA_OK || lua_gettop(co) == 0;
    lua_pushfstring(L, "cannot resume %s coroutine",
                    dead && !lua_getstack(co, 0, &ar) ? "dead"
                                                      : "non-suspended");
    return false;
  }
  if (!lua_checkstack(co, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return false;
  }
  lua_xmove(L, co, arguments);
  return true;
}

static int node_resume(lua_State *L) {
  lua_State *co = getco(L);
  int arguments = lua_gettop(L) - 1;
  if (!prepare(L, co, arguments)) {
    lua_pushboolean(L, false);
    lua_insert(L, -2);
    return 2;
  }
  return resumeinner(L, co, arguments);
}

static int resumewrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int arguments = lua_gettop(L);
  if (!prepare(L, co, arguments))
    return luaL_error(L, "%s", lua_tostring(L, -1));
  return resumeinner(L, co, arguments);
}

static int node_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushboolean(L, true);
  lua_pushcclosure(L, resumewrapped, 2);
  return 1;
}

static bool isnodemain(const lua_State *L) {
  return sim_current != NULL && sim_current->main == L;
}

static int node_yield(lua_State *L) {
  if (isnodemain(L))
    return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

static int node_isyieldable(lua_State *L) {
  lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, !isnodemain(co) && lua_isyieldable(co));
  return 1;
}

static int node_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, isnodemain(L));
  return 2;
}

/*
** Numbers: xoshiro256** as Lua's own math.random has it, so that a seed that a
** script sets gives the numbers that it gives on the real network.
*/

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static uint64_t draw(uint64_t *s) {
  uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

static void seed(uint64_t *s, uint64_t a, uint64_t b) {
  s[0] = a;
  s[1] = 0xff;
  s[2] = b;
  s[3] = 0;
  for (int i = 0; i < 16; i++)
    (void)draw(s);
}

void sim_seednode(sim_Node *node) {
  sim_Stream s = sim_newstream(node->net->seed, (uint64_t)node->id, 256);
  seed(node->random, sim_draw(&s), sim_draw(&s));
}

static sim_Node *checkrandom(lua_State *L) {
  if (sim_current == NULL)
    luaL_error(L, "random: no node runs");
  return sim_current;
}

/* A number of 0 to n without bias: the smallest mask that covers n, until it
   fits. */
static uint64_t project(uint64_t random, uint64_t n, uint64_t *s) {
  uint64_t mask = n;
  if ((n & (n + 1)) == 0)
    return random & n;
  for (int i = 1; i < 64; i *= 2)
    mask |= mask >> i;
  while ((random &= mask) > n)
    random = draw(s);
  return random;
}

static int node_random(lua_State *L) {
  uint64_t *s = checkrandom(L)->random;
  uint64_t random = draw(s);
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

static int node_randomseed(lua_State *L) {
  uint64_t *s = checkrandom(L)->random;
  uint64_t a, b = 0;
  if (lua_isnone(L, 1)) { /* where Lua asks the system, the node's stream is */
    a = draw(s);
    b = draw(s);
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
  seed(s, a, b);
  lua_pushinteger(L, (lua_Integer)a);
  lua_pushinteger(L, (lua_Integer)b);
  return 2;
}

/*
** What the node's environment asks.
*/

static int node_current(lua_State *L) {
  if (sim_current == NULL)
    return 0;
  sim_pushheld(L, sim_current->net, sim_current->net->nodetable);
  lua_rawgeti(L, -1, sim_current->id);
  return 1;
}

/* Seconds of the node's clock, and of its day. */
static int node_clock(lua_State *L) {
  const sim_Node *node = checkrandom(L);
  lua_Number seconds = (lua_Number)sim_clock(node) / SIM_SECOND;
  lua_pushnumber(L, seconds);
  lua_pushnumber(L, sim_day(node, node->net->now));
  return 2;
}

const luaL_Reg sim_nodefunctions[] = {{"resume", node_resume},
                                      {"wrap", node_wrap},
                                      {"yield", node_yield},
                                      {"isyieldable", node_isyieldable},
                                      {"running", node_running},
                                      {"exit", node_exit},
                                      {"random", node_random},
                                      {"randomseed", node_randomseed},
                                      {"current", node_current},
                                      {"clock", node_clock},
                                      {NULL, NULL}};
