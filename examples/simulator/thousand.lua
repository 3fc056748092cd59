-- A thousand receivers and a sender: the examples ../receiver.lua and ../sender.lua, unchanged.
-- usage: lua5.4 thousand.lua [receivers] [loss]
local sim <const> = require "mcast.sim"

local examples <const> = (arg[0]:match "^.*/" or "./") .. "../"
local n <const>, loss <const> = tonumber(arg[1] or 1000), tonumber(arg[2] or 0)

local acks = 0
local net <const> = sim.new { delay = { 0.001, 0.004 }, loss = loss, output = function(node, line)
  if node.name == "sender" and line:find '^received "ack"' then acks = acks + 1 end
end }
for i = 1, n do net:node("receiver-" .. i, examples .. "receiver.lua") end
local sender <const> = net:node("sender", examples .. "sender.lua", { "a message to a thousand" })
assert(net:run_until(function() return sender.status ~= "running" end, 10))
assert(sender.status == "ended", sender.error)

print(("%d acks of %d receivers, in %.6f s of virtual time"):format(acks, n, net:now()))
