-- Asks a group for the addresses of names, again and again until an answer comes, but not past a deadline.
-- usage: lua5.4 ask.lua [name ...] [--interface I] [--group G] [--port P] [--deadline S]
local mcast <const> = require "mcast"

local names = {}
local options = { group = "224.3.29.71", port = 10000, interface = "", deadline = 2 }
local i = 1
while arg[i] do
  local key = arg[i]:match "^%-%-(%l+)$"
  if key then
    assert(options[key] and arg[i + 1], "usage: ask.lua [name ...] [--interface I] [--group G] [--port P] [--deadline S]")
    options[key] = arg[i + 1]
    i = i + 2
  else
    names[#names + 1] = arg[i]
    i = i + 1
  end
end

local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { family = group.family, interface = options.interface }) -- answers come to it alone

-- The sender of the answer to a question, which has a number: a late answer to an earlier question does not count.
local function await(number, till)
  repeat
    local data, from = sock:recvfrom(till - mcast.now())
    if data == "answer " .. number then return from end
  until not data
end

-- Asks at once, and after waits that double; returns an address and the count of tries, or nil and a message.
local function ask(number, name, deadline)
  local wait, tries = 0.1, 0
  repeat
    local sent, message = sock:sendto(("question %d %s"):format(number, name), group)
    tries = tries + 1
    local from = await(number, math.min(mcast.now() + wait, deadline))
    if from then return from, tries end
    if not sent then print(message) end -- an interface may come back before the deadline
    wait = 2 * wait
  until mcast.now() >= deadline
  return nil, ("no answer to %d questions"):format(tries)
end

for number, name in ipairs(names) do
  print(name, ask(number, name, mcast.now() + options.deadline))
end
