-- The simulator: nothing fails in silence.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function quiet(options)
  options = options or {}
  options.output = options.output or function() end
  return sim.new(options)
end

-- The error of a run to 10 s.
local function failure(net)
  local ok, message = pcall(net.run, net, 10)
  assert.is_false(ok)
  return message
end

describe("a node that fails", function()
  local failing <const> = {
    ["raises"] = { function() require "mcast".sleep(1) error "oh" end,
      "at 1.000000 s with seed 1: .*oh\nstack traceback:\n" },
    ["is no script"] = { "no/such/file.lua", "at 0.000000 s with seed 1: no/such/file.lua: No such file or directory\nreplay" },
    ["exits with a status"] = { function() os.exit(3) end, "at 0.000000 s with seed 1: exit code 3\n" },
    ["does not wait"] = { function() while true do end end,
      "at 0.000000 s with seed 1: .*without waiting .endless loop%?.\nstack traceback:\n" },
  }
  for how, case in pairs(failing) do
    it("ends the run where it " .. how, function()
      local net = quiet { budget = 10000 }
      net:node("a", case[1])
      net:node("b", function() require "mcast".sleep(5) end)
      local message <const> = failure(net)
      assert.matches("^node a failed " .. case[2], message)
      assert.matches("\nreplay: MCAST_SEED=1 .*$", message)
    end)
  end

  it("ends the run where its script does not parse", function()
    local net = quiet()
    net:node("a", helper.script "x = = 1")
    assert.matches("^node a failed at 0.000000 s with seed 1: %S+:1: unexpected symbol near '='\nreplay:", failure(net))
  end)

  it("prints its error where failures are kept", function()
    local lines = {}
    local net = sim.new { failures = "keep", output = function(node, line) lines[#lines + 1] = node.name .. " " .. line end }
    net:node("a", function() error("oh", 0) end)
    net:run()
    assert.same({ "a oh", "a stack traceback:" }, { lines[1], lines[2] })
  end)

  it("is listed in the net's failures", function()
    local net = quiet { failures = "keep" }
    net:node("a", function() require "mcast".sleep(2) error("oh", 0) end)
    net:run(10)
    assert.equal(10, net:now())
    assert.same({ 1, "a", 2 }, { #net.failures, net.failures[1].node, net.failures[1].time })
    assert.matches("^oh\n", net.failures[1].error)
  end)

  it("is no failure where the scenario crashes it", function()
    local net = quiet()
    local node = net:node("a", function() require "mcast".sleep(5) end)
    net:at(1, function() node:crash() end)
    net:run(10)
    assert.same({}, net.failures)
  end)

  it("leaves the net to run on", function()
    local net = quiet()
    net:node("a", function() error "oh" end)
    local other = net:node("b", function() require "mcast".sleep(5) end)
    failure(net)
    net:run(10)
    assert.equal("ended", other.status)
  end)
end)
