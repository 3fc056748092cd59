-- Sweeps: a scenario with many seeds, on all cores.
local check <const> = require "mcast.check"
local launch <const> = require "mcast.sim.sweep.launch"
local locale <const> = require "mcast.locale"
local place <const> = require "mcast.sim.sweep.place"
local replay <const> = require "mcast.sim.replay"
local report <const> = require "mcast.sim.sweep.report"
local seeds <const> = require "mcast.sim.seed"
local share <const> = require "mcast.sim.sweep.share"
local shrink <const> = require "mcast.sim.shrink"
local strategy <const> = require "mcast.sim.sweep.strategy"
local vary <const> = require "mcast.sim.sweep.vary"
local workers <const> = require "mcast.sim.sweep.workers"

local sweep = {}

-- Shrinks the failure with the fewest events, and prints its story.
local function shorten(plan, failed)
  local best <const> = failed[1] and report.shortest(failed)
  if best and best.events then
    local seconds <const> = plan.shrink ~= true and plan.shrink or nil
    local ok <const>, story = pcall(shrink.find, plan.scenario, best.seed, { vary = plan.vary, jobs = plan.jobs,
      seconds = seconds }, plan.place)
    best.story = ok and story or nil
    plan.print(tostring(story))
  end
end

-- Seeds without a result are a failure, and, where it is asked for, a situation that no seed has seen.
local function add_missing(plan, failed)
  failed[#failed + 1] = plan.lost and { message = plan.lost }
  for _, name in ipairs(report.missing(plan.seen)) do
    if plan.reach == true or plan.names[name] then
      failed[#failed + 1] = { message = report.NEVER .. name }
    end
  end
end

--
-- Which sweep is it? The second and later ones of a process are named by their line, so that a replay finds them.
--

local begun, wanted = 0, nil

-- Is it another sweep than MCAST_SWEEP names? At the end of the process it is reported where none was that one.
local function isother(name)
  local asked <const> = os.getenv "MCAST_SWEEP"
  if not asked or asked == "" then
    return false
  end
  wanted = wanted or setmetatable({}, { __gc = function(self)
    if not self.found then
      io.stderr:write(("MCAST_SWEEP=%s: no such sweep was called\n"):format(asked))
    end
  end })
  wanted.found = wanted.found or asked == name
  return asked ~= name
end

local function isname(value)
  return type(value) == "string" and value:find "^[%a_][%w_]*$" ~= nil
end

-- A text, or a list of texts.
local function aretexts(value)
  local list <const> = type(value) == "table" and value or { value }
  for _, text in ipairs(list) do
    if not check.name.accepts(text) then
      return false
    end
  end
  return check.list.accepts(list) and list[1] ~= nil
end

local isinteger <const> = check.integer().accepts

local allowed <const> = {
  scenario = check.callable,
  seeds = check.kind("{first, last}", function(value)
    return type(value) == "table" and isinteger(value[1]) and isinteger(value[2]) and #value == 2
  end),
  jobs = check.integer(1, 1000000),
  timeout = check.number("seconds above 0", 1e-6, 1e9),
  failures = check.integer(1, math.maxinteger),
  shrink = check.kind("true, or seconds above 0", function(value)
    return type(value) == "boolean" or type(value) == "number" and value > 0 and value <= 1e9
  end),
  strategy = strategy.kind,
  vary = vary.kind,
  launch = check.kind("command", check.text.accepts),
  shares = check.integer(1, 1000000),
  reach = check.kind("true, or list of names", function(value)
    return value == true or aretexts(value)
  end),
  env = check.kind("list of names", function(value)
    for _, name in ipairs(type(value) == "table" and value or { value }) do
      if not isname(name) then
        return false
      end
    end
    return isname(value) or type(value) == "table" and (#value > 0 or next(value) == nil)
  end),
}

-- The plan of a sweep, from its options.
function sweep.plan(options)
  options = check.options(options, allowed)
  check.expect(options.scenario, "missing option 'scenario' (function of a seed)")
  check.expect(options.seeds, "missing option 'seeds' ({first, last})")
  local first <const>, last <const> = math.tointeger(options.seeds[1]), math.tointeger(options.seeds[2])
  local count <const> = last - first + 1
  check.expect(first <= last and count > 0, "bad option 'seeds' (a sweep of no seed, from %d to %d)", first, last)
  local env <const> = options.env or {}
  local names, seen = {}, {}
  for _, name in ipairs(options.reach ~= true and check.tolist(options.reach or {}) or {}) do
    names[name], seen[name] = true, false
  end
  return { scenario = options.scenario, first = first, last = last, count = count, jobs = options.jobs,
    timeout = options.timeout, vary = options.vary, env = type(env) == "table" and env or { env }, touched = {}, seen = seen,
    names = names, strategy = options.strategy, reach = options.reach, shrink = options.shrink, print = print,
    launch = os.getenv "MCAST_LAUNCH" or options.launch or "", shares = options.shares,
    enough = options.failures or math.huge }
end

-- Runs a plan in this process's workers; returns the runs that failed.
local function run_here(plan)
  local failed <const> = workers.run(plan)
  for _, failure in ipairs(failed) do
    failure.vary = vary.draw(plan.vary, seeds.read(failure.seed).first)
  end
  return failed
end

-- Runs a share of the plan, and prints its result.
local function run_share(plan, first, last)
  plan.jobs = plan.jobs or 1
  share.print(plan, run_here(share.plan(plan, first, last)), first, last)
end

-- The first failures, as many as are enough. Later runs, which other workers had begun, do not count.
local function first(plan, failed)
  local last <const> = failed[plan.enough]
  plan.count = last and last.run or plan.count
  return table.move(failed, 1, math.min(#failed, plan.enough), 1, {})
end

-- Runs the seed or the share that the environment names, if it does, else all seeds of a plan; returns those that failed.
function sweep.search(plan)
  local one <const> = replay.environment()
  if one then
    replay.once(plan, seeds.name(one))
    return {}
  end
  local _ <close> = locale.plain()
  local from <const>, till = share.asked(plan)
  if from then
    run_share(plan, from, till)
    return {}
  end
  plan.jobs = math.min(plan.jobs or workers.cores(), plan.count)
  local failed <const> = first(plan, (plan.launch ~= "" and launch.run or run_here)(plan))
  report.print(plan, failed)
  if plan.shrink then
    shorten(plan, failed)
  end
  add_missing(plan, failed)
  return failed
end

-- See sim.sweep.
function sweep.run(options)
  local plan <const>, name <const> = sweep.plan(options), place.here()
  begun = begun + 1
  if place.reached(name, plan.scenario, plan.vary) or isother(name) then
    return {}
  end
  plan.id, plan.place, plan.name = name, name, begun > 1 and name or nil
  return sweep.search(plan)
end

return sweep
