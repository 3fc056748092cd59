/*
** Functions of Lua's library that may run for ever in C, where no hook ends them:
** a call visits a bounded number of elements.
*/
#include "sim.h"

#define MOST 100000000     /* elements that a call visits */
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

static void checkrange(lua_State *L, lua_Integer from, lua_Integer to) {
  if (from <= to && (lua_Unsigned)to - (lua_Unsigned)from >= MOST)
    luaL_error(L, "too many elements (a node's library visits %d at the most)",
               MOST);
}

/* insert(t, position, value), remove(t, position): further ones are moved. */
static int range_shift(lua_State *L) {
  if (lua_isinteger(L, 2) &&
      (lua_gettop(L) == 3 || lua_toboolean(L, lua_upvalueindex(2))))
    checkrange(L, lua_tointeger(L, 2), getlength(L));
  return callown(L);
}

/* move(t, from, to, at) */
static int range_move(lua_State *L) {
  if (lua_isinteger(L, 2) && lua_isinteger(L, 3))
    checkrange(L, lua_tointeger(L, 2), lua_tointeger(L, 3));
  return callown(L);
}

/* concat(t, separator, from, to) */
static int range_concat(lua_State *L) {
  lua_Integer from = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : 1;
  if (lua_isinteger(L, 4))
    checkrange(L, from, lua_tointeger(L, 4));
  else if (lua_isnoneornil(L, 4))
    checkrange(L, from, getlength(L));
  return callown(L);
}

/* create(n, others) */
static int range_create(lua_State *L) {
  for (int arg = 1; arg <= 2; arg++)
    if (lua_isinteger(L, arg))
      checkrange(L, 0, lua_tointeger(L, arg));
  return callown(L);
}

/* rep(text, n, separator) */
static int range_rep(lua_State *L) {
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
  }
  return callown(L);
}

static const struct {
  const char *library;
  const char *name;
  lua_CFunction function;
  bool removes;
} functions[] = {{"table", "insert", range_shift, false},
                 {"table", "remove", range_shift, true},
                 {"table", "move", range_move, false},
                 {"table", "concat", range_concat, false},
                 {"table", "create", range_create, false},
                 {"string", "rep", range_rep, false}};

/* Sets them in the table at the top, under the names of the library's, which
   has no table.create before Lua 5.5. */
void sim_setranges(lua_State *L) {
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
