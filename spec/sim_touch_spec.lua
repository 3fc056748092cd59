-- Partitions, links and rules that touched no copy.
local sim <const> = require "mcast.sim"

local function receive()
  local sock <close> = assert(require "mcast".socket { port = 5000 })
  assert(sock:join "239.1.2.3")
  for _ in sock:datagrams(1) do end
end

local function send(times)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket())
  for _ = 1, times do
    mcast.sleep(0.1)
    assert(sock:sendto("x", "239.1.2.3", 5000))
  end
end

-- Runs a sender "s" and receivers "a" and "b" with the faults that a function makes; returns their net.
local function run(faults, times)
  local net <const> = sim.new { output = function() end }
  net:node("a", receive)
  net:node("b", receive)
  net:node("s", send, { times or 5 })
  faults(net)
  net:run(3)
  return net
end

-- The faults that touched no copy, without their places.
local function untouched(faults, times)
  local list = {}
  for i, text in ipairs(run(faults, times):stats().untouched) do
    list[i] = text:match "^(.*) %(.*sim_touch_spec%.lua:%d+%)$"
  end
  return list
end

describe("faults that touched no copy", function()
  it("names a partition that dropped none", function()
    assert.same({ "partition a | b" }, untouched(function(net)
      net:partition("a", "b")
      net:partition("s", "b")
    end))
  end)

  it("names the line of each link", function()
    local line
    local net <const> = run(function(net)
      line = debug.getinfo(1, "l").currentline
      net:link("b", "a", { loss = 1 })
      for _, from in ipairs { "a", "b" } do
        pcall(net.link, net, from, "s", { loss = 1 })
        pcall(net.link, net, from, "s", { delay = 1 })
      end
      net:link("a", "b", { loss = 1 })
    end)
    local lines = {}
    for i, text in ipairs(net:stats().untouched) do
      lines[i] = math.tointeger(tonumber(text:match ":(%d+)%)$")) - line
    end
    assert.same({ 1, 3, 3, 6 }, lines)
  end)

  it("names a partition that was healed before a copy came", function()
    assert.same({ "partition s | a", "partition b | *" }, untouched(function(net)
      net:partition("s", "a"):heal()
      net:isolate "b":heal()
    end))
  end)

  it("keeps what a partition dropped once it is healed", function()
    assert.same({}, untouched(function(net)
      local first <const>, second <const> = net:partition("s", "a"), net:isolate "b"
      net:at(0.15, function()
        first:heal()
        second:heal()
      end)
    end))
  end)

  it("names a link that no copy went by", function()
    assert.same({ "link b -> a" }, untouched(function(net)
      net:link("s", "a", { loss = 0 })
      net:link("b", "a", { loss = 1 })
    end))
  end)

  it("names a rule that decided on none", function()
    assert.same({ "rule" }, untouched(function(net)
      net:rule(function(copy) if copy.receiver == "nobody" then return false end end)
      net:rule(function(copy) if copy.receiver == "a" then return 0.1 end end)
    end))
  end)

  it("is in the text of the figures, with the line", function()
    local text <const> = tostring(run(function(net) net:partition("a", "b") end):stats())
    assert.matches("\ntouched no copy: partition a | b %(.-sim_touch_spec%.lua:%d+%)$", text)
  end)

  it("is reported by a sweep if no seed touched it", function()
    local print <const>, lines = print, {}
    _G.print = function(line) lines[#lines + 1] = line end
    local ok <const>, failed = pcall(sim.sweep, { seeds = { 1, 4 }, scenario = function(seed)
      run(function(net)
        net:partition("a", "b")
        net:partition("s", "b")
        net:link("s", "a", { loss = 0 })
      end, seed == 3 and 5 or 0)
    end })
    _G.print = print
    assert(ok, failed)
    assert.equal("0 of 4 seeds failed", lines[1])
    assert.matches("^touched no copy in any seed: partition a | b %(.-sim_touch_spec%.lua:%d+%)$", lines[2])
    assert.is_nil(lines[3])
  end)
end)
