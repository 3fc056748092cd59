/*
** Waiting: one deadline on the monotonic clock for each call.
*/
#include "mcast.h"

#define SECOND 1000000000
#define MILLISECOND 1000000

int64_t mcast_deadline(int64_t timeout) {
  if (timeout == MCAST_FOREVER)
    return MCAST_FOREVER;
  int64_t start = sys_now();
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
  } while (ready == 0 && sys_now() < until);
  return ready;
}

/* Sleeps in two steps: the kernel's slack grows with the time that it sleeps.
   Where a socket sets `spin`, the end of the sleep is polled through. */
static int sleepuntil(lua_State *L, struct pollfd *fds, nfds_t n,
                      int64_t deadline, int64_t spintime) {
  int64_t end = spintime > MILLISECOND ? spintime : MILLISECOND;
  if (deadline == MCAST_FOREVER)
    return pollfor(fds, n, MCAST_FOREVER);
  int64_t left = deadline - sys_now();
  int ready = left > end ? pollfor(fds, n, left - end) : 0;
  if (ready != 0)
    return ready;
  if (spintime > 0)
    return spin(L, fds, n, deadline);
  left = deadline - sys_now();
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
    return sys_now() >= deadline ? ETIMEDOUT : 0;
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

/* After a send failed with EINTR or for want of room: 0 to send again, ETIMEDOUT,
   or the system's error. The deadline begins with the first wait of a call, when it
   is below 0. */
int mcast_waitforroom(lua_State *L, mcast_Socket *s, int err, int64_t timeout,
                      int64_t *deadline) {
  if (err == EINTR) {
    mcast_runhooks(L);
    mcast_checkopen(L, s);
    return 0;
  }
  if (timeout == 0)
    return ETIMEDOUT;
  if (*deadline < 0)
    *deadline = mcast_deadline(timeout);
  return mcast_wait(L, s, POLLOUT, *deadline);
}

int mcast_now(lua_State *L) {
  mcast_checkrefusal(L);
  lua_pushnumber(L, (lua_Number)sys_now() / SECOND);
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

/* Waits for changes. Where the descriptor does not show them, looks by time. */
int mcast_readmonitor(lua_State *L) {
  mcast_Monitor *m = mcast_checkmonitor(L, 1);
  int64_t deadline = mcast_deadline(mcast_checktimeout(L, 2));
  for (;;) {
    mcast_runhooks(L);
    mcast_checkopenmonitor(L, m);
    m->lost = m->lost || MCAST_INTERVAL > 0;
    int err = mcast_look(m);
    if (err != 0)
      return mcast_fail(L, err, "read", NULL);
    if (mcast_takechanges(L, m))
      return 1;
    mcast_checkopenmonitor(L, m);
    struct pollfd fd = {m->fd, POLLIN, 0};
    bool early = MCAST_INTERVAL > 0 && m->next < deadline;
    err = waitfor(L, &fd, 1, early ? m->next : deadline, 0);
    if (err == ETIMEDOUT && !early)
      return mcast_timedout(L);
    if (err != 0 && err != ETIMEDOUT)
      return mcast_fail(L, err, "read", NULL);
  }
}

/* The socket or monitor at a place of a list: the one that it is not is NULL. */
typedef struct Item {
  mcast_Socket *socket;
  mcast_Monitor *monitor;
} Item;

#define READERS 1 /* arguments of poll */
#define WRITERS 3

static Item checkitem(lua_State *L, int list, int i) {
  lua_rawgeti(L, list, i + 1);
  Item item = {mcast_testsocket(L, -1), NULL};
  if (item.socket == NULL && list == READERS)
    item.monitor = mcast_testmonitor(L, -1);
  if (item.monitor != NULL)
    mcast_checkopenmonitor(L, item.monitor);
  else if (item.socket != NULL)
    mcast_checkopen(L, item.socket);
  else
    mcast_baditem(L, list, (lua_Unsigned)i + 1,
                  list == READERS ? "socket or monitor" : "socket");
  lua_pop(L, 1);
  return item;
}

typedef struct Watch {
  struct pollfd *fds; /* of the readers, then of the writers */
  int readers;
  int writers;
  int64_t spin;   /* the largest of the readers' */
  int64_t next;   /* when a monitor is to look that no descriptor wakes */
  bool holding;   /* one has datagrams that its descriptor does not show */
  bool filtering; /* one may be readable, and yet have none for the script */
} Watch;

static int watchmonitor(Watch *w, const mcast_Monitor *m) {
  w->filtering = true;
  w->holding = w->holding || mcast_ischanged(m);
  if (MCAST_INTERVAL > 0 && m->next < w->next)
    w->next = m->next;
  return m->fd;
}

static int watchsocket(Watch *w, const mcast_Socket *s) {
  w->spin = s->options.spin > w->spin ? s->options.spin : w->spin;
  w->holding = w->holding || mcast_isholding(s);
  w->filtering = w->filtering || s->options.filtering;
  return s->fd;
}

/* Fills a watch from the lists. */
static void watch(lua_State *L, Watch *w) {
  w->spin = 0;
  w->next = MCAST_FOREVER;
  w->holding = w->filtering = false;
  for (int i = 0; i < w->readers; i++) {
    Item item = checkitem(L, READERS, i);
    int fd = item.monitor != NULL ? watchmonitor(w, item.monitor)
                                  : watchsocket(w, item.socket);
    w->fds[i] = (struct pollfd){fd, POLLIN, 0};
  }
  for (int i = 0; i < w->writers; i++)
    w->fds[w->readers + i] =
        (struct pollfd){checkitem(L, WRITERS, i).socket->fd, POLLOUT, 0};
}

/* Has it a change, or an error? */
static bool ischanged(mcast_Monitor *m, short revents) {
  bool look = m->reports.count == 0 && (revents != 0 || mcast_ischanged(m));
  int err = look ? mcast_look(m) : 0;
  return err != 0 || m->reports.count > 0;
}

/* Has the i-th reader a datagram for the script, a change, or an error? */
static bool isreadable(lua_State *L, const Watch *w, int i) {
  short revents = w->fds[i].revents;
  bool timed = w->next != MCAST_FOREVER;
  if (!w->holding && !timed && (!w->filtering || revents == 0))
    return revents != 0;
  Item item = checkitem(L, READERS, i);
  const mcast_Socket *s = item.socket;
  if (item.monitor != NULL)
    return ischanged(item.monitor, revents);
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
    int64_t until = w->next < deadline ? w->next : deadline;
    int err = waitfor(L, w->fds, (nfds_t)w->readers + (nfds_t)w->writers,
                      w->holding ? 0 : until, w->spin);
    if (err != 0 && (err != ETIMEDOUT || (!w->holding && until == deadline)))
      return err;
    bool readable = pushready(L, w, READERS, w->readers, isreadable);
    if (pushready(L, w, WRITERS, w->writers, iswritable) || readable)
      return 0;
    if (deadline != MCAST_FOREVER && sys_now() >= deadline)
      return ETIMEDOUT;
  }
}

/* Linux waits for as many descriptors as the process may have open. */
static const char *explainpoll(lua_State *L, int count, int err) {
  long most = sys_descriptorlimit();
  if (err != EINVAL || most < 0 || count <= most)
    return NULL;
  return lua_pushfstring(
      L, "too many sockets: %d, of at most %d (raise ulimit -n)", count,
      (int)most);
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
    return mcast_fail(L, err, "poll",
                      explainpoll(L, w.readers + w.writers, err));
  if (writers)
    return 2;
  lua_pop(L, 1);
  return 1;
}
