-- The environment of a node: its own globals, libraries and modules, so that no node sees the changes of another one.
local core <const> = require "mcast.sim.core"
local hidden <const> = require "mcast.sim.sandbox.hidden"
local library <const> = require "mcast.sim.sandbox.library"
local modules <const> = require "mcast.sim.sandbox.modules"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local strings <const> = require "mcast.sim.sandbox.strings"

local environment = {}

-- Globals that are those of Lua.
local own <const> = { "assert", "error", "ipairs", "rawequal", "rawlen", "rawset", "select", "tonumber", "type",
  "_VERSION" }

-- A node's library is an empty table over the shared one: changes stay in the node, and without changes it needs hardly
-- any memory.
local function over(functions)
  return { __index = functions, __pairs = function(t)
    local all = {}
    for key, value in pairs(functions) do
      all[key] = value
    end
    for key, value in next, t do
      all[key] = value
    end
    return core.pairs(all)
  end }
end

local metatables <const> = { mcast = over(core.module) }
hidden[metatables.mcast] = core.module
for name, functions in pairs(library) do
  if type(functions) == "table" then
    metatables[name] = over(functions)
    hidden[metatables[name]] = functions
  end
end

-- Where a script adds to `string`, methods of its strings are looked up there.
function metatables.string.__newindex(t, key, value)
  rawset(t, key, value)
  strings.own(core.current())
end

-- The metatable of strings that nodes share.
environment.strings = strings.metatable(library.string)

-- A copy of a function of the scenario: it shares the upvalues, except for its globals.
local function clone(f, env)
  local copy <const> = assert(load(string.dump(f), nil, "b", env)) -- where memory runs out, load returns nil
  local i = 1
  while debug.getupvalue(f, i) do
    if debug.getupvalue(f, i) == "_ENV" then
      debug.setupvalue(copy, i, env)
      debug.upvaluejoin(copy, i, function() return env end, 1)
    else
      debug.upvaluejoin(copy, i, f, i)
    end
    i = i + 1
  end
  return copy
end

-- The chunk of a script, which is a function or a path on a disk; nil and a message where it cannot be read or compiled.
function environment.chunk(script, env, on)
  if type(script) == "function" then
    return clone(script, env)
  end
  local make, message = scripts.compile(script, on)
  if not make then
    return nil, message
  end
  return make(env)
end

-- A node's globals. The name and the arguments become `arg`.
function environment.new(node, name, arguments)
  local env, loaded = { require = modules.require }, { mcast = setmetatable({}, metatables.mcast) }
  for _, global in ipairs(own) do
    env[global] = _G[global]
  end
  for key, value in pairs(library) do
    if type(value) == "table" then
      env[key] = setmetatable({}, metatables[key])
    else
      env[key] = value
    end
  end
  for _, lent in ipairs { node.net.options.modules or {}, node.options.modules or {} } do
    for key, value in pairs(lent) do
      loaded[key] = value
    end
  end
  env._G, loaded._G = env, env
  env.package = modules.new(node, loaded)
  loaded.package = env.package
  env.arg = { [0] = name, table.unpack(arguments) }
  return env
end

return environment
