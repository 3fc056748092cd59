/*
** Runs Lua scripts in states of their own, in which one system call or one
** allocation fails.
** usage: host script [argument ...]; the script has the global table `host`.
*/
#define _GNU_SOURCE
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE 20 /* seconds that an attempt may take */

int luaopen_mcast(lua_State *L);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) {
  return "abort_on_error=1:malloc_context_size=5:quarantine_size_mb=16";
}
const char *__ubsan_default_options(void) { return "abort_on_error=1"; }

#if LUA_VERSION_NUM < 505
#define newstate(allocate, data) lua_newstate(allocate, data)
#else /* a seed for the hashes of strings, too */
#define newstate(allocate, data) lua_newstate(allocate, data, 1)
#endif

/*
** Memory.
*/

typedef struct Memory {
  size_t used;
  long requests;
  long n;            /* the request that fails; 0: none */
  bool all;          /* and all after it */
  const void *block; /* the refused request ... */
  size_t size;
  bool again;   /* ... which Lua repeats after a collection */
  bool refused; /* a request was */
} Memory;

static bool refuses(Memory *m, const void *block, size_t nsize) {
  bool again = m->again && block == m->block && nsize == m->size;
  m->again = false;
  if (m->n == 0)
    return false;
  if (again)
    return true;
  m->requests++;
  if (m->requests != m->n && !(m->all && m->requests > m->n))
    return false;
  m->again = m->refused = true;
  m->block = block;
  m->size = nsize;
  return true;
}

static void *allocate(void *data, void *block, size_t osize, size_t nsize) {
  Memory *m = data;
  osize = block != NULL ? osize : 0;
  if (nsize > osize && refuses(m, block, nsize))
    return NULL;
  m->used += nsize - osize;
  if (nsize > 0)
    return __real_realloc(block, nsize);
  __real_free(block);
  return NULL;
}

/*
** Attempts.
*/

static char current[100] = "before the first attempt\n";

/* By SIGALRM too, where an attempt hangs. */
static void die(int number) {
  if (write(STDERR_FILENO, current, strlen(current)) < 0)
    _exit(2);
  signal(number, SIG_DFL);
  raise(number);
}

static int countdescriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int n = 0;
  while (directory != NULL && readdir(directory) != NULL)
    n++;
  if (directory != NULL)
    closedir(directory);
  return n;
}

typedef struct Attempt {
  const char *chunk;
  size_t len;
  int err; /* the script's arguments */
  double patience;
  int part;
  Memory *memory;
  long n;
} Attempt;

static int perform(lua_State *L) {
  const Attempt *a = lua_touserdata(L, 1);
  a->memory->n = a->n;
  if (luaL_loadbufferx(L, a->chunk, a->len, "=whole.lua", NULL) != LUA_OK)
    return lua_error(L);
  lua_pushinteger(L, a->err);
  lua_pushnumber(L, a->patience);
  lua_pushinteger(L, a->part);
  lua_call(L, 3, 4);
  return 4;
}

static int getready(lua_State *L) {
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_mcast);
  lua_setfield(L, -2, "mcast");
  lua_settop(L, 0);
  return 0;
}

static void setboolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void setinteger(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void settext(lua_State *L, const char *name, lua_State *from, int at) {
  size_t len;
  const char *text = lua_tolstring(from, at, &len);
  lua_pushlstring(L, text != NULL ? text : "", text != NULL ? len : 0);
  lua_setfield(L, -2, name);
}

/* Sets the script's results in the table at the top. */
static void setresults(lua_State *L, lua_State *from, int status) {
  setboolean(L, "ended", status == LUA_OK);
  setboolean(L, "memory", status == LUA_ERRMEM);
  if (status != LUA_OK) {
    settext(L, "message", from, -1);
    return;
  }
  setinteger(L, "reported", lua_tointeger(from, -4));
  settext(L, "first", from, -3);
  settext(L, "transcript", from, -2);
  setinteger(L, "parts", lua_tointeger(from, -1));
}

/* attempt(chunk, errno, patience, part, kind, n, all): returns a table of results.
   The kind "memory" is the allocations of Lua. */
static int host_attempt(lua_State *L) {
  Memory memory = {0};
  Attempt a = {luaL_checkstring(L, 1), 0, 0, 0, 0, &memory, 0};
  const char *kind = luaL_optstring(L, 5, NULL);
  int n = (int)luaL_optinteger(L, 6, 0);
  bool lua = kind != NULL && strcmp(kind, "memory") == 0;
  a.err = (int)luaL_checkinteger(L, 2);
  a.patience = luaL_checknumber(L, 3);
  a.part = (int)luaL_checkinteger(L, 4);
  a.len = lua_rawlen(L, 1);
  a.n = lua ? n : 0;
  memory.all = lua_toboolean(L, 7);
  snprintf(current, sizeof current, "in attempt %s %d, errno %d\n",
           kind != NULL ? kind : "", n, a.err);
  lua_createtable(L, 0, 10);

  int before = countdescriptors();
  long lent = inject_lent;
  lua_State *fresh = newstate(allocate, &memory);
  getready(fresh);
  lua_pushcfunction(fresh, perform);
  lua_pushlightuserdata(fresh, &a);
  alarm(PATIENCE);
  inject_arm(lua ? NULL : kind, n, a.err);
  int status = lua_pcall(fresh, 1, 4, 0);
  setboolean(L, "reached", inject_disarm() || memory.refused);
  memory.n = 0;
  setresults(L, fresh, status);
  lua_close(fresh);
  alarm(0);

  setinteger(L, "bytes", (lua_Integer)memory.used);
  setinteger(L, "lent", inject_lent - lent);
  setinteger(L, "descriptors", countdescriptors() - before);
  return 1;
}

/* calls(): returns the number of calls of each kind in the last attempt. */
static int host_calls(lua_State *L) {
  lua_newtable(L);
  for (inject_Kind *k = inject_kinds; k->name != NULL; k++)
    setinteger(L, k->name, k->calls);
  return 1;
}

#define E(name)                                                                \
  { #name, name }

static const struct {
  const char *name;
  int number;
} errors[] = {E(EACCES),          E(EADDRINUSE),   E(EADDRNOTAVAIL),
              E(EAFNOSUPPORT),    E(EAGAIN),       E(EALREADY),
              E(EBADF),           E(ECONNREFUSED), E(ECONNRESET),
              E(EDESTADDRREQ),    E(EDQUOT),       E(EFAULT),
              E(EHOSTUNREACH),    E(EINPROGRESS),  E(EINTR),
              E(EINVAL),          E(EIO),          E(EISCONN),
              E(EMFILE),          E(EMSGSIZE),     E(ENETDOWN),
              E(ENETUNREACH),     E(ENFILE),       E(ENOBUFS),
              E(ENODEV),          E(ENOENT),       E(ENOMEM),
              E(ENOPROTOOPT),     E(ENOSPC),       E(ENOTCONN),
              E(ENOTSOCK),        E(ENOTTY),       E(ENXIO),
              E(EOPNOTSUPP),      E(EPERM),        E(EPIPE),
              E(EPROTONOSUPPORT), E(EPROTOTYPE),   E(ETIMEDOUT)};

static void pusherrors(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
    setinteger(L, errors[i].name, errors[i].number);
}

int main(int argc, char **argv) {
  Memory memory = {0};
  lua_State *L = newstate(allocate, &memory);
  signal(SIGALRM, die);
  signal(SIGABRT, die);
  luaL_openlibs(L);
  lua_newtable(L);
  lua_pushcfunction(L, host_attempt);
  lua_setfield(L, -2, "attempt");
  lua_pushcfunction(L, host_calls);
  lua_setfield(L, -2, "calls");
  pusherrors(L);
  lua_setfield(L, -2, "errno");
  lua_setglobal(L, "host");
  lua_newtable(L);
  for (int i = 2; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  bool bad = luaL_dofile(L, argc > 1 ? argv[1] : "") != LUA_OK;
  if (bad)
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return bad;
}
