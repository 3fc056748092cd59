-- The library debug of a node: without hooks, which the simulator uses to end loops, and without the registry.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local metatables <const> = require "mcast.sim.sandbox.metatables"

local debugging = {}

debugging.sethook = arguments.refuse "debug.sethook"
debugging.gethook = function() return nil end
debugging.getregistry = arguments.refuse "debug.getregistry"
debugging.debug = arguments.refuse "debug.debug"
debugging.getmetatable = metatables.own(debug.getmetatable)

local set <const> = metatables.unfinalized(debug.setmetatable)

function debugging.setmetatable(value, metatable)
  if type(value) ~= "table" then
    error("debug.setmetatable of a " .. type(value) .. " is not available in the simulator: all nodes share it", 2)
  end
  return set(value, metatable)
end

-- Changing the upvalues of a C function or the values of a socket could crash the process.
function debugging.setupvalue(f, i, value)
  if type(f) == "function" and debug.getinfo(f, "S").what == "C" then
    error("debug.setupvalue of a C function is not available in the simulator", 2)
  end
  return debug.setupvalue(f, i, value)
end

debugging.setuservalue = arguments.refuse "debug.setuservalue"

function debugging.getuservalue()
  return nil
end

-- Values in frames of C functions are the simulator's: a coroutine that it resumes, a net.
local function isc(thread, level)
  local info <const> = thread and debug.getinfo(thread, level, "S") or not thread and debug.getinfo(level + 2, "S")
  return info and info.what == "C"
end

function debugging.setlocal(...)
  local thread <const>, level = type((...)) == "thread" and (...) or nil, ...
  if thread then
    level = select(2, ...)
  end
  if math.type(level) == "integer" and level >= 0 and (level == 0 or isc(thread, level)) then
    error("debug.setlocal of a C function is not available in the simulator", 2)
  elseif thread or math.type(level) ~= "integer" then
    return debug.setlocal(...)
  end
  return (debug.setlocal(level + 1, select(2, ...)))
end

function debugging.getlocal(...)
  local first <const>, level = ...
  if type(first) == "thread" then
    if math.type(level) == "integer" and isc(first, level) then
      return nil
    end
    return debug.getlocal(...)
  elseif math.type(first) ~= "integer" then
    return debug.getlocal(...)
  elseif first == 0 or first > 0 and isc(nil, first) then
    return nil
  end
  local name <const>, value = debug.getlocal(first + 1, level)
  return name, value
end

return debugging
