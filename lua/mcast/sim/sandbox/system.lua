-- The library os of a node: virtual time, its own environment, locale and files.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local core <const> = require "mcast.sim.core"

-- Methods of strings may be those of the node.
local format <const>, sub <const> = string.format, string.sub

local current <const> = core.current

local system = {}

-- Days from 1970-01-01 of a date of the Gregorian calendar.
local function days(year, month, day)
  year = year + (month - 1) // 12
  month = (month - 1) % 12 + 1
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function field(date, name, default)
  local value = math.tointeger(tonumber(date[name] or default))
  if not value then
    error(format("field '%s' %s", name, date[name] and "is not an integer" or "missing in date table"), 3)
  elseif value < -2 ^ 31 or value > 2 ^ 31 - 1 + (name == "year" and 1900 or 0) then
    error(format("field '%s' is out-of-bound", name), 3)
  end
  return value
end

-- The time zone of all nodes is UTC.
function system.time(date)
  if not date then
    local _, day = core.clock()
    return math.floor(day)
  elseif type(date) ~= "table" then
    arguments.raise(1, "os.time", format("table expected, got %s", arguments.typename(date)))
  end
  local time <const> = days(field(date, "year"), field(date, "month"), field(date, "day")) * 86400
    + field(date, "hour", 12) * 3600 + field(date, "min", 0) * 60 + field(date, "sec", 0)
  for name, value in pairs(os.date("!*t", time)) do -- normalizes: 35 January is 4 February
    date[name] = value
  end
  return time
end

function system.date(form, time)
  form = arguments.text(form == nil and "%c" or form, 1, "os.date")
  return os.date(sub(form, 1, 1) == "!" and form or "!" .. form, time or system.time())
end

-- All nodes are in the C locale, and it is the only one that they know.
function system.setlocale(name, category)
  local plain <const> = os.setlocale(nil, category)
  if name ~= nil and type(name) ~= "string" then
    arguments.raise(1, "os.setlocale", format("string expected, got %s", arguments.typename(name)))
  end
  return (name or "") == "" and plain or (name == "C" or name == "POSIX") and plain or nil
end

function system.clock()
  return (core.clock())
end

function system.getenv(...)
  local name <const>, variables = arguments.text((...), 1, "os.getenv", select("#", ...)), current().variables
  return variables and variables[name]
end

system.exit = core.exit
system.execute = arguments.refuse "os.execute"

function system.remove(path)
  return current().on.disk:remove(arguments.text(path, 1, "os.remove"))
end

function system.rename(from, to)
  return current().on.disk:rename(arguments.text(from, 1, "os.rename"), arguments.text(to, 2, "os.rename"))
end

function system.tmpname()
  return current().on.disk:temporary()
end

return system
