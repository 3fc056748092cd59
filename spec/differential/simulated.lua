-- The comparison's hosts in the simulator.
local host <const> = require "spec.differential.host"
local sim <const> = require "mcast.sim"

local simulated = {}

local step <const> = 0.5 -- seconds from a line to the next

local function hosts(net, count)
  local list <const> = {}
  if count == 1 then
    list[1] = net:host("host", { lans = { net.lans.lan, net:lan "far" }, addresses = { "10.0.0.77", "fd00::77" } })
  else
    for i, name in ipairs { "one", "two", "three" } do list[i] = net:host(name) end
  end
  return list
end

-- Runs a program; returns the results of its lines.
function simulated.run(lines, count)
  local results <const> = {}
  local net <const> = sim.new { seed = 1, trace = false, output = function() end }
  for i, on in ipairs(hosts(net, count)) do
    net:node("node" .. i, function()
      local mcast <const> = require "mcast"
      for _ = 1, 100 * i do mcast.socket():close() end -- ephemeral ports that no other host has
      local execute <const> = host.new(mcast, function(name, up) on:setinterface(name, up) end,
        function(address, present) on:setaddress("eth1", address, present) end)
      for k, line in ipairs(lines) do
        if line.host == i then
          mcast.sleep(k * step - mcast.now())
          results[k] = execute(line.text)
        end
      end
    end, {}, { host = on })
  end
  net:run((#lines + 2) * step)
  return results
end

return simulated
