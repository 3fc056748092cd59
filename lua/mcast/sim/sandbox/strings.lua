-- Metatables of strings. A process's strings have one metatable, so the core sets the running node's when it resumes it:
-- the shared one, or the node's own, for a script that changes it or adds to `string`.
local strings = {}

-- A copy of the metatable of strings with other methods.
function strings.metatable(methods)
  local metatable = {}
  for key, value in pairs(getmetatable "") do
    metatable[key] = value
  end
  metatable.__index = methods
  return metatable
end

-- The metatable of a running node's own strings, made when it is first asked for.
function strings.own(node)
  if not node.metatable then
    node.metatable = strings.metatable(node.env.string)
    node.net.core:strings(node.id, node.metatable)
  end
  return node.metatable
end

-- A node that starts has the shared metatable.
function strings.reset(node)
  node.metatable = nil
  node.net.core:strings(node.id, nil)
end

return strings
