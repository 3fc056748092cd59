-- Fails each call of each kind that the module makes over whole.lua, one at a
-- time, with each errno that its man page lists; and each allocation.
-- usage: host run.lua [kind ...]; prints a row for each kind, and what is wrong.
-- The kinds "memory" and "memory-rest" are the allocations of Lua.
-- luacheck: globals host

local chunk <const> = string.dump(assert(loadfile "spec/failing/whole.lua", "t"))

local open <const> = "EMFILE ENFILE ENOBUFS ENOMEM"
local answer <const> = "EBADF EFAULT EINVAL ENOBUFS ENOMEM ENOPROTOOPT ENOTSOCK"
local option <const> = answer .. " EACCES EADDRINUSE EADDRNOTAVAIL ENODEV EPERM"
local send <const> = [[EACCES EAGAIN EALREADY EBADF ECONNREFUSED ECONNRESET EDESTADDRREQ EFAULT EHOSTUNREACH EINTR EINVAL
  EISCONN EMSGSIZE ENETDOWN ENETUNREACH ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPERM EPIPE]]
local receive <const> = "EAGAIN EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK"
local wait <const> = "EFAULT EINTR EINVAL ENOMEM"

-- From section 2 of the manual, ip(7), udp(7) and netdevice(7); for what makes
-- several calls, from theirs. (EADDRNOTAVAIL of a filter that is asked for, and
-- ENODEV and ENXIO of an interface, are answers: it is not there.)
local kinds <const> = {
  { "socket", "EACCES EAFNOSUPPORT EINVAL EPROTONOSUPPORT " .. open },
  { "bind", "EACCES EADDRINUSE EADDRNOTAVAIL EBADF EFAULT EINVAL ENOMEM ENOTSOCK" },
  { "connect", [[EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EFAULT EINPROGRESS EINTR
    EISCONN ENETUNREACH ENOTSOCK EPERM EPROTOTYPE ETIMEDOUT]] },
  { "getsockname", "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK" },
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
  { "fopen", "EACCES EINTR EINVAL EMFILE ENFILE ENOENT ENOMEM EPERM" },
  { "fgets", "EAGAIN EBADF EINTR EIO" },
  { "fclose", "EBADF EINTR EIO ENOSPC" },
  { "malloc", "ENOMEM" },
  { "calloc", "ENOMEM" },
  { "realloc", "ENOMEM" },
}

local wrong, shown = 0, {}

local function complain(kind, n, name, text)
  wrong = wrong + 1
  local about = kind .. " " .. name .. " " .. text
  if not shown[about] then
    shown[about] = true
    print(("wrong   %s %d, %s: %s"):format(kind, n, name, text))
  end
end

-- What neither way of failing may do.
local function check(result, kind, n, name)
  for _, left in ipairs { "descriptors", "lent", "bytes" } do
    if result[left] ~= 0 then
      complain(kind, n, name, ("leaks %d %s"):format(result[left], left))
    end
  end
end

-- What a failure may leave untold: a field that is documented to be nil where
-- the system does not tell it, a zone whose name cannot be looked up.
local silent <const> = {
  ioctl = { ["mtu nil"] = true, ["interface nil"] = true },
  if_indextoname = { ["zone 1"] = true, ["interface nil"] = true },
  getsockopt = { ["dropped nil"] = true },
  ["setsockopt ENOPROTOOPT"] = { ["group nil"] = true, ["interface nil"] = true, ["ttl nil"] = true },
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

local clean <const> = host.attempt(chunk, 0, 5)
local calls <const> = host.calls()
assert(clean.ended, clean.message)
check(clean, "nothing", 0, "")

-- What is gone on with, and never told.
local resumed <const> = {}
for _, kind in ipairs { "sendto", "sendmsg", "recvfrom", "recvmsg", "poll", "ppoll" } do
  resumed[kind .. " EINTR"], resumed[kind .. " EAGAIN"] = true, true
end

-- What is wrong with an attempt in which one call failed: either the operation
-- says so, or all is as without it.
local function judge(result, kind, name)
  local errno = host.errno[name]
  if not result.ended then
    return result.message
  elseif result.told > 0 and resumed[kind .. " " .. name] then
    return "not gone on with: " .. result.first
  elseif result.told == 0 then
    local text = difference(clean.transcript, result.transcript, kind, name)
    return text and "untold: " .. text
  elseif tonumber(result.first:match "^%d+") ~= errno then
    return "told as " .. result.first
  end
end

-- A busy machine may take longer to deliver than the first attempt waits.
local function fail_call(kind, n, name)
  local errno = assert(host.errno[name], name)
  local result = host.attempt(chunk, errno, 0.002, kind, n)
  if judge(result, kind, name) then
    check(result, kind, n, name)
    result = host.attempt(chunk, errno, 1, kind, n)
  end
  local text = judge(result, kind, name)
  if text then
    complain(kind, n, name, text)
  end
  check(result, kind, n, name)
  return result
end

local function fail_calls(kind, names)
  local runs, told, n = 0, 0, 0
  repeat
    n = n + 1
    local reached = false
    for name in names:gmatch "%S+" do
      local result = fail_call(kind, n, name)
      if result.reached then
        reached = true
        runs = runs + 1
        told = told + ((result.told or 1) > 0 and 1 or 0)
      end
    end
  until not reached
  print(("%s: %d calls, %d failures, %d told"):format(kind, n - 1, runs, told))
end

-- Where a stack cannot grow, lua_checkstack does not say why.
local checkstack <const> = "stack overflow (too many datagrams)"

-- The n-th allocation fails, alone or with all that follow. Lua itself can do
-- without some: it keeps its table of strings, or a stack, as it is.
local function fail_memory(name)
  local raised, n = 0, 0
  while true do
    n = n + 1
    local result = host.attempt(chunk, 0, 5, "memory", n, name == "memory-rest")
    check(result, name, n, "")
    if not result.reached then
      break
    elseif result.memory or result.message == checkstack then
      raised = raised + 1
    elseif not result.ended or difference(clean.transcript, result.transcript, name, "") then
      complain(name, n, "", result.message or "ends otherwise")
    end
  end
  if raised < 0.99 * (n - 1) then
    complain(name, n, "", "few allocations are told of")
  end
  print(("%s: %d allocations, %d failures told"):format(name, n - 1, raised))
end

local wanted <const> = {}
for _, kind in ipairs(arg) do
  wanted[kind] = true
end

for _, kind in ipairs(kinds) do
  if (#arg == 0 or wanted[kind[1]]) and calls[kind[1]] > 0 then
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
