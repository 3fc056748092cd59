-- Statistics of a net.
local sim <const> = require "mcast.sim"
local stats <const> = require "mcast.sim.export.stats"

local function quiet() end

-- A receiver, and a sender of n datagrams, one each 10 ms, from 0.1 s on.
local function play(n, options)
  options.output = quiet
  local net = sim.new(options)
  net:node("receiver", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 10000 })
    assert(sock:join "239.1.2.3")
    for data, from in sock:datagrams(1) do
      if data == "1" then
        assert(sock:sendto("ack", from))
      end
    end
  end)
  net:node("sender", function(count)
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket())
    mcast.sleep(0.1)
    for i = 1, count do
      assert(sock:sendto(tostring(i), "239.1.2.3", 10000))
      mcast.sleep(0.01)
    end
  end, { n })
  return net
end

local function near(expected, latency)
  for key, value in pairs(expected) do
    assert.is_true(math.abs(latency[key] - value) < 1e-9, ("%s: %g"):format(key, latency[key]))
  end
end

describe("statistics", function()
  it("counts by node and group, with unicast apart", function()
    local net = play(10, { delay = 0.002 })
    net:run()
    local figures = net:stats()
    assert.same({ 0, 10, 0, 0 }, { figures.receiver["239.1.2.3"].sent, figures.receiver["239.1.2.3"].delivered,
      figures.receiver["239.1.2.3"].lost, figures.receiver["239.1.2.3"].duplicated })
    near({ least = 0.002, p50 = 0.002, p90 = 0.002, p99 = 0.002, most = 0.002, mean = 0.002 },
      figures.receiver["239.1.2.3"].latency)
    assert.same({ sent = 10, delivered = 0, lost = 0, duplicated = 0, held = 0, drops = {} }, figures.sender["239.1.2.3"])
    assert.same({ sent = 1, delivered = 0, lost = 0, duplicated = 0, held = 0, drops = {} }, figures.receiver.unicast)
    assert.equal(1, figures.sender.unicast.delivered)
  end)

  it("counts losses by their reason", function()
    local net = play(10, {})
    net:rule(function(p)
      if p.data == "3" then
        return false
      end
    end)
    local partition
    net:at(0.165, function() partition = net:partition({ "sender" }, { "receiver" }) end)
    net:at(0.185, function() partition:heal() end)
    net:run()
    local row = net:stats().receiver["239.1.2.3"]
    assert.same({ 7, 3, { rule = 1, partition = 2 } }, { row.delivered, row.lost, row.drops })
  end)

  it("distinguishes duplicates from deliveries to two sockets of a node", function()
    local net = play(5, { delay = 0.001, duplicate = 1 })
    net:node("both", function()
      local mcast <const> = require "mcast"
      local one <close> = assert(mcast.socket { port = 10000 })
      local two <close> = assert(mcast.socket { port = 10000 })
      assert(one:join "239.1.2.3" and two:join "239.1.2.3")
      mcast.sleep(1)
    end)
    net:run()
    local figures = net:stats()
    assert.same({ 10, 5 }, { figures.receiver["239.1.2.3"].delivered, figures.receiver["239.1.2.3"].duplicated })
    assert.same({ 20, 10 }, { figures.both["239.1.2.3"].delivered, figures.both["239.1.2.3"].duplicated })
  end)

  it("has the quantiles of latency", function()
    local net = play(15, {})
    net:rule(function(p)
      return p.receiver == "receiver" and tonumber(p.data) / 1000 or nil
    end)
    net:run()
    near({ least = 0.001, p50 = 0.008, p90 = 0.014, p99 = 0.015, most = 0.015, mean = 0.008 },
      net:stats().receiver["239.1.2.3"].latency)
  end)

  it("converts to text with a line for each row", function()
    local net = play(2, { delay = 0.002 })
    net:run()
    local lines = {}
    for line in tostring(net:stats()):gmatch "[^\n]+" do
      lines[#lines + 1] = line:gsub(" +", " ")
    end
    assert.same({ "node group sent delivered lost duplicated p50 ms p90 ms p99 ms",
      "receiver 239.1.2.3 0 2 0 0 2.000 2.000 2.000", "receiver unicast 1 0 0 0 - - -", "sender 239.1.2.3 2 0 0 0 - - -",
      "sender unicast 0 1 0 0 2.000 2.000 2.000" }, lines)
  end)

  it("raises for a net without a trace", function()
    assert.error_matches(function() sim.new { trace = false }:stats() end, "the net keeps no trace %(trace = false%)")
  end)

  it("returns an empty table for an empty trace", function()
    assert.is_nil(next(stats.of {}))
  end)
end)
