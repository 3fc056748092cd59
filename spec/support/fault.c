/*
** System calls for specs that Lua does not have: fork, and signals by the
** thousand.
*/
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void count(int signal) {
  (void)signal;
  caught++;
}

/* Sends a signal every so many microseconds; 0 stops. Returns how many came. */
static int storm(lua_State *L) {
  int period = (int)luaL_checkinteger(L, 1);
  struct itimerval timer = {{0, period}, {0, period}};
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
  lua_pushinteger(L, caught);
  caught = 0;
  return 1;
}

/* Calls a function in a process made by fork, and waits for its end. */
static int forked(lua_State *L) {
  int status = 0;
  pid_t pid = fork();
  if (pid == 0)
    _exit(lua_pcall(L, 0, 0, 0));
  waitpid(pid, &status, 0);
  lua_pushboolean(L, status == 0);
  return 1;
}

int luaopen_fault(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, storm);
  lua_setfield(L, -2, "storm");
  lua_pushcfunction(L, forked);
  lua_setfield(L, -2, "forked");
  return 1;
}
