-- The programs whose sockets could receive the datagrams of the host's memberships.
--
-- Linux does not report which socket has joined which group. It reports the address and the port that each socket is bound to,
-- and the sockets of each process of the same user: so a program is listed where it has a socket that is bound to the group, or
-- to all addresses. The number of sockets that joined is exact.
local memberships <const> = require "mcast.cli.memberships"

local holders = {}

local function read(path)
  local file <close> = io.open(path)
  return file and file:read "l" or "?"
end

-- Adds to each socket the processes that own it, as far as their files may be read.
local function find_processes(sockets)
  local pipe <close> = io.popen "ls -l /proc/[0-9]*/fd 2>/dev/null"
  local pid
  for line in pipe:lines() do
    pid = line:match "^/proc/(%d+)/fd:$" or pid
    local socket <const> = sockets[line:match "socket:%[(%d+)%]$" or ""]
    if socket then
      socket.pids = socket.pids or {}
      socket.pids[tonumber(pid)] = read("/proc/" .. pid .. "/comm")
    end
  end
end

local any <const> = { ["0.0.0.0"] = "inet", ["::"] = "inet6" }

-- Could the socket have joined the group, and receive it?
local function fits(socket, membership)
  local family <const> = membership.group:find(":", 1, true) and "inet6" or "inet"
  return socket.family == family and (any[socket.host] or socket.host == membership.group)
end

-- Does the system alone hold the membership? It joins these groups on each interface: all hosts (RFC 1112, RFC 4291), and the
-- group of an IPv6 address (RFC 4291, 2.7.1).
function holders.issystems(membership)
  local group <const> = membership.group
  local own <const> = group == "224.0.0.1" or group == "ff02::1" or group == "ff01::1" or group:find "^ff02::1:ff" ~= nil
  return own and membership.users == 1
end

-- One entry for each process that holds the socket; one without a name where its files may not be read.
local function entries(socket)
  local list = {}
  for pid, name in pairs(socket.pids or { [0] = false }) do
    list[#list + 1] = { name = name or nil, pid = pid > 0 and pid or nil, uid = socket.uid, host = socket.host,
      port = socket.port, raw = socket.raw or nil, sockets = 1 }
  end
  return list
end

-- Adds an entry to a list, or counts it where the list has one of the same program and address.
local function count(list, entry)
  local key <const> = ("%s %s %s %s %s"):format(entry.pid, entry.uid, entry.host, entry.port, entry.raw)
  local known <const> = list[key]
  if known then
    known.sockets = known.sockets + 1
  else
    list[key], list[#list + 1] = entry, entry
  end
end

local function before(a, b)
  for _, key in ipairs { "port", "pid", "uid" } do
    local one <const>, other <const> = a[key] or 0, b[key] or 0
    if one ~= other then return one < other end
  end
  return a.host < b.host
end

local function candidates(sockets, membership)
  local list = {}
  for _, socket in pairs(sockets) do
    for _, entry in ipairs(fits(socket, membership) and entries(socket) or {}) do
      count(list, entry)
    end
  end
  list = table.move(list, 1, #list, 1, {})
  table.sort(list, before)
  return list
end

-- Sets `programs` of each membership of a list, which it returns.
function holders.find(list)
  local sockets <const> = memberships.sockets()
  find_processes(sockets)
  for _, membership in ipairs(list) do
    membership.programs = holders.issystems(membership) and {} or candidates(sockets, membership)
  end
  return list
end

return holders
