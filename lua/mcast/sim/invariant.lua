-- Conditions on a run, which are looked at after each event: invariants must hold always, goals once.
local replay <const> = require "mcast.sim.replay"
local run <const> = require "mcast.sim.run"

local invariant = {}

-- Ends the run: the invariant of this name does not hold.
function invariant.violated(net, name, why)
  net.core:record(nil, { kind = "violation", text = name })
  error(("%s does not hold at %.6f s with seed %s%s\n%s"):format(name, net:now(), net.called, why and ": " .. why or "",
    replay.line(net.called)), 0)
end

-- Judges the results of a function: one that returns nothing holds, one that returns nil does not.
local function judge(net, name, ok, ...)
  local holds <const>, why = ...
  if not ok or not holds and select("#", ...) > 0 then
    invariant.violated(net, name, not ok and tostring(holds) or why and tostring(why))
  end
end

local function check(net)
  for _, one in ipairs(net.invariants) do
    judge(net, one.name, pcall(one.holds))
  end
end

local watch

-- Removes the goals that are met. The list may grow while a goal is looked at.
local function look(net)
  check(net)
  local goals <const>, i = net.goals, 1
  while goals[i] do
    if goals[i]:met() then
      table.remove(goals, i)
      watch(net)
    else
      i = i + 1
    end
  end
end

-- Has the core call the least that is needed after each event.
function watch(net)
  run.watch(net, net.goals[1] and look or net.invariants[1] and check or nil)
end

-- Adds an invariant: {holds =, name =}.
function invariant.add(net, one)
  table.insert(net.invariants, one)
  watch(net)
end

-- Adds a goal; its method `met` returns true once it is met.
function invariant.await(net, goal)
  table.insert(net.goals, goal)
  watch(net)
end

return invariant
