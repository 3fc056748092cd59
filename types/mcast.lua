---@meta mcast
-- Definitions for editors that support LuaCATS.

---@class mcast
---@field _VERSION string "mcast X.Y.Z"
---@field errno table<string, integer> numbers of errors by name, such as ETIMEDOUT
local mcast = {}

---@class mcast.options
---@field host? string|mcast.address to bind to; default: any
---@field port? integer 0 to 65535; default 0, an ephemeral one
---@field family? "inet"|"inet6" default: that of host, else of interface, else "inet"
---@field fd? integer descriptor of a UDP socket that is not connected, to adopt; not in the simulator
---@field interface? string|integer|mcast.address name, index or own address, of multicast and joins; default "", by route
---@field ttl? integer hops of multicast, 0 to 255; default 1
---@field unicast_ttl? integer hops of unicast, 1 to 255; default: the kernel's
---@field loopback? boolean deliver to receivers on this host; default true
---@field all? boolean receive groups that other sockets of this host joined; default false
---@field broadcast? boolean allow sends to broadcast addresses; default false
---@field fragment? boolean cut datagrams larger than the MTU; false: EMSGSIZE, whose message names the MTU; default true
---@field reuseaddr? boolean share the port; default: true where a port is given
---@field reuseport? boolean balance unicast among the sockets that share the port; default false
---@field rcvbuf? integer bytes of the receive buffer; default: the kernel's
---@field sndbuf? integer bytes of the send buffer; default: the kernel's
---@field dscp? integer 0 to 63; default 0
---@field device? string|integer|mcast.address the only interface to receive by; default "", none
---@field v6only? boolean receive no IPv4 on an inet6 socket; default true
---@field metadata? boolean allow recvmsg; at creation only; default false
---@field spin? number seconds that a wait polls before it sleeps; default 0

---Options of one call of sendto or sendmany.
---@class mcast.choice
---@field interface? string|integer|mcast.address name, index or own address; default, and "": the socket's
---@field source? string|mcast.address unicast address of this host; a group raises
---@field ttl? integer hops to groups and hosts, 1 to 255
---@field timeout? number seconds to wait while the send buffer is full; 0 or less: not at all; default: for ever

---@class mcast.membership
---@field interface? string|integer|mcast.address name, index or own address; default: the socket's, else by route
---@field source? string|mcast.address default: any

---@class mcast.group
---@field group string
---@field interface string
---@field mode "include"|"exclude"
---@field sources string[]
---@field lost? true the interface is gone or was made again, or a forked process left: join again

---A field that the system does not report is nil.
---@class mcast.message
---@field data string
---@field from mcast.address the sender's
---@field group? string the host that it was sent to
---@field interface? string name of the one that received it
---@field ttl? integer on arrival, 0 to 255
---@field time number seconds since the epoch, of the kernel's receipt
---@field nanoseconds integer the same, since the epoch
---@field dropped integer datagrams that this socket had lost by then
---@field dscp? integer 0 to 63
---@field ecn? integer 0 to 3
---@field own? boolean the sender's address is one of this host's

---@class mcast.interface
---@field name string
---@field index integer
---@field addresses string[] numeric
---@field up boolean
---@field running boolean
---@field loopback boolean
---@field multicast boolean
---@field mtu? integer bytes

---@class mcast.address
---@field host string
---@field port integer
---@field family "inet"|"inet6"
---@field interface? string zone of an IPv6 address of link scope
---@field multicast boolean is it a group?
---@operator concat(string|number|mcast.address): string
local address = {}

---@param options? mcast.options
---@return mcast.socket? socket
---@return string? message
---@return integer? errno EADDRINUSE, EADDRNOTAVAIL, ENODEV, EMFILE; of fd: EBADF, ENOTSOCK, EISCONN ...
function mcast.socket(options) end

---@param host string|mcast.address
---@param port? integer
---@return mcast.address? address
---@return string? message
---@return integer? errno
function mcast.address(host, port) end

---@param sockets (mcast.socket|mcast.monitor)[]
---@param timeout? number seconds; nil waits for ever, 0 or less polls
---@param writers? mcast.socket[]
---@return (mcast.socket|mcast.monitor)[]? ready
---@return mcast.socket[]|string|nil writable those of writers that can send, where writers are passed; or a message
---@return integer? errno ETIMEDOUT; EINVAL, more sockets than descriptors
function mcast.poll(sockets, timeout, writers) end

---@return number seconds
function mcast.now() end

---@param seconds number
function mcast.sleep(seconds) end

---@return mcast.interface[]? interfaces
---@return string? message
---@return integer? errno
function mcast.interfaces() end

---@return mcast.monitor? monitor
---@return string? message
---@return integer? errno EMFILE; EPERM, where the system denies reports to this process
function mcast.monitor() end

---@param key string
---@param value? string|number|boolean
function mcast.note(key, value) end

---@class mcast.change
---@field kind "added"|"removed"|"up"|"down"|"address added"|"address removed"
---@field interface string
---@field address? string numeric, of "address added" and "address removed"

---@class mcast.monitor
local monitor = {}

---@param timeout? number seconds; nil waits for ever, 0 or less polls
---@return mcast.change[]? changes
---@return string? message
---@return integer? errno ETIMEDOUT
function monitor:read(timeout) end

function monitor:close() end

---@return integer descriptor
function monitor:getfd() end

---@return integer descriptor
function monitor:pollfd() end

---@return boolean changed read is to be called, whatever the descriptor shows
function monitor:dirty() end

---@return "r" events
function monitor:events() end

---@return number? seconds
function monitor:timeout() end

---@class mcast.socket
local socket = {}

---@param group string|mcast.address
---@param options? mcast.membership
---@return string? interface
---@return string? message
---@return integer? errno EINVAL, no group of this socket; EADDRINUSE, joined already; ENODEV; ENOBUFS, too many ...
function socket:join(group, options) end

---@param group string|mcast.address
---@param options? mcast.membership
---@return true? ok
---@return string? message
---@return integer? errno
function socket:leave(group, options) end

---@param group string|mcast.address
---@param source string|mcast.address
---@param options? { interface?: string|integer|mcast.address }
---@return true? ok
---@return string? message
---@return integer? errno
function socket:block(group, source, options) end

---@param group string|mcast.address
---@param source string|mcast.address
---@param options? { interface?: string|integer|mcast.address }
---@return true? ok
---@return string? message
---@return integer? errno
function socket:unblock(group, source, options) end

---@param group string|mcast.address
---@param mode "include"|"exclude"
---@param sources (string|mcast.address)[]
---@param options? { interface?: string|integer|mcast.address }
---@return true? ok
---@return string? message
---@return integer? errno
function socket:filter(group, mode, sources, options) end

---@return mcast.group[]? groups
---@return string? message
---@return integer? errno
function socket:groups() end

---@param data string
---@param to string|mcast.address
---@param port? integer
---@param options? mcast.choice
---@return integer? sent bytes
---@return string? message
---@return integer? errno EMSGSIZE; ENETUNREACH; ENODEV, no such interface; ETIMEDOUT ...
---@overload fun(self: mcast.socket, data: string, to: string|mcast.address, options: mcast.choice): integer?, string?, integer?
function socket:sendto(data, to, port, options) end

---@param list string[]
---@param to string|mcast.address
---@param port? integer
---@param options? mcast.choice
---@return integer? sent datagrams; nil: the first one failed
---@return string? message where not all were sent
---@return integer? errno as for sendto
---@overload fun(self: mcast.socket, list: string[], to: string|mcast.address, o: mcast.choice): integer?, string?, integer?
function socket:sendmany(list, to, port, options) end

---@param timeout? number seconds; nil waits for ever, 0 or less polls
---@return string? data
---@return mcast.address|string from_or_message
---@return integer? errno
function socket:recvfrom(timeout) end

---@param timeout? number seconds; nil waits for ever, 0 or less polls
---@param into? table to fill, instead of a new one
---@return mcast.message? message
---@return string? error
---@return integer? errno
function socket:recvmsg(timeout, into) end

---@param timeout? number seconds; nil waits for ever, 0 or less polls
---@param into? string[] list to fill, instead of a new one
---@return string[]? list of one sender's datagrams
---@return mcast.address|string from_or_message
---@return integer? errno
function socket:recvmany(timeout, into) end

---@param timeout? number seconds of silence; nil iterates for ever
---@return fun(socket: mcast.socket): string?, mcast.address? iterator
---@return mcast.socket socket
function socket:datagrams(timeout) end

---@param name string
---@param value any
---@return true? ok
---@return any value_or_message
---@return integer? errno
function socket:setoption(name, value) end

---@param name string
---@return any value
---@return string? message
---@return integer? errno
function socket:getoption(name) end

---@return mcast.address? address
---@return string? message
---@return integer? errno
function socket:getsockname() end

---@return { sent: integer, received: integer, dropped: integer? } stats
function socket:stats() end

function socket:close() end

---@return integer descriptor
function socket:getfd() end

---@return boolean held it buffers datagrams that its descriptor does not show
function socket:dirty() end

---@return integer descriptor
function socket:pollfd() end

---@return "r"|"rw" events
function socket:events() end

---@return number? seconds
function socket:timeout() end

return mcast
