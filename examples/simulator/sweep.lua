-- Runs election.lua with a thousand seeds, and prints the seeds and times at which two nodes lead.
-- usage: lua5.4 sweep.lua
-- Some do: a node that claims the lead does not object to a later claim of another node.
-- With MCAST_SEED it runs that seed alone and prints the nodes' output, so GNU parallel can
-- distribute the seeds, also over machines:
--   parallel MCAST_SEED={} lua5.4 sweep.lua ::: $(seq 1000)
--   parallel --sshlogin :,far.example --workdir . MCAST_SEED={} lua5.4 sweep.lua ::: $(seq 1000)
local sim <const> = require "mcast.sim"

local election <const> = (arg[0]:match "^.*/" or "./") .. "election.lua"

sim.sweep { seeds = { 1, 1000 }, scenario = function(seed)
  local leaders = 0
  local net <const> = sim.new { seed = seed, delay = { 0.001, 0.01 }, output = function(node, line)
    print(("%.6f  %s %s"):format(node.net:now(), node.name, line))
    leaders = leaders + (line == "leads" and 1 or -1)
  end }
  for i = 1, 5 do net:node("node-" .. i, election, { i }) end
  net:always(function() return leaders <= 1 end, "at most one leader")
  net:run(10)
end }
