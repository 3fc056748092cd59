/*
** datagrams, whose iterator differs between system and simulator (receive.c).
*/
#include "mcast.h"

int mcast_datagrams(lua_State *L) {
  mcast_checksocket(L, 1);
  int64_t timeout = mcast_checktimeout(L, 2);
  for (int i = 1; i <= MCAST_UPVALUES; i++)
    lua_pushvalue(L, lua_upvalueindex(i));
  lua_pushinteger(L, timeout);
  lua_pushcclosure(L, mcast_nextdatagram, MCAST_UPVALUES + 1);
  lua_pushvalue(L, 1);
  return 2;
}
