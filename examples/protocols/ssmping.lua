-- Asks a host for answers by unicast and by multicast, as ssmping does; or answers, as ssmpingd does.
-- usage: lua5.4 ssmping.lua HOST [--any GROUP] [--count N] [--interval S] [--interface I]
--        lua5.4 ssmping.lua answer [--interface I]
-- The group is joined for HOST alone (SSM). GROUP is joined for any source, as by asmping, and ends in .234 or ::4321:1234.
-- A message of ssmping 0.9.1 is a byte, "Q" (query) or "A" (answer), and options: a type, a length of 2 bytes, a value.
local mcast <const> = require "mcast"
local loop <const> = require "mcast.loop".new()
local wire <const> = require "mcast.wire"

local PORT <const>, TTL <const>, GROUPS <const> = 4321, 64, { inet = "232.43.211.234", inet6 = "ff3e::4321:1234" }
local CLIENT_ID <const>, SEQUENCE_NUMBER <const>, CLIENT_TIMESTAMP <const>, MULTICAST_GROUP <const> = 1, 2, 3, 4 -- RFC 6450
local WAIT <const> = 1 -- seconds after which an answer is lost

local usage <const> = "usage: ssmping.lua HOST|answer [--any GROUP] [--count N] [--interval S] [--interface I]"
local options = { any = "", count = 5, interval = 1, interface = "" }
for i = 2, #arg, 2 do
  local name, value = arg[i]:match "^%-%-(%l+)$", arg[i + 1]
  options[name] = assert(options[name] and (type(options[name]) == "string" and value or tonumber(value)), usage)
end

local function option(kind, value)
  return string.pack(">I2s2", kind, value)
end

-- The type and the options of a message.
local function parse(data)
  local values = {}
  for kind, value in wire.each(">I2s2", data, 2) do
    values[kind] = value
  end
  return data:sub(1, 1), values
end

-- Is it a group that nothing but this protocol uses?
local function set_apart(group)
  local host = group and group.multicast and group.host or ""
  return host:find "::4321:1234$" or host:find "%.234$" and not host:find "^224%.0%.0%."
end

-- The group that a query names, after a byte for its family: nil where it may not be used.
local function group_of(values, family)
  local host = not values[MULTICAST_GROUP] and GROUPS[family] or wire.ntop((values[MULTICAST_GROUP] or ""):sub(2))
  local group = host and mcast.address(host, 0)
  return set_apart(group) and group.family == family and host or nil
end

-- Answers a query by its own bytes, so an answer is never longer: once to its sender, once to its group, both from the address
-- that was asked. A source may be forged, so a send may fail.
local function answer(sock, msg)
  local kind, values = parse(msg.data)
  if kind == "Q" then
    local data, group = "A" .. msg.data:sub(2), group_of(values, msg.from.family)
    sock:sendto(data, msg.from, { source = msg.group })
    if group then
      sock:sendto(data, group, msg.from.port, { source = msg.group, interface = msg.interface })
    end
    print(("answered %s, %s"):format(msg.from, group or "unicast alone"))
  end
end

local function serve()
  for _, family in ipairs { "inet", "inet6" } do
    local sock = assert(mcast.socket { family = family, port = PORT, reuseaddr = false, ttl = TTL, metadata = true,
      interface = options.interface })
    loop:receive(sock, function(msg) answer(sock, msg) end)
  end
  print("answers at port " .. PORT)
  loop:run()
end

local function ask(host)
  local server = assert(mcast.address(host, PORT))
  assert(server.interface or not host:find "^[Ff][Ee]80:", "a host of link-local address is written as fe80::1%eth0")
  local group = assert(mcast.address(options.any ~= "" and options.any or GROUPS[server.family], 0))
  assert(set_apart(group), "a group that ends in .234 or ::4321:1234 expected")
  local sock <close> = assert(mcast.socket { family = server.family, metadata = true, interface = options.interface })
  assert(sock:join(group, { source = options.any == "" and server.host or nil }))

  local count, sent, client = options.count, 0, string.pack(">I4", math.random(0, 0xffffffff))
  local paths = { { name = "unicast", lost = 0, waiting = {} }, { name = "multicast", lost = 0, waiting = {} } }
  loop:receive(sock, function(msg)
    local kind, values = parse(msg.data)
    local number = wire.unpack(">I4", values[SEQUENCE_NUMBER] or "")
    local path = paths[msg.group == group.host and 2 or 1]
    local since = kind == "A" and msg.from == server and values[CLIENT_ID] == client and path.waiting[number]
    if since then -- else nobody asked, or it is a second answer, or one that has counted as lost
      path.waiting[number] = nil
      print(("%s from %s: number %d, hops %d, %.3f ms"):format(path.name, server.host, number, TTL - msg.ttl,
        (mcast.now() - since) * 1000))
    end
  end)

  local function give_up(number)
    for _, path in ipairs(paths) do
      path.lost = path.lost + (path.waiting[number] and 1 or 0)
      path.waiting[number] = nil
    end
    if number >= count then loop:stop() end
  end
  loop:after(0, function()
    sent = sent + 1
    local number, now = sent, mcast.now()
    paths[1].waiting[number], paths[2].waiting[number] = now, now
    local query = "Q" .. option(CLIENT_ID, client) .. option(SEQUENCE_NUMBER, string.pack(">I4", number))
      .. option(CLIENT_TIMESTAMP, string.pack(">I4I4", now // 1 & 0xffffffff, now % 1 * 1e6 // 1 | 0))
      .. option(MULTICAST_GROUP, (server.family == "inet" and "\1" or "\2") .. wire.pton(group.host))
    local ok, failure = sock:sendto(query, server)
    if not ok then print(failure) end
    loop:after(WAIT, function() give_up(number) end)
    return number < count and options.interval or nil
  end)
  loop:run()
  for _, path in ipairs(paths) do
    print(("%s: sent %d, answered %d, lost %d"):format(path.name, sent, sent - path.lost, path.lost))
  end
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
assert(arg[1] and not arg[1]:find "^%-", usage)
if arg[1] == "answer" then serve() else ask(arg[1]) end
