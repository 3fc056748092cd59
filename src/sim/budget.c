/*
** The budget of a node: the processor time that it may use between two waits.
** A tick sets a hook in the running coroutine, as lua.c does on Ctrl-C, and the
** hook looks at the time: between ticks a script costs what it costs in plain
** Lua. Where the host program uses the ticks' signal itself, a hook that counts
** instructions looks. A node that must end raises at each instruction from then
** on, so that no pcall keeps it running.
*/
#include "sim.h"

#include "../sys/ticks.h"

#define INSTRUCTIONS 10000 /* between two looks, where there are no ticks */

static void hook(lua_State *L, lua_Debug *ar);

/* In a handler of signals; running is where sim_current lies. */
static void ontick(void *running) {
  const sim_Node *node = *(sim_Node *volatile *)running;
  if (node != NULL)
    lua_sethook(node->L, hook, LUA_MASKCOUNT, 1);
}

void sim_count(lua_State *L) {
  lua_sethook(L, hook, LUA_MASKCOUNT, INSTRUCTIONS);
}

/* Has the node used its budget since its wait? */
static bool isover(sim_Net *net, sim_Node *node) {
  int64_t now = sys_processortime();
  if (net->seen.node != node || net->seen.wait != node->wait) {
    net->seen = (sim_Waiter){node, node->wait};
    net->seenat = now;
  }
  return now - net->seenat >= net->budget;
}

/* Is the run interrupted, by Ctrl-C? The scheduler raises it. */
static bool isinterrupted(const sim_Net *net) {
  return lua_gethook(net->L) != net->hook;
}

static void overrun(lua_State *L, sim_Node *node, lua_Debug *ar) {
  node->ending = true;
  (void)lua_getinfo(L, "Sl", ar);
  (void)snprintf(node->net->where, sizeof node->net->where, "%s:%d",
                 ar->short_src, ar->currentline);
}

static void hook(lua_State *L, lua_Debug *ar) {
  sim_Node *node = sim_current;
  if (node != NULL && !node->ending && isinterrupted(node->net))
    sim_setexit(node, 0);
  else if (node != NULL && !node->ending && isover(node->net, node))
    overrun(L, node, ar);
  if (node != NULL && node->ending)
    (void)sim_endnow(L);
  else if (node != NULL && node->net->counting)
    sim_count(L);
  else
    lua_sethook(L, NULL, 0, 0);
}

/* The node exits with a code. */
void sim_setexit(sim_Node *node, int code) {
  node->ending = true;
  node->exitcode = code;
}

/* It yields where it can, to be resumed never: an error would run message
   handlers and __close, and without hooks, if it is raised by a hook. L may be a
   coroutine that the running one closes. */
int sim_endnow(lua_State *L) {
  const sim_Node *node = sim_current;
  if (node->L == L && node->unyieldable == 0 && lua_isyieldable(L))
    return lua_yield(L, 0);
  lua_sethook(L, hook, LUA_MASKCOUNT, 1);
  lua_sethook(node->L, hook, LUA_MASKCOUNT, 1);
  lua_pushliteral(L, "exit");
  return lua_error(L);
}

/* Ends the running coroutine L, too, where its node must end. */
void sim_checkending(lua_State *L) {
  if (sim_current->ending)
    (void)sim_endnow(L);
}

/* The net begins to run ... */
void sim_beginbudget(sim_Net *net) {
  net->counting = !sys_beginticks(ontick, &sim_current);
}

/* ... and ends. */
void sim_endbudget(const sim_Net *net) {
  if (!net->counting)
    sys_endticks();
}
