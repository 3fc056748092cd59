/*
** string.format and string.gsub of nodes: Lua's own, except where they show an
** object, or call a function of the script, which may wait. A function in Lua
** serves these calls.
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

/* Lua's function, another one: returns the function that chooses. */
static int pushchoice(lua_State *L, lua_CFunction f) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_pushcclosure(L, f, 2);
  return 1;
}

static int text_newformat(lua_State *L) { return pushchoice(L, text_format); }

static int text_newgsub(lua_State *L) { return pushchoice(L, text_gsub); }

const luaL_Reg sim_textfunctions[] = {
    {"format", text_newformat}, {"gsub", text_newgsub}, {NULL, NULL}};
