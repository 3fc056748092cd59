-- The steps of shrinking: smaller parameters, fewer faults, fewer nodes, rounder delays, shorter faults, an earlier end.
local attempts <const> = require "mcast.sim.shrink.attempts"
local ddmin <const> = require "mcast.sim.shrink.ddmin"
local smaller <const> = require "mcast.sim.shrink.smaller"

local steps = {}

local FEW <const> = 5 -- faults, more than which are worth a second search

local function with(table, key, value)
  local copy = {}
  for name, one in pairs(table) do
    copy[name] = one
  end
  copy[key] = value
  return copy
end

-- A run has failed: its way is the best from now on.
local function accept(plan, way, report)
  local given = {}
  for _, fault in ipairs(attempts.faults(way) or {}) do
    given[fault.name] = fault.given
  end
  for _, fault in ipairs(report.faults) do
    fault.given = given[fault.name]
  end
  plan.best, plan.way = report, with(way, "faults", way.faults and report.faults)
end

-- Runs the seed in several ways; returns the place of the first that fails. With the faults needed: of the first that does not
-- fail without any fault.
function steps.try(plan, ways, needed)
  local place = 0
  while true do
    local report <const>, i = attempts.failing(plan, table.move(ways, place + 1, #ways, 1, {}))
    if not report then
      return nil
    end
    place = place + i
    if not needed or attempts.passes(plan, with(ways[place], "faults", {})) then
      accept(plan, ways[place], report)
      return place
    end
  end
end

-- The ways that differ from the best one by the value of a key.
local function differing(plan, key, values)
  local ways = {}
  for i, value in ipairs(values) do
    ways[i] = with(plan.way, key, value)
  end
  return ways
end

--
-- Parameters
--

-- The names of the parameters that have forms: integers, such as a number of nodes, come first.
local function names_of(plan)
  local names, p <const> = {}, plan.way.p
  for name in pairs(plan.vary) do
    names[#names + 1] = name
  end
  local function rank(name)
    return (math.type(p[name]) == "integer" and "1" or "2") .. name
  end
  table.sort(names, function(a, b) return rank(a) < rank(b) end)
  return names
end

function steps.parameters(plan)
  for _, name in ipairs(plan.vary and names_of(plan) or {}) do
    local value
    repeat
      value = plan.way.p[name]
      local values = smaller.values(plan.vary[name], value)
      for i, one in ipairs(values) do
        values[i] = with(plan.way.p, name, one)
      end
    until not steps.try(plan, differing(plan, "p", values), plan.needed)
  end
end

--
-- Faults
--

-- Leaves out all faults of a kind, kind by kind, the most frequent one first.
local function drop_kinds(plan)
  local counts, kinds = {}, {}
  for _, fault in ipairs(plan.best.faults) do
    if not counts[fault.kind] then
      kinds[#kinds + 1] = fault.kind
    end
    counts[fault.kind] = (counts[fault.kind] or 0) + 1
  end
  table.sort(kinds, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  for _, kind in ipairs(kinds) do
    local left = {}
    for _, fault in ipairs(plan.best.faults) do
      left[#left + 1] = fault.kind ~= kind and fault or nil
    end
    steps.try(plan, differing(plan, "faults", { left }))
  end
end

-- Leaves out all late and early copies. Without these, the rest comes sooner by the least usual delay, which may be too
-- soon for a fault that happens at a time; by the mean one it comes about as before.
local function drop_delays(plan)
  local left = {}
  for _, fault in ipairs(plan.best.faults) do
    left[#left + 1] = not fault.seconds and fault or nil
  end
  local way <const> = with(plan.way, "faults", left)
  return steps.try(plan, { way, with(way, "usual", "mean") })
end

local function minimize(plan)
  ddmin.run(plan.best.faults, function(lists)
    local place <const> = steps.try(plan, differing(plan, "faults", lists))
    return place and plan.best.faults, place
  end)
end

-- From all faults to few, by so many seconds.
local function search(plan, seconds)
  local deadline <const> = plan.deadline
  plan.deadline = plan.clock() + seconds
  drop_kinds(plan)
  minimize(plan)
  plan.deadline = deadline
end

-- Begins again with all faults, in another way, where more than a few are left; keeps the better result.
local function again(plan, way, seconds)
  local few <const>, found <const> = plan.best, plan.way
  if #few.faults > FEW and steps.try(plan, { way }) then
    search(plan, seconds)
    if #plan.best.faults >= #few.faults then
      plan.best, plan.way = few, found
    end
  end
end

-- From all faults to few. Where more are left, it begins again: with the mean usual delay, if delays matter; and with names by
-- contents, since the number of a lost datagram is another one where a repetition before it is not needed any more.
local function fewest(plan)
  local way <const>, dropped <const> = plan.way, drop_delays(plan)
  local function left(parts)
    return (plan.deadline - plan.clock()) / parts
  end
  search(plan, left(3))
  if not dropped then
    again(plan, with(way, "usual", "mean"), left(2))
  end
  again(plan, with(with(way, "usual", plan.way.usual), "contents", true), left(1))
end

function steps.faults(plan)
  if plan.way.faults then
    minimize(plan)
  else
    fewest(plan)
  end
end

--
-- Nodes
--

-- The nodes that are left out, where these are kept.
local function absent(plan, kept)
  local without = {}
  for _, name in ipairs(plan.best.nodes) do
    without[name] = true
  end
  for _, name in ipairs(kept) do
    without[name] = nil
  end
  return without
end

function steps.nodes(plan)
  ddmin.run(plan.best.nodes, function(lists)
    local withouts = {}
    for i, kept in ipairs(lists) do
      withouts[i] = absent(plan, kept())
    end
    local place <const> = steps.try(plan, differing(plan, "without", withouts), plan.needed)
    return place and lists[place](), place
  end)
end

--
-- Times
--

-- The best way, in which one of the faults, or each without a number, has a value of get(fault).
local function given(plan, get, which)
  local faults = {}
  for i, fault in ipairs(plan.best.faults) do
    local chosen <const> = not which or which == i
    faults[i] = with(fault, "given", chosen and get(fault) or fault.given)
  end
  return with(plan.way, "faults", faults)
end

-- Rounds the delays: all at once, else one by one.
function steps.round(plan)
  local function rounder(digits)
    return function(fault) return fault.seconds and smaller.digits(fault.seconds, digits) end
  end
  if not steps.try(plan, { given(plan, rounder(1)) }) then
    for i = #plan.best.faults, 1, -1 do
      if plan.best.faults[i] and plan.best.faults[i].seconds then
        steps.try(plan, { given(plan, rounder(1), i), given(plan, rounder(2), i) })
      end
    end
  end
end

-- Shortens the faults that end.
function steps.shorten(plan)
  for i = #plan.best.faults, 1, -1 do
    local lasted <const> = plan.best.faults[i] and plan.best.faults[i].lasted
    local ways = {}
    for k, seconds in ipairs(lasted and smaller.seconds(lasted) or {}) do
      ways[k] = given(plan, function() return seconds end, i)
    end
    steps.try(plan, ways)
  end
end

-- Ends the run earlier, after the last fault.
function steps.stop(plan)
  local from = 0
  for _, fault in ipairs(plan.best.faults) do
    from = math.max(from, fault.time)
  end
  for _ = 1, 2 do
    local times <const> = smaller.times(from, plan.best.time)
    local place <const> = steps.try(plan, differing(plan, "till", times), true)
    if not place then
      return
    end
    from = times[place - 1] or from
  end
end

-- Without any node, does it fail in the same way?
local function isempty(plan)
  return not attempts.passes(plan, with(plan.way, "without", absent(plan, {})))
end

-- A failure that needs no fault keeps its end, and its nodes where the lack of all of them is a failure, too: the run might
-- fail for that alone.
local function without_faults(plan)
  steps.parameters(plan)
  if not isempty(plan) then
    steps.nodes(plan)
  end
end

-- Those that need the run without faults for comparison, which may have no end.
local function compared(plan, has_end, step)
  if has_end then
    step(plan)
  end
end

-- All of them.
function steps.all(plan)
  local calm <const> = with(plan.way, "faults", {})
  plan.needed = not steps.try(plan, { calm })
  if not plan.needed then
    without_faults(plan)
    return
  end
  local has_end <const> = attempts.passes(plan, calm)
  compared(plan, has_end, steps.parameters)
  steps.faults(plan)
  compared(plan, has_end, steps.nodes)
  compared(plan, has_end, steps.parameters)
  steps.faults(plan)
  steps.round(plan)
  steps.shorten(plan)
  compared(plan, has_end, steps.stop)
end

return steps
