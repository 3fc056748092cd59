/*
** Checks of arguments, which all entry points share.
*/
#include "mcast.h"

/* The name of a value's type, as in "mcast.socket". May push it. */
static const char *nametype(lua_State *L, int arg) {
  arg = lua_absindex(L, arg);
  return luaL_getmetafield(L, arg, "__name") == LUA_TSTRING
             ? lua_tostring(L, -1)
             : luaL_typename(L, arg);
}

/* A value as messages show it: a number or a string, else its type, as an
   address in memory differs from run to run. May push it. */
const char *mcast_show(lua_State *L, int arg) {
  int type = lua_type(L, arg);
  return type == LUA_TNUMBER || type == LUA_TSTRING
             ? luaL_tolstring(L, arg, NULL)
             : nametype(L, arg);
}

/* Raises; the message shows the value of a number or a string. */
int mcast_badoption(lua_State *L, const char *name, const char *expected,
                    int arg) {
  return luaL_error(L, "bad option '%s' (%s expected, got %s)", name, expected,
                    mcast_show(L, arg));
}

/* Raises for the i-th item, at the top, of the list at arg. */
void mcast_baditem(lua_State *L, int arg, lua_Unsigned i,
                   const char *expected) {
  luaL_argerror(L, arg,
                lua_pushfstring(L, "%s expected at [%I], got %s", expected,
                                (LUAI_UACINT)i, nametype(L, -1)));
}

/* Is it this text, also behind a zero byte? */
bool mcast_isliteral(lua_State *L, int arg, const char *literal) {
  size_t len;
  if (lua_type(L, arg) != LUA_TSTRING)
    return false;
  const char *text = lua_tolstring(L, arg, &len);
  return len == strlen(literal) && memcmp(text, literal, len) == 0;
}

/*
** A socket or a monitor is known by its size and the list of those alive; a simulated
** one is in another list. An address, which is only bytes, is known by its size and
** by where it is, mixed with a place of this module. Each takes a third of the
** time of a comparison of metatables.
*/

_Static_assert(sizeof(mcast_Socket) != sizeof(mcast_Monitor), "known by size");

const char mcast_mark;

mcast_Socket *mcast_testsocket(lua_State *L, int arg) {
  mcast_Socket *s = lua_touserdata(L, arg);
  bool same = s != NULL && lua_rawlen(L, arg) == sizeof *s &&
              mcast_isalive(L, s, s->place);
  return same ? s : NULL;
}

mcast_Sockaddr *mcast_toaddress(lua_State *L, int arg) {
  mcast_Address *a = lua_touserdata(L, arg);
  bool same = a != NULL && lua_rawlen(L, arg) == sizeof *a &&
              a->mark == mcast_getmark(a);
  return same ? &a->value : NULL;
}

/* Raises for a value that is not alive, unless it was: a finalizer may still have one
   that is collected. */
static void checkcollected(lua_State *L, int arg, int metatable,
                           const char *name) {
  if (lua_touserdata(L, arg) == NULL || !lua_getmetatable(L, arg) ||
      !lua_rawequal(L, -1, metatable))
    luaL_typeerror(L, arg, name);
  lua_pop(L, 1);
}

/* NULL: it is collected. */
mcast_Socket *mcast_checkanysocket(lua_State *L, int arg) {
  mcast_Socket *s = mcast_testsocket(L, arg);
  if (s == NULL)
    checkcollected(L, arg, MCAST_SOCKETS, "mcast.socket");
  return s;
}

void mcast_checkopen(lua_State *L, const mcast_Socket *s) {
  if (s == NULL || s->fd < 0)
    luaL_error(L, "attempt to use a closed socket");
}

/* Raises while a host of this Lua state refuses the real network, as the simulator
   does while a net runs: registry["mcast.refusal"][1] is the text to raise. */
void mcast_checkrefusal(lua_State *L) {
  if (!MCAST_REFUSABLE || lua_rawlen(L, MCAST_REFUSAL) == 0)
    return;
  lua_rawgeti(L, MCAST_REFUSAL, 1);
  luaL_error(L, "%s", luaL_tolstring(L, -1, NULL));
}

mcast_Socket *mcast_checksocket(lua_State *L, int arg) {
  mcast_Socket *s = mcast_checkanysocket(L, arg);
  mcast_checkopen(L, s);
  mcast_checkrefusal(L);
  return s;
}

mcast_Monitor *mcast_testmonitor(lua_State *L, int arg) {
  mcast_Monitor *m = lua_touserdata(L, arg);
  bool same = m != NULL && lua_rawlen(L, arg) == sizeof *m &&
              mcast_isalive(L, m, m->place);
  return same ? m : NULL;
}

/* NULL: it is collected. */
mcast_Monitor *mcast_checkanymonitor(lua_State *L, int arg) {
  mcast_Monitor *m = mcast_testmonitor(L, arg);
  if (m == NULL)
    checkcollected(L, arg, MCAST_MONITORS, "mcast.monitor");
  return m;
}

void mcast_checkopenmonitor(lua_State *L, const mcast_Monitor *m) {
  if (m == NULL || m->fd < 0)
    luaL_error(L, "attempt to use a closed monitor");
}

mcast_Monitor *mcast_checkmonitor(lua_State *L, int arg) {
  mcast_Monitor *m = mcast_checkanymonitor(L, arg);
  mcast_checkopenmonitor(L, m);
  mcast_checkrefusal(L);
  return m;
}

int mcast_rawgetoption(lua_State *L, int arg, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, arg);
}
