-- Answers on the socket that systemd opened, until nobody has asked for a while; the next datagram starts it again.
-- usage: lua5.4 activated.lua [--group G] [--idle S], started by systemd or systemd-socket-activate --datagram
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", idle = 60 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: activated.lua [--group G] [--idle S]")
  options[name] = arg[i + 1]
end

-- The variables are for the process of that number alone: a child of another service inherits them without the socket.
local pid <const> = io.open "/proc/self/stat":read "n"
assert(os.getenv "LISTEN_PID" == tostring(pid) and os.getenv "LISTEN_FDS" == "1", "not started by systemd, with one socket")

local sock <close> = assert(mcast.socket { fd = 3, metadata = true }) -- the first descriptor that systemd passes

-- The membership is the socket's, which systemd keeps: from the first start on, datagrams to the group start it, too.
assert(sock:join(options.group))

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
print("started on " .. sock:getsockname())
repeat
  local msg = sock:recvmsg(options.idle)
  if msg and msg.data ~= "ack" then
    print(("%d bytes from %s to %s"):format(#msg.data, msg.from, msg.group))
    local sent, reason = sock:sendto("ack", msg.from) -- the source may be forged: no address to send to
    if not sent then print(reason) end
  end
until not msg
print "idle"
