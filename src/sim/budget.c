/*
** Functions of Lua's library that may run for very long in C, where no hook
** counts: their work is paid from the node's budget before they begin.
*/
#include "sim.h"

#define BYTES 64           /* for an instruction */
#define LONGEST 0x7fffffff /* bytes of a text */

/* Calls the function of the library. */
static int callown(lua_State *L) {
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Of the value at 1; 0 where it has none, which the library reports. */
static lua_Integer getlength(lua_State *L) {
  if (!lua_istable(L, 1) && !luaL_getmetafield(L, 1, "__len"))
    return 0;
  lua_settop(L, lua_istable(L, 1) ? lua_gettop(L) : lua_gettop(L) - 1);
  return luaL_len(L, 1);
}

static void spendrange(lua_State *L, lua_Integer from, lua_Integer to) {
  if (from <= to)
    sim_spend(L, from <= 0 && to > LUA_MAXINTEGER + from ? LUA_MAXINTEGER
                                                         : to - from);
}

/* insert(t, position, value), remove(t, position): further ones are moved. */
static int budget_shift(lua_State *L) {
  if (lua_isinteger(L, 2) &&
      (lua_gettop(L) == 3 || lua_toboolean(L, lua_upvalueindex(2))))
    spendrange(L, lua_tointeger(L, 2), getlength(L));
  return callown(L);
}

/* move(t, from, to, at) */
static int budget_move(lua_State *L) {
  if (lua_isinteger(L, 2) && lua_isinteger(L, 3))
    spendrange(L, lua_tointeger(L, 2), lua_tointeger(L, 3));
  return callown(L);
}

/* concat(t, separator, from, to) */
static int budget_concat(lua_State *L) {
  lua_Integer from = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : 1;
  if (lua_isinteger(L, 4))
    spendrange(L, from, lua_tointeger(L, 4));
  else if (lua_isnoneornil(L, 4))
    spendrange(L, from, getlength(L));
  return callown(L);
}

/* create(n, others) */
static int budget_create(lua_State *L) {
  for (int arg = 1; arg <= 2; arg++)
    if (lua_isinteger(L, arg))
      spendrange(L, 0, lua_tointeger(L, arg));
  return callown(L);
}

/* rep(text, n, separator) */
static int budget_rep(lua_State *L) {
  lua_Integer n = lua_tointeger(L, 2);
  size_t len = 0, separator = 0;
  if (lua_isstring(L, 1) && n > 0) {
    (void)lua_tolstring(L, 1, &len);
    if (lua_isstring(L, 3))
      (void)lua_tolstring(L, 3, &separator);
    len += separator;
    if (len == 0) { /* Lua's would loop n times */
      lua_pushliteral(L, "");
      return 1;
    }
    if ((lua_Unsigned)n > LONGEST / len)
      return luaL_error(L, "resulting string too large");
    sim_spend(L, (lua_Integer)len * n / BYTES);
  }
  return callown(L);
}

/* pcall(f, ...) and xpcall(f, handler, ...). An error takes Lua far longer than
   an instruction, most of all that of an argument. `skipped` values lie below the
   results. */
static int finishcall(lua_State *L, int status, lua_KContext skipped) {
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - (int)skipped;
  lua_pushboolean(L, false);
  lua_insert(L, -2);
  sim_spend(L, SIM_FAILURE);
  return 2;
}

static int budget_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, true); /* the first result */
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finishcall);
  return finishcall(L, status, 0);
}

static int budget_xpcall(lua_State *L) {
  int arguments = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, true); /* the first result, behind function and handler */
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, 2, finishcall);
  return finishcall(L, status, 2);
}

static const struct {
  const char *library;
  const char *name;
  lua_CFunction function;
  bool removes;
} functions[] = {{"table", "insert", budget_shift, false},
                 {"table", "remove", budget_shift, true},
                 {"table", "move", budget_move, false},
                 {"table", "concat", budget_concat, false},
                 {"table", "create", budget_create, false},
                 {"string", "rep", budget_rep, false},
                 {"_G", "pcall", budget_pcall, false},
                 {"_G", "xpcall", budget_xpcall, false}};

/* Sets them in the table at the top, under the names of the library's, which
   has no table.create before Lua 5.5. */
void sim_setbudget(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  int loaded = lua_gettop(L);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    lua_getfield(L, -1, functions[i].library);
    lua_getfield(L, -1, functions[i].name);
    lua_pushboolean(L, functions[i].removes);
    if (lua_isfunction(L, -2)) {
      lua_pushcclosure(L, functions[i].function, 2);
      lua_setfield(L, -4, functions[i].name);
    }
    lua_settop(L, loaded);
  }
  lua_pop(L, 1);
}
