-- Runs election.lua for a thousand seeds, and tells for which of them, and when, two nodes lead.
-- usage: lua5.4 sweep.lua
-- There are some: who claims the lead forgets to object to a later claim of another one.
-- With MCAST_SEED it runs that seed alone, and prints what the nodes do. By this GNU parallel, too,
-- can spread the seeds, also over machines:
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
  net:always(function() return leaders <= 1 end, "one leader at the most")
  net:run(10)
end }
