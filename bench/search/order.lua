-- Delivers in causal order over two groups: nothing before the data of either group that its sender had delivered.
-- usage: lua5.4 order.lua number [group]
local mcast <const> = require "mcast"

local groups <const> = { assert(mcast.address("239.1.2.1", 10000)), assert(mcast.address("239.1.2.2", 10000)) }
local sock <close> = assert(mcast.socket { port = 10000 })
for _, group in ipairs(groups) do assert(sock:join(group)) end

local seen, held = { 0, 0 }, {} -- how many data of each group were delivered; data that wait

local function isready(data)
  local other <const> = 3 - data.group
  return data.n == seen[data.group] + 1 and data[other] <= seen[other] -- planted: return data.n == seen[data.group] + 1
end

-- Delivers a datum that is ready, if there is one.
local function deliver()
  for i, data in ipairs(held) do
    if isready(data) then
      seen[data.group] = data.n
      print(data.group, data.n, data[1], data[2])
      return table.remove(held, i)
    end
  end
end

-- The one publisher of a group stamps its data with what it has delivered.
local function publish(group)
  assert(sock:sendto(("data %d %d %d %d"):format(group, seen[group] + 1, seen[1], seen[2]), groups[group]))
end

local mine <const> = math.tointeger(arg[2])
local next = mcast.now() + math.random() / 10
while true do
  local data <const> = sock:recvfrom(mine and math.max(0, next - mcast.now()))
  if data then
    local group <const>, n, one, two = data:match "^data (%d) (%d+) (%d+) (%d+)$"
    table.insert(held, { math.tointeger(one), math.tointeger(two), group = math.tointeger(group), n = math.tointeger(n) })
    repeat until not deliver()
  else
    publish(mine)
    next = mcast.now() + 0.05 + math.random() / 20
  end
end
