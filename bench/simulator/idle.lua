-- Starts n nodes of examples/receiver.lua, which wait; prints their seconds and bytes.
-- With `ends` the nodes wait for five virtual seconds, and it prints the seconds of their ends.
-- usage: lua5.4 idle.lua n [ends]
local sim <const> = require "mcast.sim"

local n <const> = tonumber(arg[1])

local function waiting()
  local mcast = require "mcast"
  local sock = assert(mcast.socket { port = 10000 })
  assert(sock:join "239.1.2.3")
  while sock:recvfrom(5) do end
end

local function memory()
  return tonumber(io.open "/proc/self/status":read "a":match "VmRSS:%s*(%d+)") * 1024
end

local before, start = memory(), os.clock()
local net <const> = sim.new { trace = false, output = function() end }
for i = 1, n do
  net:node("receiver-" .. i, arg[2] and waiting or "examples/receiver.lua")
end
net:run(1)
if arg[2] then
  start = os.clock()
  net:run(100)
  print(("finish %.4f"):format(os.clock() - start))
else
  print(("start %.4f\nbytes %d"):format(os.clock() - start, memory() - before))
end
