-- The simulator: each allocation of its core may fail.
local helper <const> = require "spec.support.helper"

-- Runs a net of many events in two steps, and on after an error; prints the error or nil, and the number of events.
local scenario <const> = [[
  local sim = require "mcast.sim"
  local net
  local ok, message = pcall(function()
    net = sim.new { delay = { 0.001, 0.02 }, loss = 0.05, output = function() end, failures = "keep" }
    for i = 1, 10 do
      net:node("n" .. i, function()
        local mcast = require "mcast"
        local sock = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        for k = 1, 20 do
          sock:sendto("x" .. k, "239.1.2.3", 5000)
          sock:recvmany(0.01)
        end
      end)
    end
    for i = 1, 3000 do net:at(i / 1000, function() end) end
    net:run(0.5)
    net:run(5)
  end)
  print(ok and "whole" or message)
  print(net and select(2, pcall(net.run, net, 6)) and #net.trace or 0)
]]

helper.long("a net whose core lacks memory", function()
  it("raises or goes on at each failed allocation", function()
    local library <const> = helper.compile "spec/support/scarce.c" .. "/scarce.so"
    local script <const>, path <const> = helper.script(scenario), os.tmpname()
    helper.defer(function() os.remove(path) end)
    local function run(variables)
      return helper.check(("%s LD_PRELOAD=%s %s %s"):format(variables, library, helper.lua, script))
    end
    assert.matches("^whole\n", run("SCARCE_COUNT=" .. path))
    local fresh <const>, grown <const> = io.open(path):read("n", "n")
    local results <const> = { raised = 0, whole = 0 }
    local function try(variable)
      local output <const> = run(variable)
      local raised <const> = not output:find "^whole\n"
      assert(not raised or output:find "^[^\n]*not enough memory", output)
      local kind <const> = raised and "raised" or "whole"
      results[kind] = results[kind] + 1
    end
    for number = 1, grown, 2 do
      try("GROWTH=" .. number)
    end
    for number = 1, fresh, 31 do
      try("SCARCE=" .. number)
    end
    assert.is_true(results.raised > 10 and results.whole > 10)
  end)
end)
