/*
** string.format, string.gsub, tostring and table.sort of nodes: Lua's own, except
** where they show an object, or call a function of the script, which may wait. A
** function in Lua serves these calls.
*/
#include "sim.h"

/* The upvalues: Lua's function, and that in Lua. */
static int callown(lua_State *L) {
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int returnall(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

static int callother(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, returnall);
  return lua_gettop(L);
}

/* Does the form have a conversion "%p"? */
static bool haspointer(lua_State *L) {
  static const char modifiers[] = "-+ #0123456789.";
  size_t len;
  const char *form = lua_tolstring(L, 1, &len);
  bool conversion = false;
  for (size_t i = 0; i < len; i++)
    if (!conversion)
      conversion = form[i] == '%';
    else if (form[i] == 'p')
      return true;
    else
      conversion = memchr(modifiers, form[i], sizeof modifiers - 1) != NULL;
  return false;
}

static bool isobject(lua_State *L, int arg) {
  return !lua_isnil(L, arg) && !lua_isboolean(L, arg) && !lua_isstring(L, arg);
}

static int text_format(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return callown(L);
  for (int i = lua_gettop(L); i > 1; i--)
    if (isobject(L, i))
      return callother(L);
  return haspointer(L) ? callother(L) : callown(L);
}

static int text_gsub(lua_State *L) {
  bool calls = lua_isfunction(L, 3);
  if (lua_istable(L, 3) && luaL_getmetafield(L, 3, "__index") != LUA_TNIL) {
    lua_pop(L, 1);
    calls = true;
  }
  return calls ? callother(L) : callown(L);
}

static int text_tostring(lua_State *L) {
  return lua_gettop(L) > 0 && isobject(L, 1) ? callother(L) : callown(L);
}

/* Values of a kind but the last are equal only if they are the same. */
typedef enum Kind { INTEGER, FLOAT, STRING, OTHER } Kind;

static Kind getkind(lua_State *L, int arg) {
  lua_Number n = lua_tonumber(L, arg);
  if (lua_type(L, arg) == LUA_TSTRING)
    return STRING;
  if (lua_isinteger(L, arg))
    return INTEGER;
  return lua_type(L, arg) == LUA_TNUMBER && (n < 0 || n > 0) ? FLOAT : OTHER;
}

/* Is the list at 1 of one such kind? Then no choice of Lua's sort shows. */
static bool hasonekind(lua_State *L) {
  Kind kind = OTHER;
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    Kind k = getkind(L, -1);
    lua_pop(L, 1);
    if (k == OTHER || (i > 1 && k != kind))
      return false;
    kind = k;
  }
  return true;
}

/* table.sort(list, before): Lua's own draws a pivot from the clock, and no order
   function may wait in it. */
static int text_sort(lua_State *L) {
  bool istable = lua_istable(L, 1), hasmetatable = lua_getmetatable(L, 1);
  lua_settop(L, lua_gettop(L) - hasmetatable);
  if (!istable && (!hasmetatable || lua_type(L, 1) == LUA_TSTRING))
    return callown(L); /* raises */
  if (!lua_isnoneornil(L, 2) && !lua_isfunction(L, 2))
    return callown(L);
  if (hasmetatable || lua_isfunction(L, 2) || !hasonekind(L))
    return callother(L);
  return callown(L);
}

/* Lua's function, another one: returns the function that chooses. */
static int pushchoice(lua_State *L, lua_CFunction f) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushcclosure(L, f, 2);
  return 1;
}

static int text_newformat(lua_State *L) { return pushchoice(L, text_format); }

static int text_newgsub(lua_State *L) { return pushchoice(L, text_gsub); }

static int text_newtostring(lua_State *L) {
  return pushchoice(L, text_tostring);
}

static int text_newsort(lua_State *L) { return pushchoice(L, text_sort); }

const luaL_Reg sim_textfunctions[] = {{"format", text_newformat},
                                      {"gsub", text_newgsub},
                                      {"tostring", text_newtostring},
                                      {"sort", text_newsort},
                                      {NULL, NULL}};
