-- The seed that this process runs, where it runs one of a sweep, and the command that replays it.
local check <const> = require "mcast.check"
local command <const> = require "mcast.sim.command"
local locale <const> = require "mcast.locale"
local seeds <const> = require "mcast.sim.seed"
local touch <const> = require "mcast.sim.touch"
local vary <const> = require "mcast.sim.sweep.vary"
local words <const> = require "mcast.sim.sweep.words"

local replay = {}

local asked   -- the text of a run, see replay.ask
local current -- the seed that this process runs: {seed =, run =, p =, vary =, name =, env =, words =, events =, ...}

-- The line that replays a seed.
function replay.command(run)
  return "replay: " .. command.line(run.env, { { "MCAST_SEED", run.seed }, { "MCAST_VARY", run.vary },
    { "MCAST_SWEEP", run.name } }, run.words)
end

-- The line that replays a net of this seed; within a sweep, the sweep's seed. A replay of some faults is its own program.
function replay.line(seed)
  local alone <const> = current and current.sieve and { env = {}, words = current.words }
  return replay.command(alone or current or { seed = seed, env = {} })
end

-- The run of a sweep in this process, or nil.
function replay.run()
  return current and current.run
end

-- From now on the text names a run, in place of MCAST_SEED.
function replay.ask(text)
  asked = text
end

-- The run that was asked for, or that the environment names, or nil.
function replay.environment()
  local text <const> = asked or os.getenv "MCAST_SEED"
  return text and check.expect(seeds.read(text), "MCAST_SEED is neither an integer nor the text of a run: '%s'", text)
end

-- A net of this process should see the situation of this name, or has seen it.
function replay.saw(name, seen)
  if current then
    current.seen[name] = current.seen[name] or seen
  end
end

-- The names that each net of this process should see, by a list.
function replay.names()
  return current and current.names or {}
end

-- This process should judge the goal: {name =, judged =, till =, net =}.
function replay.await(goal)
  if current then
    table.insert(current.goals, goal)
  end
end

-- Is the net one whose trace the strategy of the sweep reads?
function replay.covers(net)
  local nets <const> = current and current.nets
  if nets then
    nets[#nets + 1] = net
  end
  return nets ~= nil
end

-- Has the sieve of the seed, if there is one, decide on the faults of a net.
function replay.sift(net)
  if current and current.sieve then
    current.sieve:sift(net)
  end
end

-- Called after each run of a net.
function replay.ran(net)
  if current then
    local before <const>, now <const> = current.counted[net] or 0, net.core:executed()
    current.counted[net] = now
    current.events = current.events + now - before
    for name, touched in pairs((touch.read(net))) do
      current.touched[name] = current.touched[name] or touched
    end
  end
end

-- From now on this process runs a seed of a sweep, whose faults the sieve decides on, if there is one; returns its notes.
function replay.begin(plan, seed, sieve)
  local run <const> = seeds.read(seed)
  local p <const> = sieve and sieve.p or vary.draw(plan.vary, run.first)
  current = { seed = seed, run = run, p = p, vary = p and words.text(p), name = plan.name, env = plan.env,
    words = plan.words, events = 0, counted = setmetatable({}, { __mode = "k" }), touched = {}, seen = {},
    names = plan.names, goals = {}, sieve = sieve }
  math.randomseed(run.first)
  return current
end

-- Calls the scenario with the seed that this process runs. Its nets have to judge all their goals.
function replay.call(plan)
  plan.scenario(current.run.first, current.p)
  for _, goal in ipairs(current.goals) do
    if not goal.judged then
      error(("%s is not judged: the run ended at %.6f s, before %g s\n%s"):format(goal.name, goal.net:now(), goal.till,
        replay.line(current.seed)), 0)
    end
  end
end

-- Runs one seed of a sweep in this process. An error passes through, with its traceback.
function replay.once(plan, seed, sieve)
  local _ <close>, outer <const> = locale.plain(), current
  local _ <close> = setmetatable({}, { __close = function() current = outer end })
  replay.begin(plan, seed, sieve)
  replay.call(plan)
end

return replay
