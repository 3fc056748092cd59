-- Repeats lost data of a source: who lacks some asks for it, unless another receiver has just asked.
-- usage: lua5.4 suppress.lua source|receiver count
local mcast <const> = require "mcast"

local role <const>, count <const>, WAIT <const> = arg[1], math.tointeger(arg[2]), 0.04
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function say(word, n)
  assert(sock:sendto(word .. " " .. n, group))
end

local function source()
  for n = 1, math.huge do
    say(n <= count and "data" or "last", math.min(n, count))
    local till <const> = mcast.now() + 0.05
    for data in function() return sock:recvfrom(math.max(0, till - mcast.now())) end do
      local wanted <const> = data:match "^ask (%d+)$"
      if wanted then say("data", wanted) end
    end
  end
end

local last, lacks, received = 0, {}, 0 -- lacks: by the number of a datagram, the time to ask for it

-- All data up to a number have been sent.
local function sent(n)
  for lost = last + 1, n do
    lacks[lost] = mcast.now() + WAIT * math.random()
  end
  last = math.max(last, n)
end

local function ask()
  for n, time in pairs(lacks) do
    if time <= mcast.now() then
      say("ask", n)
      lacks[n] = mcast.now() + WAIT + WAIT * math.random()
    end
  end
end

local function hear(word, n)
  if word == "data" or word == "last" then
    sent(n)
  end
  if word == "data" and lacks[n] then
    lacks[n], received = nil, received + 1
    mcast.note("received", tostring(received))
  elseif word == "ask" and lacks[n] then
    lacks[n] = mcast.now() + WAIT + WAIT * math.random() -- planted: lacks[n] = math.huge
  end
end

if role == "source" then source() end
while true do
  local soonest = math.huge
  for _, time in pairs(lacks) do soonest = math.min(soonest, time) end
  local word, n = (sock:recvfrom(math.max(0, soonest - mcast.now())) or ""):match "^(%l+) (%d+)$"
  if word then hear(word, math.tointeger(n)) else ask() end
end
