/*
** Coroutines of scripts: as in Lua's library, but a wait in one of them yields
** from all of them to the scheduler, which later resumes them all.
*/
#include "sim.h"

/* In the registry: functions of the library that are in C in Lua, so that a
   script cannot yield from functions that they call, though it can wait. */
#define SIM_UNYIELDABLE "mcast.sim.unyieldable"

static lua_State *checkco(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

static void checkrunning(lua_State *L) {
  if (sim_current == NULL)
    luaL_error(L, "resume: only a running node resumes its coroutines");
}

static int resumeinner(lua_State *L, lua_State *co, int arguments);

/* Another node may have resumed the coroutine meanwhile. */
static int resumeagain(lua_State *L, int status, lua_KContext ctx) {
  lua_State *co = (lua_State *)ctx;
  (void)status;
  checkrunning(L);
  if (lua_status(co) != LUA_YIELD)
    luaL_error(L, "resume: another node has resumed the coroutine");
  return resumeinner(L, co, 0);
}

/* Closes a coroutine: its __close run in it. */
static int closethread(sim_Node *node, lua_State *co) {
  lua_State *running = sim_enter(node, co);
  int status = lua_resetthread(co);
  node->L = running;
  return status;
}

/* Moves an error from a wrapped coroutine, closes that, and raises it. */
static int raisewrapped(lua_State *L, lua_State *co) {
  lua_xmove(co, L, 1);
  if (closethread(sim_current, co) != LUA_OK)
    lua_xmove(co, L, 1); /* a __close raised another error */
  sim_checkending(L);
  if (lua_type(L, -1) == LUA_TSTRING) { /* prepend the caller's position */
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

/* Returns the number of results; where the coroutine waits, it yields. */
static int resumeinner(lua_State *L, lua_State *co, int arguments) {
  sim_Node *node = sim_current;
  int results = 0;
  bool unyieldable = !lua_isyieldable(L);
  node->unyieldable += unyieldable;
  (void)sim_enter(node, co);
  int status = lua_resume(co, L, arguments, &results);
  node->L = L;
  node->unyieldable -= unyieldable;
  sim_checkending(L);
  if (status == LUA_YIELD && node->waiting) {
    lua_pop(co, results);
    return lua_yieldk(L, 0, (lua_KContext)co, resumeagain);
  }
  bool wrapped = lua_toboolean(L, lua_upvalueindex(2));
  if (status == LUA_OK || status == LUA_YIELD) {
    luaL_checkstack(L, results + 1, "too many results to resume");
    if (!wrapped)
      lua_pushboolean(L, true);
    lua_xmove(co, L, results);
    return results + !wrapped;
  }
  if (wrapped)
    return raisewrapped(L, co);
  lua_pushboolean(L, false);
  lua_xmove(co, L, 1);
  return 2;
}

/* Does it run, or resume another one? */
static bool isactive(lua_State *co) {
  lua_Debug ar;
  return lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar);
}

/* Moves the arguments to a coroutine that can be resumed; where it cannot,
   pushes a message and returns false. */
static bool prepare(lua_State *L, lua_State *co, int arguments) {
  bool active = isactive(co);
  bool fresh = lua_status(co) == LUA_OK && !active && lua_gettop(co) > 0;
  checkrunning(L);
  if (!fresh && lua_status(co) != LUA_YIELD) {
    lua_pushfstring(L, "cannot resume %s coroutine",
                    active ? "non-suspended" : "dead");
    return false;
  }
  if (!lua_checkstack(co, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return false;
  }
  lua_xmove(L, co, arguments);
  return true;
}

static int coroutine_resume(lua_State *L) {
  lua_State *co = checkco(L);
  int arguments = lua_gettop(L) - 1;
  if (!prepare(L, co, arguments)) {
    lua_pushboolean(L, false);
    lua_insert(L, -2);
    return 2;
  }
  return resumeinner(L, co, arguments);
}

static int resumewrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int arguments = lua_gettop(L);
  if (!prepare(L, co, arguments))
    return luaL_error(L, "%s", lua_tostring(L, -1));
  return resumeinner(L, co, arguments);
}

static int coroutine_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushboolean(L, true);
  lua_pushcclosure(L, resumewrapped, 2);
  return 1;
}

static bool isnodemain(const lua_State *L) {
  return sim_current != NULL && sim_current->main == L;
}

/* Does one of those functions run in this coroutine? */
static bool iscalledback(lua_State *L) {
  lua_Debug ar;
  bool found = false;
  if (sim_current == NULL || sim_current->unyielding == 0)
    return false;
  luaL_checkstack(L, 3, NULL);
  lua_getfield(L, LUA_REGISTRYINDEX, SIM_UNYIELDABLE);
  for (int level = 0; !found && lua_getstack(L, level, &ar); level++) {
    (void)lua_getinfo(L, "f", &ar);
    found = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return found;
}

static int coroutine_yield(lua_State *L) {
  if (isnodemain(L))
    return luaL_error(L, "attempt to yield from outside a coroutine");
  if (iscalledback(L)) {
    lua_pushliteral(L, "attempt to yield across a C-call boundary");
    return lua_error(L);
  }
  return lua_yield(L, lua_gettop(L));
}

/* close([co]), by Lua's own. Since 5.5 a running coroutine closes itself, but a
   node's main one is its script. */
static int coroutine_close(lua_State *L) {
  lua_CFunction own = lua_tocfunction(L, lua_upvalueindex(1));
  lua_State *co = lua_tothread(L, 1);
  if (LUA_VERSION_NUM >= 505 && isnodemain(L) && (lua_isnone(L, 1) || co == L))
    return luaL_error(L, "cannot close main thread");
  if (sim_current == NULL || co == NULL || isactive(co))
    return own(L);
  lua_State *running = sim_enter(sim_current, co);
  int results = own(L);
  sim_current->L = running;
  sim_checkending(L);
  return results;
}

/* closing(own): returns close. */
static int coroutine_closing(lua_State *L) {
  luaL_argexpected(L, lua_iscfunction(L, 1), 1, "function in C");
  lua_pushcclosure(L, coroutine_close, 1);
  return 1;
}

/* The change of the count of such calls; one that raised stays counted. */
static int coroutine_unyielding(lua_State *L) {
  sim_checkcurrent(L, "call")->unyielding += (int)luaL_checkinteger(L, 1);
  return 0;
}

static int coroutine_isyieldable(lua_State *L) {
  lua_State *co = lua_isnone(L, 1) ? L : checkco(L);
  lua_pushboolean(L,
                  !isnodemain(co) && lua_isyieldable(co) && !iscalledback(co));
  return 1;
}

static int coroutine_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, isnodemain(L));
  return 2;
}

const luaL_Reg sim_coroutinefunctions[] = {
    {"resume", coroutine_resume},
    {"wrap", coroutine_wrap},
    {"yield", coroutine_yield},
    {"isyieldable", coroutine_isyieldable},
    {"running", coroutine_running},
    {"closing", coroutine_closing},
    {"unyielding", coroutine_unyielding},
    {NULL, NULL}};
