-- A search by novelty: half of the runs are those of the sweep's seeds; the other ones are splices of runs that have reached
-- something that few runs have. The choice for a run depends on the reports of the runs until WINDOW before it, so the number
-- of workers and their speed change nothing.
local coverage <const> = require "mcast.sim.sweep.coverage"
local draws <const> = require "mcast.sim.sweep.draws"
local seeds <const> = require "mcast.sim.seed"

local novelty = {}

local WINDOW <const> = 32
local CANDIDATES <const> = 8 -- states: the rarest of them is chosen
local SPLICES <const> = 16 -- of a run at most

-- A time after a state was reached, rather soon than late: the rest of the run is drawn anew.
local function after(state, random)
  return state.time + 1e-6 + (state.last - state.time) * random * random
end

-- The less, the rather a state is chosen: how many runs have reached it, over the part of its run that is left.
local function cost(state)
  return state.count * state.last / (state.last - state.time)
end

local Novelty <const> = {}
local metatable <const> = { __index = Novelty }

-- A run has reached states.
function Novelty:learn(run)
  local name <const>, text <const> = self.names[run], self.reports[run]
  self.names[run], self.reports[run] = nil, nil
  if not text then
    return
  end
  local last <const>, states = coverage.read(text)
  for _, state in ipairs(states) do
    local known = self.known[state.hash]
    if not known then
      known = { count = 0, time = math.huge }
      self.known[state.hash] = known
      table.insert(self.states, known)
    end
    known.count = known.count + 1
    if state.time < known.time then
      known.run, known.time, known.last = name, state.time, last
    end
  end
end

-- The text of a run until a time, and a seed from then on.
local function splice(name, time, number)
  local run <const> = seeds.read(name)
  local words = { tostring(run.first) }
  for _, one in ipairs(run.splices) do
    words[#words + 1] = one.time < time and one.text or nil
  end
  local text <const> = ("%.6f"):format(time):gsub("%.?0*$", "")
  return #words <= SPLICES and ("%s,%s:%d"):format(table.concat(words, ","), text, number)
end

-- The integer or text of a run by its number.
function Novelty:seed(run)
  local number <const> = self.first + run - 1
  local random <const> = draws.stream(number, "novelty")
  if run > WINDOW then
    self:learn(run - WINDOW)
  end
  local chosen
  if #self.states > 0 and random() < 0.5 then
    for _ = 1, CANDIDATES do
      local state <const> = self.states[1 + math.floor(random() * #self.states)]
      chosen = (not chosen or cost(state) < cost(chosen)) and state or chosen
    end
  end
  local name <const> = chosen and splice(chosen.run, after(chosen, random()), number) or number
  self.names[run] = name
  return name
end

-- The report of a run; nil where it has failed.
function Novelty:report(run, text)
  self.reports[run] = text
end

-- Of a sweep from its first seed on.
function novelty.new(first)
  return setmetatable({ first = first, window = WINDOW, known = {}, states = {}, names = {}, reports = {} }, metatable)
end

return novelty
