-- The end of all faults, and conditions that hold some time after it.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function receiver()
  local mcast <const> = require "mcast"
  local sock <const> = assert(mcast.socket { port = 5000 })
  while not sock:join "239.1.2.3" do
    mcast.sleep(0.05)
  end
  for data in sock:datagrams() do
    mcast.note("at", data)
  end
end

local function sender()
  local mcast <const> = require "mcast"
  local sock <const> = assert(mcast.socket())
  while true do
    sock:sendto(tostring(os.time()), "239.1.2.3", 5000)
    mcast.sleep(0.1)
  end
end

-- A net whose node "b" sends to "a" at all times.
local function new(options)
  options.output = function() end
  local net <const> = sim.new(options)
  net:node("a", receiver)
  net:node("b", sender)
  return net
end

-- The delays of the datagrams that "a" received from a time on.
local function delays(net, from)
  local sent, list = {}, {}
  for _, event in ipairs(net.trace) do
    if event.kind == "send" then
      sent[event.packet] = event.time
    elseif event.kind == "deliver" and sent[event.packet] >= from then
      list[#list + 1] = event.time - sent[event.packet]
    end
  end
  return list
end

local faults <const> = {
  loss = function(net) net:set { loss = 1 } end,
  ["loss in bursts"] = function(net) net:set { loss = { to_bad = 1, to_good = 0.001 } } end,
  ["loss of a LAN"] = function(net) net.lans.lan:set { loss = 1 } end,
  duplication = function(net) net:set { duplicate = 1 } end,
  reordering = function(net) net:set { reorder = { 1, 0.5 } } end,
  delay = function(net) net:set { delay = 5 } end,
  ["a LAN's delay"] = function(net) net.lans.lan:set { delay = 5 } end,
  latency = function(net) net:set { latency = function() return 5 end } end,
  ["a link"] = function(net) net:link("b", "a", { loss = 1 }) end,
  ["a link's delay"] = function(net) net:link("b", "a", { delay = 5 }) end,
  ["a partition"] = function(net) net:partition("a", "b") end,
  isolation = function(net) net:isolate "a" end,
  ["a rule"] = function(net) net:rule(function() return false end) end,
  ["a crash of the sender"] = function(net) net.byname.b:crash() end,
  ["a crash of the receiver"] = function(net) net.byname.a:crash() end,
  ["a pause"] = function(net) net.byname.b:pause() end,
  ["an interface that is down"] = function(net) net.hosts.a:setinterface("eth0", false) end,
  chaos = function(net)
    net:chaos { every = 0.01, kinds = { "partition", "crash", "pause", "swizzle", "disk" }, length = 3 }
  end,
  ["chaos that begins later"] = function(net) net:chaos { from = 10.5, every = 0.01, kinds = { "crash" }, length = 9 } end,
}

helper.describe("the end of all faults", function()
  for name, fault in pairs(faults) do
    it("ends " .. name, function()
      local net <const> = new { delay = 0.001 }
      net:at(1, function() fault(net) end)
      net:eventually(function() return true end, "it runs", { after = 10, within = 1 })
      net:run(12)
      local list <const> = delays(net, 10)
      assert.is_true(#list >= 19 and #list <= 21, #list)
      for _, delay in ipairs(list) do
        assert.is_true(math.abs(delay - 0.001) < 1e-6, delay)
      end
    end)
  end

  it("keeps the delays with which the net first ran", function()
    local net <const> = sim.new { delay = 1, output = function() end }
    net.lans.lan:set { delay = 0.25 }
    net:set { latency = function(from) return from == "c" and 0.125 or nil end }
    net:node("a", receiver)
    net:node("b", sender)
    net:node("c", sender)
    net:at(1, function()
      net:set { delay = 2, latency = { { 3, 3, 3 }, { 3, 3, 3 }, { 3, 3, 3 } } }
      net.lans.lan:set { delay = 2 }
    end)
    net:eventually(function() return true end, "it runs", { after = 10, within = 1 })
    net:run(12)
    local counts = {}
    for _, delay in ipairs(delays(net, 10)) do
      counts[("%.3f"):format(delay)] = (counts[("%.3f"):format(delay)] or 0) + 1
    end
    assert.is_true(counts["0.250"] > 15 and counts["0.125"] > 15)
    assert.is_nil(next(counts, next(counts, next(counts))))
  end)

  it("lets faults act that the scenario begins later", function()
    local net <const> = new { loss = 1 }
    net:eventually(function() return true end, "it runs", { after = 10, within = 1 })
    net:at(10.5, function()
      net:set { loss = 1 }
      net.lans.lan:set { duplicate = 1 }
      net:chaos { every = 0.1, kinds = { "pause" }, nodes = { "b" } }
    end)
    net:run(12)
    local count <const> = #delays(net, 10)
    assert.is_true(count >= 5 and count <= 6, count)
    assert.is_true(net.trace[#net.trace].time > 11)
    local pauses = 0
    for _, event in ipairs(net.trace) do
      pauses = pauses + (event.kind == "pause" and 1 or 0)
    end
    assert.is_true(pauses > 3)
  end)

  it("lets a link act that the scenario sets again", function()
    local net <const> = new { delay = 0.001 }
    net:link("b", "a", { delay = 0.25 })
    net:eventually(function() return true end, "it runs", { after = 2, within = 1 })
    net:at(3, function() net:link("b", "a", { delay = 0.5 }) end)
    net:run(4.95)
    local counts = {}
    for _, delay in ipairs(delays(net, 0)) do
      counts[("%.3f"):format(delay)] = (counts[("%.3f"):format(delay)] or 0) + 1
    end
    assert.same({ ["0.250"] = 20, ["0.001"] = 10, ["0.500"] = 15 }, counts)
  end)

  it("sets clocks as the nodes' options have them", function()
    local net <const> = new {}
    local late <const> = net:node("late", sender, {}, { skew = 5, drift = 0.01 })
    net:chaos { every = 0.1, kinds = { "clock" }, length = 20 }
    net:eventually(function() return true end, "it runs", { after = 5, within = 0 })
    net:run(30)
    assert.same({ 0, 0, 5, 0.01 }, { net.byname.b.skew, net.byname.b.drift, late.skew, late.drift })
  end)

  it("leaves nodes alone that have ended", function()
    local net <const> = sim.new()
    local node <const> = net:node("n", function() end)
    net:eventually(function() return true end, "it runs", { after = 5, within = 0 })
    net:run()
    assert.equal("ended", node.status)
    assert.equal(5, net:now())
  end)

  it("does the same in each process", function()
    local text <const> = [[
      local net = require "mcast.sim".new { seed = 3 }
      for i = 1, 9 do
        net:node("n" .. i, function()
          while true do print(math.random(1000)) require "mcast".sleep(1) end
        end)
      end
      net:at(1, function()
        for name, host in pairs(net.hosts) do host:setinterface("eth0", false) host:setinterface("lo", false) end
        for _, node in ipairs(net.nodes) do node:crash() end
      end)
      net:eventually(function() return true end, "it runs", { after = 2.5, within = 1 })
      net:run(5)
      for _, event in ipairs(net.trace) do
        if event.time >= 2.5 then print(event.time, event.node, event.kind, event.text) end
      end
    ]]
    local path <const> = helper.script(text)
    local first <const> = helper.check(helper.lua .. " " .. path)
    for _ = 1, 3 do
      assert.equal(first, helper.check(helper.lua .. " " .. path))
    end
  end)
end)

helper.describe("a condition in the end", function()
  -- The error of a run until 20 s.
  local function fails(holds, options)
    local net <const> = new(options or {})
    net:eventually(holds, "a condition", { after = 10, within = 5 })
    local ok, message = pcall(net.run, net, 20)
    return not ok and message, net
  end

  it("fails the run as an invariant does", function()
    local message <const>, net = fails(function() return false, "no reason" end, { seed = 4 })
    assert.matches("^a condition does not hold at 15.000000 s with seed 4: 5 s after all faults have ended: no reason\nreplay: "
      .. "MCAST_SEED=4 ", message)
    local last <const> = net.trace[#net.trace]
    assert.same({ "violation", "a condition", 15 }, { last.kind, last.text, last.time })
  end)

  it("fails without a result", function()
    assert.matches("after all faults have ended\n", fails(function() end))
  end)

  it("names the error of the function", function()
    assert.matches("ended: [^\n]*: nobody leads\n", fails(function() error "nobody leads" end))
  end)

  it("holds once it has held after the faults' end", function()
    local calls = 0
    local message <const>, net = fails(function()
      calls = calls + 1
      return calls == 3
    end)
    assert.is_false(message)
    assert.equal(3, calls)
    assert.equal(20, net:now())
  end)

  it("is asked no more once it has held at its last time", function()
    local net <const>, calls = new {}, 0
    net:eventually(function()
      calls = calls + (net:now() >= 15 and 1 or 0)
      return calls == 1
    end, "late", { after = 10, within = 5 })
    net:run(20)
    assert.equal(1, calls)
  end)

  it("is asked no more once it has failed the run", function()
    local net <const>, calls = new {}, 0
    net:eventually(function()
      calls = calls + (net:now() >= 11 and 1 or 0)
      return false
    end, "never", { after = 10, within = 1 })
    assert.is_false((pcall(net.run, net, 20)))
    net:run(20)
    assert.equal(1, calls)
  end)

  it("asks nothing before the faults' end", function()
    local net <const>, least = new {}, math.huge
    net:eventually(function()
      least = math.min(least, net:now())
      return false
    end, "never", { after = 10, within = 5 })
    pcall(net.run, net, 20)
    assert.equal(10, least)
  end)

  it("judges a condition of time alone", function()
    local net <const> = sim.new()
    net:eventually(function() return net:now() >= 15 end, "it is late", { after = 10, within = 5 })
    net:run()
    assert.equal(15, net:now())
  end)

  it("holds in a run until another condition", function()
    local net <const> = new {}
    net:eventually(function() return false end, "never", { after = 1, within = 1 })
    assert.is_true(net:run_until(function() return net:now() > 1.5 end))
    assert.error_matches(function() net:run_until(function() return net:now() > 3 end) end, "^never does not hold at 2")
  end)

  it("fails a seed whose run ends too early", function()
    local output <const> = helper.run(helper.lua .. " " .. helper.script [[
      local sim = require "mcast.sim"
      sim.sweep { seeds = { 1, 2 }, scenario = function(seed)
        local net = sim.new()
        net:eventually(function() return true end, "a leader", { after = 10, within = 5 })
        net:run(seed == 1 and 9 or 11)
      end }
    ]])
    assert.matches("^1 of 2 seeds failed\n  seed 1: a leader is not judged: the run ended at 9.000000 s, before 15 s\n", output)
  end)

  it("refuses options that it does not know", function()
    local net <const> = sim.new()
    local function f() end
    for message, arguments in pairs {
      ["bad argument #1 to 'eventually'"] = { true },
      ["bad argument #2 to 'eventually'"] = { f, nil, { after = 1, within = 1 } },
      ["missing option 'after'"] = { f, "name", { within = 1 } },
      ["missing option 'within'"] = { f, "name", { after = 1 } },
      ["bad option 'within' %(seconds of 0 to 1e9 expected, got inf"] = { f, "name", { after = 1, within = math.huge } },
      ["unknown option 'till'"] = { f, "name", { after = 1, till = 3 } },
    } do
      assert.error_matches(function() net:eventually(table.unpack(arguments, 1, 3)) end, message)
    end
    net:run(5)
    assert.error_matches(function() net:eventually(f, "name", { after = 1, within = 9 }) end, "1.000000 s is past")
  end)
end)

helper.describe("an invariant", function()
  it("is looked at when it is added within a run", function()
    for _, enough in ipairs { false, function() return false end } do
      local net <const> = new {}
      net:at(1, function()
        net:always(function() return net:now() < 3 end, "early")
      end)
      assert.error_matches(function()
        if enough then net:run_until(enough, 5) else net:run(5) end
      end, "^early does not hold at 3.00")
    end
  end)
end)
