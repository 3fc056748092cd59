-- The library package of a node, and require. In Lua, so that a module can wait while it loads.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local callbacks <const> = require "mcast.sim.sandbox.callbacks"
local core <const> = require "mcast.sim.core"
local library <const> = require "mcast.sim.sandbox.library"
local overlay <const> = require "mcast.sim.sandbox.overlay"
local scripts <const> = require "mcast.sim.sandbox.scripts"

-- Methods of strings may be those of the node.
local format <const> = string.format

local current <const> = core.current

local modules = {}

local mcast <const> = overlay.metatable(core.module)

--
-- Searchers: each returns a loader and a value for it, or a text: why there is none.
--

local function search_preloaded(name)
  local loader <const> = current().package.preload[name]
  if loader == nil then
    return format("no field package.preload['%s']", name)
  end
  return loader, ":preload:"
end

local function search_script(name)
  local node <const> = current()
  local paths <const> = node.package.path
  if type(paths) ~= "string" then
    error("'package.path' must be a string", 0)
  end
  local path <const>, tried = scripts.search(node.on.disk, name, paths)
  if not path then
    return tried
  end
  local make <const>, message = scripts.compile(path, node.on)
  if not make then
    error(format("error loading module '%s' from file '%s':\n\t%s", name, path, message), 0)
  end
  return make(node.env), path
end

local function search_library(name)
  return format("(nodes load modules in Lua; C modules need the option modules = { ['%s'] = require '%s' })", name, name)
end

local function find(name)
  local searchers <const>, tried = current().package.searchers, {}
  if type(searchers) ~= "table" then
    error("'package.searchers' must be a table", 3)
  end
  for _, searcher in ipairs(searchers) do
    local loader <const>, extra = searcher(name)
    if type(loader) == "function" then
      return loader, extra
    elseif type(loader) == "string" then
      tried[#tried + 1] = "\n\t" .. loader
    end
  end
  error(format("module '%s' not found:%s", name, table.concat(tried)), 3)
end

-- Adds the modules that are lent to a node.
local function lend(node, loaded)
  for _, lent in ipairs { node.net.options.modules or {}, node.options.modules or {} } do
    for key, value in pairs(lent) do
      loaded[key] = value
    end
  end
end

-- A node's loaded modules before it asks for its package. Without a call in Lua where nothing is lent: a deeper stack of the
-- coroutine would stay.
local function preloaded(node)
  local loaded <const> = { mcast = setmetatable({}, mcast) }
  if node.net.options.modules or node.options.modules then
    lend(node, loaded)
  end
  return loaded
end

-- The package of a node, made when it is first asked for.
function modules.package(node, env)
  if node.env == env and node.package then
    return node.package
  end
  local loaded <const> = node.env == env and node.loaded or preloaded(node)
  local package <const> = { path = package.path, cpath = "", config = package.config, loaded = loaded, preload = {},
    searchers = { search_preloaded, search_script, search_library }, loadlib = modules.loadlib,
    searchpath = modules.searchpath }
  for name, value in next, library do
    if type(value) == "table" then
      loaded[name] = env[name]
    end
  end
  loaded._G, loaded.package = env, package
  if node.env == env then -- not that of a script which has ended
    node.package = package
  end
  return package
end

function modules.searchpath(...)
  return scripts.search(current().on.disk, ...)
end

function modules.loadlib(path, name)
  arguments.text(path, 1, "package.loadlib")
  arguments.text(name, 2, "package.loadlib")
  return nil, "nodes load no C libraries (the option modules lends C modules)", "absent"
end

function modules.require(name)
  if type(name) ~= "string" then
    name = arguments.text(name, 1, "require")
  end
  local node <const> = current()
  local loaded = node.package and node.package.loaded or node.loaded
  if not loaded then
    loaded = preloaded(node)
    node.loaded = loaded
  end
  if not loaded[name] and not node.package then
    loaded = modules.package(node, node.env).loaded
  end
  if loaded[name] then
    return loaded[name]
  end
  callbacks.enter()
  local loader <const>, extra = find(name)
  local value <const> = loader(name, extra)
  callbacks.leave()
  if value ~= nil then
    loaded[name] = value
  elseif loaded[name] == nil then
    loaded[name] = true
  end
  return loaded[name], extra
end

callbacks.add(modules.require)

return modules
