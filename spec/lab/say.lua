-- Sends one text to several groups, in that order.
-- usage: lua5.4 say.lua interface port ttl text group ...
local mcast <const> = require "mcast"

local interface, port, ttl, text = table.unpack(arg)
for i = 5, #arg do
  local group = assert(mcast.address(arg[i], math.tointeger(port)))
  local sock <close> = assert(mcast.socket { interface = interface, ttl = math.tointeger(ttl), family = group.family })
  assert(sock:sendto(text, group))
end
