-- Numbers of the command line: functions for argparse's `convert`.
local number = {}

local function range(name, least, most)
  if most == math.huge then
    return ("%s of at least %s expected, got '%%s'"):format(name, least)
  end
  return ("%s of %s to %s expected, got '%%s'"):format(name, least, most)
end

local function within(value, least, most)
  return value and value >= least and value <= most and value < math.huge
end

-- Accepts an integer from least to most (math.huge by default).
function number.integer(least, most)
  most = most or math.huge
  return function(text)
    local value <const> = math.tointeger(tonumber(text))
    if within(value, least, most) then
      return value
    end
    return nil, range("an integer", least, most):format(text)
  end
end

-- Accepts a number from least to most (math.huge by default).
function number.real(least, most)
  most = most or math.huge
  return function(text)
    local value <const> = tonumber(text)
    if within(value, least, most) then
      return value
    end
    return nil, range("a number", least, most):format(text)
  end
end

return number
