-- Answers each question for its own name, to the one that asked.
-- usage: lua5.4 answer.lua name [--interface I] [--group G] [--port P]
local mcast <const> = require "mcast"

local usage <const> = "usage: answer.lua name [--interface I] [--group G] [--port P]"
local options = { group = "224.3.29.71", port = 10000, interface = "" }
local name <const> = assert(arg[1], usage)
for i = 2, #arg, 2 do
  local key = arg[i]:match "^%-%-(%l+)$"
  assert(options[key] and arg[i + 1], usage)
  options[key] = arg[i + 1]
end

local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket {
  port = group.port,
  family = group.family,
  interface = options.interface,
})
assert(sock:join(group))

-- A question that is asked again, since an answer was lost, is answered again. Where that costs much, keep answers by address
-- and number. An answer is no question, so two programs never answer each other's.
for data, from in sock:datagrams() do
  local number, asked = data:match "^question (%d+) (.*)$"
  if asked == name then
    local sent, message = sock:sendto("answer " .. number, from) -- the source may be forged: no address to send to
    if not sent then print(message) end
  end
end
