-- Failures of nodes. The first one ends the run, whose error says where, when, and how to replay it. A net with
-- failures = "keep" goes on, and prints the error as a line of the node.
local processes <const> = require "mcast.sim.worker"
local replay <const> = require "mcast.sim.replay"

local failure = {}

-- Methods of strings may be those of the node that failed.
local format <const>, gmatch <const> = string.format, string.gmatch

local function print_error(node, message)
  for line in gmatch(message, "[^\n]+") do
    node.net.core:outside(node.net.output, node, line)
  end
end

-- A node has failed: called by the core after its end, so an error raised here ends the run.
function failure.add(node, message)
  local net <const> = node.net
  table.insert(net.failures, { node = node.name, time = net:now(), error = message })
  if net.options.failures == "keep" then
    print_error(node, message)
  else
    error(format("node %s failed at %.6f s with seed %s: %s\nC library: %s\n%s", node.name, net:now(), net.called, message,
      processes.library, replay.line(net.called)), 0)
  end
end

return failure
