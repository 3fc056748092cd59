-- The environment of a node: its own globals, libraries and modules, so that what
-- it changes no other node sees. Scripts are read and compiled once.
local core <const> = require "mcast.sim.core"
local library <const> = require "mcast.sim.sandbox.library"

local environment = {}

-- Globals that are Lua's own.
local own <const> = { "assert", "error", "ipairs", "pcall", "rawequal", "rawget", "rawlen", "rawset",
  "select", "tonumber", "type", "warn", "xpcall", "_VERSION" }

-- A node's library is an empty table over the shared one: what a script sets in it
-- is its own, and it takes no memory until then.
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
for name, functions in pairs(library) do
  if type(functions) == "table" then
    metatables[name] = over(functions)
  end
end

-- Where a script adds to `string`, methods of strings have to be looked up in it.
function metatables.string.__newindex(t, key, value)
  rawset(t, key, value)
  core.current():strings()
end

-- A metatable of strings whose methods are these.
function environment.string_metatable(methods)
  local metatable = {}
  for key, value in pairs(getmetatable "") do
    metatable[key] = value
  end
  metatable.__index = methods
  return metatable
end

environment.strings = environment.string_metatable(library.string)

-- A function that makes a chunk of an environment.
local compiled = {}

local function compile(path)
  if compiled[path] then
    return compiled[path]
  end
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local text = file:read "a":gsub("^\xef\xbb\xbf", "", 1):gsub("^#[^\n]*", "", 1)
  file:close()
  local ok
  ok, message = load(text, "@" .. path, "t") -- what is wrong is told as of the script alone
  if not ok then
    return nil, message
  end
  compiled[path] = assert(load("return function(_ENV) return function(...) " .. text .. "\nend end", "@" .. path, "t"))()
  return compiled[path]
end

-- A function of the scenario's as a chunk of its own: its upvalues are shared, but
-- for its globals.
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

-- The chunk of a script, a path or a function; nil and a message where it does not
-- parse or is not there.
function environment.chunk(script, env)
  if type(script) == "function" then
    return clone(script, env)
  end
  local make, message = compile(script)
  if not make then
    return nil, message
  end
  return make(env)
end

local function load_module(name, env)
  local path, message = package.searchpath(name, env.package.path)
  if not path then
    return error(("module '%s' not found:%s\n\t(nodes load modules in Lua; others are lent by "
      .. "the option modules = { ['%s'] = require '%s' })"):format(name, message, name, name), 3)
  end
  local make
  make, message = compile(path)
  if not make then
    error(("error loading module '%s' from file '%s':\n\t%s"):format(name, path, message), 3)
  end
  return make(env), path
end

-- In Lua, so that a module may wait while it loads.
local function require_module(name)
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

-- A node's globals; name and arguments become `arg`.
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
    searchpath = package.searchpath }
  loaded.package = env.package
  env.arg = { [0] = name, table.unpack(arguments) }
  return env
end

return environment
