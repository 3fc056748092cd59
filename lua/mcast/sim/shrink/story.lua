-- The story of a shrunk run: its faults in sentences, by which it is also replayed.
local check <const> = require "mcast.check"

local story = {}

local metatable <const> = { __name = "mcast.sim.Story" }

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
  local lines = { ("seed %d: %s"):format(self.seed, self.message),
    ("with %d of %d faults%s"):format(#self.faults, self.before, #self.faults > 0 and ":" or "") }
  for i, fault in ipairs(self.details) do
    local drawn <const> = fault.seconds and not fault.given and (", after %.6f s"):format(fault.seconds) or ""
    lines[#lines + 1] = ("  %11.6f s  %s%s%s"):format(fault.time, self.faults[i], drawn, excerpt(fault.data))
  end
  return table.concat(lines, "\n")
end

-- The story of a plan's best run, of a seed with so many faults before.
function story.new(plan, before)
  local best <const>, faults = plan.best, {}
  for i, fault in ipairs(best.faults) do
    faults[i] = sentence(fault)
  end
  return setmetatable({ seed = plan.seed, message = best.message, events = best.events, faults = faults, before = before,
    details = best.faults, runs = plan.runs }, metatable)
end

return story
