-- Tables of a node that lack values until they are asked for, and look as if they had them.
local core <const> = require "mcast.sim.core"
local hidden <const> = require "mcast.sim.sandbox.hidden"
local library <const> = require "mcast.sim.sandbox.library"
local metatables <const> = require "mcast.sim.sandbox.metatables"
local strings <const> = require "mcast.sim.sandbox.strings"

local overlay = {}

-- Hides a metatable from nodes. Its tables lack values until they are asked for: fill adds all of them.
function overlay.hide(metatable, fill)
  hidden[metatable] = fill
  function metatable.__pairs(t)
    metatables.reveal(t)
    return core.pairs(t)
  end
  return metatable
end

-- Sets a key that a table lacks, in the script's line.
function overlay.set(t, key, value)
  if key == nil or key ~= key then
    error("table index is " .. (key == nil and "nil" or "NaN"), 3)
  end
  rawset(t, key, value)
end

-- The metatable of a node's library, which is an empty table over the shared one: changes stay in the node, and without
-- changes it needs hardly any memory. A function that the node replaces or removes ends that.
function overlay.metatable(functions)
  local isstring <const> = functions == library.string
  local metatable <const> = { __index = functions }
  function metatable.__newindex(t, key, value)
    if functions[key] ~= nil then
      metatables.reveal(t)
    elseif isstring then -- methods of strings are looked up there
      strings.own(core.current())
    end
    overlay.set(t, key, value)
  end
  return overlay.hide(metatable, function(t)
    for key, value in next, functions do
      rawset(t, key, value)
    end
    if isstring then
      strings.own(core.current())
    end
  end)
end

return overlay
