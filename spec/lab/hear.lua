-- Joins a group and prints the sender, group, TTL and data of each datagram.
-- usage: lua5.4 hear.lua interface port group [source]
local mcast <const> = require "mcast"

local interface, port, group, source = table.unpack(arg)
local sock <close> = assert(mcast.socket {
  interface = interface, port = math.tointeger(port), metadata = true,
  family = group:find ":" and "inet6" or "inet",
})
assert(sock:join(group, { source = source }))

io.stdout:setvbuf "line"
print "ready"
while true do
  local msg = assert(sock:recvmsg())
  print(("%s %s %d %s"):format(msg.from.host, msg.group, msg.ttl, msg.data))
end
