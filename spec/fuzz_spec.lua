-- Calls each public function with random arguments. MCAST_FUZZ=100000 sets the number of
-- calls of each function, MCAST_SEED the seed.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local calls <const> = tonumber(os.getenv "MCAST_FUZZ" or 500)
local seed <const> = tonumber(os.getenv "MCAST_SEED" or 1)

local random <const> = math.random

local function pick(list)
  return list[random(#list)]
end

local options <const> = { "host", "port", "family", "fd", "interface", "ttl", "unicast_ttl", "loopback", "all", "broadcast",
  "fragment", "reuseaddr", "reuseport", "rcvbuf", "sndbuf", "dscp", "device", "v6only", "metadata", "spin", "source",
  "timeout", "tll" }

local texts <const> = { "", "lo", "\0", "239.1.2.3", "232.1.2.3\0", "ff15::1", "ff02::1%lo", "fe80::1%", "::1", "127.0.0.1",
  "10.8.0.1", "239.1.2.3:10000", "[ff02::1%lo]:10000", "[::1]:70000", "include", "exclude", "inet", "inet6", "0", "-1",
  "1e300", "%s%n%d", ("x"):rep(300), ("\255"):rep(65508), ("["):rep(100), ":::::", "224.0.0.0/4" }

local numbers <const> = { 0, 1, -1, 2, 64, 255, 256, 10000, 65535, 65536, 2 ^ 31, -2 ^ 31, 2 ^ 53, 1 << 62, math.maxinteger,
  math.mininteger, 0.5, -0.0, 1e300, -1e300, math.huge, -math.huge, 0 / 0, 1e-9 }

-- Timeouts that do not wait for ever, or for long.
local timeouts <const> = { 0, -1, 0 / 0, -math.huge, -0.0, 1e-6, 1e-9, math.mininteger, "0", "x", {}, true, print }

local function mutate(text)
  local at = random(0, #text)
  return pick { text .. "\0", text:sub(1, at), text:sub(1, at) .. string.char(random(0, 255)) .. text:sub(at + 1),
    text:rep(2), text }
end

local value

local function list()
  local t = {}
  for i = 1, random(0, 4) do
    t[i] = value(2)
  end
  return t
end

local function record()
  local t = {}
  for _ = 1, random(0, 4) do
    local key = random(10) == 1 and value(2) or nil
    t[key ~= nil and key == key and key or pick(options)] = value(2)
  end
  return t
end

-- A userdata with nearly the bytes of a socket, a monitor or an address, and a metatable of any of them.
local impostor
local function impostors()
  local reals <const> = { mcast.address("10.8.0.1", 5), assert(mcast.socket()), assert(mcast.monitor()) }
  local bytes <const> = impostor.read(pick(reals))
  local fake <const> = impostor.make(#bytes, random(0, 5))
  impostor.write(fake, pick { bytes, mutate(bytes):sub(1, #bytes) })
  debug.setmetatable(fake, random(3) > 1 and getmetatable(pick(reals)) or nil)
  reals[2]:close()
  reals[3]:close()
  return fake
end

local sockets = {}
local makers <const> = {
  function() return random(4) == 1 and impostors() or nil end,
  function() return nil end,
  function() return random(2) == 1 end,
  function() return pick(numbers) end,
  function() return random(-300, 70000) end,
  function() return pick(texts) end,
  function() return mutate(pick(texts)) end,
  function() return pick(sockets) end,
  function() return random(4) == 1 and assert(mcast.monitor()) or nil end,
  function() return mcast.address(pick { "10.8.0.1", "239.1.2.3", "ff15::1", "::1" }, random(0, 65535)) end,
  function() return pick { print, io.stdout, coroutine.create(print), mcast } end,
  list,
  record,
}

function value(depth)
  return makers[random(#makers - (depth or 0))]() -- less 2: no tables in tables
end

local function arguments(n)
  local t = {}
  for i = 1, n do
    t[i] = value()
  end
  return t
end

-- The place of a function's timeout, counted without the socket.
local timeout_at <const> = { read = 1, recvfrom = 1, recvmsg = 1, recvmany = 1, datagrams = 1, poll = 2, sleep = 1 }

-- Options of a send, or nil.
local function choice()
  local t = {}
  for _ = 1, random(0, 2) do
    t[pick { "interface", "source", "ttl", "timeout" }] = random(2) == 1 and pick { "lo", 1, 9, "127.0.0.1", "::1" } or value(2)
  end
  return random(3) == 1 and record() or t
end

-- Argument lists that are often nearly correct.
local near <const> = {
  join = function() return { pick(texts), record() } end,
  leave = function() return { pick(texts), record() } end,
  block = function() return { pick(texts), pick(texts), record() } end,
  filter = function() return { pick(texts), pick { "include", "exclude" }, list(), record() } end,
  sendto = function() return { pick(texts), "127.0.0.1", random(0, 65536), choice() } end,
  sendmany = function() return { { pick(texts), pick(texts) }, "239.1.2.3", random(0, 65536), choice() } end,
  recvmany = function() return { 0, pick { list(), record(), value() } } end,
  setoption = function() return { pick(options), value() } end,
  getoption = function() return { pick(options) } end,
  poll = function() return { { pick(sockets), pick(sockets) }, 0, pick { value(), { pick(sockets) }, {} } } end,
  socket = function() return { record() } end,
  address = function() return { mutate(pick(texts)), pick(numbers) } end,
}

local function call(name, f, self)
  local t = near[name] and random(2) == 1 and near[name]() or arguments(random(0, 4))
  if timeout_at[name] then
    t[timeout_at[name]] = pick(timeouts)
  end
  local results
  if self then
    results = table.pack(pcall(f, random(20) == 1 and value() or self, table.unpack(t, 1, 5)))
  else
    results = table.pack(pcall(f, table.unpack(t, 1, 5)))
  end
  if not results[1] then
    assert(type(results[2]) == "string", "an error that is not text")
  elseif results[2] == nil and results.n > 2 then
    assert(type(results[3]) == "string" and math.type(results[4]) == "integer", "a failure without reason")
  elseif name == "datagrams" then
    pcall(results[2], results[3])
  elseif (name == "socket" or name == "monitor") and results[2] then
    results[2]:close()
  end
end

local function open()
  local sock = assert(mcast.socket { family = pick { "inet", "inet6" }, metadata = random(2) == 1 })
  local port = sock:getsockname().port
  sock:sendto("to itself", sock:getoption "family" == "inet" and "127.0.0.1" or "::1", port)
  return sock
end

local function fuzz_monitor(name, f)
  math.randomseed(seed, #name)
  local monitor = assert(mcast.monitor())
  for _ = 1, calls do
    call(name, f, monitor)
    monitor = random(16) == 1 and assert(mcast.monitor()) or monitor
  end
  monitor:close()
end

local function fuzz(name, f, method)
  math.randomseed(seed, #name)
  for i = 1, calls do
    local at = i % 4 + 1
    if i % 16 < 4 or not sockets[at] then
      if sockets[at] and random(2) == 1 then
        sockets[at]:close()
      end
      sockets[at] = open()
    end
    call(name, f, method and sockets[at])
  end
end

helper.network("random calls", function()
  setup(function()
    local folder <const> = helper.compile "spec/support/impostor.c"
    impostor = assert(package.loadlib(folder .. "/impostor.so", "luaopen_impostor"))()
  end)

  local sample <close> = assert(mcast.socket())
  local functions = {}
  for name, f in pairs(mcast) do
    functions[name] = type(f) == "function" and { f, false } or nil
  end
  for name, f in pairs(getmetatable(sample).__index) do
    functions["socket:" .. name] = { f, true }
  end
  local monitor <close> = assert(mcast.monitor())
  for name, f in pairs(getmetatable(monitor).__index) do
    functions["monitor:" .. name] = { f, true, fuzz_monitor }
  end
  for _, name in ipairs { "__index", "__tostring" } do
    functions["address:" .. name] = { getmetatable(mcast.address "10.0.0.1:5")[name], false }
  end

  for name, f in pairs(functions) do
    it("returns from random calls of " .. name .. " without a leak", function()
      local before = helper.ownedsockets()
      local run = f[3] or fuzz
      run(name:match "[%w_]+$", f[1], f[2])
      sockets = {}
      assert.equal(before, helper.ownedsockets())
    end)
  end
end)
