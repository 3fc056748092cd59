-- Joins a group on every interface, follows them as they come and go, and answers each question by the one it came by.
-- usage: lua5.4 every-interface.lua [--group G] [--port P]
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", port = 10000 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: every-interface.lua [--group G] [--port P]")
  options[name] = arg[i + 1]
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { port = group.port, family = group.family, metadata = true })

local function join(interface)
  local joined, message, errno = sock:join(group, { interface = interface })
  if joined then
    print("joined on " .. joined)
  elseif errno ~= mcast.errno.EADDRINUSE then -- joined already: a membership outlives down, and another name
    print(message)
  end
end

local monitor <close> = assert(mcast.monitor()) -- before the first look, so that no interface is missed
for _, interface in ipairs(assert(mcast.interfaces())) do
  join(interface.name)
end

-- Addresses that change need no care: a join is by interface, and the answer's source is that of the moment.
local function follow(change)
  print(("%s %s%s"):format(change.interface, change.kind, change.address and " " .. change.address or ""))
  if change.kind == "added" or change.kind == "up" then
    join(change.interface)
  end
end

-- Two programs that answered each other's answers would never end: an answer goes to one host, from the port of receivers.
local function isquestion(msg)
  return msg.group == group.host and msg.from.port ~= group.port and msg.data ~= "ack"
end

local function answer(msg)
  print(("%d bytes from %s by %s"):format(#msg.data, msg.from, msg.interface))
  local sent, message = sock:sendto("ack", msg.from, { interface = msg.interface })
  if not sent then print(message) end
end

while true do
  for _, ready in ipairs(assert(mcast.poll { sock, monitor })) do
    if ready == monitor then
      for _, change in ipairs(assert(monitor:read(0))) do
        follow(change)
      end
    else
      local msg = assert(sock:recvmsg(0))
      if isquestion(msg) then answer(msg) end
    end
  end
end
