-- Shrinking beyond faults: parameters, nodes, times, and the faults of hosts.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local draw <const> = require "mcast.sim.sweep.vary".draw

local function sleep()
  require "mcast".sleep(100)
end

-- A net of so many nodes that sleep, n-1, n-2 ...
local function sleepers(count, options)
  local net <const> = sim.new(options)
  for i = 1, count do
    net:node("n-" .. i, sleep)
  end
  return net
end

-- The story of the first seed that fails; only those count whose parameters are so, if that is given.
local function shrink(scenario, vary, areso)
  for seed = 1, 200 do
    local counts <const> = not areso or areso(draw(vary, seed))
    local fails <const>, story = pcall(counts and sim.shrink or error, scenario, seed, { vary = vary })
    if fails then
      return story
    end
  end
  error "no seed fails"
end

-- The story of a net of nodes that sleep, whose nodes crash at second 1; wrong(net, p) fails the run.
local function crashes(count, wrong, vary, areso)
  return shrink(function(_, p)
    local net <const> = sleepers(type(count) == "string" and p[count] or count)
    for _, node in ipairs(net.nodes) do
      net:at(1, function() node:crash() end)
    end
    net:always(function() return not wrong(net, p) end, "all is well")
    net:run(5)
  end, vary, areso)
end

local function crashed(net)
  local count = 0
  for _, node in ipairs(net.nodes) do
    count = count + (node.status == "crashed" and 1 or 0)
  end
  return count
end

helper.search("shrinking parameters", function()
  it("finds the smallest number with which it fails", function()
    local story <const> = crashes("nodes", function(net) return crashed(net) == 3 end, { nodes = { 2, 50 } })
    assert.same({ nodes = 3 }, story.options.p)
    assert.same({ "crash of n-1", "crash of n-2", "crash of n-3" }, story.faults)
    assert.matches("\nwith 3 of %d+ faults, nodes=3:\n", tostring(story))
  end)

  for name, row in pairs {
    ["an earlier entry of a list"] = { { "all", "most", "some" }, "most", function(p) return p ~= "all" end,
      function(p) return p == "some" end },
    ["few of a list"] = { { some = { 1, 2, 3, 4 } }, { 3 }, function(p)
      for _, value in ipairs(p) do
        if value == 3 then return true end
      end
    end },
    ["0 in place of a share"] = { { 0, 1.0 }, 0, function(p) return p < 1 end, function(p) return p > 0 end },
    ["0 in place of a logarithmic share"] = { { 0, 0.01, 1.0, log = true }, 0, function() return true end,
      function(p) return p > 0.1 end },
    ["a float of few digits"] = { { 0.5, 2.0 }, 0.7, function(p) return p >= 0.7 end },
    ["the least of a logarithmic range"] = { { 10, 100000, log = true }, 10, function() return true end,
      function(p) return p > 1000 end },
    ["two thirds of a long range"] = { { 0, 3000 }, 2000, function(p) return p >= 2000 end },
    ["the value that they have"] = { { "only" }, "only", function() return true end },
  } do
    it("finds " .. name, function()
      local story <const> = crashes(1, function(net, p) return crashed(net) == 1 and row[3](p.p) end, { p = row[1] },
        row[4] and function(p) return row[4](p.p) end)
      assert.same(row[2], story.options.p.p)
      assert.same({ "crash of n-1" }, story.faults)
    end)
  end

  it("keeps a number below which the run needs no fault", function()
    local story <const> = crashes("nodes", function(net) return crashed(net) > 0 or #net.nodes < 4 end, { nodes = { 2, 9 } })
    assert.equal(4, story.options.p.nodes)
  end)

  it("makes numbers smaller where no fault is needed", function()
    local story <const> = crashes("nodes", function(net) return net:now() > 0.5 end, { nodes = { 2, 9 } })
    assert.equal(2, story.options.p.nodes)
    assert.same({}, story.faults)
  end)

  it("replays the run with its parameters", function()
    local function scenario(_, p)
      local net <const> = sleepers(p.nodes)
      net:at(1, function() net.nodes[1]:crash() end)
      net:run(5)
      assert(p.nodes < 3 or crashed(net) == 0, "it crashed")
    end
    local story <const> = shrink(scenario, { nodes = { 1, 9 } })
    assert.same({ nodes = 3 }, story.options.p)
    assert.error_matches(function() sim.replay(scenario, story.seed, story.faults, story.options) end, "it crashed")
    assert.same({}, sim.replay(scenario, story.seed, story.faults, { p = { nodes = 2 } }))
  end)
end)

helper.search("shrinking the number of nodes", function()
  it("keeps the one that it needs", function()
    local story <const> = crashes(9, function(net) return net.byname["n-7"].status == "crashed" end)
    assert.same({ "n-1", "n-2", "n-3", "n-4", "n-5", "n-6", "n-8", "n-9" }, story.options.without)
    assert.matches("\nwith 1 of %d faults and 1 of 9 nodes %(n%-7%):\n", tostring(story))
  end)

  it("keeps as many as the run needs without faults", function()
    local story <const> = crashes(5, function(net)
      local running = 0
      for _, node in ipairs(net.nodes) do
        running = running + (node.status == "running" and 1 or 0)
      end
      return running < 3
    end)
    assert.same({ 1, 2 }, { #story.faults, #story.options.without })
  end)

  it("keeps few where no fault is needed", function()
    local story <const> = crashes(9, function(net)
      return net.byname["n-2"].status == "running" and net.byname["n-4"].status == "running"
    end)
    assert.same({}, story.faults)
    assert.equal(7, #story.options.without)
  end)

  it("keeps all where neither faults nor nodes are needed", function()
    local story <const> = crashes(9, function(net) return net.byname["n-2"].status ~= "running" or net:now() > 0.5 end)
    assert.same({}, story.faults)
    assert.is_nil(story.options.without)
  end)

  it("starts none of those left out, whoever restarts them", function()
    local starts, net = 0, nil
    sim.replay(function()
      net = sim.new()
      for i = 1, 2 do
        net:node("n-" .. i, function() starts = starts + 1 require "mcast".sleep(100) end)
      end
      net:at(1, function()
        net.nodes[1]:restart()
        net.nodes[1]:pause()
        net.nodes[1]:resume()
        net.nodes[1]:crash()
      end)
      net:eventually(function() return true end, "it holds", { after = 2, within = 1 })
      net:run(5)
    end, 1, {}, { without = { "n-1" } })
    assert.same({ 1, "ended" }, { starts, net.nodes[1].status })
  end)

  it("names those left out that the net lacks", function()
    assert.same({ "crash of n-1", "n-2" }, sim.replay(function() sleepers(1):run(1) end, 1, { "crash of n-1" },
      { without = { "n-2", "n-1" } }))
  end)
end)

helper.search("shrinking faults of hosts", function()
  -- The story of a host whose interface and addresses change; wrong(net, host) fails the run.
  local function changes(wrong)
    return shrink(function()
      local net <const> = sleepers(1)
      local host <const> = net.hosts["n-1"]
      local first <const> = host.address
      for i = 0, 1 do
        net:at(10 * i + 1, function() host:setinterface("eth0", false) end)
        net:at(10 * i + 2, function() host:setinterface("eth0", true) end)
        net:at(10 * i + 3, function() host:setaddress("eth0", "10.0.0.77", true) end)
        net:at(10 * i + 4, function() host:setaddress("eth0", first, false) end)
        net:at(10 * i + 5, function() host:setaddress("eth0", first, true) end)
        net:at(10 * i + 6, function() host:setaddress("eth0", "10.0.0.77", false) end)
      end
      net:always(function() return not wrong(net, host, first) end, "all is well")
      net:run(20)
    end)
  end

  local function last(net)
    return #net.trace > 0 and net.trace[#net.trace].text
  end

  it("finds an outage of an interface", function()
    local story <const> = changes(function(net) return last(net) == "eth0 down" and net:now() > 10 end)
    assert.same({ "2nd outage of eth0 of n-1" }, story.faults)
    assert.equal(4, story.before) -- up to there
  end)

  it("finds an address that is removed", function()
    local story <const> = changes(function(net, _, first) return last(net) == "eth0 address removed " .. first end)
    assert.same({ "removal of 10.0.0.1 from eth0 of n-1" }, story.faults)
  end)

  it("finds an address that is added", function()
    local story <const> = changes(function(_, host, first) return host.address ~= first end)
    assert.same({ "removal of 10.0.0.1 from eth0 of n-1" }, story.faults)
    local other <const> = changes(function(net) return last(net) == "eth0 address added 10.0.0.77" and net:now() > 10 end)
    assert.same({ "2nd addition of 10.0.0.77 to eth0 of n-1" }, other.faults)
  end)

  it("undoes no change that did not happen", function()
    local trace
    sim.replay(function()
      local net <const> = sleepers(1)
      trace = net.trace
      net.hosts["n-1"]:setaddress("eth0", "10.0.0.1", false)
      net.hosts["n-1"]:setaddress("eth0", "10.0.0.1", true)
      net.hosts["n-1"]:setinterface("eth0", false)
      net.hosts["n-1"]:setinterface("eth0", true)
      net:run(1)
    end, 1, {})
    assert.equal("start", trace[1].kind)
    assert.equal(1, #trace)
  end)

  it("has each change at its own time in each run", function()
    local times
    local function run()
      local net <const> = sleepers(1)
      for i, present in ipairs { false, true, false, true } do
        net:at(i, function() net.hosts["n-1"]:setaddress("eth0", "10.0.0.1", present) end)
      end
      net:run(5)
      times = {}
      for _, event in ipairs(net.trace) do
        times[#times + 1] = event.kind == "interface" and event.time or nil
      end
    end
    assert.same({}, sim.replay(run, 1, { "removal of 10.0.0.1 from eth0 of n-1" }))
    assert.same({ 1, 2 }, times)
    assert.same({}, sim.replay(run, 1, { "2nd removal of 10.0.0.1 from eth0 of n-1" }))
    assert.same({ 3, 4 }, times)
  end)

  it("distinguishes torn writes from crashes", function()
    local function scenario(wrong)
      return shrink(function()
        local net <const> = sim.new()
        local node <const> = net:node("n", function()
          local file <const> = io.open("/x", "w")
          file:write "12345678"
          file:flush()
          require "mcast".sleep(100)
        end)
        net:at(1, function() node:crash { torn = 0.5 } end)
        net:always(function() return not wrong(node, node.on:file "/x") end, "all is well")
        net:run(5)
      end)
    end
    assert.same({ "crash of n", "torn write of n" }, scenario(function(_, text) return text == "1234" end).faults)
    assert.same({ "crash of n" }, scenario(function(node) return node.status == "crashed" end).faults)
  end)
end)

helper.search("shrinking times", function()
  local begin <const> = {
    crash = function(net) net.nodes[1]:crash() end,
    pause = function(net) net.nodes[1]:pause() end,
    partition = function(net) net:partition({ "n-1" }, { "n-2" }) end,
    isolation = function(net) net:isolate "n-1" end,
    outage = function(net) net.hosts["n-1"]:setinterface("eth0", false) end,
    removal = function(net) net.hosts["n-1"]:setaddress("eth0", "10.0.0.1", false) end,
  }
  local finish <const> = {
    crash = function(net) net.nodes[1]:restart() end,
    pause = function(net) net.nodes[1]:resume() end,
    partition = function(net) net:heal() end,
    isolation = function(net) net:heal() end,
    outage = function(net) net.hosts["n-1"]:setinterface("eth0", true) end,
    removal = function(net) net.hosts["n-1"]:setaddress("eth0", "10.0.0.1", true) end,
  }

  for name, act in pairs(begin) do
    it("shortens a fault: " .. name, function()
      local function scenario()
        local net <const> = sleepers(2)
        local begun
        net:at(1, function() act(net) begun = #net.trace end)
        net:at(1.8, function() finish[name](net) end)
        net:always(function()
          local event <const> = begun and #net.trace > begun and net.trace[begun + 1]
          return not event or event.time - net.trace[begun].time < 0.15
        end, "all is well")
        net:run(5)
      end
      local story <const> = shrink(scenario)
      assert.equal(1, #story.faults)
      assert.matches("^" .. name .. ".*, for 0.2 s$", story.faults[1])
      assert.matches("all is well does not hold at 1.200000 s", story.message)
      assert.error_matches(function() sim.replay(scenario, 1, story.faults, story.options) end, "at 1.200000 s", 1, true)
    end)
  end

  it("shortens a wrong clock of chaos", function()
    local story <const> = shrink(function(seed)
      local net <const> = sleepers(1, { seed = seed })
      net:chaos { kinds = "clock", every = 0.5, length = 10, till = 1 }
      local wrong = 0
      net:always(function()
        local event <const> = net.trace[#net.trace]
        wrong = event and event.kind == "clock" and wrong == 0 and event.time or wrong
        return not (event and event.kind == "clock" and event.skew == 0 and event.time - wrong > 0.2)
      end, "all is well")
      net:run(20)
    end)
    assert.equal(1, #story.faults)
    assert.matches("clock of n%-1, for %d%.?%d* s$", story.faults[1])
    assert.is_true(tonumber(story.faults[1]:match "for (%S+)") < 2)
  end)

  it("prints the time that a fault lasts", function()
    local story <const> = shrink(function()
      local net <const> = sleepers(1)
      net:at(1, function() net.nodes[1]:crash() end)
      net:at(1.75, function() net.nodes[1]:restart() end)
      net:always(function() return #net.trace == 0 or net.trace[#net.trace].time < 1.75 end, "all is well")
      net:run(5)
    end)
    assert.matches("  1.000000 s  crash of n%-1, for 0.750000 s$", tostring(story))
  end)

  it("ends the run before a check of the scenario", function()
    local function scenario()
      local net <const> = sleepers(1)
      net:at(3, function() net.nodes[1]:crash() end)
      net:run(100)
      assert(crashed(net) == 0, "it crashed")
    end
    local story <const> = shrink(scenario)
    assert.is_true(story.options.till > 3 and story.options.till < 5, story.options.till)
    assert.matches(("\nwith 1 of 1 faults, ending at %g s:\n"):format(story.options.till), tostring(story), 1, true)
    assert.error_matches(function() sim.replay(scenario, 1, story.faults, story.options) end, "it crashed")
  end)

  it("ends the faults before net:eventually judges", function()
    local story <const> = shrink(function()
      local net <const> = sleepers(1)
      local crash
      net:at(3, function() net.nodes[1]:crash() crash = crash or crashed(net) > 0 end)
      net:eventually(function() return not crash end, "no crash", { after = 50, within = 10 })
      net:run(100)
    end)
    assert.is_true(story.options.till > 13 and story.options.till < 15, story.options.till)
    assert.matches("^no crash does not hold at 1[34]%.%d+ s with seed 1: 10 s after", story.message)
  end)

  it("leaves the time that the run needs without faults", function()
    local story <const> = shrink(function()
      local net <const> = sleepers(1)
      local done = false
      net:at(1, function() net.nodes[1]:crash() end)
      net:at(50, function() done = net.nodes[1].status == "running" end)
      net:run(100)
      assert(done, "it is not done")
    end)
    assert.is_true(story.options.till >= 50, story.options.till)
  end)
end)
