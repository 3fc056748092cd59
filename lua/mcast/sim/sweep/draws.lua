-- Random numbers of sweeps: the streams of src/sim/random.c, one for each name, so that the draws of another name change none.
local draws = {}

local function mix(x)
  x = (x ~ x >> 30) * 0xbf58476d1ce4e5b9
  x = (x ~ x >> 27) * 0x94d049bb133111eb
  return x ~ x >> 31
end

-- An integer for a text: FNV-1a, mixed.
function draws.hash(text)
  local value = 0xcbf29ce484222325
  for i = 1, #text do
    value = (value ~ text:byte(i)) * 0x100000001b3
  end
  return mix(value)
end

-- A function that draws numbers in [0, 1).
function draws.stream(seed, name)
  local state = mix(mix(seed + 1) + draws.hash(name))
  return function()
    state = state + 0x9e3779b97f4a7c15
    return (mix(state) >> 11) * 0x1p-53
  end
end

return draws
