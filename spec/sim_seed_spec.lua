-- One seed, one run: changes of a net that must not change a run.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function receiver()
  local mcast <const> = require "mcast"
  local sock <const> = mcast.socket { port = 7000 }
  sock:join "239.1.1.1"
  for _ = 1, 100 do
    print(sock:recvfrom(0.5), mcast.now(), math.random(1000))
  end
end

local function sender()
  local mcast <const> = require "mcast"
  local sock <const> = mcast.socket()
  mcast.sleep(0.01)
  for i = 1, 100 do
    sock:sendto(tostring(i), "239.1.1.1:7000")
    mcast.sleep(0.001 * math.random())
  end
end

-- A node that sends 100 datagrams elsewhere.
local function flood(address)
  return function()
    local mcast <const> = require "mcast"
    local sock <const> = mcast.socket()
    for _ = 1, 100 do
      sock:sendto("x", address)
      mcast.sleep(0.0007)
    end
  end
end

local function idle()
  require "mcast".sleep(5)
end

-- The lines of a sender and a receiver; before and after change the net around them.
local function play(before, after, seed)
  local lines = {}
  local net <const> = sim.new {
    seed = seed or 7, delay = { exponential = 0.002 }, loss = 0.3, duplicate = 0.1, reorder = 0.2, trace = false,
    output = function(node, line)
      lines[#lines + 1] = node.name == "r" and line or nil
    end,
  }
  before(net)
  net:node("r", receiver)
  net:node("s", sender)
  after(net)
  net:run(20)
  return table.concat(lines, "\n")
end

local function nothing() end

describe("a seed", function()
  local base <const> = play(nothing, nothing)

  it("leads to another run with another number", function()
    assert.are_not.equal(base, play(nothing, nothing, 8))
  end)

  local changes <const> = {
    { "a host added before", before = function(net) net:host "unused" end },
    { "a node added before", before = function(net) net:node("first", idle) end },
    { "a node added after", after = function(net) net:node("last", idle) end },
    { "a further receiver", after = function(net) net:node("r2", receiver) end },
    { "a further LAN and a router", after = function(net)
      net:router("gate", { net.lans.lan, net:lan "far" })
    end },
    { "traffic of another group", after = function(net) net:node("b", flood "239.9.9.9:8000") end },
    { "traffic of the same group on another port", after = function(net) net:node("b", flood "239.1.1.1:8000") end },
    { "unicast to the receiver's host", after = function(net) net:node("b", flood "10.0.0.1:9999") end },
    { "a node on the receiver's host", after = function(net)
      net:node("y", idle, {}, { host = net.byname.r })
    end },
    { "a rule without a decision", after = function(net) net:rule(nothing) end },
    { "a rule that draws", after = function(net) net:rule(function(_, random) random() end) end },
    { "a partition of other nodes", after = function(net)
      net:node("c", idle)
      net:node("d", idle)
      net:partition("c", "d")
    end },
    { "chaos of other nodes", after = function(net)
      net:node("c", idle)
      net:node("d", idle)
      net:chaos { nodes = { "c", "d" }, every = 0.05, till = 1 }
    end },
    { "draws of the scenario", after = function(net) net:at(0.02, function() net:random() end) end },
  }
  for _, change in ipairs(changes) do
    it("leads to the same run beside " .. change[1], function()
      assert.equal(base, play(change.before or nothing, change.after or nothing))
    end)
  end
end)

describe("random numbers of a scenario", function()
  it("draws them from the seed", function()
    local function draw(seed)
      local net <const> = sim.new { seed = seed, trace = false }
      return ("%.6f %d %d"):format(net:random(), net:random(1000), net:random(-5, 5))
    end
    assert.equal(draw(3), draw(3))
    assert.are_not.equal(draw(3), draw(4))
  end)

  it("keeps them within the interval", function()
    local net <const> = sim.new { trace = false }
    local seen = {}
    for _ = 1, 200 do
      seen[net:random(3)] = true
    end
    assert.same({ true, true, true }, seen)
  end)

  it("raises for an empty interval", function()
    helper.raises(function() sim.new { trace = false }:random(0) end, "interval is empty")
  end)

  it("seeds math.random by the first run", function()
    local function draw()
      local net <const> = sim.new { seed = 5, trace = false }
      local drawn
      net:at(1, function() drawn = math.random(1000000) end)
      net:run(2)
      return drawn
    end
    assert.equal(draw(), draw())
  end)

  it("draws those of a rule from the copy alone", function()
    local function count(extra)
      local received = 0
      local net <const> = sim.new { seed = 1, trace = false, output = function() received = received + 1 end }
      net:rule(function(packet, random)
        if packet.receiver == "r" and random() < 0.5 then return false end
      end)
      net:node("r", receiver)
      net:node("s", sender)
      if extra then
        net:node("b", flood "239.1.1.1:8000")
      end
      net:run(20)
      return received
    end
    assert.equal(count(false), count(true))
  end)
end)
