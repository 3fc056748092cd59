-- Follows one primary: who misses it becomes the primary of the next epoch, and that of an older epoch gives way.
-- usage: lua5.4 epoch.lua number
local mcast <const> = require "mcast"

local me <const> = math.tointeger(arg[1])
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local epoch, primary = 0, math.huge

local function follow(new, who)
  epoch, primary = new, who
  mcast.note("epoch", tostring(epoch))
end

local function after()
  return epoch + 1 -- planted: return (epoch + 1) % 8
end

local function patience()
  return mcast.now() + 0.15 + math.random() / 10
end

local till = patience() -- a beat of the primary is due till then
while true do
  local wake <const> = primary == me and mcast.now() + 0.05 or till
  local data <const> = sock:recvfrom(math.max(0, wake - mcast.now()))
  local new, who = (data or ""):match "^beat (%d+) (%d+)$"
  new, who = math.tointeger(new), math.tointeger(who)
  if new and (new > epoch or new == epoch and who < primary) then follow(new, who) end
  if new == epoch and who == primary then till = patience() end
  if not data and primary ~= me and mcast.now() >= till then follow(after(), me) end
  if not data and primary == me then assert(sock:sendto(("beat %d %d"):format(epoch, me), group)) end
end
