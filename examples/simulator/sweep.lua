-- Runs election.lua with a thousand seeds, and shrinks a failure to its story; draws it, where a file is named.
-- usage: lua5.4 sweep.lua [picture.svg]
-- A node that claims the lead does not object to a later claim of another node, so two nodes may lead.
-- With MCAST_SEED it runs that seed alone and prints the nodes' output. MCAST_LAUNCH names a command that runs the seeds, also
-- over machines:
--   MCAST_LAUNCH="parallel --sshlogin :,far.example --workdir ." lua5.4 sweep.lua
local sim <const> = require "mcast.sim"

local election <const> = (arg[0]:match "^.*/" or "./") .. "election.lua"

local failed <const> = sim.sweep { seeds = { 1, 1000 }, shrink = true, scenario = function(seed)
  local leaders = 0
  local net <const> = sim.new { seed = seed, delay = { 0.001, 0.03 }, output = function(node, line)
    print(("%.6f  %s %s"):format(node.net:now(), node.name, line))
    leaders = leaders + (line == "leads" and 1 or -1)
  end }
  for i = 1, 5 do net:node("node-" .. i, election, { i }) end
  net:always(function() return leaders <= 1 end, "at most one leader")
  net:run(10)
end }

for _, failure in ipairs(arg[1] and failed or {}) do
  if failure.story then assert(failure.story:write_svg(arg[1], { width = 720, letters = 17 })) end
end
