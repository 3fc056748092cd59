-- Records the sockets of this process: the functions of the module and of its sockets are replaced when the first recording
-- starts. They call those that were there, which may be those of mcast.impair.
local check <const> = require "mcast.check"
local datagram <const> = require "mcast.trace.datagram"
local mcast <const> = require "mcast"
local record <const> = require "mcast.trace.record"
local train <const> = require "mcast.train"

local sockets = {}

local methods <const> = debug.getregistry()["mcast.socket"].__index
local metatable <const> = debug.getregistry()["mcast.socket"]

local real <const> = {} -- the functions, as they were
local lines <const> = setmetatable({}, { __mode = "k" }) -- by socket
local count = 0

local ETIMEDOUT <const> = mcast.errno.ETIMEDOUT
local LIMIT <const> = 65536 -- unread datagrams of a socket

local function call(name, ...)
  return check.named(name, real[name], ...)
end

--
-- Memberships.
--

-- Records the changes of a socket's groups since they were looked at last.
local function lookatgroups(sock, line, gone)
  local now <const>, before <const>, after <const> = record.clock(), line.groups, {}
  for _, one in ipairs(gone and {} or real.groups(sock) or {}) do
    local key <const> = one.group .. "%" .. (one.interface or "")
    local filter <const> = one.mode .. table.concat(one.sources, " ")
    after[key] = { filter = filter, one = one }
    if not before[key] or before[key].filter ~= filter then
      record.put(now, { kind = "join", group = one.group, interface = one.interface, mode = one.mode, sources = one.sources,
        port = line.port, socket = line.number })
    end
  end
  for key, entry in pairs(before) do
    if not after[key] then
      record.put(now, { kind = "leave", group = entry.one.group, interface = entry.one.interface, mode = "include",
        sources = {}, port = line.port, socket = line.number })
    end
  end
  line.groups = after
end

--
-- Lines: that of a socket is made with it, or when it is first used.
--

-- Records the datagrams that were not read.
local function drain(sock, line)
  local n = 0
  while line.stamped and not line.adopted and n < LIMIT do
    local ok <const>, msg <const> = pcall(real.recvmsg, sock, 0)
    if not ok or not msg then
      break
    end
    datagram.deliver(line, msg)
    n = n + 1
  end
end

local function leave(sock, line)
  if record.isgoing() and not line.left then
    line.left = true
    drain(sock, line)
    lookatgroups(sock, line, true)
  end
end

local function open(sock, options)
  count = count + 1
  local name <const> = real.getsockname(sock)
  local way <const> = real.getoption(sock, "interface")
  local line <const> = { number = count, metadata = options.metadata, stamped = options.stamped, adopted = options.adopted,
    host = name and name.host, port = name and name.port or 0, interface = way ~= "" and way or nil,
    loopback = real.getoption(sock, "loopback"), ttl = real.getoption(sock, "ttl"), groups = {},
    unicast_ttl = real.getoption(sock, "unicast_ttl") }
  -- Finalizers run in the order from the last object to the first: the guard's before the socket's.
  line.guard = setmetatable({}, { __gc = function() leave(sock, line) end })
  lines[sock] = line
  return line
end

-- The line of an open socket; nil for anything else, which the function itself refuses.
local function find(sock)
  local line <const> = lines[sock]
  if line or not record.isgoing() or debug.getmetatable(sock) ~= metatable then
    return line
  end
  local ok <const>, metadata <const> = pcall(real.getoption, sock, "metadata")
  if ok then
    local made <const> = open(sock, { metadata = metadata, stamped = metadata, adopted = true })
    lookatgroups(sock, made)
    return made
  end
end

--
-- Sends.
--

-- The arguments of a destination: an address, and a table of options or nil.
local function destination(to, port, options)
  if type(port) == "table" then
    port, options = nil, port
  end
  return type(to) == "userdata" and to or mcast.address(tostring(to), port), options
end

local function sendto(sock, data, ...)
  local line <const>, time <const> = find(sock), record.clock()
  local n <const>, message <const>, errno <const> = call("sendto", sock, data, ...)
  if n and line and record.isgoing() then
    datagram.send(line, time, tostring(data), destination(...))
  end
  if n then
    return n
  end
  return n, message, errno
end

local function sendmany(sock, list, ...)
  local line <const>, time <const> = find(sock), record.clock()
  local results <const> = table.pack(call("sendmany", sock, list, ...))
  if results[1] and line and record.isgoing() then
    local to <const>, options <const> = destination(...)
    for i = 1, results[1] do
      datagram.send(line, time, list[i], to, options)
    end
  end
  return table.unpack(results, 1, results.n)
end

--
-- Receives.
--

-- Data and from, on a socket that has metadata for the recording alone.
local function receivestamped(name, sock, line, timeout)
  local msg <const>, message <const>, errno <const> = check.named(name, real.recvmsg, sock, timeout)
  if not msg then
    return nil, (message:gsub("^recvmsg", name)), errno
  end
  datagram.deliver(line, msg)
  return msg.data, msg.from
end

local function recvfrom(sock, timeout)
  local line <const> = find(sock)
  if line and line.stamped then
    return receivestamped("recvfrom", sock, line, timeout)
  end
  local results <const> = table.pack(call("recvfrom", sock, timeout))
  if line and results[1] then
    datagram.deliver(line, { data = results[1], from = results[2] })
  end
  return table.unpack(results, 1, results.n)
end

local function recvmany(sock, timeout, into)
  local line <const> = find(sock)
  if line and line.stamped and (into == nil or type(into) == "table") then
    local data <const>, from <const>, errno <const> = receivestamped("recvmany", sock, line, timeout)
    return data and train.single(data, into), from, errno
  end
  local results <const> = table.pack(call("recvmany", sock, timeout, into))
  for _, data in ipairs(line and results[1] or {}) do
    datagram.deliver(line, { data = data, from = results[2] })
  end
  return table.unpack(results, 1, results.n)
end

local function recvmsg(sock, timeout, into)
  local line <const> = find(sock)
  if line and not line.metadata then
    check.fail "recvmsg needs a socket made with metadata = true"
  end
  local msg <const>, message <const>, errno <const> = call("recvmsg", sock, timeout, into)
  if not msg then
    return nil, message, errno
  elseif line then
    datagram.deliver(line, msg)
  end
  return msg
end

local function datagrams(sock, timeout)
  call("datagrams", sock, timeout) -- checks the arguments
  return function()
    local data <const>, from <const>, errno <const> = recvfrom(sock, timeout)
    return data or errno ~= ETIMEDOUT and check.fail("%s", from) or nil, data and from
  end, sock
end

--
-- Life and options.
--

local function socket(options)
  local given = options
  local asked <const> = type(options) == "table" and rawget(options, "metadata")
  local plain <const> = options == nil or type(options) == "table" and not asked and (asked == nil or asked == false)
  if plain and record.isgoing() then
    given = { metadata = true }
    for key, value in next, options or {} do
      given[key] = key == "metadata" or value
    end
  end
  local sock <const>, message <const>, errno <const> = call("socket", given)
  if not sock then
    return nil, message, errno
  elseif record.isgoing() then
    open(sock, { metadata = asked == true, stamped = true, adopted = options and rawget(options, "fd") ~= nil })
  end
  return sock
end

local function getoption(sock, name)
  if name == "metadata" and lines[sock] then
    call("getoption", sock, name) -- which raises for a closed one
    return lines[sock].metadata
  end
  return call("getoption", sock, name)
end

local kept <const> = { loopback = true, interface = true, ttl = true, unicast_ttl = true }

local function setoption(sock, name, value)
  local results <const> = table.pack(call("setoption", sock, name, value))
  local line <const> = find(sock)
  if results[1] and line and kept[name] then
    line[name] = results[2] ~= "" and results[2] or nil
  end
  return table.unpack(results, 1, results.n)
end

local function note(...)
  call("note", ...)
  local key <const>, value <const> = ...
  local named <const> = value ~= nil
  record.put(record.clock(), { kind = "note", text = not named and tostring(key) or nil, key = named and tostring(key) or nil,
    value = value })
end

local function closing(name)
  return function(sock, ...)
    if lines[sock] then
      leave(sock, lines[sock])
    end
    return check.named(name, real.close, sock, ...)
  end
end

local function changing(name)
  return function(sock, ...)
    local results <const> = table.pack(call(name, sock, ...))
    local line <const> = results[1] and find(sock)
    if line and record.isgoing() then
      lookatgroups(sock, line)
    end
    return table.unpack(results, 1, results.n)
  end
end

local installed = false

-- Replaces the functions, once: sockets that were recorded stay as they are for the script.
function sockets.install()
  if installed then
    return
  end
  installed = true
  for _, functions in ipairs { methods, mcast } do
    for name, value in pairs(functions) do
      real[name] = value
    end
  end
  mcast.socket, mcast.note = socket, note
  methods.sendto, methods.sendmany = sendto, sendmany
  methods.recvfrom, methods.recvmsg, methods.recvmany, methods.datagrams = recvfrom, recvmsg, recvmany, datagrams
  methods.getoption, methods.setoption = getoption, setoption
  methods.close, metatable.__close = closing "close", closing "close"
  for _, name in ipairs { "join", "leave", "block", "unblock", "filter" } do
    methods[name] = changing(name)
  end
end

-- The process ends without finalizers: the datagrams that were not read are recorded now.
function sockets.finish()
  for sock, line in pairs(lines) do
    leave(sock, line)
  end
end

return sockets
