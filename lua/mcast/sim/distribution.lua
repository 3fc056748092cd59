-- Distributions of seconds: 0.001, {0.001, 0.004}, {mean =, deviation =}, {exponential =, least =}, or a function.
local check <const> = require "mcast.check"
local core <const> = require "mcast.sim.core"

local distribution = {}

local isseconds <const> = check.seconds.accepts

-- The core's form of one; nil for anything else.
function distribution.read(form)
  if type(form) == "function" then
    return form
  elseif isseconds(form) then
    return { "uniform", form, form }
  elseif type(form) ~= "table" then
    return nil
  end
  local least <const> = form.least or 0
  if isseconds(form.mean) and isseconds(form.deviation) then
    return { "normal", form.mean, form.deviation }
  elseif isseconds(form.exponential) and isseconds(least) then
    return { "exponential", least, form.exponential }
  elseif isseconds(form[1]) and isseconds(form[2]) and form[1] <= form[2] then
    return { "uniform", form[1], form[2] }
  end
end

distribution.kind = check.kind("seconds of 0 or more, {least, most}, a distribution or a function", distribution.read)

local draw = {}

function draw.uniform(a, b, random)
  return a + (b - a) * random()
end

function draw.exponential(least, mean, random)
  return least + mean * core.exponential(random())
end

-- By Marsaglia's polar method; numbers below 0 are drawn anew.
function draw.normal(mean, deviation, random)
  local seconds
  repeat
    local x <const>, y <const> = 2 * random() - 1, 2 * random() - 1
    local square <const> = x * x + y * y
    local isinside <const> = 0 < square and square < 1
    seconds = isinside and mean + deviation * x * math.sqrt(2 * core.exponential(1 - square) / square)
  until seconds and seconds >= 0
  return seconds
end

-- A function that draws seconds by the form: its argument is a function that draws numbers from 0 to 1.
function distribution.drawer(form)
  local read <const> = distribution.read(form)
  if type(read) == "table" then
    return function(random) return draw[read[1]](read[2], read[3], random) end
  end
  return function(random)
    local seconds <const> = form(random)
    check.expect(isseconds(seconds), "bad result of a distribution (seconds of 0 or more expected, got %s)",
      check.quoted(seconds))
    return seconds
  end
end

-- May it draw anything else than 0?
function distribution.isabovezero(form)
  local read <const> = distribution.read(form)
  return type(read) == "function" or read[2] + read[3] > 0
end

return distribution
