---@meta mcast
-- Definitions for editors that know LuaCATS.

---@class mcast
---@field _VERSION string "mcast X.Y.Z"
---@field errno table<string, integer>
local mcast = {}

---@class mcast.options
---@field host? string|mcast.address
---@field port? integer
---@field family? "inet"|"inet6"
---@field fd? integer
---@field interface? string|integer
---@field ttl? integer
---@field unicast_ttl? integer
---@field loopback? boolean
---@field all? boolean
---@field broadcast? boolean
---@field fragment? boolean
---@field reuseaddr? boolean
---@field reuseport? boolean
---@field rcvbuf? integer
---@field sndbuf? integer
---@field dscp? integer
---@field device? string|integer
---@field v6only? boolean
---@field metadata? boolean
---@field spin? number

---@class mcast.choice
---@field interface? string|integer|mcast.address
---@field source? string|mcast.address
---@field ttl? integer
---@field timeout? number

---@class mcast.membership
---@field interface? string|integer
---@field source? string|mcast.address

---@class mcast.group
---@field group string
---@field interface string
---@field mode "include"|"exclude"
---@field sources string[]
---@field lost? true

---@class mcast.message
---@field data string
---@field from mcast.address
---@field group? string
---@field interface? string
---@field ttl? integer
---@field time number
---@field nanoseconds integer
---@field dropped integer
---@field dscp? integer
---@field ecn? integer
---@field own? boolean

---@class mcast.interface
---@field name string
---@field index integer
---@field addresses string[]
---@field up boolean
---@field running boolean
---@field loopback boolean
---@field multicast boolean
---@field mtu? integer

---@class mcast.address
---@field host string
---@field port integer
---@field family "inet"|"inet6"
---@field interface? string
---@field multicast boolean
---@operator concat(any): string
local address = {}

---@param options? mcast.options
---@return mcast.socket? socket
---@return string? message
---@return integer? errno
function mcast.socket(options) end

---@param host string|mcast.address
---@param port? integer
---@return mcast.address? address
---@return string? message
---@return integer? errno
function mcast.address(host, port) end

---@param sockets (mcast.socket|mcast.monitor)[]
---@param timeout? number
---@param writers? mcast.socket[]
---@return (mcast.socket|mcast.monitor)[]? ready
---@return mcast.socket[]|string|nil writable or the message
---@return integer? errno
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
---@return integer? errno
function mcast.monitor() end

---@param key string
---@param value? string|number|boolean
function mcast.note(key, value) end

---@class mcast.change
---@field kind "added"|"removed"|"up"|"down"|"address added"|"address removed"
---@field interface string
---@field address? string

---@class mcast.monitor
local monitor = {}

---@param timeout? number
---@return mcast.change[]? changes
---@return string? message
---@return integer? errno
function monitor:read(timeout) end

function monitor:close() end

---@return integer descriptor
function monitor:getfd() end

---@return integer descriptor
function monitor:pollfd() end

---@return boolean
function monitor:dirty() end

---@return string events
function monitor:events() end

---@return number? seconds
function monitor:timeout() end

---@class mcast.socket
local socket = {}

---@param group string|mcast.address
---@param options? mcast.membership
---@return string? interface
---@return string? message
---@return integer? errno
function socket:join(group, options) end

---@param group string|mcast.address
---@param options? mcast.membership
---@return true? ok
---@return string? message
---@return integer? errno
function socket:leave(group, options) end

---@param group string|mcast.address
---@param source string|mcast.address
---@param options? { interface?: string|integer }
---@return true? ok
---@return string? message
---@return integer? errno
function socket:block(group, source, options) end

---@param group string|mcast.address
---@param source string|mcast.address
---@param options? { interface?: string|integer }
---@return true? ok
---@return string? message
---@return integer? errno
function socket:unblock(group, source, options) end

---@param group string|mcast.address
---@param mode "include"|"exclude"
---@param sources (string|mcast.address)[]
---@param options? { interface?: string|integer }
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
---@return integer? sent
---@return string? message
---@return integer? errno
---@overload fun(self: mcast.socket, data: string, to: string|mcast.address, options: mcast.choice): integer?, string?, integer?
function socket:sendto(data, to, port, options) end

---@param list string[]
---@param to string|mcast.address
---@param port? integer
---@param options? mcast.choice
---@return integer? taken
---@return string? message
---@return integer? errno
---@overload fun(self: mcast.socket, list: string[], to: string|mcast.address, o: mcast.choice): integer?, string?, integer?
function socket:sendmany(list, to, port, options) end

---@param timeout? number
---@return string? data
---@return mcast.address|string from_or_message
---@return integer? errno
function socket:recvfrom(timeout) end

---@param timeout? number
---@param into? table
---@return mcast.message? message
---@return string? error
---@return integer? errno
function socket:recvmsg(timeout, into) end

---@param timeout? number
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

---@return boolean held
function socket:dirty() end

---@return integer descriptor
function socket:pollfd() end

---@return "r"|"rw" events
function socket:events() end

---@return number? seconds
function socket:timeout() end

return mcast
