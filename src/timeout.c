/*
** Timeouts: seconds in Lua, nanoseconds here.
*/
#include "mcast.h"

#include <math.h>

/* Rounded up: a wait is late rather than early. */
int64_t mcast_nanoseconds(lua_Number seconds) {
  lua_Number ns = ceil(seconds * 1e9);
  if (ns <= 0)
    return 0;
  return ns < 9.2e18 ? (int64_t)ns : MCAST_FOREVER;
}

/* A timeout argument: nil waits for ever, 0 or less polls, NaN raises. */
int64_t mcast_checktimeout(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg))
    return MCAST_FOREVER;
  lua_Number seconds = luaL_checknumber(L, arg);
  luaL_argcheck(L, !isnan(seconds), arg, "seconds expected, got NaN");
  return mcast_nanoseconds(seconds);
}
