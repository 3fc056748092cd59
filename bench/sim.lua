-- Measures the simulator: one sender, n receivers in a loop of recvfrom(2.0), 64 bytes,
-- uniform delay. Beside it a heap and coroutines in plain Lua, without sockets: the
-- alternative to the simulator's core.
-- usage, from make bench: lua5.4 bench/sim.lua [rounds]
local lua <const> = os.getenv "MCAST_LUA" or "lua5.4"

local function memory()
  return tonumber(io.open "/proc/self/status":read "a":match "VmRSS:%s*(%d+)") * 1024
end

-- Prints the nanoseconds of a delivery.
local function simulate(n, sends, traced)
  local sim <const> = require "mcast.sim"
  local net = sim.new { delay = { 0.001, 0.004 }, trace = traced, output = function() end }
  local received = 0
  local function receiver()
    local mcast = require "mcast"
    local sock = assert(mcast.socket { port = 10000 })
    assert(sock:join "239.1.2.3")
    local count = 0
    while sock:recvfrom(2.0) do
      count = count + 1
    end
    received = received + count
  end
  local function sender()
    local mcast = require "mcast"
    local sock = assert(mcast.socket())
    local to, data = mcast.address("239.1.2.3", 10000), ("x"):rep(64)
    for _ = 1, sends do
      sock:sendto(data, to)
      mcast.sleep(0.001)
    end
  end
  for i = 1, n do
    net:node("receiver-" .. i, receiver)
  end
  net:node("sender", sender, {}, { start = 0.5 })
  net:run(0.4)
  local start = os.clock()
  net:run()
  local took = os.clock() - start
  assert(received == n * sends)
  print(took / received * 1e9)
end

-- Prints the seconds to start n waiting nodes, and their bytes.
local function idle(n)
  local sim <const> = require "mcast.sim"
  local before, start = memory(), os.clock()
  local net = sim.new { trace = false, output = function() end }
  for i = 1, n do
    net:node("receiver-" .. i, "examples/receiver.lua")
  end
  net:run(1)
  print(os.clock() - start, memory() - before)
end

-- The same number of coroutines, woken from a binary heap in Lua.
local function plain(n, sends)
  local heap, size, sequence, received, data = {}, 0, 0, 0, ("x"):rep(64)
  local function before(a, b)
    return a.time < b.time or a.time == b.time and a.sequence < b.sequence
  end
  local function push(time, co)
    sequence, size = sequence + 1, size + 1
    local entry, i = { time = time, sequence = sequence, co = co }, size
    while i > 1 and before(entry, heap[i // 2]) do
      heap[i], i = heap[i // 2], i // 2
    end
    heap[i] = entry
  end
  local function pop()
    local first, last, i = heap[1], heap[size], 1
    heap[size], size = nil, size - 1
    while 2 * i <= size do
      local child = 2 * i
      if child < size and before(heap[child + 1], heap[child]) then
        child = child + 1
      end
      if not before(heap[child], last) then
        break
      end
      heap[i], i = heap[child], child
    end
    if size > 0 then
      heap[i] = last
    end
    return first
  end
  local receivers = {}
  for i = 1, n do
    receivers[i] = coroutine.create(function()
      while coroutine.yield() do
        received = received + 1
      end
    end)
    coroutine.resume(receivers[i])
  end
  local start, sent = os.clock(), 0
  while sent < sends or size > 0 do
    if sent < sends and (size == 0 or heap[1].time >= sent * 0.001) then
      for i = 1, n do
        push(sent * 0.001 + 0.001 + 0.003 * math.random(), receivers[i])
      end
      sent = sent + 1
    else
      local entry = pop()
      coroutine.resume(entry.co, data)
    end
  end
  assert(received == n * sends)
  print((os.clock() - start) / received * 1e9)
end

local workers <const> = { simulate = simulate, idle = idle, plain = plain,
  traced = function(n, sends) simulate(n, sends, true) end,
  untraced = function(n, sends) simulate(n, sends, false) end }

if workers[arg[1]] then
  workers[arg[1]](tonumber(arg[2]), tonumber(arg[3]))
  return
end

local trial <const> = arg[1] == "0"
local rounds <const> = trial and 1 or tonumber(arg[1] or 5)

local function measure(worker, n, deliveries)
  local pipe = assert(io.popen(("timeout 120 %s bench/sim.lua %s %d %d"):format(lua, worker, n,
    math.max((trial and 1000 or deliveries) // n, 1))))
  local one, two = pipe:read("n", "n")
  assert(pipe:close(), worker)
  return one, two
end

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

print "\nSimulated deliveries from one sender to n receivers: millions per second on one core\n"
print "| n | simulator | with its trace | a heap and coroutines in plain Lua |"
print "| --- | --- | --- | --- |"
for _, n in ipairs { 10, 100, 1000, 10000 } do
  local cells = { untraced = {}, traced = {}, plain = {} }
  for i = 1, rounds do
    for _, worker in ipairs { "untraced", "traced", "plain" } do
      cells[worker][i] = measure(worker, n, 2000000)
    end
  end
  print(("| %d | %.2f | %.2f | %.2f |"):format(n, 1e3 / median(cells.untraced), 1e3 / median(cells.traced),
    1e3 / median(cells.plain)))
end
local seconds, bytes = {}, {}
for i = 1, rounds do
  seconds[i], bytes[i] = measure("idle", trial and 100 or 10000, 0)
end
print(("\n10,000 nodes of examples/receiver.lua that wait: %.2f s to start, %.0f MB")
  :format(median(seconds), median(bytes) / 1e6))
