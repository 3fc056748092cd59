-- coap.lua on the servers of a group, up to a hundred: clients ask the group, and one of them; servers crash.
-- usage: lua5.4 coap.lua [seeds] [picture.svg]
-- Between two crashes, a server answers a request to the group once, within its leisure, by no error; each copy of a request to
-- itself by the same bytes. A client prints one answer of each server. After the end of all faults, all requests are answered.
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/coap.lua"
local LEISURE <const>, CALM <const> = 2, 7
local NON <const>, CONTENT <const> = 1, 0x45

-- A stranger whose requests to the group have no answer: a CON, one for a resource that no server has, half a message.
local function stranger(group)
  local mcast <const> = require "mcast"
  local address <const> = assert(mcast.address(group .. ":5683"))
  local sock <close> = assert(mcast.socket { family = address.family, port = 5600 })
  local requests = { "\x40\1\0\1\xb6uptime", "\x50\1\0\2\xb7nothing", "\x50\1\0\3\xb6upt" }
  for _, data in ipairs(requests) do assert(sock:sendto(data, address)) end
  mcast.sleep(LEISURE + 2)
end

-- Adds the invariants; returns a table of the number of answers that a node has printed.
local function watch(net)
  local requests, printed, events, seen, wrong = {}, {}, {}, 0, nil
  local lives = setmetatable({}, { __index = function() return 1 end })

  local function request(event, client)
    local first, code, id = string.unpack(">BBI2", event.data)
    local key = ("%s %d %s %d"):format(event.node, lives[event.node], client, id)
    requests[key] = requests[key] or { copies = 0, answers = 0, time = event.time }
    return requests[key], first >> 4 & 3, code
  end

  function events.deliver(event)
    if event.to.port ~= 5683 then return end
    local asked = request(event, event.from)
    asked.copies, asked.group = asked.copies + 1, event.to.multicast
    if asked.answers > 0 then net:reached("a copy after the answer to " .. (asked.group and "a group" or "one")) end
  end

  function events.send(event)
    if event.to.port == 5683 then return end
    local asked, kind, code = request(event, event.to)
    asked.answers = asked.answers + 1
    local late = event.time > asked.time + LEISURE
    if asked.group and (late or asked.answers > 1 or kind ~= NON or code ~= CONTENT or event.to.port == 5600) then
      return "an answer that a group should not cause"
    elseif asked.answers > asked.copies or asked.data and asked.data ~= event.data then
      return "two answers to one request"
    end
    asked.data = event.data
  end

  function events.drop(event) if event.to.port ~= 5683 then net:reached "a lost answer" end end

  function events.crash(event)
    for _, asked in pairs(requests) do
      if asked.answers == 0 and asked.group then net:reached "a crash before the answer" end
    end
    lives[event.node] = lives[event.node] + 1
  end

  function events.log(event)
    local code, server = event.text:match "^(%d%.%d%d) from (%S+) after"
    if code then
      local own = printed[event.node] or { count = 0 }
      local again = own[server]
      printed[event.node], own.count, own[server] = own, own.count + 1, true
      return (again or code ~= "2.05") and "prints " .. event.text
    end
  end

  net:always(function()
    for i = seen + 1, #net.trace do
      local event = net.trace[i]
      local reason = events[event.kind] and events[event.kind](event)
      seen, wrong = i, wrong or reason and event.node .. ": " .. reason or nil
    end
    return not wrong, wrong
  end, "one answer to one request")
  return printed
end

local function scenario(seed, p)
  local net = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    reorder = { p.reorder, 2 }, output = function() end }
  local servers = {}
  for i = 1, p.servers do
    servers[i] = net:node("server-" .. i, script, { "serve", "--leisure", tostring(LEISURE) })
  end
  local group, one = p.inet6 and "[ff05::fd]" or "224.0.1.187", p.inet6 and "[fd00::1]" or "10.0.0.1"
  net:node("client-1", script, { "coap://" .. group .. "/uptime", "--seconds", "5" }, { start = 0.5 })
  net:node("client-2", script, { "coap://" .. one .. "/uptime" }, { start = 0.5 })
  net:node("client-3", script, { "coap://" .. group .. "/uptime" }, { start = CALM + 0.1 })
  net:node("stranger", stranger, { group }, { start = 0.5 })
  if p.crashes then net:chaos { kinds = { "crash" }, nodes = servers } end
  local printed = watch(net)
  net:eventually(function()
    return printed["client-2"] and printed["client-3"] and printed["client-3"].count == p.servers
  end, "all answer", { after = CALM, within = 16 })
  net:run(CALM + 17)
end

-- One request, whose answers eight servers spread over a second.
local function draw(path)
  local net = sim.new { seed = 3, delay = { 0.01, 0.03 }, output = function() end }
  for i = 1, 8 do net:node("server " .. i, script, { "serve", "--leisure", "1" }) end
  net:node("client", script, { "coap://224.0.1.187/uptime" }, { start = 0.1 })
  net:run(2)
  assert(net:write_svg(path, { title = "CoAP: the servers of a group answer one request at random times of a second",
    width = 720, letters = 17, from = 0.05, till = 1.2, describe = function(data)
      return data:byte(2) == CONTENT and "2.05" or "GET"
    end }))
end

if arg[2] then draw(arg[2]) end
sim.sweep { seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) }, scenario = scenario,
  reach = { "a lost answer", "a copy after the answer to a group", "a copy after the answer to one",
    "a crash before the answer" },
  vary = { servers = { 1, 10, 100 }, delay = { 0.002, 0.5, log = true }, loss = { 0, 0.3 }, duplicate = { 0, 0.3 },
    reorder = { 0, 0.2 }, crashes = { false, true }, inet6 = { false, true } } }
