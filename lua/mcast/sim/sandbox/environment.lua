-- The environment of a node: its own globals, libraries and modules, so that no node sees the changes of another one.
local library <const> = require "mcast.sim.sandbox.library"
local modules <const> = require "mcast.sim.sandbox.modules"
local overlay <const> = require "mcast.sim.sandbox.overlay"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local strings <const> = require "mcast.sim.sandbox.strings"

local environment = {}

-- Globals that all nodes share: functions of Lua's, and those of the library.
local shared <const> = { require = modules.require }
for _, name in ipairs { "assert", "error", "ipairs", "rawequal", "rawlen", "select", "tonumber", "type", "_VERSION" } do
  shared[name] = _G[name]
end

-- Globals that each node has for itself: functions that make them.
local makers <const> = {
  _G = function(_, env) return env end,
  package = modules.package,
  arg = function(node)
    return { [0] = type(node.script) == "string" and node.script or node.name, table.unpack(node.arguments) }
  end,
}

for name, value in pairs(library) do
  if type(value) == "table" then
    local metatable <const> = overlay.metatable(value)
    makers[name] = function() return setmetatable({}, metatable) end
  else
    shared[name] = value
  end
end

--
-- A node's globals are made when they are first read. A bit of TOUCHED is set for one that was made or written to: where it is
-- nil from then on, it stays nil.
--

local OWNER <const>, TOUCHED <const> = {}, {} -- keys that no script has

local bits <const>, count = {}, 0
for _, names in ipairs { shared, makers } do
  for name in pairs(names) do
    bits[name], count = 1 << count, count + 1
  end
end

local globals <const> = {}

function globals.__index(env, name)
  local bit <const> = bits[name]
  if not bit or env[TOUCHED] & bit ~= 0 then
    return nil
  end
  local value = shared[name]
  if value == nil then
    value = makers[name](env[OWNER], env)
  end
  rawset(env, name, value)
  env[TOUCHED] = env[TOUCHED] | bit -- the package touches libraries
  return value
end

function globals.__newindex(env, name, value)
  overlay.set(env, name, value)
  env[TOUCHED] = env[TOUCHED] | (bits[name] or 0)
end

overlay.hide(globals, function(env)
  for name in next, bits do
    globals.__index(env, name)
  end
  env[OWNER], env[TOUCHED] = nil, nil
end)

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

-- The chunk of a script, which is a function or a path of a host's; nil and a message where it cannot be read or compiled.
function environment.chunk(script, env, host)
  if type(script) == "function" then
    return clone(script, env)
  end
  local make, message = scripts.compile(script, host)
  if not make then
    return nil, message
  end
  return make(env)
end

-- A node's globals.
function environment.new(node)
  return setmetatable({ [OWNER] = node, [TOUCHED] = 0 }, globals)
end

return environment
