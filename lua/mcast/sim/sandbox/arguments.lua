-- Checks that functions of a node's environment share. The messages are those of Lua's library.

-- Methods of strings may be those of the node.
local format <const>, match <const> = string.format, string.match

local arguments = {}

-- The name of a value's type in messages.
function arguments.typename(value)
  local metatable <const> = debug.getmetatable(value)
  local name <const> = type(value) ~= "string" and type(metatable) == "table" and rawget(metatable, "__name")
  return type(name) == "string" and name or type(value)
end

-- Raises an error about an argument of the function at a level, in the line of its caller. The function is named as the caller
-- names it; where that is a function in C, by its place in the library; and in a tail call by its own name.
function arguments.raise(number, name, message, level)
  level = (level or 1) + 1
  local call <const> = debug.getinfo(level, "nt")
  name = call.name or call.istailcall and match(name, "[^.]*$") or name
  error(format("bad argument #%d to '%s' (%s)", number, name, message), level + 1)
end

-- A text, or a number as text. The last argument is the number of all, where nil is no missing one.
function arguments.text(value, number, name, count)
  if type(value) ~= "string" and type(value) ~= "number" then
    arguments.raise(number, name, format("string expected, got %s", number > (count or 0) and value == nil and "no value"
      or arguments.typename(value)), 2)
  end
  return tostring(value)
end

local function has(metatable, key)
  return type(metatable) == "table" and rawget(metatable, key) ~= nil
end

-- A table, or a value that acts as one.
function arguments.list(value, number, name)
  local metatable <const> = debug.getmetatable(value)
  local acts <const> = has(metatable, "__index") and has(metatable, "__newindex") and has(metatable, "__len")
  if type(value) ~= "table" and not acts then
    arguments.raise(number, name, format("table expected, got %s", value == nil and "no value" or arguments.typename(value)), 2)
  end
end

-- A function that a node may not call.
function arguments.refuse(name, why)
  return function() error(name .. " is not available in the simulator" .. (why or ""), 2) end
end

return arguments
