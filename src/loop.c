/***
@classmod socket
*/
#include "mcast.h"

/***
Event loops
@section loops
*/

/***
Returns the descriptor, which the socket keeps. LuaSocket's `select` and copas
call this and `dirty`. A simulated socket has none, so it raises there.
@function getfd
@treturn integer descriptor
@usage require "socket".select({ sock }, nil, 0.2)
*/

/***
Returns the descriptor; cqueues calls this. It raises as `getfd` does.
@function pollfd
@treturn integer descriptor
@usage require "cqueues".poll(sock, 0.2)
*/
int mcast_getfd(lua_State *L) {
  lua_pushinteger(L, mcast_checksocket(L, 1)->fd);
  return 1;
}

/***
True where the socket buffers datagrams that its descriptor does not show.
@function dirty
@treturn boolean
*/
int mcast_dirty(lua_State *L) {
  lua_pushboolean(L, mcast_isholding(mcast_checksocket(L, 1)));
  return 1;
}

/***
Returns the event that cqueues waits for: readable.
@function events
@treturn string `"r"`
*/
int mcast_events(lua_State *L) {
  mcast_checksocket(L, 1);
  lua_pushliteral(L, "r");
  return 1;
}

/***
Returns the longest time that cqueues may wait.
@function timeout
@treturn ?number seconds: 0 where the socket buffers datagrams, else nil
*/
int mcast_timeout(lua_State *L) {
  if (mcast_isholding(mcast_checksocket(L, 1)))
    lua_pushinteger(L, 0);
  else
    lua_pushnil(L);
  return 1;
}
