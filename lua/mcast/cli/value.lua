-- Values of options: converters for argparse, which report the value that was expected.
local value = {}

local function converter(kind, accepts)
  return function(text)
    local number <const> = tonumber(text)
    if number and accepts(number) then
      return math.tointeger(number) or number
    end
    return nil, ("%s expected, got '%s'"):format(kind, text)
  end
end

function value.integer(least, most)
  return converter(most and ("integer of %d to %d"):format(least, most) or ("integer of %d or more"):format(least),
    function(number)
      return math.tointeger(number) ~= nil and number >= least and number <= (most or math.maxinteger)
    end)
end

-- A positive number, such as of seconds.
function value.positive(unit)
  return converter("positive number" .. (unit and " of " .. unit or ""), function(number)
    return number > 0 and number < math.huge
  end)
end

function value.number(least, most)
  return converter(("number of %d to %d"):format(least, most), function(number)
    return number >= least and number <= most
  end)
end

value.booleans = { ["true"] = true, ["false"] = false }

return value
