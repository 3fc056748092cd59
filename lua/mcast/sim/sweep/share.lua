-- A share of a sweep, which another process runs: MCAST_SHARE=first-last in its environment. It prints its result as a line.
local check <const> = require "mcast.check"
local machine <const> = require "mcast.sim.sweep.machine"
local report <const> = require "mcast.sim.sweep.report"
local words <const> = require "mcast.sim.sweep.words"

local share = {}

function share.text(first, last)
  return ("%d-%d"):format(first, last)
end

-- The first and the last seed of a text, or nil.
local function range(text)
  local first, last = tostring(text):match "^(%-?%d+)%-(%-?%d+)$"
  first, last = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if first and last and first <= last then
    return first, last
  end
end

-- The first and the last seed that this process has to run, or nil where it is no share.
function share.asked(plan)
  local text <const> = os.getenv "MCAST_SHARE"
  if not text or text == "" then
    return nil
  end
  local first <const>, last <const> = range(text)
  check.expect(first and plan.first <= first and last <= plan.last, "MCAST_SHARE: seeds of %s expected, got '%s'",
    share.text(plan.first, plan.last), text)
  return first, last
end

-- The plan for these seeds alone.
function share.plan(plan, first, last)
  return setmetatable({ first = first, last = last, count = last - first + 1 }, { __index = plan })
end

-- Names by their value, as two lists; nil where they are empty.
local function partition(names)
  local list <const> = { [true] = {}, [false] = {} }
  for name, value in pairs(names) do
    table.insert(list[value], name)
  end
  table.sort(list[true])
  table.sort(list[false])
  return list[true][1] and list[true], list[false][1] and list[false]
end

-- Prints the result of the share from first to last: a length, and words of that length.
function share.print(plan, failed, first, last)
  local result <const> = { sweep = plan.id, seeds = share.text(plan.first, plan.last), share = share.text(first, last),
    machine = machine.text(), host = machine.host() }
  for i, failure in ipairs(failed) do
    for name, value in pairs { runs = failure.run + first - plan.first, failed = failure.seed, messages = failure.message,
      events = failure.events or false, vary = failure.vary and words.text(failure.vary) or false } do
      result[name] = result[name] or {}
      result[name][i] = value
    end
  end
  result.touched, result.untouched = partition(plan.touched)
  result.seen, result.unseen = partition(plan.seen)
  result.replay = failed[1] and report.replay(plan, report.shortest(failed))
  local text <const> = words.text(result)
  assert(io.stdout:write(("\nmcast-share %d %s\n"):format(#text, text))) -- after a line that the script has begun
  assert(io.stdout:flush())
end

local function istext(value) return type(value) == "string" end
local function isflag(value) return value == false end
local function isinteger(value) return math.type(value) == "integer" end

-- The lists of a result, and what is in them.
local LISTS <const> = { runs = isinteger, messages = istext,
  failed = function(value) return istext(value) or isinteger(value) end,
  events = function(value) return isinteger(value) or isflag(value) end,
  vary = function(value) return istext(value) or isflag(value) end,
  touched = istext, untouched = istext, seen = istext, unseen = istext }

local function islist(list, accepts)
  for _, value in ipairs(type(list) == "table" and list or {}) do
    if not accepts(value) then
      return false
    end
  end
  return type(list) == "table"
end

local function iscomplete(result)
  for name, accepts in pairs(LISTS) do
    result[name] = result[name] or {}
    if not islist(result[name], accepts) then
      return false
    end
  end
  local count <const> = #result.failed
  return istext(result.sweep) and istext(result.machine) and istext(result.host)
    and #result.runs == count and #result.messages == count and #result.events == count and #result.vary == count
    and (count == 0 or istext(result.replay))
end

-- The result that a line holds, or nil: where it holds none, or less than the whole one. From first to last are its seeds,
-- from least to most those of the sweep.
function share.read(line)
  local _, _, length, from = line:find "mcast%-share (%d+) ()"
  local till <const> = from and from + (math.tointeger(tonumber(length)) or 0)
  local result <const> = till and #line >= till - 1 and not line:find("%S", till) and words.read(line:sub(from, till - 1))
  if result and iscomplete(result) then
    result.first, result.last = range(result.share)
    result.least, result.most = range(result.seeds)
    return result.first and result.least and result or nil
  end
end

return share
