-- Elects a leader among the nodes that run this script: the lowest number wins, unless another node leads already.
-- usage: lua5.4 election.lua number
local mcast <const> = require "mcast"

local me <const> = assert(math.tointeger(tonumber(arg[1])), "usage: election.lua number")
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function announce(word)
  assert(sock:sendto(word .. " " .. me, group))
end

-- Another node's word and its number, or nil if none arrives before a time. It is an iterator, too.
local function hear(till)
  local word, who
  repeat
    local data = sock:recvfrom(math.max(0, till - mcast.now()))
    if not data then return nil end
    word, who = data:match "^(%l+) (%d+)$"
  until tonumber(who) ~= me
  return word, tonumber(who)
end

-- A leader objects to a claim, and so does a node of a lower number, by a claim of its own.
-- A node that hears no objection for 0.1 seconds leads.
local function claim()
  announce "claim"
  for word, who in hear, mcast.now() + 0.1 do
    if word == "lead" or who < me then return false end
  end
  return true
end

local function lead()
  print "leads"
  repeat
    announce "lead"
    local word, who = hear(mcast.now() + 0.2)
  until word == "lead" and who < me
  print "follows"
end

while true do
  local word, who = hear(mcast.now() + 0.5 + math.random() / 2)
  if (not word or word == "claim" and who > me) and claim() then
    lead()
  end
end
