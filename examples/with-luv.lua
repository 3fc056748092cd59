-- Answers each question to a group, and keeps a timer, in one loop of luv.
-- usage: lua5.4 with-luv.lua [--interface I] [--group G] [--port P] [--seconds S]
local mcast <const> = require "mcast"
local uv <const> = require "luv"

local options = { group = "224.3.29.71", port = 10000, interface = "", seconds = 60 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1], "usage: with-luv.lua [--interface I] [--group G] [--port P] [--seconds S]")
  options[name] = arg[i + 1]
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { port = group.port, family = group.family, interface = options.interface })
assert(sock:join(group))

-- An answer, or a datagram from the port of receivers, is no question: two programs would answer each other for ever.
local function isquestion(data, from)
  return data ~= "ack" and from.port ~= group.port
end

local poll <const> = assert(uv.new_poll(sock:getfd())) -- before the first receive
assert(poll:start("r", function()
  for data, from in sock:datagrams(0) do
    print(("%d bytes from %s"):format(#data, from))
    if isquestion(data, from) then
      local sent, message = sock:sendto("ack", from) -- the source may be forged: no address to send to
      if not sent then print(message) end
    end
  end
end))

local ticks = 0
local ticker <const>, limit <const> = uv.new_timer(), uv.new_timer()
ticker:start(20, 20, function() ticks = ticks + 1 end)
limit:start(math.floor(options.seconds * 1000), 0, function()
  for _, handle in ipairs { poll, ticker, limit } do handle:close() end -- before the socket
end)
uv.run()
print("the timer ran: " .. tostring(ticks > 1))
