-- Checks that functions of a node's environment share.
local arguments = {}

-- A text, or a number as text.
function arguments.text(value, number, name)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(("bad argument #%d to '%s' (string expected, got %s)"):format(number, name,
      value == nil and "no value" or type(value)), 3)
  end
  return tostring(value)
end

-- A function that a node may not call.
function arguments.refuse(name, why)
  return function() error(name .. " is not available in the simulator" .. (why or ""), 2) end
end

return arguments
