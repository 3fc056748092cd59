/***
UDP multicast for Lua.

Seconds are numbers and may be fractions. A timeout of nil (or `math.huge`)
waits for ever, 0 or less polls, NaN raises. A wrong type, a constant out of
range and an unknown option raise. Failures of the network, the system or input
text return nil, a message and an errno; a timeout returns `nil, "timeout",
mcast.errno.ETIMEDOUT`.
@module mcast
*/
#include "mcast.h"

/***
Create
@section create
*/

/***
Makes a socket and binds it.
@function socket
@tparam[opt] table options
@tparam[opt] string|address options.host the address to bind to (default: any).
An address object brings its port. With a group, only datagrams to that group
are received; with a unicast address, no multicast at all, so `join` refuses.
@tparam[opt=0] integer options.port 0 to 65535; 0 is an ephemeral port
@tparam[opt] string options.family `"inet"` or `"inet6"` (default: that of
`host`, else of `interface`, else `"inet"`)
@tparam[opt] integer options.fd a UDP socket's descriptor to adopt, such as one of
systemd's socket activation; at creation only. It must not be connected, and
nobody else may use it: the socket owns it, sets close-on-exec and closes it. It
is bound if it was not. Options that are named are set, `all` and `interface` have
their defaults, others keep the descriptor's values. Where the call fails, the
descriptor stays open, and the caller's. Groups that it joined before are unknown
to the socket.
@tparam[opt] string|integer|address options.interface name (also an alternative
one, and a name of digits before an index), index or own address of the interface
that multicast is sent by and joins use (default: by route, which is read as
`""`). An own address is the source, too; for a name or an index it is the address
that the interface has when it sends, its first one.
@tparam[opt=1] integer options.ttl hops of multicast, 0 to 255; 0 stays on this
host
@tparam[opt] integer options.unicast_ttl hops of unicast, 1 to 255 (default: the
kernel's)
@tparam[opt=true] boolean options.loopback deliver to receivers on this host. On
Linux and macOS the sender's option counts, and the loopback interface delivers
in any case.
@tparam[opt=false] boolean options.all receive groups that other sockets of this
host joined
@tparam[opt=false] boolean options.broadcast allow sends to broadcast addresses
@tparam[opt=true] boolean options.fragment true, the kernel's default: a datagram
larger than the MTU is cut. One that fits is not cut by routers (IPv4: it carries
DF), so a router to a smaller MTU drops multicast. False: nothing is cut, and a
send of more than the MTU fails with EMSGSIZE, whose message names the MTU.
@tparam[opt] boolean options.reuseaddr let several sockets share the port
(default: true where a port is given)
@tparam[opt=false] boolean options.reuseport let the kernel balance unicast among
the sockets that share the port
@tparam[opt] integer options.rcvbuf size of the receive buffer, bytes, as
getsockopt returns it (default: the kernel's)
@tparam[opt] integer options.sndbuf size of the send buffer, likewise
@tparam[opt=0] integer options.dscp DiffServ code point, 0 to 63
@tparam[opt] string|integer|address options.device bind to this interface
(SO_BINDTODEVICE; default: none, which is read as `""`): all is received by it
alone, so joins use it, too
@tparam[opt=true] boolean options.v6only receive no IPv4 on an inet6 socket. With
false, options hold for both families.
@tparam[opt=false] boolean options.metadata allow `recvmsg`; at creation only
@tparam[opt=0] number options.spin seconds that a wait polls before it sleeps,
and at its end
@treturn socket|nil
@treturn ?string message
@treturn ?integer errno: `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, `EMFILE` ...
@usage local sock <close> = assert(mcast.socket { port = 10000 })
@follows socket(2), bind(2), socket(7), ip(7), ipv6(7)
*/

/***
Makes an address.
@function address
@tparam string host numeric, `"ff02::1%eth0"` with its zone; or host and port as
one text, `"224.3.29.71:10000"`, `"[ff02::1%eth0]:10000"`
@tparam[opt] integer port 0 to 65535
@treturn address|nil
@treturn ?string message
@treturn ?integer errno: `EINVAL`, not an address; `ENODEV`, no such zone
@raise where the port is a number out of range
@usage local group = assert(mcast.address("224.3.29.71", 10000))
*/

/***
Wait
@section wait
*/

/***
Waits until one of the sockets has a datagram for the script, or one of the
writers has room in its send buffer. Datagrams that an IPv6 socket discards for
`all = false` are discarded here.
@function poll
@tparam {socket,...} sockets
@tparam[opt] number timeout seconds; nil waits for ever, 0 or less polls
@tparam[opt] {socket,...} writers
@treturn table|nil list of the sockets that are ready, in the order given
@treturn table|string|nil where writers are passed, the list of those that can
send; or a message (`"timeout"`)
@treturn ?integer errno
@usage
for _, s in ipairs(mcast.poll({ a, b }, 0.2) or {}) do
  print(s:recvfrom(0))
end
@follows poll(2)
*/

/***
Returns monotonic time, which setting the clock does not affect.
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
Look up
@section lookup
*/

/***
Lists the interfaces of this host: `{name, index, addresses, up, running,
loopback, multicast, mtu}` each; addresses as text, mtu in bytes.
@function interfaces
@treturn table|nil list
@treturn ?string message
@treturn ?integer errno
@usage for _, i in ipairs(mcast.interfaces()) do print(i.name, i.multicast) end
@follows getifaddrs(3)
*/

/***
Makes a monitor, which reports interfaces and addresses that come and go.
@function monitor
@treturn monitor|nil
@treturn ?string message
@treturn ?integer errno: `EMFILE`, or those of a system that lets this process ask
for no changes
@usage local monitor <close> = assert(mcast.monitor())
@follows rtnetlink(7), getifaddrs(3)
*/

/***
Maps names of errors to their numbers, for comparisons.
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
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, "mcast.interned"))
    mcast_makeinterned(L);
  lua_newuserdatauv(L, MCAST_BUFFERSIZE, 0);
  if (luaL_loadbufferx(L, "", 0, "=mcast", "t") != LUA_OK)
    lua_error(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, "mcast.refusal");
  luaL_newmetatable(L, "mcast.monitor");
  if (lua_getfield(L, LUA_REGISTRYINDEX, "mcast.alive") == LUA_TNIL) {
    lua_pop(L, 1);
    mcast_makealive(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "mcast.alive");
  }
}

__attribute__((visibility("default"))) int luaopen_mcast(lua_State *L) {
  luaL_checkversion(L);
  lua_settop(L, 0);
  pushupvalues(L);
  mcast_pushmodule(L);
  return 1;
}
