-- A host with two interfaces without addresses, on the real network and on the simulated one. Both functions run a test:
-- its body gets the module, the names of the interfaces, and a function that adds an address or removes it.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local two = {}

function two.real(body)
  helper.check [[
    ip link add one type veth peer name two && ip link set one addrgenmode none
    ip link set one up && ip link set two up
  ]]
  helper.defer(function() helper.run "ip link del one" end)
  helper.carried "one"
  body(require "mcast", "one", "two", function(interface, address, present)
    local six <const> = address:find ":" and true
    helper.check(("ip addr %s %s/%d dev %s %s"):format(present and "add" or "del", address, six and 64 or 24, interface,
      present and six and "nodad" or ""))
  end)
end

function two.simulated(body)
  local net <const> = sim.new { output = function() end }
  local host <const> = net:host("host", { lans = { net:lan "a", net:lan "b" } })
  local ok, message
  net:node("node", function()
    local mcast <const> = require "mcast"
    for _, interface in ipairs(mcast.interfaces()) do
      for _, address in ipairs(interface.name ~= "lo" and interface.addresses or {}) do
        host:setaddress(interface.name, address:match "^[^%%]+", false)
      end
    end
    ok, message = pcall(body, mcast, "eth0", "eth1", function(...) host:setaddress(...) end)
  end, {}, { host = host })
  net:run()
  return ok or error(message, 0)
end

return two
