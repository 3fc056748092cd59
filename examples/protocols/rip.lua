-- RIP version 2 (RFC 2453): announces prefixes, learns those of its neighbours, and prints its table as it changes.
-- usage: lua5.4 rip.lua --interface I[/LENGTH],... [--announce PREFIX,...] [--update S] [--timeout S] [--garbage S]
--        [--seconds S] [--poison no] [--triggered no]; LENGTH is 24 if absent; at its end, also by Ctrl-C, it withdraws all
local mcast <const> = require "mcast"
local wire <const> = require "mcast.wire"
local loop <const> = require "mcast.loop".new()

local GROUP <const> = assert(mcast.address("224.0.0.9", 520)) -- 4.5
local REQUEST <const>, RESPONSE <const>, VERSION <const>, AF_INET <const> = 1, 2, 2, 2 -- 3.6, 4
local INFINITY <const>, COST <const>, MAX_ENTRIES <const>, MAX_ROUTES <const> = 16, 1, 25, 1000 -- 3.5, 3.6, ours
local HEADER <const>, ENTRY <const> = ">BBI2", ">I2I2c8I4I4" -- family, route tag, address and mask, next hop, metric: 4
local WHOLE_TABLE <const> = ENTRY:pack(0, 0, ("\0"):rep(8), 0, INFINITY) -- 3.9.1

local options <const> = { interface = "", announce = "", seconds = 1e9, poison = "yes", triggered = "yes",
  update = 30, timeout = 180, garbage = 120 } -- 3.8
for i = 1, #arg, 2 do
  local option <const>, value <const> = arg[i]:match "^%-%-(%l+)$", arg[i + 1]
  options[option] = assert(options[option] and (type(options[option]) == "string" and value or tonumber(value)),
    "usage: rip.lua --interface I[/LENGTH],... [--announce PREFIX,...] ...")
end
local sock <close> = assert(mcast.socket { port = GROUP.port, ttl = 1, loopback = false, metadata = true })
local interfaces <const>, routes <const> = {}, {} -- by name; by address and mask
local known, news, pause = 0, {}, nil -- how many routes; those that the next response has; the time until it may be sent
local function mask(length) return 0xffffffff << (32 - assert(length <= 32 and length, "/0 to /32 expected")) & 0xffffffff end
local function network(host, bits) return (">I4"):unpack((assert(wire.pton(host or ""), "no address"))) & mask(bits) end

-- The text of a prefix of hosts, nil for other bytes: no loopback, no groups, and of network 0 the default route alone: 3.9.2.
local function name(prefix)
  local first <const>, address <const>, bits <const> = prefix:byte(), string.unpack(">I4I4", prefix)
  local hosts <const> = address & ~bits == 0 and first ~= 127 and first < 224 and (first > 0 or bits == 0)
  for length = 0, 32 do
    if hosts and bits == mask(length) then return ("%s/%d"):format(wire.ntop(prefix:sub(1, 4)), length) end
  end
end

-- Sends routes to the neighbours at an interface, where those that came from there are unreachable (3.4.3), or to one host.
local function respond(interface, some, to)
  local list <const> = {}
  for prefix, route in pairs(some) do
    local poisoned <const> = route.interface == interface and options.poison == "yes"
    list[#list + 1] = ENTRY:pack(AF_INET, route.tag, prefix, 0, poisoned and INFINITY or route.metric)
  end
  for i = 1, #list, MAX_ENTRIES do
    local data <const> = HEADER:pack(RESPONSE, VERSION, 0) .. table.concat(list, "", i, math.min(i + MAX_ENTRIES - 1, #list))
    sock:sendto(data, to or GROUP, { interface = interface }) -- one that is down loses it
  end
end

-- Sends the news, then nothing for 1 to 5 seconds (3.10.1): a late response would undo the next one, for they have no numbers.
local function advertise()
  if not next(news) then pause = nil return end
  for interface in pairs(interfaces) do respond(interface, news) end
  news = {}
  return options.update * (1 + 4 * math.random()) / 30
end
local function announce(prefix, route) news[prefix], pause = route, pause or loop:after(0, advertise) end

-- Sets a route's metric. One that was learned is unreachable after a time, and later it is removed: 3.8.
local function set(prefix, metric)
  local route <const> = routes[prefix]
  if metric ~= route.metric then
    route.metric = metric
    if options.triggered == "yes" then announce(prefix, route) end
    print(("%-18s %2d %s"):format(name(prefix), metric, route.gateway and "via " .. route.gateway.host or "own"))
    mcast.note(name(prefix), tostring(metric))
  end
  if route.timer then route.timer:cancel() end
  route.timer = route.gateway and loop:after(metric < INFINITY and options.timeout or options.garbage, function()
    if metric < INFINITY then set(prefix, INFINITY) else routes[prefix], known = nil, known - 1 end
  end)
end

-- Learns from an entry of a response: 3.9.2.
local function learn(prefix, tag, metric, gateway, interface)
  local route <const> = routes[prefix] or known < MAX_ROUTES and name(prefix) and { metric = INFINITY }
  if route and (metric < route.metric or route.gateway == gateway and (metric < INFINITY or route.metric < INFINITY)) then
    if not routes[prefix] then routes[prefix], known = route, known + 1 end
    route.gateway, route.interface, route.tag = gateway, interface, tag
    set(prefix, metric)
  end
end

loop:receive(sock, function(msg)
  local from <const>, at <const>, answer <const> = msg.from, interfaces[msg.interface], {}
  local command <const>, version <const> = wire.unpack(HEADER, msg.data)
  if msg.own or not at or network(from.host, at.length) ~= at.network or version ~= VERSION then return end
  for family, tag, prefix, _, metric in wire.each(ENTRY, msg.data, 5) do
    if command == REQUEST and family == AF_INET then
      answer[prefix] = { tag = tag, metric = routes[prefix] and routes[prefix].metric or INFINITY }
    elseif command == RESPONSE and from.port == GROUP.port and family == AF_INET and metric >= 1 and metric <= INFINITY then
      learn(prefix, tag, math.min(metric + COST, INFINITY), from, msg.interface)
    end
  end
  if command == REQUEST then respond(msg.interface, msg.data:sub(5) == WHOLE_TABLE and routes or answer, from) end -- 3.9.1
end)

for text, length in options.interface:gmatch "([^/,]+)/?(%d*)" do
  local interface <const>, bits <const> = assert(sock:join(GROUP.host, { interface = text })), tonumber(length) or 24
  for _, found in ipairs(assert(mcast.interfaces())) do
    if found.name == interface then interfaces[interface] = { length = bits, network = network(found.addresses[1], bits) } end
  end
  sock:sendto(HEADER:pack(REQUEST, VERSION, 0) .. WHOLE_TABLE, GROUP, { interface = interface })
end
assert(next(interfaces), "an interface is missing: --interface I")
for address, length in options.announce:gmatch "([^/,]+)/?(%d*)" do
  local prefix <const> = string.pack(">I4I4", network(address, tonumber(length) or 32), mask(tonumber(length) or 32))
  routes[assert(name(prefix) and prefix, "a prefix of hosts expected: 10.77.0.0/16")], known = { tag = 0 }, known + 1
  set(prefix, 1)
end
loop:after(options.update * math.random(), function()
  for prefix, route in pairs(routes) do announce(prefix, route) end
  return options.update * (1 + (2 * math.random() - 1) / 6) -- 3.8: 30 seconds, or up to 5 more or less
end)
local _ <close> = setmetatable({}, { __close = function()
  mcast.sleep(options.update / 30)
  for prefix, route in pairs(routes) do route.metric, news[prefix] = INFINITY, route end
  advertise()
end })
io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
loop:run(options.seconds)
