-- Sends datagrams of 64 bytes to many sockets of one process, which poll returns; prints
-- the nanoseconds of a delivery.
-- usage: lua5.4 fanout.lua sockets deliveries
local mcast <const> = require "mcast"

local n <const>, deliveries <const> = tonumber(arg[1]), tonumber(arg[2])
local now <const> = mcast.now

local sockets <const> = {}
for i = 1, n do
  sockets[i] = assert(mcast.socket { port = 10022 })
  assert(sockets[i]:join("239.1.2.3", { interface = "lo" }))
end
local sender <const> = assert(mcast.socket())
local to <const> = mcast.address("239.1.2.3", 10022)
local rounds <const> = math.max(deliveries // n, 3)
local total = 0
for _ = 1, rounds do
  sender:sendto(("x"):rep(64), to)
  local start <const> = now()
  local left = n
  while left > 0 do
    for _, sock in ipairs(mcast.poll(sockets)) do
      sock:recvfrom(0)
      left = left - 1
    end
  end
  total = total + (now() - start)
end
print(("delivery %.1f"):format(total / rounds / n * 1e9))
