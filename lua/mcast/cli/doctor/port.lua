-- The port of a group: held by others, and how; or kept for root.
local mcast <const> = require "mcast"
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

-- The inodes of the UDP sockets that are bound to a port.
local function inodes(port)
  local list = {}
  for _, path in ipairs { "/proc/net/udp", "/proc/net/udp6" } do
    for line in (system.read(path) or ""):gmatch "[^\n]+" do
      local digits, inode = line:match "^ *%d+: %x+:(%x+) %S+ %x+ %S+ %S+ %x+ +%d+ +%d+ (%d+)"
      if digits and tonumber(digits, 16) == port then
        list[#list + 1] = inode
      end
    end
  end
  return list
end

-- The processes that hold sockets: lists of ids and of names, as far as they may be read.
local function holders(port)
  local tests, pids, names = {}, {}, {}
  for i, inode in ipairs(inodes(port)) do
    tests[i] = ("-lname 'socket:\\[%s\\]'"):format(inode)
  end
  if #tests == 0 then
    return pids, names
  end
  local paths <const> = system.run(("find /proc/[0-9]*/fd %s || true"):format(table.concat(tests, " -o "))) or ""
  local seen <const> = {}
  for pid in paths:gmatch "/proc/(%d+)/fd/" do
    if not seen[pid] then
      seen[pid] = true
      pids[#pids + 1] = pid
      names[#names + 1] = ("%s (process %s)"):format((system.read(("/proc/%s/comm"):format(pid)) or "?"):match "[^\n]*", pid)
    end
  end
  return pids, names
end

local function try(group, options)
  options.port, options.family = group.port, group.family
  local sock, message, errno = mcast.socket(options)
  if sock then
    sock:close()
  end
  return sock ~= nil, message, errno
end

local function check_held(facts, list, group)
  local pids <const>, names <const> = holders(group.port)
  local how <const> = try(group, { reuseport = true }) and "with SO_REUSEPORT alone" or "without SO_REUSEADDR"
  list:error("port " .. group.port, ("held %s by %s: no other socket can be bound to it"):format(how,
    #names > 0 and table.concat(names, ", ") or "a program that may not be read here"),
    #pids > 0 and "kill " .. table.concat(pids, " ") or facts:again())
end

local function check(facts, list, group)
  local ok, message, errno = try(group, {})
  if errno == mcast.errno.EADDRINUSE then
    check_held(facts, list, group)
  elseif errno == mcast.errno.EACCES then
    list:error("port " .. group.port, message, system.set("net/ipv4/ip_unprivileged_port_start", group.port))
  elseif not ok then
    list:error("port " .. group.port, message)
  elseif #inodes(group.port) > 0 then
    local _, names <const> = holders(group.port)
    list:note("port " .. group.port, ("shared with %s: groups reach all of them, unicast the socket that was bound last")
      :format(#names > 0 and table.concat(names, ", ") or "a program that may not be read here"))
  end
end

return function(facts)
  local list <const>, checked <const> = findings.new(), {}
  for _, group in ipairs(facts.groups) do
    local key <const> = group.port and group.port > 0 and group.family .. group.port
    if key and not checked[key] then
      checked[key] = true
      check(facts, list, group)
    end
  end
  return list
end
