-- Joins a group and answers each question to it with "ack".
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
  metadata = true, -- for msg.group, the address that a datagram was sent to
})
assert(sock:join(group))

-- Two programs that answered each other's answers would never end: an answer goes to one host, from the port of receivers.
local function isquestion(msg)
  return msg.group == group.host and msg.from.port ~= group.port and msg.data ~= "ack"
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
while true do
  print "\nwaiting to receive message"
  local msg = assert(sock:recvmsg())
  print(("received %d bytes from %s"):format(#msg.data, msg.from))
  print((msg.data:gsub("[^ -~]", "."))) -- no byte that a terminal would obey
  if isquestion(msg) then
    print(("sending acknowledgement to %s"):format(msg.from))
    local sent, message = sock:sendto("ack", msg.from) -- the source may be forged: no address to send to
    if not sent then print(message) end
  end
end
