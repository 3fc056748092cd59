-- Metatables of a node: its own ones, and none of the simulator's.
local core <const> = require "mcast.sim.core"
local hidden <const> = require "mcast.sim.sandbox.hidden"
local strings <const> = require "mcast.sim.sandbox.strings"

local current <const> = core.current

local metatables = {}

-- Gives a node's table all of its values, and no metatable, where that is hidden.
function metatables.reveal(t)
  local fill <const> = type(t) == "table" and hidden[getmetatable(t)]
  if fill then
    fill(t)
    setmetatable(t, nil)
  end
end

-- The time of a collection depends on the process, so finalizers of a node's objects are not called.
function metatables.unfinalized(setmetatable)
  return function(value, ...)
    local metatable = ...
    local finalizer = nil
    if type(metatable) == "table" then
      finalizer = rawget(metatable, "__gc") -- false, too: Lua then calls a function that is set later
    end
    if finalizer ~= nil then
      rawset(metatable, "__gc", nil)
    end
    metatables.reveal(value)
    local ok, message = pcall(setmetatable, value, ...)
    if finalizer ~= nil then
      rawset(metatable, "__gc", finalizer)
    end
    return ok and value or not ok and error(message, 2)
  end
end

-- A copy of a metatable, with the methods in it.
local function copy(metatable)
  local result = {}
  for key, value in next, metatable do
    result[key] = value
  end
  if type(result.__index) == "table" then
    result.__index = copy(result.__index)
  end
  return result
end

-- The metatable of strings is the node's own once a script asks for it; those of userdata are copies, one for each node; those
-- of libraries are not seen.
function metatables.own(getmetatable)
  return function(...)
    local value <const> = ...
    local kind <const>, node = type(value), current()
    if kind == "string" and node then
      return strings.own(node)
    end
    local found <const> = getmetatable(...)
    if hidden[found] then
      return nil
    elseif kind ~= "userdata" or not node or type(found) ~= "table" then
      return found
    end
    node.copies = node.copies or {}
    node.copies[found] = node.copies[found] or copy(found)
    return node.copies[found]
  end
end

return metatables
