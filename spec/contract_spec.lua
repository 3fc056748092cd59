-- The contract of a socket, on the real network and on the simulated one: the files of
-- spec/contract are run with the module and the helper of each.
local core <const> = require "mcast.sim.core"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local names <const> = { "address", "interface", "option", "membership", "transfer", "many", "choice", "wait",
  "socket", "monitor" }

local on -- the host of the test that runs

-- Runs a test on a host whose only interface is lo, as in the private network.
local function simulate(body)
  local own = {}
  for _, family in ipairs(helper.families) do
    table.move(family.sources, 1, #family.sources, #own + 1, own)
  end
  local net = sim.new { trace = false, budget = 1000 }
  local ok, message
  local node = net:node("host", function()
    ok, message = pcall(body)
    helper.settle()
  end, {}, { lans = {}, addresses = own })
  on = node.on
  net:run()
  if node.status == "failed" then
    error(node.error, 0)
  end
  assert(ok ~= nil, "the test waits for ever")
  return ok or error(message, 0)
end

-- The parts of the helper that the contract uses, for tests that run as nodes.
local function simulated(environment)
  local network = { simulated = true, families = helper.families, defer = helper.defer, fails = helper.fails,
    raises = helper.raises }
  network.pair, network.open = helper.pairing(core.module), helper.opening(core.module)
  function network.setaddress(...) on:setaddress(...) end
  function network.time() return select(2, core.clock()) end
  network.network, network.describe = environment.describe, environment.describe
  function network.each_family(block)
    for _, family in ipairs(helper.families) do
      environment.describe("with " .. family.name, function() block(family) end)
    end
  end
  return network
end

local function contract(mcast, network, environment)
  for _, name in ipairs(names) do
    assert(loadfile(("spec/contract/%s.lua"):format(name), "t", environment))(mcast, network)
  end
end

describe("on the real network", function()
  contract(require "mcast", helper, _ENV)
end)

describe("on the simulated network", function()
  local environment = setmetatable({
    it = function(name, body) it(name, function() simulate(body) end) end,
  }, { __index = _ENV })
  contract(core.module, simulated(environment), environment)
end)

describe("the simulated module", function()
  it("has the functions, methods and constants of the real one", function()
    local real, own = require "mcast", {}
    simulate(function()
      own.methods = getmetatable(assert(core.module.socket())).__index
    end)
    local methods = getmetatable(assert(real.socket())).__index
    for _, pair in ipairs { { real, core.module }, { methods, own.methods } } do
      for name, value in pairs(pair[1]) do
        assert.equal(type(value), type(pair[2][name]), name)
      end
      for name in pairs(pair[2]) do
        assert.is_not_nil(pair[1][name], name)
      end
    end
    assert.same(real.errno, core.module.errno)
    assert.equal(real._VERSION, core.module._VERSION)
  end)
end)
