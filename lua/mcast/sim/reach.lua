-- Names of situations that some run should see: by a condition, by Net:reached, or by a node's mcast.note.
local invariant <const> = require "mcast.sim.invariant"
local replay <const> = require "mcast.sim.replay"

local reach = {}

-- The net has seen the situation.
function reach.saw(net, name)
  net.seen[name] = true
  replay.saw(name, true)
end

-- A node of the net notes a flag, or a key and its value: it runs meanwhile.
local function listen(net)
  local seen <const> = net.seen
  net.core:noted(function(text, value)
    local name <const> = value == nil and text or text .. " " .. tostring(value)
    if seen[name] == false then
      reach.saw(net, name)
    end
  end)
end

-- The net should see the situation.
function reach.declare(net, name)
  if not net.listens then
    net.listens = true
    listen(net)
  end
  net.seen[name] = net.seen[name] or false
  replay.saw(name, false)
end

local Goal <const> = {}
local metatable <const> = { __index = Goal }

function Goal:met()
  local holds <const> = self.holds()
  if holds then
    reach.saw(self.net, self.name)
  end
  return holds
end

-- It is seen after an event after which holds returns true.
function reach.add(net, holds, name)
  reach.declare(net, name)
  invariant.await(net, setmetatable({ net = net, holds = holds, name = name }, metatable))
end

return reach
