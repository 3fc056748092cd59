/*
** A host program's use of SIGVTALRM, and its threads, for spec/sim_budget_spec.lua.
*/
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define THREADS 8

static volatile sig_atomic_t received;

static void count(int signal) {
  (void)signal;
  received++;
}

/* Counts signals from now on. */
static int handle(lua_State *L) {
  (void)L;
  (void)signal(SIGVTALRM, count);
  return 0;
}

/* Ignores them. */
static int ignore(lua_State *L) {
  (void)L;
  (void)signal(SIGVTALRM, SIG_IGN);
  return 0;
}

static int block(lua_State *L) {
  sigset_t set;
  (void)L;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGVTALRM);
  (void)sigprocmask(SIG_BLOCK, &set, NULL);
  return 0;
}

/* seconds: sets the timer. */
static int arm(lua_State *L) {
  struct itimerval timer = {{0, 0}, {luaL_checkinteger(L, 1), 0}};
  (void)setitimer(ITIMER_VIRTUAL, &timer, NULL);
  return 0;
}

static int send(lua_State *L) {
  (void)L;
  (void)raise(SIGVTALRM);
  return 0;
}

/* Returns the handler of the signal, the seconds of its timer, and the count of
   signals. */
static int state(lua_State *L) {
  struct sigaction action;
  struct itimerval timer;
  (void)sigaction(SIGVTALRM, NULL, &action);
  (void)getitimer(ITIMER_VIRTUAL, &timer);
  lua_pushstring(L, action.sa_handler == SIG_DFL   ? "default"
                    : action.sa_handler == SIG_IGN ? "ignored"
                    : action.sa_handler == count   ? "own"
                                                   : "other");
  lua_pushnumber(L, (lua_Number)timer.it_value.tv_sec +
                        (lua_Number)timer.it_value.tv_usec / 1e6);
  lua_pushinteger(L, received);
  return 3;
}

/* Runs a text in a state of its own. */
static void *run(void *text) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  bool ok = !luaL_dostring(L, text) && lua_isstring(L, -1);
  char *result = strdup(ok ? lua_tostring(L, -1) : luaL_tolstring(L, -1, NULL));
  lua_close(L);
  return result;
}

/* Texts in Lua: runs each in a thread of its own, and returns their results. */
static int threads(lua_State *L) {
  pthread_t thread[THREADS];
  int n = lua_gettop(L);
  for (int i = 0; i < n; i++)
    (void)pthread_create(&thread[i], NULL, run, (void *)lua_tostring(L, i + 1));
  for (int i = 0; i < n; i++) {
    void *result = NULL;
    (void)pthread_join(thread[i], &result);
    lua_pushstring(L, result);
    free(result);
  }
  return n;
}

static const luaL_Reg functions[] = {
    {"handle", handle}, {"ignore", ignore}, {"block", block},     {"arm", arm},
    {"send", send},     {"state", state},   {"threads", threads}, {NULL, NULL}};

int luaopen_host(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
