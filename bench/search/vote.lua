-- Elects one leader a term, by the votes of a majority. A vote is written down, so it outlives a crash.
-- usage: lua5.4 vote.lua number nodes
local mcast <const> = require "mcast"

local me <const>, nodes <const> = math.tointeger(arg[1]), math.tointeger(arg[2])
local group <const> = assert(mcast.address("239.1.2.3", 10000))
local sock <close> = assert(mcast.socket { port = group.port })
assert(sock:join(group))

local term, choice, votes, leads = 0, nil, {}, false
local file <close> = io.open "vote"
if file then
  term, choice = file:read("n", "n") -- planted: term = file:read "n"
end

local function say(...)
  assert(sock:sendto(table.concat({ ... }, " "), group))
end

local function vote(who)
  choice = who
  local written <close> = assert(io.open("vote", "w"))
  assert(written:write(term, " ", choice))
  say("vote", term, who, me)
end

local function count(from)
  votes[from] = true
  local n = 0
  for _ in pairs(votes) do n = n + 1 end
  if n > nodes // 2 and not leads then
    leads = true
    mcast.note("leads", tostring(term))
  end
end

local function patience()
  return mcast.now() + 0.2 + math.random() / 5
end

local asks, till = false, patience() -- a node asks for votes, its own one too, where nobody leads
while true do
  local data <const> = sock:recvfrom(math.max(0, math.min(till - mcast.now(), (leads or asks) and 0.03 or 1)))
  local word, of, who, from = (data or ""):match "^(%l+) (%d+) (%d+) ?(%d*)$"
  of, who, from = math.tointeger(of), math.tointeger(who), math.tointeger(from)
  if of and of > term then
    term, choice, votes, leads, asks = of, nil, {}, false, false
  end
  if word == "lead" and of == term then
    asks, till = false, patience()
  elseif word == "ask" and of == term and (choice or who) == who then
    vote(who)
  elseif word == "vote" and of == term and who == me then
    count(from)
  elseif not data and mcast.now() >= till then
    term, choice, votes, leads, asks, till = term + 1, nil, {}, false, true, patience()
  end
  if not data then
    if leads then say("lead", term, me) elseif asks then say("ask", term, me) end
  end
end
