-- SWIM (Das, Gupta and Motivala, 2002): who is in a group, and who has failed. Members find each other by multicast.
-- usage: lua5.4 swim.lua [--interface I] [--group G] [--port P] [--own P] [--period SECONDS] [--stay SECONDS]
-- A member is an address and a life: one that has failed or left never comes back, but may begin its next life.
local mcast <const>, loop <const> = require "mcast", require "mcast.loop".new()
local options <const> = { interface = "", group = "239.255.79.46", port = 7946, own = 0, period = 1, stay = "" }
for i = 1, #arg, 2 do
  local name <const> = arg[i]:match "^%-%-(%l+)$"
  options[name] = assert(options[name] and arg[i + 1], "usage: swim.lua [--interface I] [--group G] [--port P] [--own P] ...")
end
local K <const>, LAMBDA <const> = 3, 3 -- members that are asked to ping (3.1); times log n: copies of an update (4.1)
local PACKET <const>, RECORDS <const>, FORGET <const> = 512, 1000, 100 -- bytes of a ping; members; periods after their end
local period <const>, group <const> = assert(tonumber(options.period)), assert(mcast.address(options.group, options.port))

local function socket(port, shared)
  return assert(mcast.socket { port = tonumber(port), reuseaddr = shared, family = group.family,
    interface = options.interface, metadata = true })
end
local everybody <close> = socket(group.port, true)
local sock <close> = socket(options.own, false) -- no other process has its port: a member's address is its name
assert(everybody:join(group))

local me <const> = { state = "alive", life = 1, incarnation = 0 }
local members <const>, records, living = {}, 0, 0 -- by address, me too; how many others there are, and live
local round, news <const>, probe = {}, {}, nil -- who is to be probed yet; records to spread; the probe of this period

-- Section 4.2: the record of higher rank overrides. The end of a life overrides all of that life.
local order <const> = { alive = 0, suspected = 1, failed = 1 << 32, left = 1 << 32 }
local function over(record) return order[record.state] > 1 end
local function rank(record) return record.life << 33 | order[record.state] | record.incarnation << 1 end
local function copies() return LAMBDA * math.ceil(math.log(living + 2, 2)) end

local function line(record, who)
  return ("%s %d %d %s\n"):format(record.state, record.life, record.incarnation, who or record.address)
end

-- Sends my record, the receiver's, and news, the newest first. No answer is larger than its ping, which may be forged.
local function send(to, header, limit)
  local text = header .. "\n" .. line(me, "me") .. (members[to] and line(members[to], "you") or "")
  for _ = 1, #news do
    if #text + #line(news[1]) > limit then break end
    local record <const> = table.remove(news, 1)
    text, record.sent = text .. line(record), record.sent + 1
    if record.sent < copies() then table.insert(news, record) else record.sent = nil end
  end
  sock:sendto(header:find "^ack" and text or text .. ("\n"):rep(limit - #text), to) -- a failure counts as a loss
end

local function report(event, record)
  print(("%s %s, life %d"):format(event, record.address, record.life))
  mcast.note(tostring(record.address), event)
end

local function learn(address, claim)
  local member = members[address]
  if not member and not over(claim) and records < RECORDS then
    member, records = { address = address, state = "left", life = 0, incarnation = 0 }, records + 1
    members[address] = member
  end
  if not member or rank(claim) <= rank(member) then return end
  if not member.sent then table.insert(news, 1, member) end
  local before <const>, was_over <const>, is_over <const> = member.state, over(member), over(claim)
  member.sent, member.life, member.incarnation = 0, claim.life, claim.incarnation
  if member == me then -- it is wrong: another incarnation refutes it, and after the end of this life another life
    me.life, me.incarnation = claim.life + (is_over and 1 or 0), is_over and 0 or claim.incarnation + 1
    return report("refutes", me)
  end
  member.state, living = claim.state, living + (was_over and 1 or 0) - (is_over and 1 or 0)
  if was_over and not is_over then table.insert(round, math.random(#round + 1), member) end -- at a random place (4.3)
  local event <const> = was_over and "joined" or claim.state == "alive" and "trusted"
  if before ~= claim.state then report(not is_over and event or claim.state, member) end
  if member.timer then member.timer:cancel() end
  member.timer = claim.state ~= "alive" and loop:after(period * (is_over and FORGET or copies()), function()
    if not is_over then return learn(address, { state = "failed", life = claim.life, incarnation = claim.incarnation }) end
    members[address], records = nil, records - 1
  end)
end

local function hear(msg)
  local kind <const>, number <const>, name <const>, rest <const> = msg.data:match "^(%l+) (%d+) ?(%S*)\n()"
  if not me.address and msg.own and msg.from.port == sock:getsockname().port then
    me.address, members[msg.from] = msg.from, me
    report("begins", me)
  end
  if not kind or not me.address or msg.from == me.address then return end
  for state, life, incarnation, who in msg.data:gmatch("(%l+) (%d+) (%d+) (%S+)\n", rest) do
    local address <const> = who == "me" and msg.from or who == "you" and me.address or mcast.address(who)
    if order[state] and #life < 9 and #incarnation < 10 and address and not address.multicast then
      learn(address, { state = state, life = tonumber(life), incarnation = tonumber(incarnation) })
    end
  end
  local other <const> = members[mcast.address(name) or me.address]
  return kind, number, name, other and other ~= me and not over(other) and other
end

loop:receive(everybody, hear)
loop:receive(sock, function(msg)
  local kind <const>, number <const>, name <const>, other <const> = hear(msg)
  if kind == "ping" then
    send(msg.from, ("ack %s %s"):format(number, name), #msg.data)
  elseif other then -- it is to be pinged, or asked for this ping
    send(other.address, kind == "req" and ("ping %s %s"):format(number, msg.from) or "ack " .. number, #msg.data)
  elseif kind == "ack" and probe and number == probe.number then
    probe.acked = true
  end
end)

local function shuffled(without)
  local list <const> = {}
  for _, member in pairs(members) do
    if member ~= without and member ~= me and not over(member) then table.insert(list, math.random(#list + 1), member) end
  end
  return list
end

loop:after(0, function() -- a period: pings one member, each in a random order; where it is silent, K others do (3.1)
  if probe and not probe.acked then learn(probe.member.address, probe.suspicion) end
  while round[1] and over(round[#round]) do table.remove(round) end
  if not round[1] then
    send(group, "join 0", PACKET)
    round = shuffled()
  end
  local member <const> = table.remove(round)
  probe = member and { member = member, number = tostring(math.random(0x7fffffff)),
    suspicion = { state = "suspected", life = member.life, incarnation = member.incarnation } }
  if member then send(member.address, "ping " .. probe.number, PACKET) end
  loop:after(period / 3, function()
    for i, helper in ipairs(probe and not probe.acked and shuffled(member) or {}) do
      if i <= K then send(helper.address, ("req %s %s"):format(probe.number, member.address), PACKET) end
    end
  end)
  return period
end)

local _ <close> = setmetatable({}, { __close = function() me.state = "left" send(group, "leave 0", PACKET) end })
io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
loop:run(tonumber(options.stay))
