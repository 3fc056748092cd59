-- Hears a group that it sends to itself, and sorts the datagrams by their origin.
-- usage: lua5.4 own.lua [--interface I] [--group G] [--port P] [--count N]
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", port = 10000, interface = "", count = 10 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: own.lua [--interface I] [--group G] [--port P] [--count N]")
  options[name] = arg[i + 1]
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
local group = assert(mcast.address(options.group, options.port))
local hears <close> = assert(mcast.socket {
  port = group.port,
  family = group.family,
  interface = options.interface,
  metadata = true, -- for msg.own: the sender's address is one of this host's
})
assert(hears:join(group))

-- Programs of one host share the group's port, so this one sends from a port that no other has. (`loopback = false` here would
-- keep its datagrams from all programs of its host.)
local sends <close> = assert(mcast.socket { family = group.family, interface = options.interface })
local port <const> = sends:getsockname().port

local function origin(msg)
  if not msg.own then
    return "another host"
  end
  return msg.from.port == port and "this program" or "another program of this host"
end

local heard = {}
for number = 1, options.count do
  local beat = mcast.now() + 0.1
  assert(sends:sendto("hello " .. number, group))
  repeat
    local msg = hears:recvmsg(beat - mcast.now())
    if msg and not heard[origin(msg)] then
      heard[origin(msg)] = true
      print("heard " .. origin(msg))
    end
  until not msg
end
