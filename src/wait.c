/*
** Waiting: one deadline on the monotonic clock for each call.
*/
#include "mcast.h"

#define SECOND 1000000000
#define MILLISECOND 1000000

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

int64_t mcast_deadline(int64_t timeout) {
  if (timeout == MCAST_FOREVER)
    return MCAST_FOREVER;
  int64_t start = now();
  return timeout < MCAST_FOREVER - start ? start + timeout : MCAST_FOREVER;
}

static lua_State *mainthread(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *main = lua_tothread(L, -1);
  lua_pop(L, 1);
  return main;
}

/*
** Runs a pending hook, as the handler of Ctrl-C in lua.c sets one: hooks run when
** Lua code does, so an empty function is called.
** lua.c sets it on the main thread only, so a coroutine borrows it for the call;
** a hook that removes itself is thereby removed from both.
*/
void mcast_runhooks(lua_State *L) {
  lua_State *main = mainthread(L);
  if (lua_gethook(main) == NULL)
    return;
  luaL_checkstack(L, 2, NULL);
  lua_pushvalue(L, MCAST_NOTHING);
  if (L == main) {
    lua_call(L, 0, 0);
    return;
  }
  lua_Hook hook = lua_gethook(L);
  int mask = lua_gethookmask(L), count = lua_gethookcount(L);
  lua_sethook(L, lua_gethook(main), lua_gethookmask(main),
              lua_gethookcount(main));
  int status = lua_pcall(L, 0, 0, 0);
  if (lua_gethook(L) != lua_gethook(main)) /* setting it resets its count */
    lua_sethook(main, lua_gethook(L), lua_gethookmask(L), lua_gethookcount(L));
  lua_sethook(L, hook, mask, count);
  if (status != LUA_OK)
    lua_error(L);
}

static int pollfor(struct pollfd *fds, nfds_t n, int64_t ns) {
  struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};
  return sys_poll(fds, n, ns == MCAST_FOREVER ? NULL : &t);
}

/* Polls until something is ready or the time has come. A new hook counts as a
   signal. */
static int spin(lua_State *L, struct pollfd *fds, nfds_t n, int64_t until) {
  lua_State *main = mainthread(L);
  lua_Hook hook = lua_gethook(main);
  int ready;
  do {
    ready = pollfor(fds, n, 0);
    if (ready == 0 && lua_gethook(main) != hook) {
      errno = EINTR;
      return -1;
    }
  } while (ready == 0 && now() < until);
  return ready;
}

/* Sleeps in two steps: the kernel's slack grows with the time that it sleeps.
   Where a socket sets `spin`, the end of the sleep is polled through. */
static int sleepuntil(lua_State *L, struct pollfd *fds, nfds_t n,
                      int64_t deadline, int64_t spintime) {
  int64_t end = spintime > MILLISECOND ? spintime : MILLISECOND;
  if (deadline == MCAST_FOREVER)
    return pollfor(fds, n, MCAST_FOREVER);
  int64_t left = deadline - now();
  int ready = left > end ? pollfor(fds, n, left - end) : 0;
  if (ready != 0)
    return ready;
  if (spintime > 0)
    return spin(L, fds, n, deadline);
  left = deadline - now();
  return pollfor(fds, n, left > 0 ? left : 0);
}

/* Waits: 0 to look again (something is ready, or a signal came and Lua's hooks
   ran, which may have closed a socket), ETIMEDOUT, or the system's error. */
static int waitfor(lua_State *L, struct pollfd *fds, nfds_t n, int64_t deadline,
                   int64_t spintime) {
  int ready = 0;
  if (spintime > 0) {
    int64_t until = mcast_deadline(spintime);
    ready = spin(L, fds, n, until < deadline ? until : deadline);
  }
  if (ready == 0)
    ready = sleepuntil(L, fds, n, deadline, spintime);
  if (ready == 0)
    return now() >= deadline ? ETIMEDOUT : 0;
  if (ready < 0 && errno != EINTR)
    return errno;
  if (ready < 0)
    mcast_runhooks(L);
  return 0;
}

int mcast_wait(lua_State *L, mcast_Socket *s, short events, int64_t deadline) {
  mcast_runhooks(L); /* a signal that came just now interrupts no system call */
  mcast_checkopen(L, s);
  if (events == POLLIN && mcast_isholding(s))
    return 0;
  struct pollfd fd = {s->fd, events, 0};
  int err = waitfor(L, &fd, 1, deadline, s->options.spin);
  mcast_checkopen(L, s);
  return err;
}

int mcast_now(lua_State *L) {
  mcast_checkrefusal(L);
  lua_pushnumber(L, (lua_Number)now() / SECOND);
  return 1;
}

int mcast_sleep(lua_State *L) {
  mcast_checkrefusal(L);
  luaL_checknumber(L, 1);
  int64_t deadline = mcast_deadline(mcast_checktimeout(L, 1));
  int err;
  do {
    mcast_runhooks(L);
    err = waitfor(L, NULL, 0, deadline, 0);
  } while (err == 0);
  return err == ETIMEDOUT ? 0 : mcast_fail(L, err, "sleep", NULL);
}

static mcast_Socket *checkitem(lua_State *L, int list, int i) {
  lua_rawgeti(L, list, i + 1);
  mcast_Socket *s = mcast_testsocket(L, -1);
  if (s == NULL)
    luaL_argerror(L, list,
                  lua_pushfstring(L, "socket expected at [%d], got %s", i + 1,
                                  luaL_typename(L, -1)));
  mcast_checkopen(L, s);
  lua_pop(L, 1);
  return s;
}

#define READERS 1 /* arguments of poll */
#define WRITERS 3

typedef struct Watch {
  struct pollfd *fds; /* of the readers, then of the writers */
  int readers;
  int writers;
  int64_t spin;   /* the largest of the readers' */
  bool holding;   /* one has datagrams that its descriptor does not show */
  bool filtering; /* one may have foreign ones, which are not reported */
} Watch;

/* Fills a watch from the lists. */
static void watch(lua_State *L, Watch *w) {
  w->spin = 0;
  w->holding = w->filtering = false;
  for (int i = 0; i < w->readers; i++) {
    const mcast_Socket *s = checkitem(L, READERS, i);
    w->fds[i] = (struct pollfd){s->fd, POLLIN, 0};
    w->spin = s->options.spin > w->spin ? s->options.spin : w->spin;
    w->holding = w->holding || mcast_isholding(s);
    w->filtering = w->filtering || s->options.filtering;
  }
  for (int i = 0; i < w->writers; i++)
    w->fds[w->readers + i] =
        (struct pollfd){checkitem(L, WRITERS, i)->fd, POLLOUT, 0};
}

/* Has the i-th reader a datagram for the script, or an error? */
static bool isreadable(lua_State *L, const Watch *w, int i) {
  short revents = w->fds[i].revents;
  if (!w->holding && (!w->filtering || revents == 0))
    return revents != 0;
  const mcast_Socket *s = checkitem(L, READERS, i);
  if (mcast_isholding(s) || revents != POLLIN || !s->options.filtering)
    return mcast_isholding(s) || revents != 0;
  return mcast_skipforeign(s);
}

static bool iswritable(lua_State *L, const Watch *w, int i) {
  (void)L;
  return w->fds[w->readers + i].revents != 0;
}

/* Pushes a list of those that are ready among the n of another list. */
static bool pushready(lua_State *L, const Watch *w, int list, int n,
                      bool (*isready)(lua_State *L, const Watch *w, int i)) {
  lua_Integer ready = 0;
  lua_newtable(L);
  for (int i = 0; i < n; i++)
    if (isready(L, w, i)) {
      lua_rawgeti(L, list, i + 1);
      lua_rawseti(L, -2, ++ready);
    }
  return ready > 0;
}

/* Waits: 0, ETIMEDOUT, or the system's error; 0 pushes two lists. */
static int pollwatch(lua_State *L, Watch *w, int64_t deadline) {
  for (int top = lua_gettop(L);; lua_settop(L, top)) {
    mcast_runhooks(L);
    watch(L, w);
    int err = waitfor(L, w->fds, (nfds_t)(w->readers + w->writers),
                      w->holding ? 0 : deadline, w->spin);
    if (err != 0 && (err != ETIMEDOUT || !w->holding))
      return err;
    bool readable = pushready(L, w, READERS, w->readers, isreadable);
    if (pushready(L, w, WRITERS, w->writers, iswritable) || readable)
      return 0;
    if (deadline != MCAST_FOREVER && now() >= deadline)
      return ETIMEDOUT;
  }
}

int mcast_poll(lua_State *L) {
  mcast_checkrefusal(L);
  luaL_checktype(L, READERS, LUA_TTABLE);
  int64_t timeout = mcast_checktimeout(L, 2);
  bool writers = !lua_isnoneornil(L, WRITERS);
  if (writers)
    luaL_checktype(L, WRITERS, LUA_TTABLE);
  int64_t deadline = mcast_deadline(timeout);
  lua_Unsigned nread = lua_rawlen(L, READERS);
  lua_Unsigned nwrite = writers ? lua_rawlen(L, WRITERS) : 0;
  Watch w;
  luaL_argcheck(L, nread + nwrite > 0 || timeout != MCAST_FOREVER, READERS,
                "no sockets, and no timeout: this would wait for ever");
  luaL_argcheck(L, nread + nwrite <= INT32_MAX / sizeof *w.fds, READERS,
                "too many sockets");
  lua_settop(L, WRITERS);
  w.readers = (int)nread;
  w.writers = (int)nwrite;
  w.fds = lua_newuserdatauv(L, (nread + nwrite) * sizeof *w.fds, 0);
  int err = pollwatch(L, &w, deadline);
  if (err == ETIMEDOUT)
    return mcast_timedout(L);
  if (err != 0)
    return mcast_fail(L, err, "poll", NULL);
  if (writers)
    return 2;
  lua_pop(L, 1);
  return 1;
}
