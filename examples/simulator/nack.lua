-- NACK suppression (RFC 5401, 3.2.2): when all of n receivers miss a datagram, how many request it?
-- usage: lua5.4 nack.lua [n] [rounds] [T]
-- Each waits for a random time of at most T, and sends no NACK if it hears another one. With all
-- delays c, L = ln n + 1 and a = e^(L c / T), the mean number of NACKs is
--   n (a - 1) / (e^L - 1) + a (1 - ((1 - 1/a) / (1 - e^-L))^n)
local sim <const> = require "mcast.sim"

local group <const>, port <const> = "239.1.2.3", 10000
local delay <const>, T <const> = 1, tonumber(arg[3] or 4)

local function receiver(n)
  local mcast <const> = require "mcast"
  local L <const> = math.log(n) + 1
  local sock <close> = assert(mcast.socket { port = port })
  assert(sock:join(group))
  while true do
    local data = assert(sock:recvfrom())
    local timer = T / L * math.log(math.random() * (math.exp(L) - 1) + 1)
    if data == "data after a gap" and not sock:recvfrom(timer) then
      assert(sock:sendto("nack", group, port))
    end
  end
end

local function sender(rounds)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = port })
  assert(sock:join(group))
  for _ = 1, rounds do
    local nacks = 0
    assert(sock:sendto("data after a gap", group, port))
    for data in sock:datagrams(T + 2 * delay) do
      nacks = nacks + (data == "nack" and 1 or 0)
    end
    print(nacks)
  end
end

local function simulate(n, rounds)
  local sum, squares = 0, 0
  local net <const> = sim.new { delay = delay, trace = false, output = function(_, nacks)
    sum, squares = sum + nacks, squares + nacks ^ 2
  end }
  for i = 1, n do net:node("receiver-" .. i, receiver, { n }) end
  net:node("sender", sender, { rounds })
  net:run()
  return sum / rounds, math.sqrt((squares - sum ^ 2 / rounds) / (rounds - 1) / rounds)
end

local function formula(n)
  local L <const> = math.log(n) + 1
  local a <const> = math.exp(L * delay / T)
  return n * (a - 1) / (math.exp(L) - 1) + a * (1 - ((1 - 1 / a) / (1 - math.exp(-L))) ^ n)
end

print "receivers  NACKs, mean  standard error  by formula"
for _, n in ipairs(arg[1] and { tonumber(arg[1]) } or { 10, 100, 1000, 10000 }) do
  local mean, err = simulate(n, tonumber(arg[2]) or math.max(20, math.min(1000, 200000 // n)))
  print(("%9d %12.3f %15.3f %11.3f"):format(n, mean, err, formula(n)))
end
