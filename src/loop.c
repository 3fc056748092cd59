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
call this and `dirty`. A loop that calls this alone, as those of luv do, may read
as often as it likes at each wake-up: such a socket buffers no datagrams that its
descriptor does not show, if this is called before the first receive. A simulated
socket has no descriptor, so it raises there.
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
  mcast_Socket *s = mcast_checksocket(L, 1);
  s->loop.descriptor = true;
  lua_pushinteger(L, s->fd);
  return 1;
}

static bool askholding(lua_State *L) {
  mcast_Socket *s = mcast_checksocket(L, 1);
  s->loop.holding = true;
  return mcast_isholding(s);
}

/***
True where the socket buffers datagrams that its descriptor does not show.
@function dirty
@treturn boolean
*/
int mcast_dirty(lua_State *L) {
  lua_pushboolean(L, askholding(L));
  return 1;
}

/***
Returns the events that cqueues waits for: readable; writable, too, after a send
ran out of its `timeout` for want of room in the send buffer, until the next send
succeeds.
@function events
@treturn string `"r"` or `"rw"`
*/
int mcast_events(lua_State *L) {
  lua_pushstring(L, mcast_checksocket(L, 1)->loop.full ? "rw" : "r");
  return 1;
}

/***
Returns the longest time that cqueues may wait.
@function timeout
@treturn ?number seconds: 0 where the socket buffers datagrams, else nil
*/
int mcast_timeout(lua_State *L) {
  if (askholding(L))
    lua_pushinteger(L, 0);
  else
    lua_pushnil(L);
  return 1;
}
