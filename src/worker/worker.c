/*
** Workers of a sweep: copies of this process (fork), so each seed begins with
** the state that the scenario had when the sweep was called, whatever other
** seeds did; and the C library of the process. A module of its own,
** mcast.sim.worker, so that the simulator's core starts no process; it knows
** nothing of nets.
*/
#include "../sys/sys.h"

#include "../sys/library.h"
#include "../sys/process.h"

#include <lauxlib.h>
#include <lua.h>

#define WORKER "mcast.sim.worker"
#define FOREVER 4000000000 /* seconds; from here on, no limit */

typedef struct Worker {
  pid_t process; /* 0: none */
  pid_t owner;   /* the process that started it: copies of it have it, too */
  int pipe;      /* -1: closed */
} Worker;

/* In a worker: the pipe to the process that started it. */
static int channel = -1;

static Worker *checkworker(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, WORKER);
}

static void closeworker(Worker *w) {
  int pipe = w->pipe;
  w->pipe = -1;
  if (pipe >= 0)
    sys_closepipe(pipe);
}

/* Ends a worker that is still at work. */
static int worker_gc(lua_State *L) {
  Worker *w = checkworker(L, 1);
  pid_t process = w->process;
  closeworker(w);
  w->process = 0;
  if (process > 0 && w->owner == sys_getpid()) {
    sys_kill(process);
    (void)sys_waitpid(process);
  }
  return 0;
}

static Worker *newworker(lua_State *L) {
  Worker *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->process = 0;
  w->owner = sys_getpid();
  w->pipe = -1;
  luaL_setmetatable(L, WORKER);
  return w;
}

/* The life of a worker: the function at 1 returns the text to report. */
__attribute__((noreturn)) static void work(lua_State *L, double seconds) {
  sys_silence();
  if (seconds < FOREVER)
    sys_setalarm(seconds);
  lua_settop(L, 1);
  size_t n = 0;
  bool ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
  const char *report = ok ? lua_tolstring(L, -1, &n) : NULL;
  ok = report != NULL && sys_writepipe(channel, report, n);
  sys_exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* function, seconds: starts a worker that calls the function, and returns it; or
   nil and a message. */
static int worker_start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  double seconds = luaL_checknumber(L, 2);
  Worker *w = newworker(L);
  int ends[2];
  if (sys_pipe(ends) != 0)
    return luaL_fileresult(L, false, "pipe");
  pid_t process = sys_fork();
  if (process == 0) {
    if (channel >= 0)
      sys_closepipe(channel);
    sys_closepipe(ends[0]);
    channel = ends[1];
    sys_follow(w->owner);
    work(L, seconds);
  }
  int err = errno;
  sys_closepipe(ends[1]);
  w->pipe = ends[0];
  w->process = process > 0 ? process : 0;
  if (process > 0)
    return 1;
  closeworker(w);
  errno = err;
  return luaL_fileresult(L, false, "fork");
}

/* list of workers: waits until one reports or ends, and returns its place; or 0
   where a signal came first. */
static int worker_wait(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t n = lua_rawlen(L, 1);
  struct pollfd *list = lua_newuserdatauv(L, (n + 1) * sizeof *list, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    list[i] = (struct pollfd){.fd = checkworker(L, -1)->pipe, .events = POLLIN};
    lua_pop(L, 1);
  }
  lua_Integer ready = 0;
  if (sys_pollpipes(list, (nfds_t)n) > 0)
    for (size_t i = n; i > 0; i--)
      if (list[i - 1].revents != 0)
        ready = (lua_Integer)i;
  lua_pushinteger(L, ready);
  return 1;
}

/* worker: the next piece of its report; nil at the end. */
static int worker_read(lua_State *L) {
  char data[4096];
  ssize_t n;
  const Worker *w = checkworker(L, 1);
  do
    n = sys_readpipe(w->pipe, data, sizeof data);
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    return 0;
  lua_pushlstring(L, data, (size_t)n);
  return 1;
}

/* worker: waits for its end; returns "exit" and its status, "signal" and its
   number, or "timeout". */
static int worker_close(lua_State *L) {
  Worker *w = checkworker(L, 1);
  pid_t process = w->process;
  closeworker(w);
  w->process = 0;
  int status = process > 0 ? sys_waitpid(process) : -1;
  bool signalled = status >= 0 && WIFSIGNALED(status);
  if (signalled && WTERMSIG(status) == SIGALRM) {
    lua_pushliteral(L, "timeout");
    return 1;
  }
  lua_pushstring(L, signalled ? "signal" : "exit");
  lua_pushinteger(L, signalled ? WTERMSIG(status) : WEXITSTATUS(status));
  return 2;
}

static const luaL_Reg methods[] = {{"read", worker_read},
                                   {"close", worker_close},
                                   {"kill", worker_gc},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"start", worker_start}, {"wait", worker_wait}, {NULL, NULL}};

__attribute__((visibility("default"))) int
luaopen_mcast_sim_worker(lua_State *L) {
  luaL_checkversion(L);
  luaL_newmetatable(L, WORKER);
  lua_pushcfunction(L, worker_gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  lua_pushfstring(L, "%s%s", SYS_LIBRARY, sys_libraryversion());
  lua_setfield(L, -2, "library");
  return 1;
}
