-- Keeps one primary: a node is primary as long as the promises of a majority last, its own one included.
-- usage: lua5.4 split.lua number nodes
local mcast <const> = require "mcast"

local me <const>, nodes <const>, PROMISE <const> = math.tointeger(arg[1]), math.tointeger(arg[2]), 0.3
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port, loopback = false })
assert(sock:join(group))

-- The node promises to follow no other one than this till then; at its start, an old promise may last.
local followed, till = nil, mcast.now() + PROMISE
local beat = "0" -- when the one that is followed said so, by its clock
local heard, role = {}, "backup" -- heard: by follower, the newest beat that it has heard

-- The time at which the promises of a majority end.
local function deadline()
  local times = {}
  for _, time in pairs(heard) do times[#times + 1] = time end
  table.sort(times, function(a, b) return a > b end)
  return (times[nodes // 2] or -math.huge) + PROMISE
end

local function decide()
  local now <const> = followed == me and mcast.now() < deadline() and "primary" or "backup"
  if now ~= role then mcast.note("role", now) end
  role = now
  if role == "primary" then till = math.max(till, deadline()) end
end

local function hear(from, who, time)
  if from == who and (who == followed or mcast.now() >= till) then
    followed, till, beat = who, mcast.now() + PROMISE, time
  elseif who == me then
    heard[from] = math.max(heard[from] or 0, tonumber(time)) -- planted: heard[from] = mcast.now()
  end
end

local next = mcast.now() + math.random() / 20
while true do
  local wake <const> = role == "primary" and math.min(next, deadline()) or next
  local from <const>, who, time = (sock:recvfrom(math.max(0, wake - mcast.now())) or ""):match "^(%d+) (%d+) ([%d.]+)$"
  if from then hear(math.tointeger(from), math.tointeger(who), time) end
  decide()
  if mcast.now() >= next then
    if mcast.now() >= till then followed, till = me, mcast.now() + PROMISE end
    if followed == me then beat = ("%.9f"):format(mcast.now()) end
    if followed then assert(sock:sendto(("%d %d %s"):format(me, followed, beat), group)) end
    next = mcast.now() + 0.05 + math.random() / 20
  end
end
