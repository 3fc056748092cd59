/***
@module mcast
*/
#include "mcast.h"

/***
Trace
@section trace
*/

/***
Records a flag or a state for the simulator's trace and diagram. On the real
network `mcast.trace` records it, else it does nothing; it raises while a net
runs: a note of a node is one of its own module. In the simulator, the key "op" is that of an operation
of a history: `mcast.note("op", "invoke 7 write x 3")`, later "ok 7 write x 3", or
the same with "fail" or "unknown" (`Net:history`).
@function note
@tparam string text of a flag, or the key of a state
@tparam[opt] string|number|boolean value of the state
@usage mcast.note("role", "leader")
*/
int mcast_note(lua_State *L) {
  luaL_checkstring(L, 1);
  if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2))
    luaL_checkstring(L, 2);
  mcast_checkrefusal(L);
  return 0;
}
