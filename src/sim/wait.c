/*
** Waiting: a node that waits yields to the scheduler, also from its script's
** own coroutines. poll, sleep and now.
*/
#include "sim.h"

/* Pushes the name of the function at the top, if it is one of the library. */
static const char *pushlibraryname(lua_State *L, const char *library) {
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

/* The name of the C function that calls the running function back. */
static const char *findcaller(lua_State *L) {
  lua_Debug ar;
  int top = lua_gettop(L);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_settop(L, top);
    (void)lua_getinfo(L, "Snf", &ar);
    const char *name = *ar.what == 'C' ? pushlibraryname(L, "table") : NULL;
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
               "%s cannot wait inside a callback of %s (C functions cannot "
               "yield)",
               name, findcaller(L));
}

/* Another node waits on the socket, too. */
static void addwaiter(lua_State *L, sim_Socket *s, sim_Waiter waiter) {
  int kept = 0;
  for (int i = 0; i < s->nmore; i++)
    if (sim_iswaiting(&s->more[i]))
      s->more[kept++] = s->more[i];
  s->nmore = kept;
  sim_Waiter *more = realloc(s->more, (size_t)(kept + 1) * sizeof *more);
  if (more == NULL)
    sim_nomemory(L);
  s->more = more;
  s->more[s->nmore++] = waiter;
}

/* The next datagram in the socket's buffer wakes the running node, if it still
   is in the wait that follows. */
void sim_watch(lua_State *L, sim_Socket *s) {
  sim_Waiter waiter = {sim_current, sim_current->wait};
  if (sim_iswaiting(&s->waiter))
    addwaiter(L, s, waiter);
  else
    s->waiter = waiter;
}

/* Waits until a deadline of the net's time, or until a watched socket wakes it.
   */
int sim_wait(lua_State *L, int64_t until, lua_KFunction k, lua_KContext ctx) {
  sim_Node *node = sim_current;
  node->deadline = until;
  if (until != SIM_NEVER && !sim_settimer(node, until))
    sim_nomemory(L);
  node->waiting = true;
  return lua_yieldk(L, 0, ctx, k);
}

/* Sends do not wait: a LAN drops a packet that its queue has no room for. */
int mcast_waitforroom(lua_State *L, mcast_Socket *s, int err, int64_t timeout,
                      int64_t *deadline) {
  (void)L, (void)s, (void)timeout, (void)deadline;
  return err;
}

#define READERS 1 /* arguments of poll, without ... */
#define WRITERS 2 /* ... the timeout between them */

/* Its socket in the kernel; raises where that is closed. */
static sim_Socket *checkkernel(lua_State *L, int fd, const char *what) {
  sim_Socket *own = sim_getsocket(fd);
  if (own == NULL)
    luaL_error(L, "attempt to use a closed %s", what);
  return own;
}

/* The socket or monitor (else NULL) at a place of a list. */
static sim_Socket *checkpolled(lua_State *L, int list, lua_Integer i,
                               mcast_Monitor **m) {
  lua_rawgeti(L, list, i);
  const mcast_Socket *s = mcast_testsocket(L, -1);
  *m = s == NULL && list == READERS ? mcast_testmonitor(L, -1) : NULL;
  if (s == NULL && *m == NULL)
    mcast_baditem(L, list == READERS ? 1 : 3, (lua_Unsigned)i,
                  list == READERS ? "socket or monitor" : "socket");
  lua_pop(L, 1);
  if (*m != NULL)
    return checkkernel(L, (*m)->fd, "monitor");
  mcast_checkopen(L, s);
  return checkkernel(L, s->fd, "socket");
}

static lua_Integer countsockets(lua_State *L, int list) {
  return lua_isnil(L, list) ? 0 : (lua_Integer)lua_rawlen(L, list);
}

static bool isreadable(sim_Socket *s, mcast_Monitor *m) {
  if (m != NULL)
    return mcast_look(m) != 0 || m->reports.count > 0;
  sim_look(s);
  return sim_nextqueued(s) != NULL;
}

/* A send buffer is never full: see docs/differences.md. */
static bool iswritable(sim_Socket *s, mcast_Monitor *m) {
  (void)s, (void)m;
  return true;
}

/* Pushes a list of those that are ready among the sockets of another list. */
static bool pushready(lua_State *L, int list,
                      bool (*isready)(sim_Socket *s, mcast_Monitor *m)) {
  mcast_Monitor *m;
  lua_Integer n = countsockets(L, list), ready = 0;
  lua_newtable(L);
  for (lua_Integer i = 1; i <= n; i++) {
    sim_Socket *s = checkpolled(L, list, i, &m);
    if (isready(s, m)) {
      lua_rawgeti(L, list, i);
      lua_rawseti(L, -2, ++ready);
    }
  }
  return ready > 0;
}

static int pollsockets(lua_State *L, int64_t until);

static int pollagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return pollsockets(L, until);
}

static int pollsockets(lua_State *L, int64_t until) {
  bool readable = pushready(L, READERS, isreadable);
  if (pushready(L, WRITERS, iswritable) || readable) {
    lua_settop(L, lua_isnil(L, WRITERS) ? WRITERS + 1 : WRITERS + 2);
    return lua_gettop(L) - WRITERS;
  }
  lua_settop(L, WRITERS);
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "poll");
  lua_Integer n = countsockets(L, READERS);
  mcast_Monitor *m;
  for (lua_Integer i = 1; i <= n; i++)
    sim_watch(L, checkpolled(L, READERS, i, &m));
  return sim_wait(L, until, pollagain, (lua_KContext)until);
}

int mcast_poll(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t timeout = mcast_checktimeout(L, 2);
  lua_settop(L, 3);
  lua_remove(L, 2);
  if (!lua_isnil(L, WRITERS) && !lua_istable(L, WRITERS))
    luaL_typeerror(L, 3, "table");
  luaL_argcheck(L,
                countsockets(L, READERS) + countsockets(L, WRITERS) > 0 ||
                    timeout != MCAST_FOREVER,
                1, "no sockets, and no timeout: this would wait for ever");
  return pollsockets(L, sim_deadline(sim_current, timeout));
}

static int readmonitor(lua_State *L, int64_t until);

static int readagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  return readmonitor(L, until);
}

static int readmonitor(lua_State *L, int64_t until) {
  mcast_Monitor *m = mcast_checkmonitor(L, 1);
  sim_Socket *s = checkkernel(L, m->fd, "monitor");
  int err = mcast_look(m);
  if (err != 0)
    return mcast_fail(L, err, "read", NULL);
  if (mcast_takechanges(L, m))
    return 1;
  if (sim_current != NULL && sim_current->net->now >= until)
    return mcast_timedout(L);
  sim_checkwait(L, "read");
  sim_watch(L, s);
  return sim_wait(L, until, readagain, (lua_KContext)until);
}

int mcast_readmonitor(lua_State *L) {
  (void)mcast_checkmonitor(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  lua_settop(L, 1);
  return readmonitor(L, sim_deadline(sim_current, timeout));
}

static int sleepagain(lua_State *L, int status, lua_KContext until) {
  (void)status;
  if (sim_current != NULL && sim_current->net->now >= until)
    return 0;
  sim_checkwait(L, "sleep"); /* the scenario may have resumed this coroutine */
  return sim_wait(L, until, sleepagain, until);
}

int mcast_sleep(lua_State *L) {
  luaL_checknumber(L, 1);
  int64_t timeout = mcast_checktimeout(L, 1);
  sim_checkwait(L, "sleep");
  int64_t until = sim_deadline(sim_current, timeout);
  return sim_wait(L, until, sleepagain, (lua_KContext)until);
}

int mcast_now(lua_State *L) {
  if (sim_current == NULL)
    return luaL_error(L, "now: only a node of a running net has a clock");
  lua_pushnumber(L, (lua_Number)sim_clock(sim_current) / SIM_SECOND);
  return 1;
}
