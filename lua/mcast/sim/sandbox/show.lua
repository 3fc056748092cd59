-- Objects as text: by a number, not by their place in memory, which depends on the process.
local callbacks <const> = require "mcast.sim.sandbox.callbacks"
local core <const> = require "mcast.sim.core"
local files <const> = require "mcast.sim.sandbox.files"

-- Methods of strings may be those of the node.
local format <const> = string.format

local show = {}

local numbered <const> = { table = true, ["function"] = true, thread = true, userdata = true }

function show.number(value)
  local numbers = core.current().net.numbers
  local n = numbers[value]
  if not n then
    numbers.count = numbers.count + 1
    n = numbers.count
    numbers[value] = n
  end
  return format("0x%08x", n)
end

function show.isobject(value)
  return numbered[type(value)] ~= nil
end

-- tostring of an object, which calls __tostring. The core calls Lua's own for other values.
function show.tostring(value)
  local metatable <const> = debug.getmetatable(value)
  if files.type(value) == "file" then
    return format("file (%s)", show.number(value))
  elseif metatable and metatable.__tostring ~= nil then
    callbacks.enter()
    local text <const> = metatable.__tostring(value)
    callbacks.leave()
    return type(text) == "string" and text or type(text) == "number" and tostring(text)
      or error("'__tostring' must return a string", 3)
  end
  local name = metatable and metatable.__name
  return format("%s: %s", type(name) == "string" and name or type(value), show.number(value))
end

callbacks.add(show.tostring)

-- Files are shown alike where their own metamethod is asked.
function files.metatable.__tostring(file)
  return files.type(file) == "file" and format("file (%s)", show.number(file)) or "file (closed)"
end

return show
