-- Times of a capture: units of 10^-n or 2^-n seconds, as nanoseconds.

local function decimal(n)
  local factor = math.tointeger(10 ^ math.min(math.abs(n - 9), 19)) or 0
  if n <= 9 then
    return function(units) return units * factor end
  end
  return function(units) return factor > 0 and units // factor or 0 end
end

local function binary(n)
  return function(units)
    local seconds = n < 64 and units >> n or 0
    local fraction = n < 64 and units & (1 << n) - 1 or units
    local bits = math.min(n, 33) -- further bits are below a nanosecond, and would overflow
    return seconds * 1000000000 + ((fraction >> n - bits) * 1000000000 >> bits)
  end
end

local clocks <const> = {} -- by resolution, which is a byte

-- Returns the function that converts units of a resolution.
return function(resolution)
  local n <const> = resolution & 127
  clocks[resolution] = clocks[resolution] or (resolution > 127 and binary or decimal)(n)
  return clocks[resolution]
end
