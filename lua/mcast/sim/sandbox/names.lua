-- Names of a node's functions, which Lua looks up in the loaded modules for its messages and tracebacks. While a net runs, it
-- finds them beside the process's modules, as "string.format" or "mcast.sleep". `package.loaded` is as it was.
local core <const> = require "mcast.sim.core"
local library <const> = require "mcast.sim.sandbox.library"

local names = {}

local function add(list, prefix, functions)
  for key, value in pairs(functions) do
    if type(value) == "function" then
      list[prefix .. "." .. key] = value
    end
  end
end

-- Has Lua find the names until the function that is returned is called.
function names.lend()
  local registry <const> = debug.getregistry()
  local loaded <const> = registry._LOADED
  local list <const> = {}
  for key, value in next, loaded do
    if type(key) ~= "string" or not key:find "^mcast" then
      list[key] = value
    end
  end
  add(list, "_G", library)
  add(list, "mcast", core.module)
  for name, functions in pairs(library) do
    if type(functions) == "table" then
      add(list, name, functions)
    end
  end
  registry._LOADED = setmetatable(list, { __index = loaded, __newindex = loaded })
  return function() registry._LOADED = loaded end
end

return names
