-- Elects a leader of those that run it: that of the lowest number, as long as no other one leads.
-- usage: lua5.4 election.lua number
local mcast <const> = require "mcast"

local me <const> = assert(math.tointeger(tonumber(arg[1])), "usage: election.lua number")
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local function tell(what)
  assert(sock:sendto(what .. " " .. me, group))
end

-- What another one tells before a time, and who; nil if none does. It serves as an iterator, too.
local function hear(till)
  local what, who
  repeat
    local data = sock:recvfrom(math.max(0, till - mcast.now()))
    if not data then return nil end
    what, who = data:match "^(%l+) (%d+)$"
  until tonumber(who) ~= me
  return what, tonumber(who)
end

-- A leader objects to a claim, and so do those of lower numbers, who claim it for themselves.
-- Who hears no objection for 0.1 seconds has the lead.
local function claim()
  tell "claim"
  for what, who in hear, mcast.now() + 0.1 do
    if what == "lead" or who < me then return false end
  end
  return true
end

local function lead()
  print "leads"
  repeat
    tell "lead"
    local what, who = hear(mcast.now() + 0.2)
  until what == "lead" and who < me
  print "follows"
end

while true do
  local what, who = hear(mcast.now() + 0.5 + math.random() / 2)
  if (not what or what == "claim" and who > me) and claim() then
    lead()
  end
end
