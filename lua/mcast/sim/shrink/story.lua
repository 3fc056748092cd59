--- The story of a seed that was shrunk: the few faults with which it fails, in sentences, by which they are replayed, too.
--
-- `mcast.sim.shrink` returns one; `tostring` adds the times of the faults and the bytes of their datagrams.
-- @classmod Story
local attempts <const> = require "mcast.sim.shrink.attempts"
local check <const> = require "mcast.check"
local seeds <const> = require "mcast.sim.seed"
local source <const> = require "mcast.sim.shrink.source"
local vary <const> = require "mcast.sim.sweep.vary"

local story = {}

local Story = {}

--- Sentences, in the order of their times, for `mcast.sim.replay`.
-- @tfield {string,...} faults

--- The number of all faults of the seed.
-- @tfield integer before

--- The seed.
-- @tfield integer|string seed

--- The error of the run with these faults.
-- @tfield string message

--- The number of events of that run.
-- @tfield integer events

--- The number of runs that it took to find them.
-- @tfield integer runs

local metatable <const> = { __name = "mcast.sim.Story", __index = Story }

-- A fault as text; story.read reads it.
local function sentence(fault)
  return fault.given and ("%s, after %.14g s"):format(fault.name, fault.given) or fault.name
end

-- By the names of faults, true or their seconds.
function story.read(faults)
  local only = {}
  for i, text in ipairs(faults) do
    check.expect(type(text) == "string", "bad fault %d (text expected, got %s)", i, check.quoted(text))
    local name <const>, seconds <const> = text:match "^(.*), after ([%d.e+-]+) s$"
    only[name or text] = name and tonumber(seconds) or true
  end
  return only
end

-- The beginning of a datagram's bytes, where they are plain text.
local function excerpt(data)
  if not data or data:find "[^ -~]" then
    return ""
  end
  return ("  %q"):format(#data > 30 and data:sub(1, 30) .. "..." or data)
end

function metatable.__tostring(self)
  local lines = { ("seed %s: %s"):format(self.seed, self.message),
    ("with %d of %d faults%s"):format(#self.faults, self.before, #self.faults > 0 and ":" or "") }
  for i, fault in ipairs(self.details) do
    local drawn <const> = fault.seconds and not fault.given and (", after %.6f s"):format(fault.seconds) or ""
    lines[#lines + 1] = ("  %11.6f s  %s%s%s"):format(fault.time, self.faults[i], drawn, excerpt(fault.data))
  end
  return table.concat(lines, "\n")
end

-- Calls the scenario with the parameters that its seed has drawn, where it has any.
local function call(plan)
  local p <const> = vary.draw(plan.vary, seeds.read(plan.seed).first)
  return p and ("function(seed) scenario(seed, %s) end"):format(source.literal(p, {})) or "scenario"
end

--- Writes a Lua file that replays the run without the sweep: the scenario, the values that it refers to, and the faults.
-- @tparam string path
-- @return true; or nil, a message and an errno: where the scenario refers to something else than plain values, tables of
-- them, modules and functions in Lua
-- @usage assert(story:write_lua "run.lua")
function Story:write_lua(path)
  check.argument(1, "write_lua", path, check.text)
  local plan <const> = self.plan
  local lines, message = source.define("scenario", plan.scenario)
  if not lines then
    return nil, "write_lua: " .. message
  end
  table.insert(lines, 1, ("-- %s, with %d of %d faults."):format(self.message, #self.faults, self.before))
  lines[#lines + 1] = ("\nrequire(\"mcast.sim\").replay(%s, %s, {"):format(call(plan), source.literal(self.seed))
  for _, fault in ipairs(self.faults) do
    lines[#lines + 1] = ("  %q,"):format(fault)
  end
  local file <const>, why, errno = io.open(path, "wb")
  if not file then
    return nil, why, errno
  end
  file:write(table.concat(lines, "\n"), "\n})\n")
  return file:close()
end

--- Writes a still picture of the run, from its first fault to its end, in which the faults are marked.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(story:write_svg "run.svg")
function Story:write_svg(path, options)
  check.argument(1, "write_svg", path, check.text)
  local all = { title = self.message }
  for key, value in pairs(options or {}) do
    all[key] = value
  end
  return attempts.show(self.plan, self.details, function(net)
    local first <const>, last <const> = self.details[1] and self.details[1].time or 0, net:now()
    local margin <const> = (last - first) / 20
    all.from, all.till = all.from or math.max(0, first - margin), all.till or last + margin
    return net:write_svg(path, all)
  end)
end

--- Writes the same picture as one HTML file, of the whole run.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(story:write_timeline "run.html")
function Story:write_timeline(path, options)
  check.argument(1, "write_timeline", path, check.text)
  return attempts.show(self.plan, self.details, function(net)
    return net:write_timeline(path, options or { title = self.message })
  end)
end

-- The story of a plan's best run, of a seed with so many faults before.
function story.new(plan, before)
  local best <const>, faults = plan.best, {}
  for i, fault in ipairs(best.faults) do
    faults[i] = sentence(fault)
  end
  return setmetatable({ seed = plan.seed, message = best.message, events = best.events, faults = faults, before = before,
    details = best.faults, runs = plan.runs, plan = plan }, metatable)
end

return story
