/*
** The system's time of day, for mcast.trace. A module of its own in this library,
** mcast.clock, which Lua's require finds here: scripts have mcast.now, which does
** not jump.
*/
#include "mcast.h"

/* Returns integer nanoseconds since 1970: clock_gettime(2), CLOCK_REALTIME. */
static int clock_read(lua_State *L) {
  lua_pushinteger(L, sys_timeofday());
  return 1;
}

int luaopen_mcast_clock(lua_State *L);

__attribute__((visibility("default"))) int luaopen_mcast_clock(lua_State *L) {
  lua_pushcfunction(L, clock_read);
  return 1;
}
