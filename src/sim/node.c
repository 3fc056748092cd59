/*
** Nodes: scripts that run as coroutines.
*/
#include "sim.h"

/* A coroutine without the hook of L. */
static lua_State *newthread(lua_State *L) {
  lua_State *co = lua_newthread(L);
  lua_sethook(co, NULL, 0, 0);
  return co;
}

/* os.exit([code]). */
static int node_exit(lua_State *L) {
  int code = lua_isnoneornil(L, 1) ? 0
             : lua_isboolean(L, 1) ? !lua_toboolean(L, 1)
                                   : (int)luaL_checkinteger(L, 1) & 255;
  sim_checkcurrent(L, "exit");
  sim_setexit(sim_current, code);
  return sim_endnow(L);
}

/*
** Ending.
*/

static const char *const statuses[] = {"new", "running", "ended", "failed",
                                       "crashed"};

/* Calls began or ended: with the node's object, its status, and a text: the
   kind of its begin, or the message of a failure. */
static void report(lua_State *L, const sim_Node *node, int function,
                   const char *text) {
  sim_pushref(L, node->net, function);
  sim_pushref(L, node->net, node->object);
  lua_pushstring(L, statuses[node->status]);
  lua_pushstring(L, text);
  lua_call(L, 3, 0);
}

/* Closes its sockets, as the end of a process does. */
static void endnode(lua_State *L, sim_Node *node, sim_Status status) {
  node->status = status;
  node->waiting = node->due = node->paused = false;
  node->wait++;
  sim_closeall(node);
  node->main = node->L = NULL;
  sim_pushrefs(L, node->net);
  lua_pushnil(L);
  lua_rawsetp(L, -2, node);
  lua_pop(L, 1);
}

static int totext(lua_State *L) {
  (void)luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Pushes the text of an uncaught error, and its traceback. Its __tostring is a
   function of the script, so it may raise, and has the node's budget. */
static const char *pusherror(lua_State *L, sim_Node *node) {
  lua_State *co = node->main, *caller = newthread(L);
  (void)sim_enter(node, caller);
  lua_xmove(co, caller, 1);
  lua_pushfstring(caller, "(error object is a %s value)",
                  luaL_typename(caller, 1));
  bool hastext = lua_isstring(caller, 1) ||
                 luaL_getmetafield(caller, 1, "__tostring") != LUA_TNIL;
  lua_settop(caller, 2);
  lua_pushcfunction(caller, totext);
  lua_pushvalue(caller, 1);
  if (!hastext || lua_pcall(caller, 1, 1, 0) != LUA_OK)
    lua_settop(caller, 2);
  (void)sim_enter(node, co);
  luaL_traceback(L, co, lua_tostring(caller, -1), 0);
  return lua_tostring(L, -1);
}

static const char *pushendless(lua_State *L, const sim_Node *node) {
  char text[sizeof node->net->where + 80];
  (void)snprintf(text, sizeof text,
                 "%s: ran %.14g s without waiting (endless loop?)",
                 node->net->where, (double)node->net->budget / SIM_SECOND);
  luaL_traceback(L, node->main, text, 0);
  return lua_tostring(L, -1);
}

/* Its script has yielded by a function that is not its own, so nothing would wake
   it. */
static const char *pushstanding(lua_State *L, const sim_Node *node) {
  luaL_traceback(L, node->main,
                 "yielded to nobody (coroutine.yield of the scenario?)", 0);
  return lua_tostring(L, -1);
}

static void finish(lua_State *L, sim_Node *node, int status) {
  const char *message = NULL;
  lua_State *co = node->main;
  int top = lua_gettop(L);
  bool exited = node->ending && node->exitcode >= 0;
  sim_current = node;
  (void)sim_enter(node, co);
  if (exited && node->exitcode > 0)
    message = lua_pushfstring(L, "exit code %d", node->exitcode);
  else if (node->ending && !exited)
    message = pushendless(L, node);
  else if (!exited && status == LUA_YIELD)
    message = pushstanding(L, node);
  else if (!exited && status != LUA_OK)
    message = pusherror(L, node);
  node->unyieldable = 1;
  if (!node->ending) /* closes pending to-be-closed variables */
    (void)lua_resetthread(co);
  sim_current = NULL;
  endnode(L, node, message != NULL ? SIM_FAILED : SIM_ENDED);
  report(L, node, node->net->ended, message);
  lua_settop(L, top);
}

/*
** Running.
*/

SIM_HOT static void run(sim_Node *node, int arguments) {
  int results;
  lua_State *L = node->net->L;
  sim_installstrings(L, node->net, node->strings);
  node->waiting = false;
  node->wait++;
  (void)sim_enter(node, node->main);
  node->unyieldable = 0;
  sim_current = node;
  int status = lua_resume(node->main, L, arguments, &results);
  sim_current = NULL;
  if (status != LUA_YIELD || !node->waiting)
    finish(L, node, status);
  else
    lua_pop(node->main, results);
}

/* Resumes a runnable node, which may have ended meanwhile. */
void sim_resume(sim_Node *node) {
  if (node->waiting && node->paused)
    node->due = true;
  else if (node->waiting)
    run(node, 0);
}

/* Begins a start. The node may have crashed, and been started again, before. */
void sim_begin(sim_Node *node, int start) {
  if (node->main == NULL || node->starts != start)
    return;
  if (node->paused) {
    node->due = true;
    return;
  }
  report(node->net->L, node, node->net->began,
         node->begun ? "restart" : "start");
  node->begun = true;
  run(node, lua_gettop(node->main) - 1);
}

/*
** Methods of nets.
*/

/* host, name, object */
static int node_new(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Host *host = sim_checkhost(L, net, 2);
  char *name = sim_copytext(net, luaL_checkstring(L, 3));
  sim_Node *node = sim_allocate(net, sizeof *node);
  luaL_checkany(L, 4);
  lua_settop(L, 4);
  int object = sim_ref(L, net);
  if (name == NULL || node == NULL ||
      !sim_append(&net->nodes, &net->nnodes, node))
    return sim_nomemory(L);
  node->net = net;
  node->host = host;
  node->id = net->nnodes - 1;
  node->name = name;
  node->object = object;
  node->strings = net->strings;
  sim_seednode(node);
  lua_pushinteger(L, node->id);
  return 1;
}

/* Makes a coroutine of the function and its n arguments at the top. */
static void newmain(lua_State *L, sim_Node *node, int n) {
  sim_pushrefs(L, node->net);
  lua_State *co = newthread(L);
  lua_rawsetp(L, -2, node);
  lua_pop(L, 1);
  node->main = node->L = co;
  node->status = SIM_RUNNING;
  node->ending = false;
  node->exitcode = -1;
  node->starts++;
  luaL_checkstack(co, n + 1, "too many arguments");
  lua_xmove(L, co, n + 1);
}

/* node, time, function, arguments...: starts it then. */
static int node_start(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Node *node = sim_checknode(L, net, 2);
  int64_t time = sim_checktime(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  if (node->main != NULL)
    return luaL_error(L, "start %s: it is running already", node->name);
  newmain(L, node, lua_gettop(L) - 4);
  if (!sim_pushstart(node, time > net->now ? time : net->now))
    return sim_nomemory(L);
  return 0;
}

/* crash, pause and resume return whether they changed something. */
static int node_crash(lua_State *L) {
  sim_Node *node = sim_checknode(L, sim_checknet(L, 1), 2);
  if (node == sim_current)
    return luaL_error(L, "crash %s: a node cannot crash itself", node->name);
  if (node->main == NULL)
    return 0;
  endnode(L, node, SIM_CRASHED);
  lua_pushboolean(L, true);
  return 1;
}

static int node_pause(lua_State *L) {
  sim_Node *node = sim_checknode(L, sim_checknet(L, 1), 2);
  bool pauses = node->main != NULL && !node->paused;
  node->paused = node->paused || pauses;
  lua_pushboolean(L, pauses);
  return 1;
}

/* Begins or resumes, if the node would have done so during the pause: before
   the invariants are checked, which would see the node without the events
   that it has missed. */
static bool catchup(sim_Node *node) {
  if (lua_status(node->main) == LUA_OK)
    return sim_pushstart(node, node->net->now);
  sim_wake(node);
  return true;
}

static int node_resume(lua_State *L) {
  sim_Node *node = sim_checknode(L, sim_checknet(L, 1), 2);
  bool paused = node->paused, due = node->due;
  node->paused = node->due = false;
  if (due && !catchup(node))
    return sim_nomemory(L);
  lua_pushboolean(L, paused);
  return 1;
}

/* node: has its script begun once? */
static int node_begun(lua_State *L) {
  lua_pushboolean(L, sim_checknode(L, sim_checknet(L, 1), 2)->begun);
  return 1;
}

/* node, metatable of its strings from now on; nil: the net's */
static int node_strings(lua_State *L) {
  sim_Net *net = sim_checknet(L, 1);
  sim_Node *node = sim_checknode(L, net, 2);
  lua_settop(L, 3);
  if (node->strings != net->strings) {
    if (net->installed == node->strings)
      net->installed = LUA_NOREF;
    sim_unref(L, net, &node->strings);
  }
  node->strings = net->strings;
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    node->strings = sim_ref(L, net);
  }
  if (node == sim_current)
    sim_installstrings(L, net, node->strings);
  return 0;
}

/* node, skew, drift; nil: as it is */
static int node_setclock(lua_State *L) {
  sim_Node *node = sim_checknode(L, sim_checknet(L, 1), 2);
  double skew = luaL_optnumber(L, 3, node->skew);
  double drift = luaL_optnumber(L, 4, node->drift);
  luaL_argcheck(L, -0.5 <= drift && drift <= 1, 4, "-0.5 to 1 expected");
  node->clock = sim_clock(node);
  node->since = node->net->now;
  node->skew = skew;
  node->drift = drift;
  return 0;
}

const luaL_Reg sim_nodemethods[] = {{"node", node_new},
                                    {"start", node_start},
                                    {"crash", node_crash},
                                    {"pause", node_pause},
                                    {"resume", node_resume},
                                    {"strings", node_strings},
                                    {"clock", node_setclock},
                                    {"begun", node_begun},
                                    {NULL, NULL}};

/*
** Functions of the running node.
*/

static int node_current(lua_State *L) {
  if (sim_current == NULL)
    return 0;
  sim_pushref(L, sim_current->net, sim_current->object);
  return 1;
}

/* Seconds of the node's clock, and of its day. */
static int node_clock(lua_State *L) {
  const sim_Node *node = sim_checkcurrent(L, "clock");
  lua_pushnumber(L, (lua_Number)sim_clock(node) / SIM_SECOND);
  lua_pushnumber(L, sim_day(node, node->net->now));
  return 2;
}

const luaL_Reg sim_nodefunctions[] = {{"exit", node_exit},
                                      {"current", node_current},
                                      {"clock", node_clock},
                                      {NULL, NULL}};
