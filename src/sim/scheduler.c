/*
** The scheduler: the event loop of a net. It alone resumes nodes: after each
** event those that the event has made runnable, before the next event.
*/
#include "sim.h"

#define STANDSTILL 50000000 /* events at one time */
#define END (SIM_LAST * SIM_SECOND - 1)

static void callback(lua_State *L, sim_Net *net, int function) {
  sim_pushref(L, net, function);
  sim_unref(L, net, &function);
  sim_callscenario(L, net, 0, 0);
}

/* The timer may be early. */
static void dotimer(sim_Net *net, sim_Node *node) {
  if (!node->waiting || node->deadline == SIM_NEVER)
    return;
  if (node->deadline <= net->now)
    sim_wake(node);
  else if (!sim_settimer(node, node->deadline))
    sim_nomemory(net->L);
}

SIM_HOT static void doevent(sim_Net *net) {
  sim_Event e;
  sim_pop(net, &e);
  switch ((sim_EventKind)e.kind) {
  case SIM_ARRIVE:
    sim_arrive(e.interface, e.packet, e.ttl);
    sim_release(net, e.packet);
    break;
  case SIM_TRANSMIT:
    sim_transmit(e.interface, e.packet, e.ttl);
    sim_release(net, e.packet);
    break;
  case SIM_PASSED:
    sim_accept(e.interface, e.packet, e.ttl);
    sim_release(net, e.packet);
    break;
  case SIM_CALL:
    callback(net->L, net, e.function);
    break;
  case SIM_START:
    sim_begin(e.node, e.start);
    break;
  case SIM_TIMER:
    dotimer(net, e.node);
  }
}

/* Does the function at 3, if there is one, return true? */
SIM_HOT static bool isenough(lua_State *L) {
  if (lua_isnil(L, 3))
    return false;
  lua_pushvalue(L, 3);
  sim_callscenario(L, sim_checknet(L, 1), 0, 1);
  bool enough = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return enough;
}

/* Runs a pending hook, as the handler of Ctrl-C in lua.c sets one: hooks run
   when Lua code of their thread does, and a net may run without any. */
static void runhook(lua_State *L) {
  if (luaL_loadstring(L, "") != LUA_OK)
    lua_error(L);
  lua_call(L, 0, 0);
}

/* Moves the clock to the next event or timer; false where there is none until
   then. *still counts events at one time. */
SIM_HOT static bool advance(lua_State *L, sim_Net *net, int64_t until,
                            int *still) {
  int64_t next = sim_nexttime(net, until < END ? until : END);
  if (next == SIM_NEVER)
    return false;
  *still = next == net->now ? *still + 1 : 0;
  if (*still > STANDSTILL)
    luaL_error(
        L,
        "run: time stands still at %f s (nodes answer each other without "
        "delay?)",
        (double)next / SIM_SECOND);
  net->now = next;
  net->executed++;
  return true;
}

/* net, until, function or nil */
SIM_HOT static int loop(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int64_t until = sim_checktime(L, 2);
  int still = 0;
  bool enough, more = true;
  net->stopped = false;
  for (;;) {
    net->hook = lua_gethook(L);
    while (net->runnable != NULL)
      sim_resume(sim_nextrunnable(net));
    if (lua_gethook(L) != NULL)
      runhook(L);
    sim_checkbounds(L, net);
    enough = isenough(L);
    if (enough || net->stopped)
      break;
    more = advance(L, net, until, &still);
    if (!more)
      break;
    doevent(net);
  }
  if (!more && until != SIM_NEVER && until > net->now)
    net->now = until;
  lua_pushboolean(L, enough);
  return 1;
}

/* until, function: runs until then, until nothing is left to do, or until the
   function, called after each event, returns true; returns whether it did. */
static int scheduler_run(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  if (net->L != NULL || sim_current != NULL)
    return luaL_error(L, "run: a net runs already");
  lua_settop(L, 3);
  lua_pushcfunction(L, loop);
  lua_insert(L, 1);
  sim_keepstrings(L, net);
  net->L = L;
  sim_beginbudget(net);
  int status = lua_pcall(L, 3, 1, 0);
  sim_endbudget(net);
  net->L = NULL;
  sim_current = NULL;
  sim_releasestrings(L, net);
  if (status == LUA_ERRMEM)
    sim_raisebound(L, net);
  return status == LUA_OK ? 1 : lua_error(L);
}

static int scheduler_stop(lua_State *L) {
  sim_checknet(L, 1)->stopped = true;
  return 0;
}

/* time, function: calls it then. */
static int scheduler_call(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  int64_t time = sim_checktime(L, 2);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  int function = sim_ref(L, net);
  if (!sim_pushcall(net, time > net->now ? time : net->now, function)) {
    sim_unref(L, net, &function);
    return sim_nomemory(L);
  }
  return 0;
}

static int scheduler_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)sim_checknet(L, 1)->now / SIM_SECOND);
  return 1;
}

static int scheduler_executed(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)sim_checknet(L, 1)->executed);
  return 1;
}

const luaL_Reg sim_schedulermethods[] = {
    {"run", scheduler_run},   {"executed", scheduler_executed},
    {"stop", scheduler_stop}, {"call", scheduler_call},
    {"now", scheduler_now},   {NULL, NULL}};
