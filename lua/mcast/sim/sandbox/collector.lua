-- collectgarbage of a node. Memory is the process's, not the node's, so it collects nothing. Each node has settings of its own.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local core <const> = require "mcast.sim.core"

-- Methods of strings may be those of the node.
local format <const> = string.format

local results <const> = { collect = 0, stop = 0, restart = 0, count = 0.0, step = false, isrunning = true }

-- Lua 5.4 has an option for each parameter, 5.5 has one for all of them.
local param <const> = _VERSION ~= "Lua 5.4"
local parameters <const> = param and { minormul = 20, majorminor = 50, minormajor = 68, pause = 250, stepmul = 200,
  stepsize = 9600 } or { setpause = 200, setstepmul = 100 }

-- The value that Lua keeps of one that is set: the process's becomes it for a moment.
local function keep(name, value)
  return collectgarbage("param", name, collectgarbage("param", name, value))
end

-- Sets a value of the running node, where one is named; returns the one before.
local function set(name, value, default)
  local node <const> = core.current()
  node.collector = node.collector or {}
  local before <const> = node.collector[name] or default
  node.collector[name] = value or before
  return before
end

return function(option, ...)
  option = arguments.text(option == nil and "collect" or option, 1, "collectgarbage")
  if option == "incremental" or option == "generational" then
    return set("mode", option, "generational")
  elseif results[option] ~= nil then
    return results[option]
  elseif not param and parameters[option] then
    return set(option, (...) or 0, parameters[option])
  elseif not param or option ~= "param" then
    arguments.raise(1, "collectgarbage", format("invalid option '%s'", option))
  end
  local name <const>, value <const> = arguments.text((...), 2, "collectgarbage", 1 + select("#", ...)), (select(2, ...))
  if not parameters[name] then
    arguments.raise(2, "collectgarbage", format("invalid option '%s'", name))
  end
  return set(name, value and value >= 0 and keep(name, value) or nil, parameters[name])
end
