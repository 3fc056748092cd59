-- Smaller values in place of those of a failing run, the smallest first.
local vary <const> = require "mcast.sim.sweep.vary"

local smaller = {}

-- A number of so many digits.
function smaller.digits(value, digits)
  return tonumber(("%%.%dg"):format(digits):format(value)) + 0.0
end

-- The numbers of a list from a least one to below a value, without those that follow an equal one.
local function between(list, least, value)
  local kept = {}
  for _, number in ipairs(list) do
    if least <= number and number < value and number ~= kept[#kept] then
      kept[#kept + 1] = number
    end
  end
  return kept
end

-- Between two numbers; on a logarithmic scale where low is above 0 and log is true.
local function halfway(low, high, log)
  return log and math.sqrt(low) * math.sqrt(high) or low + (high - low) / 2
end

local INTEGERS <const>, FLOATS <const> = 64, 4 -- halvings of a distance

-- Smaller numbers of a range: its limits, and those that leave half, a quarter ... of the distance from the lower one.
local function innumbers(range, value)
  local integer <const> = math.type(value) == "integer"
  local list, point = { range.low }, range.low
  for _ = 1, integer and INTEGERS or FLOATS do
    point = halfway(point, value, range.log)
    list[#list + 1] = integer and math.floor(point) or smaller.digits(point, 2)
  end
  list[#list + 1] = integer and value - 1 or smaller.digits(value, 1)
  if range.zero then
    table.insert(list, 1, 0)
  end
  return between(list, range.zero and 0 or range.low, value)
end

-- Lists of one of the values, and lists that lack one of them.
local function fewer(values)
  local list = {}
  for i = 1, #values > 1 and #values or 0 do
    list[i] = { values[i] }
  end
  for i = 1, #values > 2 and #values or 0 do
    local left <const> = table.move(values, 1, #values, 1, {})
    table.remove(left, i)
    list[#list + 1] = left
  end
  return list
end

-- The values of a list before one of them.
local function earlier(list, value)
  for i, entry in ipairs(list) do
    if entry == value then
      return table.move(list, 1, i - 1, 1, {})
    end
  end
  return {}
end

-- Values that are smaller by the form of a parameter (see sim.sweep).
function smaller.values(form, value)
  local range <const> = not form.some and vary.range(form)
  if form.some then
    return type(value) == "table" and fewer(value) or {}
  elseif range then
    return math.type(value) and innumbers(range, value) or {}
  end
  return earlier(form, value)
end

-- Round numbers of seconds, in place of so many.
function smaller.seconds(seconds)
  local list = {}
  for shift = 4, 1, -1 do
    list[#list + 1] = smaller.digits(seconds / (1 << shift), 1)
  end
  return between(list, 0, seconds)
end

-- Round times from one time to before another.
function smaller.times(from, till)
  local list = {}
  for i = 1, 7 do
    list[i] = smaller.digits(from + (till - from) * i / 8, 3)
  end
  return between(list, from, till)
end

return smaller
