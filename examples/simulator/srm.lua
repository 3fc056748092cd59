-- SRM (Floyd et al. 1995): when G - 1 members of a star miss a datagram, how many request it?
-- usage: lua5.4 srm.lua [G] [rounds]
-- Each notices the gap when the next datagram arrives, and requests the missing one after a random
-- time from 2 C1 to 2 (C1 + C2), unless it hears another request. The delay between members is 2.
-- For C2 >= 1, the mean number of requests is 1 + (G - 1) / C2 - C2^-(G - 1).
local sim <const> = require "mcast.sim"

local group <const>, port <const>, C1 <const> = "239.1.2.3", 10000, 2
local G <const>, rounds <const> = tonumber(arg[1] or 100), tonumber(arg[2] or 200)

local function member(C2)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = port, ttl = 2 })
  assert(sock:join(group))
  local last = 0
  while true do
    local n = tonumber(assert(sock:recvfrom()):match "^data (%d+)$")
    if n and n > last + 1 and not sock:recvfrom(2 * (C1 + C2 * math.random())) then
      assert(sock:sendto("request " .. n - 1, group, port))
    end
    last = n or last
  end
end

local function source(C2)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = port, ttl = 2 })
  assert(sock:join(group))
  for n = 1, 2 * rounds, 2 do
    local requests = 0
    assert(sock:sendto("data " .. n, group, port))
    assert(sock:sendto("data " .. n + 1, group, port))
    for data in sock:datagrams(2 * (C1 + C2) + 4) do
      if data == "request " .. n then
        requests = requests + 1
        if requests == 1 then assert(sock:sendto("repair " .. n, group, port)) end
      end
    end
    print(requests)
  end
end

print " C2  requests, mean  standard error  by formula"
for _, C2 in ipairs { 1, 10, 100 } do
  local sum, squares = 0, 0
  local net <const> = sim.new { delay = 1, trace = false, output = function(_, requests)
    sum, squares = sum + requests, squares + requests ^ 2
  end }
  net:rule(function(packet) if packet.data:find "^data %d*[13579]$" then return false end end)
  for i, host in ipairs(net:star(G).hosts) do
    net:node("member-" .. i, i == 1 and source or member, { C2 }, { host = host })
  end
  net:run()
  local err <const> = math.sqrt((squares - sum ^ 2 / rounds) / (rounds - 1) / rounds)
  local formula <const> = 1 + (G - 1) / C2 - C2 ^ -(G - 1)
  print(("%3d %15.3f %15.3f %11.3f"):format(C2, sum / rounds, err, formula))
end
