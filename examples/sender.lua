-- Sends a message to a group and prints the answers, until none comes any more.
-- usage: lua5.4 sender.lua [message] [--interface I] [--group G] [--port P] [--ttl N] [--timeout S]
local mcast <const> = require "mcast"

local message = "very important data"
local options = { group = "224.3.29.71", port = 10000, interface = "", ttl = 1, timeout = 0.2 }
local i = 1
while arg[i] do
  local name = arg[i]:match "^%-%-(%l+)$"
  if name then
    assert(options[name] and arg[i + 1], "usage: sender.lua [message] [--interface I] "
      .. "[--group G] [--port P] [--ttl N] [--timeout S]")
    options[name] = arg[i + 1]
    i = i + 2
  else
    message = arg[i]
    i = i + 1
  end
end

local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket {
  family = group.family,
  interface = options.interface,
  ttl = options.ttl, -- routers in between; 1 stays on the local network
})
local _ <close> = setmetatable({}, { __close = function() print "closing socket" end })

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
print(('sending "%s"'):format(message))
assert(sock:sendto(message, group))

print "waiting to receive"
for data, from in sock:datagrams(options.timeout) do
  print(('received "%s" from %s'):format(data:gsub("[^ -~]", "."), from)) -- no byte that a terminal would obey
  print "waiting to receive"
end
print "timed out, no more responses"
