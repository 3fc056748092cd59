-- Leases of a resource: a server grants it to one client at a time. Clocks may be wrong by 1 in 100.
-- usage: lua5.4 lease.lua server, or lease.lua client number
local mcast <const> = require "mcast"

local LEASE <const>, DRIFT <const> = 1, 0.01
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function grant()
  local holder, till = nil, mcast.now()
  for data in sock:datagrams() do
    local who <const>, n = data:match "^ask (%d+) (%d+)$"
    if who and (mcast.now() >= till or who == holder) then
      holder, till = who, mcast.now() + LEASE
      assert(sock:sendto(("grant %s %s"):format(who, n), group))
    end
  end
end

-- Asks, and returns the time at which the lease ends, or nil.
local function ask(me, n)
  local asked <const> = mcast.now()
  assert(sock:sendto(("ask %d %d"):format(me, n), group))
  for data in function() return sock:recvfrom(math.max(0, asked + 0.02 - mcast.now())) end do
    if data == ("grant %d %d"):format(me, n) then
      return asked + LEASE * (1 - 2 * DRIFT) -- planted: return asked + LEASE
    end
  end
end

local function use(me)
  for n = 1, math.huge do
    local till <const> = ask(me, n)
    if till and till > mcast.now() then
      mcast.note("lease", "held")
      mcast.sleep(till - mcast.now())
      mcast.note("lease", "free")
    end
    mcast.sleep(math.random() / 20)
  end
end

if arg[1] == "server" then grant() else use(math.tointeger(arg[2])) end
