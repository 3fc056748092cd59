-- Simulates one sender and n receivers, each in a loop of recvfrom(2.0): 64 bytes each
-- millisecond, and a uniform delay from 1 to 4 ms for each copy. heap.lua, generators.py and
-- ns3.cc have the same deliveries. Prints a line "delivery ns", of processor time.
-- usage: lua5.4 deliveries.lua n sends [traced]
local sim <const> = require "mcast.sim"

local n <const>, sends <const> = tonumber(arg[1]), tonumber(arg[2])

local net <const> = sim.new { delay = { 0.001, 0.004 }, trace = arg[3] == "traced", output = function() end }
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
local start <const> = os.clock()
net:run()
local took <const> = os.clock() - start
assert(received == n * sends)
print(("delivery %.1f"):format(took / received * 1e9))
