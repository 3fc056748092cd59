-- The environment of a node: its own globals, libraries and modules, so that no node sees the changes of another one.
local core <const> = require "mcast.sim.core"
local hidden <const> = require "mcast.sim.sandbox.hidden"
local library <const> = require "mcast.sim.sandbox.library"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local strings <const> = require "mcast.sim.sandbox.strings"

local environment = {}

-- Globals that are those of Lua.
local own <const> = { "assert", "error", "ipairs", "pcall", "rawequal", "rawlen", "rawset",
  "select", "tonumber", "type", "xpcall", "_VERSION" }

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
  local copy = load(string.dump(f), nil, "b", env)
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

local function load_module(name, env)
  local on <const> = core.current().on.disk
  local path, message = scripts.search(on, name, env.package.path)
  if not path then
    error(("module '%s' not found:\n\t%s\n\t(nodes load modules in Lua; C modules need the option "
      .. "modules = { ['%s'] = require '%s' })"):format(name, message, name, name), 3)
  end
  local make
  make, message = scripts.compile(path, on)
  if not make then
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 3)
  end
  return make(env), path
end

-- In Lua, so that a module can wait while it loads.
local function require_module(name)
  if type(name) ~= "string" and type(name) ~= "number" then
    error(("bad argument #1 to 'require' (string expected, got %s)"):format(name == nil and "no value" or type(name)), 2)
  end
  local env = core.current().env
  local loaded, preload = env.package.loaded, env.package.preload[name]
  if loaded[name] == nil and metatables[name] then
    loaded[name] = env[name]
  end
  if loaded[name] ~= nil then
    return loaded[name]
  end
  local chunk, path = preload, ":preload:"
  if not chunk then
    chunk, path = load_module(name, env)
  end
  local value = chunk(name, path)
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], path
end

local function searchpath(...)
  return scripts.search(core.current().on.disk, ...)
end

-- A node's globals. The name and the arguments become `arg`.
function environment.new(node, name, arguments)
  local env, loaded = { require = require_module }, { mcast = setmetatable({}, metatables.mcast) }
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
  for _, modules in ipairs { node.net.options.modules or {}, node.options.modules or {} } do
    for key, value in pairs(modules) do
      loaded[key] = value
    end
  end
  env._G, loaded._G = env, env
  env.package = { path = package.path, cpath = "", config = package.config, loaded = loaded, preload = {},
    searchpath = searchpath }
  loaded.package = env.package
  env.arg = { [0] = name, table.unpack(arguments) }
  return env
end

return environment
