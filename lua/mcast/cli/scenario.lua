-- A file of `mcast sim`: it returns a function of a seed, or calls the simulator itself. The simulator's functions are
-- replaced, so that the command knows of the file's nets and sweeps.
local command <const> = require "mcast.sim.command"
local replay <const> = require "mcast.sim.replay"
local report <const> = require "mcast.sim.sweep.report"
local seeds <const> = require "mcast.sim.seed"
local shrink <const> = require "mcast.sim.shrink"
local sim <const> = require "mcast.sim"
local sweep <const> = require "mcast.sim.sweep"

local Scenario = {}
Scenario.__index = Scenario

-- Raised by sim.new where the command is about to sweep, and does not know yet how.
local PROBE <const> = setmetatable({}, { __tostring = function() return "the file makes a net" end })

local function copy(options, changes)
  local result = {}
  for _, fields in ipairs { options or {}, changes } do
    for key, value in next, fields do
      result[key] = value
    end
  end
  return result
end

-- The words of the command that runs the file with its arguments, as replays print them, and as shares of a sweep run them.
local function lend_arguments(self)
  local words <const>, own = command.words(), table.move(self.arguments, 1, #self.arguments, 1, { [0] = self.path })
  local before <const> = table.move(words, 1, #words - #arg, 1, {})
  before[#before + 1] = "sim"
  if self.seeds then
    before[#before + 1] = ("--seeds=%d..%d"):format(self.seeds[1], self.seeds[2])
  end
  for i, word in ipairs(before) do
    own[i - 1 - #before] = word
  end
  _G.arg = own
end

-- The nets and sweeps of the file pass here.
local function intercept(self)
  local new <const>, run <const> = sim.new, sim.sweep
  function sim.new(options)
    if self.probing then
      error(PROBE, 0)
    end
    local output <const> = self.quiet and function() end or options and options.output or self.output
    self.net = new(copy(options, { output = output, trace = self.traced }))
    return self.net
  end
  function sim.sweep(options)
    self.probing = false
    local plan <const> = copy(options, { seeds = self.seeds, shrink = self.shrink })
    self.plan = { scenario = plan.scenario, vary = plan.vary, env = {} }
    local failed <const> = run(plan)
    self.failed = not self.once and table.move(failed, 1, #failed, #(self.failed or {}) + 1, self.failed or {}) or nil
    return failed
  end
end

local function traced(message)
  local plain <const> = type(message) ~= "string" or message:find("replay: ", 1, true) or message:find "interrupted!$"
  return plain and message or debug.traceback(message, 2)
end

-- Runs the file, and the function that it returns, with one seed, unless it sweeps itself.
local function run_once(self)
  local result <const> = self.chunk(table.unpack(self.arguments))
  if type(result) == "function" then
    self.plan = { scenario = result, env = {} }
    replay.once(self.plan, self.seed)
  elseif not self.net and not self.plan then
    error(("%s: it returns no function of a seed, and does not call the simulator"):format(self.path), 0)
  end
end

-- Runs the file as far as it shows how it is swept, and sweeps it.
local function run_all(self)
  self.probing = true
  local ok <const>, result = xpcall(self.chunk, traced, table.unpack(self.arguments))
  self.probing = false
  if not ok and result ~= PROBE then
    error(result, 0)
  elseif not self.plan then
    local scenario <const> = ok and result or function() self.chunk(table.unpack(self.arguments)) end
    local plan <const> = sweep.plan { scenario = scenario, seeds = self.seeds, shrink = self.shrink }
    plan.id, self.plan = self.path, plan
    self.failed = sweep.search(plan)
  end
end

-- Shrinks the one seed that failed.
local function shorten(self)
  local plan <const> = self.plan or { scenario = function() self.chunk(table.unpack(self.arguments)) end }
  self.plan, self.quiet = plan, true
  local story <const> = shrink.find(plan.scenario, self.seed, { vary = plan.vary })
  print(tostring(story))
  self.story = story
end

-- Runs it; returns whether all held, and an error where one seed alone was run.
function Scenario:run()
  local ok <const>, message = xpcall(self.seeds and run_all or run_once, traced, self)
  if not ok and not self.seeds and not self.failed and self.shrink and self.net then
    shorten(self)
  end
  local best <const> = self.failed and self.failed[1] and report.shortest(self.failed)
  self.worst, self.story = best, self.story or best and best.story
  return ok and not best, not ok and message or nil
end

-- Calls a function with the net of a run, and returns its results. Where a sweep failed it is the failure with the fewest
-- events; where it was shrunk, the run with the faults that are left.
function Scenario:show(f)
  if self.failed or self.story then
    self.quiet, self.net = true, nil
    local story <const>, worst <const> = self.story, self.worst
    if story then
      pcall(sim.replay, self.plan.scenario, story.seed, story.faults, story.options)
    elseif worst then
      pcall(replay.once, copy(self.plan, { env = {} }), worst.seed)
    end
  end
  if not self.net then
    return nil, "no seed failed"
  end
  return f(self.net)
end

local scenario = {}

-- Loads a file; options: `path`, `arguments`, `seed` (the text of a run), `seeds` ({first, last}), `shrink`, `traced` (keep all
-- traces), `output` (as that of sim.new). Returns nil and a message where it cannot be read.
function scenario.new(options)
  local chunk <const>, message = loadfile(options.path)
  if not chunk then
    return nil, message
  end
  local asked <const> = options.seed or os.getenv "MCAST_SEED"
  replay.ask(options.seed)
  local self <const> = setmetatable(options, Scenario)
  self.once, self.chunk = asked ~= nil, chunk
  self.seed = asked and seeds.read(asked) and seeds.name(seeds.read(asked)) or 1
  lend_arguments(self)
  intercept(self)
  return self
end

return scenario
