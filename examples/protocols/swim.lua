-- SWIM (Das, Gupta and Motivala, 2002): who is in a group, and who has failed. Members find each other by multicast.
-- usage: lua5.4 swim.lua [--interface I] [--group G] [--port P] [--own P] [--period SECONDS] [--stay SECONDS]
-- A member is an address and a life: one that has failed or left never comes back, but may begin its next life.
local mcast <const>, loop <const> = require "mcast", require "mcast.loop".new()
local options <const> = { interface = "", group = "239.255.79.46", port = 7946, own = 0, period = 1, stay = 1e9 }
local usage <const> = "usage: swim.lua [--interface I] [--group G] [--port P] [--own P] [--period SECONDS] [--stay SECONDS]"
for i = 1, #arg, 2 do
  local name <const>, value <const> = arg[i]:match "^%-%-(%l+)$", arg[i + 1] or ""
  options[name] = assert(options[name] and (type(options[name]) == "string" and value or tonumber(value)), usage)
end
assert(options.period >= 0.01 and math.tointeger(options.own) and options.stay >= 0, usage)
local K <const>, LAMBDA <const> = 3, 3 -- members that are asked to ping (3.1); times log n: copies of an update (4.1)
local PACKET <const>, RECORDS <const>, FORGET <const> = 512, 1000, 100 -- bytes of a ping; members; periods after their end
local period <const>, group <const> = options.period, assert(mcast.address(options.group, options.port))
local settings <const> = { port = group.port, family = group.family, interface = options.interface, metadata = true }
local everybody <close> = assert(mcast.socket(settings))
assert(everybody:join(group))
settings.port, settings.reuseaddr = options.own, false -- no other process has its port: an address is a name
local sock <close> = assert(mcast.socket(settings))
local me <const>, members <const> = { state = "alive", life = 1, incarnation = 0 }, {} -- all members by address, me too
local records, living, round, news <const>, probe = 0, 0, {}, {}, nil -- numbers of others; who is to be probed, to be spread

-- Section 4.2: a record of higher rank overrides. The end of a life overrides all of that life.
local order <const> = { alive = 0, suspected = 1, failed = 1 << 32, left = 1 << 32 }
local function rank(state, life, incarnation) return life << 33 | order[state] | incarnation << 1 end
local function over(state) return order[state] > 1 end
local function copies() return LAMBDA * math.ceil(math.log(living + 2, 2)) end
local function line(of, who) return ("%s %d %d %s\n"):format(of.state, of.life, of.incarnation, who or of.address) end

-- Sends my record, the receiver's, and news, those first that were sent least (4.1). No answer is larger than its ping.
local function send(to, header, limit)
  local text = header .. "\n" .. line(me, "me") .. (members[to] and line(members[to], "you") or "")
  table.sort(news, function(one, other) return one.sent < other.sent end)
  for i = 1, #news do
    if #text + #line(news[i]) > limit then break end
    text, news[i].sent = text .. line(news[i]), news[i].sent + 1
  end
  for i = #news, 1, -1 do if news[i].sent >= copies() then table.remove(news, i).sent = nil end end
  sock:sendto((header:find "^ack" and text or text .. ("\n"):rep(limit - #text)):sub(1, limit), to) -- fails: it is lost
end

local function spread(member, event)
  if not member.sent then table.insert(news, member) end
  member.sent = 0
  if event then print(event, member.address, "life " .. member.life) mcast.note(tostring(member.address), event) end
end

local function learn(address, state, life, incarnation)
  local member, ends <const> = members[address], over(state)
  if not member and (ends or records == RECORDS) then return end
  if not member then member, records = { address = address, state = "left", life = -1, incarnation = 0 }, records + 1 end
  members[address] = member
  local before <const>, was_over <const>, begins <const> = member.state, over(member.state), life > member.life
  if was_over and not ends then spread(member) end -- perhaps this member itself does not know it
  if rank(state, life, incarnation) <= rank(before, member.life, member.incarnation) then return end
  member.life, member.incarnation = life, incarnation
  if member == me then -- it is wrong: another incarnation refutes it, and after the end of this life another life
    me.life, me.incarnation = ends and life + 1 or life, ends and 0 or incarnation + 1
    return spread(me, "refutes")
  end
  member.state, living = state, living + (was_over and 1 or 0) - (ends and 1 or 0)
  if was_over and not ends then table.insert(round, math.random(#round + 1), member) end -- at a random place (4.3)
  local event <const> = not ends and (begins and "joined" or state == "alive" and "trusted")
  spread(member, (begins or state ~= before) and (event or state))
  if member.timer then member.timer:cancel() end
  member.timer = state ~= "alive" and loop:after(period * (ends and FORGET or copies()), function()
    if not ends then return learn(address, "failed", life, incarnation) end
    members[address], records = nil, records - 1
  end)
end

local function hear(msg)
  local kind <const>, number <const>, name <const>, rest <const> = msg.data:match "^(%l+) (%d+) ?(%S*)\n()"
  local mine <const> = msg.own and msg.from.port == sock:getsockname().port -- whatever its address: 127.0.0.1, too
  if mine and not me.address then me.address, members[msg.from] = msg.from, me spread(me, "begins") end
  if mine or not kind or not me.address then return end
  for state, life, incarnation, who in msg.data:gmatch("(%l+) (%d+) (%d+) (%S+)\n", rest) do
    local address <const> = who == "me" and msg.from or who == "you" and me.address or mcast.address(who)
    if order[state] and #life < 9 and #incarnation < 10 and address and not address.multicast then
      learn(address, state, tonumber(life), tonumber(incarnation))
    end
  end
  local other <const> = members[mcast.address(name) or me.address]
  return kind, number, name, other and other ~= me and not over(other.state) and other.address
end

loop:receive(everybody, hear)
loop:receive(sock, function(msg)
  local kind <const>, number <const>, name <const>, other <const> = hear(msg)
  if kind == "ping" then send(msg.from, ("ack %s %s"):format(number, name), #msg.data) end
  if kind == "req" and other then send(other, ("ping %s %s"):format(number, msg.from), #msg.data) end
  if kind == "ack" and other then send(other, "ack " .. number, #msg.data) end
  if kind == "ack" and probe and number == probe.number then probe.acked = true end
end)
local function shuffled(without)
  local list <const> = {}
  for _, member in pairs(members) do
    if member ~= without and member ~= me and not over(member.state) then table.insert(list, math.random(#list + 1), member) end
  end
  return list
end
local function period_begins() -- it pings one member, each in a random order; where this is silent, K others do (3.1)
  if probe and not probe.acked then learn(probe.address, "suspected", probe.life, probe.incarnation) end
  if not round[1] then send(group, "join 0", PACKET) end
  round = round[1] and round or shuffled()
  local member <const> = table.remove(round)
  probe = member and not over(member.state) and { number = tostring(math.random(0x7fffffff)), address = member.address,
    life = member.life, incarnation = member.incarnation }
  if probe then send(probe.address, "ping " .. probe.number, PACKET) end
  loop:after(period / 3, function()
    for i, helper in ipairs(probe and not probe.acked and shuffled(member) or {}) do
      if i <= K then send(helper.address, ("req %s %s"):format(probe.number, probe.address), PACKET) end
    end
  end)
  loop:after(period, period_begins) -- from now on: after a stop there are no shorter periods
end
loop:after(0, period_begins)
local _ <close> = setmetatable({}, { __close = function() me.state = "left" send(group, "leave 0", PACKET) end })
io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
loop:run(options.stay)
