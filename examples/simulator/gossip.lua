-- Push gossip: each round, every node that knows a rumour sends it to a random other node. When do all know it?
-- usage: lua5.4 gossip.lua [n] [runs]
-- With n nodes, one of them with the rumour, the mean number of rounds is between
-- floor(log2 n) + ln n - 1.116 and ceil(log2 n) + ln n + 2.765. The formula below is exact.
local sim <const> = require "mcast.sim"

local port <const> = 10000

local function gossiper(k, n)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = port })
  if k > 1 then assert(sock:recvfrom()) end
  print "I know"
  while true do
    mcast.sleep(1 - mcast.now() % 1) -- to the next round; a round is one second
    local other = math.random(n - 1)
    other = other < k and other or other + 1
    assert(sock:sendto("rumour", ("10.0.%d.%d"):format(other >> 8, other & 255), port))
  end
end

local function simulate(n, seed)
  local know = 0
  local net <const> = sim.new { seed = seed, delay = 0.01, trace = false, output = function()
    know = know + 1
  end }
  for k = 1, n do net:node("node-" .. k, gossiper, { k, n }) end
  assert(net:run_until(function() return know == n end, 1000))
  return math.floor(net:now())
end

-- left[i]: mean number of further rounds when i nodes know it. p[k]: probability that k know it, within a round.
local function formula(n)
  local left <const> = { [n] = 0 }
  for i = n - 1, 1, -1 do
    local p, sum = { [i] = 1 }, 1
    for sent = 1, i do
      for k = math.min(n, i + sent), i, -1 do
        p[k] = ((p[k] or 0) * (k - 1) + (p[k - 1] or 0) * (n - k + 1)) / (n - 1)
      end
    end
    for k = i + 1, math.min(n, 2 * i) do sum = sum + p[k] * left[k] end
    left[i] = sum / (1 - p[i])
  end
  return left[1]
end

print "nodes  rounds, mean  standard error  by formula"
for _, n in ipairs(arg[1] and { tonumber(arg[1]) } or { 10, 100, 1000 }) do
  local runs <const> = tonumber(arg[2]) or math.max(30, math.min(1000, 20000 // n))
  local sum, squares = 0, 0
  for seed = 1, runs do
    local rounds = simulate(n, seed)
    sum, squares = sum + rounds, squares + rounds ^ 2
  end
  local err <const> = math.sqrt((squares - sum ^ 2 / runs) / (runs - 1) / runs)
  print(("%5d %13.3f %15.3f %11.3f"):format(n, sum / runs, err, formula(n)))
end
