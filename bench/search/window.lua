-- Sends numbered data in a window: receivers have room for so many data, and deliver them in order.
-- usage: lua5.4 window.lua sender receivers, or window.lua receiver number
local mcast <const> = require "mcast"

local role <const>, number <const>, WINDOW <const> = arg[1], math.tointeger(arg[2]), 4
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function send()
  local next, base, acked = 1, 1, {} -- base: the first number that some receiver has not acknowledged
  for i = 1, number do acked[i] = 0 end
  while true do
    if next < base + WINDOW then -- planted: if next <= base + WINDOW then
      assert(sock:sendto("data " .. next, group))
      next = next + 1
    end
    if next > base + 1 then
      assert(sock:sendto("data " .. base, group)) -- again
    end
    mcast.note("open", tostring(next - base))
    local till <const> = mcast.now() + 0.02
    for data in function() return sock:recvfrom(math.max(0, till - mcast.now())) end do
      local who <const>, n = data:match "^ack (%d+) (%d+)$"
      if who then
        acked[tonumber(who)] = math.max(acked[tonumber(who)], tonumber(n))
        base = math.min(table.unpack(acked)) + 1
      end
    end
  end
end

local function receive()
  local wanted, slots = 1, {}
  for data in sock:datagrams() do
    local n <const> = math.tointeger(data:match "^data (%d+)$")
    if n and n >= wanted then
      slots[n % WINDOW] = n
    end
    while slots[wanted % WINDOW] do
      print(slots[wanted % WINDOW])
      slots[wanted % WINDOW], wanted = nil, wanted + 1
    end
    if n then
      assert(sock:sendto(("ack %d %d"):format(number, wanted - 1), group))
    end
  end
end

if role == "sender" then send() else receive() end
