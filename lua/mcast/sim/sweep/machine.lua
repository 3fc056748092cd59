-- The machine of this process, as far as a run may depend on it.
local mcast <const> = require "mcast"
local processes <const> = require "mcast.sim.worker"

local machine = {}

local FUNCTIONS <const> = { math.exp, math.log, math.sin, math.cos, math.tan, math.atan,
  function(x) return math.asin(x / 400) end, function(x) return x ^ 0.37 end, function(x) return 1.01 ^ x end }

-- Digits that are others where the last digit of a function of the C library is: its version does not show all of that,
-- since a library may choose functions by the processor.
local function maths()
  local hash = 0xcbf29ce484222325
  for i = 1, 500 do
    for _, f in ipairs(FUNCTIONS) do
      hash = (hash ~ string.unpack("<i8", string.pack("<d", f(i * 0.7310585786)))) * 0x100000001b3
    end
  end
  return ("%08x"):format(hash >> 32)
end

-- Its mcast, Lua and C library, with the digits of its functions.
function machine.text()
  return ("%s, %s, %s, maths %s"):format(mcast._VERSION, _VERSION, processes.library, maths())
end

function machine.host()
  local pipe <close> = io.popen "uname -n 2>/dev/null"
  return pipe and pipe:read "l" or "?"
end

return machine
