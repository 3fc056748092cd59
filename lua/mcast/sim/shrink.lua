-- Shrinking: from all faults of a failing seed to a few of them with which it still fails in the same way.
local attempts <const> = require "mcast.sim.shrink.attempts"
local check <const> = require "mcast.check"
local ddmin <const> = require "mcast.sim.shrink.ddmin"
local locale <const> = require "mcast.locale"
local mcast <const> = require "mcast"
local progress <const> = require "mcast.progress"
local replay <const> = require "mcast.sim.replay"
local seeds <const> = require "mcast.sim.seed"
local sieve <const> = require "mcast.sim.sieve"
local story <const> = require "mcast.sim.shrink.story"
local vary <const> = require "mcast.sim.sweep.vary"
local workers <const> = require "mcast.sim.sweep.workers"

local shrink = {}

local SECONDS <const> = 60
local SLOWER <const> = 10 -- times that a run with fewer faults may take longer than the run with all, plus a second

-- Runs the seed with each list of faults; returns the faults of the first that fails, which are the best from now on, and
-- its place.
local function try(plan, lists)
  local report <const>, i = attempts.first(plan, lists)
  if not report then
    return nil
  end
  for _, fault in ipairs(report.faults) do
    fault.given = plan.given[fault.name]
  end
  plan.best = report
  return report.faults, i
end

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
    try(plan, { left })
  end
end

-- A copy of the faults, in which one of them, or each without a number, has a delay of so many digits.
local function rounded(faults, digits, which)
  local result = {}
  for i, fault in ipairs(faults) do
    local copy = {}
    for key, value in pairs(fault) do
      copy[key] = value
    end
    if fault.seconds and (not which or which == i) then
      copy.given = tonumber(("%%.%dg"):format(digits):format(fault.seconds))
    end
    result[i] = copy
  end
  return result
end

local function try_rounded(plan, digits, which)
  local before <const>, faults = plan.given, rounded(plan.best.faults, digits, which)
  plan.given = {}
  for _, fault in ipairs(faults) do
    plan.given[fault.name] = fault.given
  end
  if not try(plan, { faults }) then
    plan.given = before
    return false
  end
  return true
end

-- Rounds the delays: all at once, else one by one.
local function round(plan)
  if not try_rounded(plan, 1) then
    for i = #plan.best.faults, 1, -1 do
      if plan.best.faults[i] and plan.best.faults[i].seconds then
        local _ = try_rounded(plan, 1, i) or try_rounded(plan, 2, i)
      end
    end
  end
end

local function planned(scenario, seed, options)
  local begun <const> = mcast.now()
  local seconds <const> = options.seconds or SECONDS
  local bar <const> = progress.new("shrink", nil, mcast.now)
  return { scenario = scenario, seed = seed, env = {}, vary = options.vary, clock = mcast.now, deadline = begun + seconds,
    runs = 0, given = {}, jobs = options.jobs or workers.cores(),
    progress = function(done) bar(not done and math.min(1, (mcast.now() - begun) / seconds) or nil) end }
end

local allowed <const> = {
  seconds = check.number("seconds above 0", 1e-6, 1e9),
  jobs = check.integer(1, 1000000),
  vary = vary.kind,
}

-- See sim.shrink.
function shrink.run(scenario, seed, options)
  check.argument(1, "shrink", scenario, check.callable)
  check.argument(2, "shrink", seed, seeds.kind)
  local plan <const> = planned(scenario, seeds.name(seeds.read(seed)), check.options(options, allowed))
  local _ <close> = locale.plain()
  local before <const> = plan.clock()
  local all <const> = try(plan, { false })
  check.expect(all, "shrink: seed %s does not fail", seed)
  plan.cause = attempts.cause(plan.best.message)
  plan.limit = SLOWER * (plan.clock() - before) + 1
  if not try(plan, { {} }) then
    drop_kinds(plan)
    ddmin.run(plan.best.faults, function(lists) return try(plan, lists) end)
    round(plan)
  end
  plan.progress(true)
  return story.new(plan, #all)
end

-- See sim.replay.
function shrink.replay(scenario, seed, faults, options)
  check.argument(1, "replay", scenario, check.callable)
  check.argument(2, "replay", seed, seeds.kind)
  check.argument(3, "replay", faults, check.list)
  options = check.options(options, { vary = vary.kind })
  local only <const> = story.read(faults)
  local sifted <const> = sieve.new(only)
  replay.once({ scenario = scenario, env = {}, vary = options.vary }, seeds.name(seeds.read(seed)), sifted)
  local absent = {}
  for name in pairs(only) do
    absent[#absent + 1] = not sifted.known[name] and name or nil
  end
  table.sort(absent)
  return absent
end

return shrink
