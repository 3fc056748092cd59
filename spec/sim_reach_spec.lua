-- Situations that some run should see.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local sweep <const> = require "spec.support.sweep"

-- A net whose node notes a flag, a state and a boolean, at 1, 2 and 3 s.
local function new(options)
  options = options or {}
  options.output = function() end
  local net <const> = sim.new(options)
  net:node("n", function()
    local mcast <const> = require "mcast"
    mcast.sleep(1)
    mcast.note "a flag"
    mcast.sleep(1)
    mcast.note("role", "leader")
    mcast.sleep(1)
    mcast.note("ready", true)
  end)
  return net
end

helper.describe("a situation", function()
  it("is seen after an event after which its function holds", function()
    local net <const> = new()
    local times = {}
    net:sometimes(function()
      times[#times + 1] = net:now()
      return net:now() >= 2
    end, "late")
    net:sometimes(function() return net:now() >= 9 end, "later")
    net:sometimes(function() return nil end, "never")
    net:run(2.5)
    assert.same({ late = true, later = false, never = false }, net.seen)
    net:run()
    assert.equal(2, times[#times])
    assert.is_false(net.seen.later)
  end)

  it("is seen by a node's note", function()
    for _, trace in ipairs { true, false } do
      local net <const> = new { trace = trace }
      for _, name in ipairs { "a flag", "role leader", "ready true", "role", "leader", "another" } do
        net:sometimes(name)
      end
      net:run(1.5)
      assert.is_true(net.seen["a flag"])
      assert.is_false(net.seen["role leader"])
      net:run()
      assert.same({ ["a flag"] = true, ["role leader"] = true, ["ready true"] = true, role = false, leader = false,
        another = false }, net.seen)
    end
  end)

  it("is seen by a note after another one was reached", function()
    local net <const> = new()
    net:reached "another"
    net:sometimes "a flag"
    net:run()
    assert.is_true(net.seen["a flag"])
  end)

  it("is seen by a note in place of its function", function()
    local net <const> = new()
    net:sometimes(function() return false end, "a flag")
    net:run()
    assert.is_true(net.seen["a flag"])
  end)

  it("is seen where a node or the scenario says so", function()
    local net <const> = new()
    net:node("other", function()
      net:reached "in a node"
    end)
    net:at(1, function() net:reached "in the scenario" end)
    net:rule(function() net:reached "in a rule" end)
    net:sometimes "unheard"
    net:run()
    net:reached "after the run"
    assert.same({ ["in a node"] = true, ["in the scenario"] = true, ["after the run"] = true, unheard = false }, net.seen)
  end)

  it("leaves invariants to be looked at", function()
    for _, least in ipairs { 1, 9 } do -- seen before the invariant fails, and not
      local net <const> = new()
      net:always(function() return net:now() < 3 end, "early")
      net:sometimes(function() return net:now() >= least end, "seen")
      assert.error_matches(function() net:run() end, "^early does not hold at 3.0")
      assert.equal(least == 1, net.seen.seen)
    end
  end)

  it("ends the run by its function's error", function()
    local net <const> = new()
    net:sometimes(function() error "a slip" end, "never")
    assert.error_matches(function() net:run() end, "a slip")
  end)

  it("stays seen when it is named again", function()
    local net <const> = new()
    net:reached "it"
    net:sometimes "it"
    assert.is_true(net.seen.it)
  end)

  it("needs a name", function()
    local net <const> = new()
    for message, call in pairs {
      ["bad argument #1 to 'sometimes'"] = function() net:sometimes() end,
      ["bad argument #2 to 'sometimes'"] = function() net:sometimes(function() end) end,
      ["bad argument #1 to 'reached'"] = function() net:reached() end,
    } do
      assert.error_matches(call, message)
    end
    assert.error_matches(function() net:sometimes "" end, "bad argument #1 to 'sometimes'")
  end)
end)

helper.describe("situations of a sweep", function()
  -- Seed 3 resigns, and fails.
  local function scenario(seed)
    local net <const> = new()
    net:sometimes "a flag"
    net:sometimes "a cat"
    net:sometimes(function() return seed == 3 and net:now() > 1 end, "resigns")
    net:run()
    if seed == 2 then net:reached "ends" end
    assert(seed ~= 3, "three")
  end

  it("names those that no seed has seen", function()
    local failed <const>, report = sweep { seeds = { 1, 4 }, scenario = scenario }
    assert.equal(1, #failed)
    assert.matches("^1 of 4 seeds failed\n  seed 3: [^\n]*three\nnever seen in any seed: a cat\nreplay: ", report)
  end)

  it("fails where it is asked for all", function()
    local failed <const>, report = sweep { seeds = { 1, 2 }, scenario = scenario, reach = true }
    assert.same({ { message = "never seen in any seed: a cat" }, { message = "never seen in any seed: resigns" } }, failed)
    assert.equal("0 of 2 seeds failed\nnever seen in any seed: a cat\nnever seen in any seed: resigns", report)
  end)

  it("fails where it is asked for one", function()
    for name, count in pairs { ["a flag"] = 0, ends = 0, resigns = 1, ["role leader"] = 0, ["role follower"] = 1 } do
      local failed <const> = sweep { seeds = { 1, 2 }, scenario = scenario, reach = { name } }
      assert.equal(count, #failed, name)
      assert.equal(count, #sweep { seeds = { 1, 2 }, scenario = scenario, reach = name }, name)
    end
  end)

  it("fails where no seed makes a net", function()
    local failed <const> = sweep { seeds = { 1, 2 }, scenario = function() end, reach = "a flag" }
    assert.same({ { message = "never seen in any seed: a flag" } }, failed)
  end)

  it("names ten of many", function()
    local _, report = sweep { seeds = { 1, 1 }, scenario = function()
      for i = 1, 12 do sim.new():sometimes("n" .. i) end
    end }
    assert.matches("^0 of 1 seeds failed\nnever seen in any seed: n1\n.*\n  and 2 more$", report)
    assert.equal(10, select(2, report:gsub("never seen", "")))
  end)

  it("refuses names that are none", function()
    for _, reach in ipairs { 5, {}, { 5 }, "", { "a", "" }, { name = "a" } } do
      assert.error_matches(function() sim.sweep { seeds = { 1, 1 }, scenario = error, reach = reach } end, "bad option 'reach'")
    end
    assert.error_matches(function() sim.sweep { seeds = { 1, 1 }, scenario = error, reach = false } end, "bad option 'reach'")
  end)
end)
