-- Runs scripts in the simulator, for its specs.
local sim <const> = require "mcast.sim"

-- Runs functions as nodes n1, n2 ... until a time; returns their output by name, and the net.
return function(scripts, options, till)
  local printed = {}
  options = options or {}
  options.output = options.output or function(node, line)
    printed[node.name] = printed[node.name] or {}
    table.insert(printed[node.name], line)
  end
  local net = sim.new(options)
  for i, script in ipairs(scripts) do
    net:node("n" .. i, script)
  end
  net:run(till or 100)
  return printed, net
end
