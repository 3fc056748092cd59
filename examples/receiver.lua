-- Joins a group and answers each datagram with "ack".
-- usage: lua5.4 receiver.lua [--interface I] [--group G] [--port P]
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", port = 10000, interface = "" }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: receiver.lua [--interface I] [--group G] [--port P]")
  options[name] = arg[i + 1]
end

local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket {
  port = group.port,
  family = group.family,
  interface = options.interface,
})
assert(sock:join(group))

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
while true do
  print "\nwaiting to receive message"
  local data, from = assert(sock:recvfrom())
  print(("received %d bytes from %s"):format(#data, from))
  print(data)
  print(("sending acknowledgement to %s"):format(from))
  assert(sock:sendto("ack", from))
end
