-- Shrinking: from all faults of a failing seed to a few of them with which it still fails in the same way.
local attempts <const> = require "mcast.sim.shrink.attempts"
local check <const> = require "mcast.check"
local command <const> = require "mcast.sim.command"
local locale <const> = require "mcast.locale"
local mcast <const> = require "mcast"
local place <const> = require "mcast.sim.sweep.place"
local progress <const> = require "mcast.progress"
local replay <const> = require "mcast.sim.replay"
local seeds <const> = require "mcast.sim.seed"
local sieve <const> = require "mcast.sim.sieve"
local steps <const> = require "mcast.sim.shrink.steps"
local story <const> = require "mcast.sim.shrink.story"
local vary <const> = require "mcast.sim.sweep.vary"
local workers <const> = require "mcast.sim.sweep.workers"

local shrink = {}

local SECONDS <const> = 60
local SLOWER <const> = 10 -- times that a run with fewer faults may take longer than the run with all, plus a second

local function planned(scenario, seed, options)
  local begun <const> = mcast.now()
  local seconds <const> = options.seconds or SECONDS
  local bar <const> = progress.new("shrink", nil, mcast.now)
  local plan <const> = { scenario = scenario, seed = seed, env = {}, vary = options.vary, clock = mcast.now,
    deadline = begun + seconds, seconds = seconds, runs = 0, jobs = options.jobs or workers.cores(),
    way = { p = vary.draw(options.vary, seeds.read(seed).first) } }
  function plan.progress(done)
    local left <const> = plan.best and ("%d faults left"):format(#plan.best.faults)
    bar(not done and math.min(1, (mcast.now() - begun) / seconds) or nil, left)
  end
  return plan
end

local allowed <const> = {
  seconds = check.number("seconds above 0", 1e-6, 1e9),
  jobs = check.integer(1, 1000000),
  vary = vary.kind,
}

local function find(plan)
  local _ <close> = locale.plain()
  local before <const> = plan.clock()
  local seed <const> = tostring(plan.seed)
  if not steps.try(plan, { plan.way }) then
    plan.progress(true)
    check.expect(plan.clock() < plan.deadline, "shrink: seed %s has no end within %g s", seed, plan.seconds)
    check.expect(not plan.early, "shrink: the worker of seed %s ended early", seed)
    check.fail("shrink: seed %s does not fail", seed)
  end
  local count <const> = #plan.best.faults
  plan.cause = attempts.cause(plan.best.message)
  plan.limit = SLOWER * (plan.clock() - before) + 1
  steps.all(plan)
  plan.progress(true)
  return story.new(plan, count)
end

-- Shrinks a seed of a sweep, which is called at a place.
function shrink.find(scenario, seed, options, at)
  local plan <const> = planned(scenario, seed, options)
  plan.place = at
  return find(plan)
end

-- See sim.shrink.
function shrink.run(scenario, seed, options)
  check.argument(1, "shrink", scenario, check.callable)
  check.argument(2, "shrink", seed, seeds.kind)
  options = check.options(options, allowed)
  local at <const> = place.here()
  place.reached(at, scenario, options.vary)
  return shrink.find(scenario, seeds.name(seeds.read(seed)), options, at)
end

local replay_options <const> = { vary = vary.kind, p = check.table, without = check.list, till = check.seconds,
  usual = check.kind('"mean"', function(value) return value == "mean" end), arg = check.list }

-- Gives the program other arguments, if there are any, until what it returns is closed.
local function pass(arguments)
  local before <const> = _G.arg
  _G.arg = arguments and table.move(arguments, 1, #arguments, 1, { [0] = before and before[0] }) or before
  return setmetatable({}, { __close = function() _G.arg = before end })
end

-- The names in a set that are not those of a table, in their order.
local function absent(names, present)
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = not present[name] and name or nil
  end
  table.sort(list)
  return list
end

local function toset(list)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

local scenario_kind <const> = check.kind("function, or place of a sweep,", function(value)
  return type(value) == "string" or check.callable.accepts(value)
end)

-- See sim.replay.
function shrink.replay(scenario, seed, faults, options)
  check.argument(1, "replay", scenario, scenario_kind)
  check.argument(2, "replay", seed, seeds.kind)
  check.argument(3, "replay", faults, check.list)
  options = check.options(options, replay_options)
  local only <const>, names <const> = story.read(faults)
  local without <const> = toset(options.without or {})
  local sifted <const> = sieve.new { only = only, without = without, p = options.p, till = options.till,
    usual = options.usual }
  local program <const> = command.words()
  local _ <close> = pass(options.arg)
  local function run(f, forms)
    replay.once({ scenario = f, env = {}, words = program, vary = forms }, seeds.name(seeds.read(seed)), sifted)
  end
  if type(scenario) == "string" then
    place.run(scenario, run)
  else
    run(scenario, options.vary)
  end
  local happened = {}
  for text, name in pairs(names) do
    happened[text] = sifted.known[text] or sifted.known[name]
  end
  local list <const> = absent(names, happened)
  local nodes <const> = absent(without, toset(sifted.nodes))
  return table.move(nodes, 1, #nodes, #list + 1, list)
end

return shrink
