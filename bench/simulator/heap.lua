-- The deliveries of deliveries.lua by a binary heap and coroutines in plain Lua: the least
-- that a simulator in Lua needs, without sockets, networks and timeouts.
-- usage: lua5.4 heap.lua n sends
local n <const>, sends <const> = tonumber(arg[1]), tonumber(arg[2])

local heap, size, sequence = {}, 0, 0

local function before(a, b)
  return a.time < b.time or a.time == b.time and a.sequence < b.sequence
end

local function push(time, co, value)
  sequence, size = sequence + 1, size + 1
  local entry, i = { time = time, sequence = sequence, co = co, value = value }, size
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

local time, received = 0, 0
local receivers <const> = {}
for i = 1, n do
  receivers[i] = coroutine.create(function()
    while coroutine.yield() do
      received = received + 1
    end
  end)
  coroutine.resume(receivers[i])
end
push(0.5, coroutine.create(function()
  local data = ("x"):rep(64)
  for _ = 1, sends do
    for i = 1, n do
      push(time + 0.001 + 0.003 * math.random(), receivers[i], data)
    end
    coroutine.yield(0.001)
  end
end))

local start <const> = os.clock()
while size > 0 do
  local event = pop()
  time = event.time
  local _, wait = coroutine.resume(event.co, event.value)
  if wait then
    push(time + wait, event.co)
  end
end
local took <const> = os.clock() - start
assert(received == n * sends)
print(("delivery %.1f"):format(took / received * 1e9))
