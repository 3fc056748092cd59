-- Answers each question to a group, and keeps a timer, in one loop of copas.
-- usage: lua5.4 with-copas.lua [--interface I] [--group G] [--port P] [--seconds S]
local copas <const> = require "copas"
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", port = 10000, interface = "", seconds = 60 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: with-copas.lua [--interface I] [--group G] [--port P] [--seconds S]")
  options[name] = arg[i + 1]
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { port = group.port, family = group.family, interface = options.interface })
assert(sock:join(group))

local adapter <const> = { -- the methods of LuaSocket's UDP sockets that copas and select call
  getfd = function() return sock:getfd() end,
  dirty = function() return sock:dirty() end,
  settimeout = function() end,
  close = function() return sock:close() end,
  receivefrom = function()
    local data, from = sock:recvfrom(0)
    return data, from -- or nil and "timeout", without a third result, which would be a port
  end,
}

-- An answer, or a datagram from the port of receivers, is no question: two programs would answer each other for ever.
local function isquestion(data, from)
  return data ~= "ack" and from.port ~= group.port
end

copas.addthread(function()
  while true do
    local data, from = copas.receivefrom(adapter)
    assert(data, from)
    print(("%d bytes from %s"):format(#data, from))
    if isquestion(data, from) then
      local sent, message = sock:sendto("ack", from) -- the source may be forged: no address to send to
      if not sent then print(message) end
    end
  end
end)

local ticks, tick, finish = 0, mcast.now() + 0.02, mcast.now() + options.seconds
repeat
  copas.step(math.max(0, tick - mcast.now())) -- old versions of copas have no timers
  if mcast.now() >= tick then
    ticks, tick = ticks + 1, tick + 0.02
  end
until mcast.now() >= finish
print("the timer ran: " .. tostring(ticks > 1))
