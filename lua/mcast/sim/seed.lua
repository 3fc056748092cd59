-- The text that names a run: "17" is that of seed 17; "17,priorities" that in which priorities decide what is late; and
-- "17,3.2:99" is the run of seed 17 until virtual second 3.2, from which on all draws are those of seed 99: a splice.
local check <const> = require "mcast.check"

local seed = {}

local PRIORITIES <const> = ",priorities"

-- The list of splices that a text names, {text =, time =, seed =}; nil for anything else.
local function readsplices(text)
  local list, rest = {}, text:gsub(",[^,]*", "")
  for word in text:gmatch ",([^,]*)" do
    local time <const>, number <const> = word:match "^(%d+%.?%d*):(-?%d+)$"
    local splice = { text = word, time = tonumber(time), seed = math.tointeger(tonumber(number)) }
    if not splice.time or not splice.seed then
      return nil
    end
    list[#list + 1] = splice
  end
  return rest == "" and list or nil
end

-- The run that an integer or a text names: {first = its seed, rest = text after it, priorities =, splices =}; nil for anything
-- else.
function seed.read(value)
  if math.type(value) then
    return math.tointeger(value) and { first = math.tointeger(value), rest = "", splices = {} }
  end
  local first <const>, rest = (type(value) == "string" and value or ""):match "^%s*(-?%d+)(.-)%s*$"
  local priorities <const> = rest and rest:sub(1, #PRIORITIES) == PRIORITIES
  local splices <const> = rest and readsplices(priorities and rest:sub(#PRIORITIES + 1) or rest)
  local number <const> = math.tointeger(tonumber(first))
  return splices and number and { first = number, rest = rest, priorities = priorities, splices = splices } or nil
end

seed.kind = check.kind("integer, or text of a run", seed.read)

-- The run as it is named: an integer, or a text.
function seed.name(run)
  return run.rest == "" and run.first or run.first .. run.rest
end

-- The same for the run of another seed.
function seed.with(run, first)
  return { first = first, rest = run.rest, priorities = run.priorities, splices = run.splices }
end

function seed.prioritized(number)
  return number .. PRIORITIES
end

-- Has a net draw as the run does.
function seed.apply(net, run)
  if run.priorities then
    net.core:prioritize()
  end
  for _, splice in ipairs(run.splices) do
    net.core:call(splice.time, function() net.core:reseed(splice.seed) end)
  end
end

return seed
