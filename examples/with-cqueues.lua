-- Receives, sends more than a send buffer has room for, and keeps a timer, in one loop of cqueues.
-- usage: lua5.4 with-cqueues.lua [--interface I] [--group G] [--port P] [--count N] [--bytes N]
local cqueues <const> = require "cqueues"
local mcast <const> = require "mcast"

local options = { group = "224.3.29.71", port = 10000, interface = "", count = 3, bytes = 1000 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%l+)$"
  assert(options[name] and arg[i + 1],
    "usage: with-cqueues.lua [--interface I] [--group G] [--port P] [--count N] [--bytes N]")
  options[name] = arg[i + 1]
end

local group = assert(mcast.address(options.group, options.port))
local reader <close> = assert(mcast.socket { port = group.port, family = group.family, interface = options.interface })
assert(reader:join(group))
local writer <close> = assert(mcast.socket { family = group.family, interface = options.interface })
local queue <const> = cqueues.new()
local full, received, finished = 0, 0, false

-- Sends as soon as there is room: after a send without any, `events` returns "rw" until one succeeds.
local function send(data)
  while true do
    local sent, message, errno = writer:sendto(data, group, { timeout = 0 })
    if errno ~= mcast.errno.ETIMEDOUT then return assert(sent, message) end
    full = full + 1
    cqueues.poll(writer)
  end
end

queue:wrap(function()
  local data <const> = ("x"):rep(options.bytes)
  for _ = 1, options.count do send(data) end
  print(("sent %d datagrams, waited for room: %s"):format(options.count, full > 0))
end)

queue:wrap(function()
  while cqueues.poll(reader, 0.5) == reader do -- until nothing has come for half a second
    for _ in reader:datagrams(0) do received = received + 1 end
  end
  print(("received %d datagrams"):format(received))
  finished = true
end)

queue:wrap(function()
  local ticks = 0
  repeat
    cqueues.sleep(0.02)
    ticks = ticks + 1
  until finished
  print("the timer ran: " .. tostring(ticks > 1))
end)

assert(queue:loop())
