-- The text of the environment variable MCAST_IMPAIR, or of `given` in its place: keys and values, each checked.
local settings = {}

local function fail(message, ...)
  error("MCAST_IMPAIR: " .. message:format(...), 0)
end

local function decimal(text)
  return text:find "^[%d.]+$" and tonumber(text)
end

local function probability(text)
  local value <const> = decimal(text)
  return value and value <= 1 and value
end

local function range(text)
  local from <const>, to <const> = text:match "^(.-)%.%.(.*)$"
  local least <const>, most <const> = decimal(from or text), decimal(to or text)
  return least and most and least <= most and { least, most }
end

local function integer(text)
  return text:find "^%-?%d+$" and math.tointeger(tonumber(text))
end

local kinds <const> = {
  loss = { probability, "probability of 0 to 1" },
  duplicate = { probability, "probability of 0 to 1" },
  delay = { range, "seconds, or from least to most, as in 0.001..0.02" },
  seed = { integer, "integer" },
}

-- Returns a table with each key.
function settings.parse(text)
  if not text then
    fail 'it is not set (as in MCAST_IMPAIR="loss=0.05,seed=7")'
  end
  local given = {}
  for item in (text .. ","):gmatch "([^,]*)," do
    local key <const>, value <const> = item:match "^([^=]*)=(.*)$"
    local kind <const> = kinds[key]
    if not kind then
      fail("unknown key '%s' (loss=, duplicate=, delay= or seed= expected)", key or item)
    elseif given[key] then
      fail("%s is set twice", key)
    end
    given[key] = kind[1](value) or fail("bad %s (%s expected, got '%s')", key, kind[2], value)
  end
  given.loss, given.duplicate = given.loss or 0, given.duplicate or 0
  given.delay, given.seed = given.delay or { 0, 0 }, given.seed or 1
  return given
end

return settings
