/***
UDP multicast for Lua.

Seconds are numbers and may be fractions. A timeout of nil (or `math.huge`)
waits for ever, 0 or less polls, NaN raises. A wrong type, a constant out of
range and an unknown option raise. What depends on the world gives nil, a
message and an errno; a timeout gives `nil, "timeout", mcast.errno.ETIMEDOUT`.
@module mcast
*/
#include "mcast.h"

/***
Makes a socket, bound. The options, each with its default:

- `host`, `port`: bind to (any; 0, ephemeral). An address as host has its port.
A group as host: hears that group only. A unicast address as host: hears no
multicast at all.
- `family`: `"inet"` or `"inet6"` (that of host or interface, else `"inet"`).
- `interface`: name, index or own address of the interface that multicast leaves
  by and joins use (by route; read as `""`). It sets the source address, too.
- `ttl`: 0 to 255 hops that multicast may travel (1).
- `unicast_ttl`: 1 to 255 hops for unicast (the kernel's).
- `loopback`: does this host hear what the socket sends? (true) On Linux and
  macOS the sender's flag counts; what is sent by the loopback interface is
heard in any case.
- `all`: deliver groups that other sockets of the host joined (false).
- `reuseaddr`: several sockets share the port (true where a port is given).
- `reuseport`: the kernel balances unicast among the sharers (false).
- `rcvbuf`, `sndbuf`: buffers, bytes as getsockopt tells them (the kernel's).
- `dscp`: 0 to 63 (0).
- `device`: SO_BINDTODEVICE, named as an interface is (none; read as `""`).
- `v6only`: an inet6 socket does not hear IPv4 (true).
- `metadata`: `recvmsg` may be used (false). Creation only.
- `spin`: seconds that a wait polls before it sleeps, and at its end (0).
@function socket
@tparam ?table options
@treturn socket|nil
@treturn ?string message
@treturn ?integer errno: `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, `EMFILE` ...
@usage local sock <close> = assert(mcast.socket { port = 10000 })
@follows socket(2), bind(2), socket(7), ip(7), ipv6(7)
*/

/***
An address.
@function address
@tparam string host numeric, `"ff02::1%eth0"` with its zone; or both as one
text,
`"224.3.29.71:10000"`, `"[ff02::1%eth0]:10000"`
@tparam ?integer port 0 to 65535
@treturn address|nil
@treturn ?string message
@treturn ?integer errno: `EINVAL`, no address; `ENODEV`, a zone that is none
@raise where the port is a number out of range
@usage local group = assert(mcast.address("224.3.29.71", 10000))
*/

/***
Waits until sockets can be received from. Receive with a timeout of 0 then: by
IPv6, a socket is ready for what `all = false` keeps from it, too.
@function poll
@tparam {socket,...} sockets
@tparam ?number timeout seconds; nil waits for ever, 0 or less polls
@treturn table|nil list of the sockets that are ready, in the order given
@treturn ?string message (`"timeout"`)
@treturn ?integer errno
@usage for _, s in ipairs(mcast.poll({ a, b }, 0.2) or {}) do
print(s:recvfrom(0)) end
@follows poll(2)
*/

/***
Monotonic seconds, never affected by a clock that is set.
@function now
@treturn number seconds
@usage local start = mcast.now()
@follows clock_gettime(2)
*/

/***
Sleeps.
@function sleep
@tparam number seconds 0 or less returns at once, NaN raises
@usage mcast.sleep(0.2)
*/

/***
The interfaces of this host: `{name, index, addresses, up, running, loopback,
multicast, mtu}` each; addresses as text, mtu in bytes.
@function interfaces
@treturn table|nil list
@treturn ?string message
@treturn ?integer errno
@usage for _, i in ipairs(mcast.interfaces()) do print(i.name, i.multicast) end
@follows getifaddrs(3)
*/

/***
Names of errors to their numbers, for comparing.
@table errno
@usage if errno == mcast.errno.ETIMEDOUT then print "nobody there" end
@follows errno(3)
*/

/***
`"mcast X.Y.Z"`
@tfield string _VERSION
*/

/* Pushes the shared upvalues. They are the same for every opening in a state,
   so that equal addresses stay one object. */
static void pushupvalues(lua_State *L) {
  luaL_newmetatable(L, "mcast.socket");
  luaL_newmetatable(L, "mcast.address");
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, "mcast.interned")) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_newuserdatauv(L, MCAST_BUFFERSIZE, 0);
  if (luaL_loadbufferx(L, "", 0, "=mcast", "t") != LUA_OK)
    lua_error(L);
}

__attribute__((visibility("default"))) int luaopen_mcast(lua_State *L) {
  luaL_checkversion(L);
  lua_settop(L, 0);
  pushupvalues(L);
  mcast_pushmodule(L);
  return 1;
}
