-- The end of all faults of a net.
local fault <const> = require "mcast.sim.fault"
local hold <const> = require "mcast.sim.hold"
local host <const> = require "mcast.sim.host"
local node <const> = require "mcast.sim.node"
local rule <const> = require "mcast.sim.rule"

-- Hosts in the order of their creation: that of the table depends on the process.
local function ordered(hosts)
  local list = {}
  for _, one in pairs(hosts) do
    list[#list + 1] = one
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

-- Ends them; chaos and churn that have begun do nothing any more. Copies that are held are let go. Crashed nodes are restarted.
return function(net)
  net.calms = net.calms + 1
  net:heal()
  rule.clear(net)
  hold.calm(net)
  net.core:unlink()
  fault.calm(net)
  for _, one in ipairs(ordered(net.hosts)) do
    host.calm(one)
  end
  for _, one in ipairs(net.nodes) do
    node.calm(one)
  end
end
