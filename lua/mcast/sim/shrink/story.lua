--- The story of a seed that was shrunk: the few faults with which it fails, in sentences, by which they are replayed, too.
--
-- `mcast.sim.shrink` returns one; `tostring` adds the times of the faults and the bytes of their datagrams.
-- @classmod Story
local attempts <const> = require "mcast.sim.shrink.attempts"
local check <const> = require "mcast.check"
local file <const> = require "mcast.sim.shrink.file"
local words <const> = require "mcast.sim.sweep.words"

local story = {}

local Story = {}

--- Sentences, in the order of their times, for `mcast.sim.replay`.
-- @tfield {string,...} faults

--- Options for `mcast.sim.replay`: `p`, the parameters, where the scenario has some; `without`, names of nodes that do not
-- start; `till`, where the run ends earlier; and `usual = "mean"`, where the usual delay is the mean one.
-- @tfield table options

--- The number of all faults of the seed.
-- @tfield integer before

--- The names of all nodes.
-- @tfield {string,...} nodes

--- The seed.
-- @tfield integer|string seed

--- The error of the run with these faults.
-- @tfield string message

--- The number of events of that run.
-- @tfield integer events

--- The number of runs that it took to find them.
-- @tfield integer runs

--- Was there time for all of them? If not, fewer faults may do.
-- @tfield boolean complete

local metatable <const> = { __name = "mcast.sim.Story", __index = Story }

-- A fault as text; story.read reads it.
local function sentence(fault)
  return fault.given and ("%s, %s %.14g s"):format(fault.name, fault.seconds and "after" or "for", fault.given) or fault.name
end

-- By the names of faults, true or their seconds; and the names by sentences. The name of a node may end as a sentence does, so
-- the whole text is a name, too.
function story.read(faults)
  local only, names = {}, {}
  for i, text in ipairs(faults) do
    check.expect(type(text) == "string", "bad fault %d (text expected, got %s)", i, check.quoted(text))
    local name = text:match "^(.*), after [%d.e+-]+ s$" or text:match "^(.*), for [%d.e+-]+ s$"
    only[text], names[text] = true, name or text
    if name then
      only[name] = tonumber(text:match "([%d.e+-]+) s$") or true
    end
  end
  return only, names
end

-- The beginning of a datagram's bytes, where they are plain text and not in the fault's name.
local function excerpt(fault)
  local data <const> = fault.data
  if not data or data:find "[^ -~]" or fault.name:find(('"%s"'):format(data), 1, true) then
    return ""
  end
  return ("  %q"):format(#data > 30 and data:sub(1, 30) .. "..." or data)
end

-- The seconds of a fault that are not in its sentence.
local function drawn(fault)
  local seconds <const> = not fault.given and (fault.seconds or fault.lasted)
  return seconds and (", %s %.6f s"):format(fault.seconds and "after" or "for", seconds) or ""
end

-- "with 3 of 65 faults and 2 of 9 nodes (a, b), nodes=3:"
local function summary(self)
  local options <const>, kept = self.options, {}
  local out <const> = {}
  for _, name in ipairs(options.without or {}) do
    out[name] = true
  end
  for _, name in ipairs(self.nodes) do
    kept[#kept + 1] = not out[name] and name or nil
  end
  return ("with %d of %d faults%s%s%s%s%s"):format(#self.faults, self.before,
    options.without and (" and %d of %d nodes (%s)"):format(#kept, #self.nodes, table.concat(kept, ", ")) or "",
    options.p and ", " .. words.text(options.p) or "",
    options.till and (", ending at %.14g s"):format(options.till) or "",
    options.usual and (", other delays: the %s ones"):format(options.usual) or "", #self.faults > 0 and ":" or "")
end

function metatable.__tostring(self)
  local lines = { ("seed %s: %s"):format(self.seed, self.message), summary(self) }
  for i, fault in ipairs(self.details) do
    lines[#lines + 1] = ("  %11.6f s  %s%s%s"):format(fault.time, self.faults[i], drawn(fault), excerpt(fault))
  end
  if not self.complete then
    lines[#lines + 1] = ("The time was up after %g s: fewer may do."):format(self.plan.seconds)
  end
  return table.concat(lines, "\n")
end

--- Writes a Lua file of at most 40 lines that replays the run without the sweep, alone or as a spec of busted.
--
-- It holds the faults, the parameters, and the scenario with the values that it refers to: plain values, tables of them,
-- modules and functions in Lua. Where these need more lines, or the scenario refers to something else, the file runs the
-- scenario's own file instead, up to the sweep or to `mcast.sim.shrink`, which it replaces.
-- @tparam string path
-- @return true; or nil, a message and an errno
-- @usage assert(story:write_lua "run.lua")
function Story:write_lua(path)
  check.argument(1, "write_lua", path, check.text)
  return file.write(self, path)
end

-- Calls a function with the net of the run in which the faults are marked.
local function show(self, f)
  local way = {}
  for key, value in pairs(self.plan.way) do
    way[key] = value
  end
  way.faults = self.details
  return attempts.show(self.plan, way, f)
end

-- The options of a picture, with its title, and the time from the first fault to the end.
local function zoomed(self, net, options)
  local all = { title = self.message }
  if self.details[1] then
    local first <const>, last <const> = self.details[1].time, net:now()
    local margin <const> = (last - first) / 20
    all.from, all.till = math.max(0, first - margin), last + margin
  end
  for key, value in pairs(options or {}) do
    all[key] = value
  end
  return all
end

--- Writes a still picture of the run, from its first fault to its end, in which the faults are marked.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(story:write_svg "run.svg")
function Story:write_svg(path, options)
  check.argument(1, "write_svg", path, check.text)
  return show(self, function(net) return net:write_svg(path, zoomed(self, net, options)) end)
end

--- Writes the same picture as one HTML file, which opens at that part of the run.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(story:write_timeline "run.html")
function Story:write_timeline(path, options)
  check.argument(1, "write_timeline", path, check.text)
  return show(self, function(net) return net:write_timeline(path, zoomed(self, net, options)) end)
end

-- The options by which a way is replayed.
local function replayed(way)
  local without = {}
  for name in pairs(way.without or {}) do
    without[#without + 1] = name
  end
  table.sort(without)
  return { p = way.p, without = without[1] and without, till = way.till, usual = way.usual }
end

-- The story of a plan's best run, of a seed with so many faults before.
function story.new(plan, before)
  local best <const>, faults = plan.best, {}
  for i, fault in ipairs(best.faults) do
    faults[i] = sentence(fault)
  end
  return setmetatable({ seed = plan.seed, message = best.message, events = best.events, faults = faults, before = before,
    details = best.faults, runs = plan.runs, nodes = best.nodes, options = replayed(plan.way),
    complete = plan.clock() < plan.deadline, plan = plan }, metatable)
end

return story
