-- Fails each call of each kind that the module makes in a script, one at a time, with
-- each errno that its man page lists; and each allocation.
-- usage: host run.lua script [kind ...]; prints a row for each kind, and each fault found.
-- The kinds "memory" and "memory-rest" are the allocations of Lua.
-- luacheck: globals host

local chunk <const> = string.dump(assert(loadfile(table.remove(arg, 1), "t")))

local open <const> = "EMFILE ENFILE ENOBUFS ENOMEM"
local answer <const> = "EBADF EFAULT EINVAL ENOBUFS ENOMEM ENOPROTOOPT ENOTSOCK"
local option <const> = answer .. " EACCES EADDRINUSE EADDRNOTAVAIL ENODEV EPERM"
local send <const> = [[EACCES EAGAIN EALREADY EBADF ECONNREFUSED ECONNRESET EDESTADDRREQ EFAULT EHOSTUNREACH EINTR EINVAL
  EISCONN EMSGSIZE ENETDOWN ENETUNREACH ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPERM EPIPE]]
local receive <const> = "EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK"
local wait <const> = "EFAULT EINTR EINVAL ENOMEM"

-- From section 2 of the manual, ip(7), udp(7) and netdevice(7); a function that makes
-- several calls has the errors of all. (EADDRNOTAVAIL from a query of a filter, and
-- ENODEV and ENXIO from one of an interface, are answers: it does not exist.)
local kinds <const> = {
  { "socket", "EACCES EAFNOSUPPORT EINVAL EPROTONOSUPPORT " .. open },
  { "bind", "EACCES EADDRINUSE EADDRNOTAVAIL EBADF EFAULT EINVAL ENOMEM ENOTSOCK" },
  { "connect", [[EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT EINPROGRESS EINTR
    EISCONN ENETUNREACH ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT]] },
  { "getsockname", "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK" },
  { "getpeername", "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK" },
  { "setsockopt", option },
  { "getsockopt", answer },
  { "setsourcefilter", option },
  { "getsourcefilter", answer },
  { "sendto", send },
  { "sendmsg", send },
  { "recvfrom", receive },
  { "recvmsg", receive },
  { "poll", wait },
  { "ppoll", wait },
  { "ioctl", "EBADF EFAULT EINVAL ENOTTY" },
  { "fcntl", "EACCES EAGAIN EBADF EINTR EINVAL EPERM" },
  { "close", "EBADF EDQUOT EINTR EIO ENOSPC" },
  { "if_nameindex", "EACCES " .. open },
  { "if_indextoname", "EACCES " .. open },
  { "getifaddrs", "EACCES " .. open },
  { "open", "EACCES EINTR EINVAL EMFILE ENFILE ENOENT ENOMEM EPERM" },
  { "pread", "EAGAIN EBADF EFAULT EINTR EINVAL EIO" },
  { "fopen", "EACCES EINTR EINVAL EMFILE ENFILE ENOENT ENOMEM EPERM" },
  { "fgets", "EAGAIN EBADF EINTR EIO" },
  { "fclose", "EBADF EINTR EIO ENOSPC" },
  { "malloc", "ENOMEM" },
  { "calloc", "ENOMEM" },
  { "realloc", "ENOMEM" },
}

local wrong, shown = 0, {}

local part = 1 -- of the script, in this attempt

local function complain(kind, n, name, text)
  wrong = wrong + 1
  local about = kind .. " " .. name .. " " .. text
  if not shown[about] then
    shown[about] = true
    print(("wrong   %s %d of part %d, %s: %s"):format(kind, n, part, name, text))
  end
end

-- Checks that an attempt leaks nothing.
local function check(result, kind, n, name)
  for _, left in ipairs { "descriptors", "lent", "bytes" } do
    if result[left] ~= 0 then
      complain(kind, n, name, ("leaks %d %s"):format(result[left], left))
    end
  end
end

-- Fields that may be missing without a failure: those documented as nil where the system
-- does not report them, and a zone whose name cannot be found.
local silent <const> = {
  ioctl = { ["mtu nil"] = true, ["interface nil"] = true },
  if_indextoname = { ["zone 1"] = true, ["interface nil"] = true },
  getsockopt = { ["dropped nil"] = true },
  getifaddrs = { ["own nil"] = true },
  ["setsockopt ENOPROTOOPT"] = { ["group nil"] = true, ["interface nil"] = true, ["ttl nil"] = true,
    ["dscp nil"] = true, ["ecn nil"] = true },
}

local function difference(a, b, kind, name)
  local allowed = silent[kind .. " " .. name] or silent[kind] or {}
  local other = b:gmatch "[^\n]*"
  for line in a:gmatch "[^\n]*" do
    local found = other()
    if line ~= found and not allowed[found] then
      return ("'%s', not '%s'"):format(found, line)
    end
  end
end

-- An interface that TTL 0 could leave by; the routes to groups stay those of lo.
assert(os.execute [[
  ip link add near type veth peer name far
  ip link set near addrgenmode none up
  ip link set far addrgenmode none up
  ip addr add 10.9.0.1/32 dev near
  ip -6 addr add fd09::1/64 dev near nodad
  for name in near far; do
    until ip -6 route del multicast ff00::/8 dev $name table local 2>/dev/null; do :; done
  done
  ip -6 route add multicast ff15::9 dev near table local
]])

-- The attempt without a failure of each part of the script, and its calls.
local parts <const> = {}
repeat
  local clean = host.attempt(chunk, 0, 5, #parts + 1)
  assert(clean.ended, clean.message)
  check(clean, "nothing", 0, "")
  parts[#parts + 1] = { transcript = clean.transcript, calls = host.calls() }
until #parts >= clean.parts

-- Failures that are never reported: the call is repeated.
local resumed <const> = {}
for _, kind in ipairs { "sendto", "sendmsg", "recvfrom", "recvmsg", "poll", "ppoll", "open", "pread" } do
  resumed[kind .. " EINTR"], resumed[kind .. " EAGAIN"] = true, true
end

-- The fault of an attempt in which one call failed, or nil: the operation reports the
-- failure, or all results are as without it.
local function judge(result, kind, name)
  local errno = host.errno[name]
  if not result.ended then
    return result.message
  elseif result.reported > 0 and resumed[kind .. " " .. name] then
    return "not repeated: " .. result.first
  elseif result.reported == 0 then
    local text = difference(parts[part].transcript, result.transcript, kind, name)
    return text and "not reported: " .. text
  elseif tonumber(result.first:match "^%d+") ~= errno then
    return "reported as " .. result.first
  end
end

-- A busy machine may take longer to deliver than the first attempt waits.
local function fail_call(kind, n, name)
  local errno = assert(host.errno[name], name)
  local result = host.attempt(chunk, errno, 0.002, part, kind, n)
  if judge(result, kind, name) then
    check(result, kind, n, name)
    result = host.attempt(chunk, errno, 1, part, kind, n)
  end
  local text = judge(result, kind, name)
  if text then
    complain(kind, n, name, text)
  end
  check(result, kind, n, name)
  return result
end

-- Fails the calls of one part; returns how many calls, failures and reports there are.
local function fail_part(kind, names)
  local n, runs, reported = 0, 0, 0
  repeat
    n = n + 1
    local reached = false
    for name in names:gmatch "%S+" do
      local result = fail_call(kind, n, name)
      if result.reached then
        reached = true
        runs = runs + 1
        reported = reported + ((result.reported or 1) > 0 and 1 or 0)
      end
    end
  until not reached
  return n - 1, runs, reported
end

local function fail_calls(kind, names)
  local calls, runs, reported = 0, 0, 0
  for i, one in ipairs(parts) do
    part = i
    if one.calls[kind] > 0 then
      local n, failures, reports = fail_part(kind, names)
      calls, runs, reported = calls + n, runs + failures, reported + reports
    end
  end
  print(("%s: %d calls, %d failures, %d reported"):format(kind, calls, runs, reported))
end

-- Where a stack cannot grow, lua_checkstack does not report the reason.
local checkstack <const> = "stack overflow (too many "

-- The n-th allocation of a part fails, alone or with all that follow. Lua itself does
-- without some: it then keeps the size of its table of strings, or of a stack.
local function fail_allocations(name)
  local raised, n = 0, 0
  while true do
    n = n + 1
    local result = host.attempt(chunk, 0, 5, part, "memory", n, name == "memory-rest")
    check(result, name, n, "")
    if not result.reached then
      return n - 1, raised
    elseif result.memory or result.message and result.message:find(checkstack, 1, true) then
      raised = raised + 1
    elseif not result.ended or difference(parts[part].transcript, result.transcript, name, "") then
      complain(name, n, "", result.message or "ends with other results")
    end
  end
end

local function fail_memory(name)
  local raised, allocations = 0, 0
  for i in ipairs(parts) do
    part = i
    local n, r = fail_allocations(name)
    allocations, raised = allocations + n, raised + r
  end
  if raised < 0.99 * allocations then
    complain(name, allocations, "", "few failed allocations are reported")
  end
  print(("%s: %d allocations, %d failures reported"):format(name, allocations, raised))
end

local wanted <const> = {}
for _, kind in ipairs(arg) do
  wanted[kind] = true
end

for _, kind in ipairs(kinds) do
  if #arg == 0 or wanted[kind[1]] then
    fail_calls(kind[1], kind[2])
  end
end
for _, name in ipairs { "memory", "memory-rest" } do
  if #arg == 0 or wanted[name] then
    fail_memory(name)
  end
end
print(wrong .. " wrong")
os.exit(wrong == 0, true)
