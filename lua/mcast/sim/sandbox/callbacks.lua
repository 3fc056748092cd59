-- Library functions that are in C in Lua, but not in a node: a script can wait in functions that they call, and cannot yield.
local core <const> = require "mcast.sim.core"

local callbacks = {}

local registry <const> = debug.getregistry()
local functions <const> = registry["mcast.sim.unyieldable"] or {}
registry["mcast.sim.unyieldable"] = functions

-- Adds such a function, which calls `enter` before it calls the script's, and `leave` when it ends.
function callbacks.add(f)
  functions[f] = true
  return f
end

function callbacks.enter()
  core.unyielding(1)
end

function callbacks.leave()
  core.unyielding(-1)
end

return callbacks
