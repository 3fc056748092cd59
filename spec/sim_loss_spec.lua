-- Loss in bursts, latencies of pairs of hosts, and normal delays of simulated networks.
local sim <const> = require "mcast.sim"

local group <const> = "239.1.2.3"

local function quiet(options)
  options.output = function() end
  return sim.new(options)
end

-- A script that joins, and notes in a list of losses each datagram that it receives.
local function receive(lost)
  return function()
    local sock = assert(require "mcast".socket { port = 5000 })
    assert(sock:join(group))
    for data in sock:datagrams(5) do
      lost[tonumber(data)] = false
    end
  end
end

local function send(count)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket())
    mcast.sleep(1)
    for i = 1, count do
      assert(sock:sendto(tostring(i), group, 5000))
      mcast.sleep(0.0001)
    end
  end
end

local function allof(count)
  local lost = {}
  for i = 1, count do
    lost[i] = true
  end
  return lost
end

-- The share of lost datagrams, and the mean length of runs of them.
local function bursts(lost)
  local sum, runs = 0, 0
  for i, one in ipairs(lost) do
    sum = sum + (one and 1 or 0)
    runs = runs + (one and not lost[i - 1] and 1 or 0)
  end
  return sum / #lost, sum / runs
end

describe("loss in bursts", function()
  local count <const> = 10000

  local function run(loss, change)
    local net = quiet { seed = 3, loss = loss, trace = false }
    local one, other = allof(count), allof(count)
    if change then
      change(net)
    end
    net:node("receiver", receive(one))
    net:node("other", receive(other))
    net:node("sender", send(count))
    net:run()
    return one, other
  end

  it("has the share and the length of the formula", function()
    -- In bad states 0.01 / (0.01 + 0.1) of the datagrams, for 10 of them in the mean. Some 900 bursts.
    local share, length = bursts(run { to_bad = 0.01, to_good = 0.1 })
    assert.is_true(math.abs(share - 1 / 11) < 0.016, share)
    assert.is_true(math.abs(length - 10) < 1.6, length)
  end)

  it("has the shares of the good and of the bad state", function()
    local share <const> = bursts(run { good = 0.1, bad = 0.6, to_bad = 0.02, to_good = 0.08 })
    assert.is_true(math.abs(share - (0.8 * 0.1 + 0.2 * 0.6)) < 0.02, share)
  end)

  it("changes states at each datagram with probabilities of 1", function()
    assert.same({ 0.5, 1 }, { bursts(run { to_bad = 1, to_good = 1 }) })
  end)

  it("is another one for each receiver", function()
    local one, other = run { to_bad = 0.01, to_good = 0.1 }
    local both = 0
    for i = 1, count do
      both = both + (one[i] and other[i] and 1 or 0)
    end
    assert.is_true(both < 0.02 * count, both)
  end)

  it("does not depend on other traffic", function()
    local function chatter(net)
      net:node("chatter", function()
        local mcast = require "mcast"
        local sock = assert(mcast.socket())
        for _ = 1, 1000 do
          sock:sendto("0", group, 6000)
          sock:sendto("0", net.byname.receiver.host, 5001)
          mcast.sleep(0.001)
        end
      end)
    end
    local loss <const> = { to_bad = 0.01, to_good = 0.1 }
    local without <const>, with <const> = run(loss), run(loss, chatter)
    for i = 1, count do
      assert(without[i] == with[i])
    end
  end)

  it("is that of a link", function()
    local one, other = run(0, function(net)
      net:at(0.5, function() net:link("sender", "receiver", { loss = { to_bad = 0.01, to_good = 0.1 } }) end)
    end)
    assert.is_true((bursts(one)) > 0.07)
    assert.equal(0, (bursts(other)))
  end)

  it("raises for bad values", function()
    for _, bad in ipairs { {}, { to_bad = 0.1 }, { to_bad = 2, to_good = 1 }, { to_bad = 0.1, to_good = 0 }, { 0.1 },
      { to_bad = 0.1, to_good = 0.1, god = 0 } } do
      assert.has_error(function() sim.new { loss = bad } end)
    end
  end)
end)

describe("latencies", function()
  -- The seconds from the sender to each host.
  local function run(latency, change, options)
    local net = quiet(options or {})
    net:node("a", function()
      local mcast = require "mcast"
      mcast.sleep(1)
      assert(mcast.socket { ttl = 9 }:sendto("1", group, 5000))
    end)
    net:router("gate", { net.lans.lan, net:lan("far", { delay = 0.5 }) })
    net:node("b", receive {})
    net:node("c", receive {}, {}, { lans = { "far" } })
    net:set { latency = latency }
    if change then
      change(net)
    end
    net:run()
    local seconds = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "deliver" then
        seconds[event.host] = event.time - 1
      end
    end
    return seconds
  end

  local matrix <const> = { { 0, 0.25, 0.125 }, { 1, 1, 1 }, { 1, 1, 1 } }

  it("holds a matrix of them across routers, too", function()
    assert.same({ b = 0.25, c = 0.125 }, run(matrix))
  end)

  it("calls a function of two hosts", function()
    assert.same({ b = 0.25, c = 0.125 }, run(function(from, to)
      assert(from == "a")
      return to == "b" and 0.25 or 0.125
    end))
  end)

  it("uses the delays of LANs for pairs without one", function()
    assert.same({ b = 0.25, c = 0.75 }, run({ { 0 } }, nil, { delay = 0.25 }))
    assert.same({ b = 0.25, c = 0.75 }, run(function() end, nil, { delay = 0.25 }))
  end)

  it("prefers the delay of a link", function()
    assert.same({ b = 0.25, c = 0.0625 }, run(matrix, function(net) net:link("a", "c", { delay = 0.0625 }) end))
  end)

  it("draws numbers from the seed", function()
    local function draw(_, _, random) return random() end
    local first <const> = run(draw)
    assert.same(first, run(draw))
    assert.is_true(first.b ~= first.c and first.b < 1)
    assert.are_not.same(first, run(draw, nil, { seed = 2 }))
  end)

  it("raises for values out of range", function()
    for _, bad in ipairs { { { -1 } }, { { 5 } }, { { "x" } }, { 1 }, {}, { { 0, 0 } }, "king" } do
      assert.has_error(function() sim.new { latency = bad } end)
    end
    assert.has_error(function() run(function() return -1 end) end)
  end)

  it("takes at most 50 MB for 1,740 hosts", function()
    if os.getenv "MCAST_MEMCHECK" then
      pending "valgrind needs memory of its own"
      return
    end
    local function memory()
      collectgarbage()
      return tonumber(io.open "/proc/self/status":read "a":match "VmRSS:%s*(%d+)") / 1000
    end
    local before <const> = memory()
    local net = quiet { trace = false }
    for i = 1, 1740 do
      net:host("n" .. i)
    end
    local row = {}
    for i = 1, 1740 do
      row[i] = i / 1000
    end
    net:set { latency = setmetatable({}, { __len = function() return 1740 end, __index = function() return row end }) }
    assert.is_true(memory() - before < 50, memory() - before)
  end)
end)

describe("normal delays", function()
  it("draws anew what is below 0", function()
    local net = quiet { delay = { mean = 0, deviation = 0.01 } }
    net:node("receiver", receive {})
    net:node("sender", send(4000))
    net:run()
    local sent, sum, n, least = {}, 0, 0, 1
    for _, event in ipairs(net.trace) do
      if event.kind == "send" then
        sent[event.packet] = event.time
      elseif event.kind == "deliver" then
        local delay <const> = event.time - sent[event.packet]
        sum, n, least = sum + delay, n + 1, math.min(least, delay)
      end
    end
    -- A half normal distribution: mean 0.01 * sqrt(2 / pi), deviation 0.01 * sqrt(1 - 2 / pi).
    local mean <const>, error <const> = 0.01 * math.sqrt(2 / math.pi), 0.01 * math.sqrt((1 - 2 / math.pi) / n)
    assert.is_true(math.abs(sum / n - mean) < 4 * error, sum / n)
    assert.is_true(least > 0)
  end)
end)
