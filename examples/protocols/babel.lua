-- Babel (RFC 8966): a router that finds ways to the prefixes of others, without loops. Each change of a way is printed.
-- usage: lua5.4 babel.lua --interface I[,I...] [--announce PREFIX[,PREFIX...]] [--hello SECONDS] [--state FILE]
local mcast <const>, wire <const>, loop <const> = require "mcast", require "mcast.wire", require "mcast.loop".new()
local options <const> = { interface = "", announce = "", hello = "4", state = "babel.state" }
for name, value in table.concat(arg, " "):gmatch "%-%-(%l+) (%S+)" do options[name] = value end

local PORT <const>, INFINITY <const>, COST <const>, HOPS <const> = 6696, 0xffff, 96, 64 -- sections 4, 3.5.2, A.2.1, 3.8.2.1
local HELLO_INTERVAL <const>, SOURCE_GC <const> = assert(tonumber(options.hello)), 180 -- appendix B
local ACK_REQUEST, ACK, HELLO, IHU, ROUTER_ID, NEXT_HOP, UPDATE, ROUTE_REQUEST, SEQNO_REQUEST = 2, 3, 4, 5, 6, 7, 8, 9, 10
local LIMIT <const>, TICKS <const> = 30, math.ceil(100 * HELLO_INTERVAL) -- entries of a table; the interval as it is sent

local sock <close> = assert(mcast.socket { family = "inet6", port = PORT, loopback = false, metadata = true })
local interfaces <const>, neighbours <const>, destinations <const> = {}, {}, {} -- by name, by address, by prefix
local own <const> = { via = "here", metric = -1, till = math.huge, neighbour = { history = 7, txcost = 1, till = math.huge } }

local function newer(one, other) return one ~= other and one - other & 0xffff < 0x8000 end -- section 3.2.1
local function heard(n) return n.history & 3 == 3 or n.history & 5 == 5 or n.history & 6 == 6 end -- A.2.1: 2 of 3 Hellos
local function cost(n) return heard(n) and mcast.now() < n.till and n.txcost or INFINITY end
local function metric(route) return route and math.min(route.metric + cost(route.neighbour), INFINITY) or INFINITY end
local function tlv(kind, format, ...) return string.pack(">Bs1", kind, string.pack(">" .. format, ...)) end
local function send(body, interface, to) sock:sendto(string.pack(">BBs2", 42, 2, body), to or interface.group) end
local function full(list)
  local left = LIMIT
  for _ in pairs(list) do left = left - 1 end
  return left <= 0
end

local function feasible(d, route, value) -- section 3.5.1
  local best <const> = d.distances[route.id]
  if not best then return not full(d.distances) end
  return newer(route.seqno, best.seqno) or route.seqno == best.seqno and value < best.metric
end

local function update(d) -- a metric that is announced is the feasibility distance from then on (3.7.3)
  local route <const>, value <const> = d.selected or own, metric(d.selected)
  if value < INFINITY then
    if feasible(d, route, value) then d.distances[route.id] = { seqno = route.seqno, metric = value } end
    d.distances[route.id].till = mcast.now() + SOURCE_GC
  end
  return tlv(ROUTER_ID, "I2i8", 0, route.id)
    .. tlv(UPDATE, "BBBBI2I2I2c" .. #d.prefix, d.ae, 0, d.plen, 0, TICKS, route.seqno, value, d.prefix)
end

local function ask(d, n, number, hops, id) -- section 3.8.2
  send(tlv(SEQNO_REQUEST, "BBI2BBi8c" .. #d.prefix, d.ae, d.plen, number, hops, 0, id, d.prefix), n.interface, n.from)
end

local function select(d) -- section 3.6: the least metric of the feasible routes
  local best
  for key, route in pairs(d.routes) do
    if mcast.now() > route.till then d.routes[key] = nil end
    if d.routes[key] and metric(route) < metric(best) and feasible(d, route, route.metric) then best = route end
  end
  local way <const> = best and ("%s metric %d seqno %d of %016x"):format(best.via, metric(best), best.seqno, best.id)
    or "no way"
  if way ~= d.way then print(d.name, way) mcast.note(d.name, way) end
  d.selected, d.way = best, way
end

local function reselect(key) -- without the routes of a neighbour
  for _, d in pairs(destinations) do
    d.routes[key] = nil
    select(d)
  end
end

local function forget(n)
  neighbours[n.key], n.history, n.till = nil, 0, 0
  reselect(n.key)
end

local function destination(ae, plen, bytes) -- that of a prefix, without the bits beyond its length
  local size <const> = ({ 4, 16 })[ae]
  if not size or plen > 8 * size or 8 * #bytes < plen then return end
  local last <const> = string.char((bytes:byte(plen // 8 + 1) or 0) & 0xff00 >> plen % 8 & 0xff)
  local address <const> = (bytes:sub(1, plen // 8) .. last .. ("\0"):rep(16)):sub(1, size)
  local name <const>, prefix <const> = wire.ntop(address) .. "/" .. plen, address:sub(1, (plen + 7) // 8)
  return destinations[name]
    or { name = name, ae = ae, plen = plen, address = address, prefix = prefix, routes = {}, distances = {}, way = "no way" }
end

local on <const> = { -- by type: the format, and a function of the neighbour, the parser's state (4.5), bytes behind, and fields
  [ACK_REQUEST] = { ">xxI2", function(n, _, _, opaque) send(tlv(ACK, "I2", opaque), n.interface, n.from) end },
  [HELLO] = { ">I2I2I2", function(n, _, _, flags, number, interval) -- appendix A.1
    local steps <const> = number - (n.number or number - 1) & 0xffff
    if flags & 0x8000 ~= 0 or interval == 0 or steps == 0 or steps > 0xffef then return end -- unicast, again or late
    if steps > 16 then forget(n) end -- it has begun anew
    if not neighbours[n.key] and full(neighbours) then return end
    neighbours[n.key], n.number, n.history, n.due = n, number, n.history << steps | 1, mcast.now() + 0.025 * interval
  end },
  [IHU] = { ">BxI2I2", function(n, _, rest, ae, txcost, interval)
    local mine <const> = n.interface.address:sub(ae == 3 and 9 or 1)
    if rest:sub(1, #mine) == mine then n.txcost, n.till = math.max(1, txcost), mcast.now() + 0.035 * interval end
  end },
  [ROUTER_ID] = { ">xxi8", function(_, state, _, id) state.id = id end },
  [NEXT_HOP] = { ">Bx", function(_, state, rest, ae)
    local bytes <const> = (ae == 3 and "\xfe\x80\0\0\0\0\0\0" or "") .. rest
    state.hops[ae == 1 and 1 or 2] = wire.ntop(bytes:sub(1, ae == 1 and 4 or 16))
  end },
  [UPDATE] = { ">BBBBI2I2I2", function(n, state, rest, ae, flags, plen, omitted, interval, number, value) -- section 3.5.3
    if ae == 0 and value == INFINITY then return reselect(n.key) end -- it retracts all
    local default <const> = state.prefixes[ae] or ""
    local d <const> = omitted <= #default and destination(ae, plen, default:sub(1, omitted) .. rest)
    if not d then return end
    if flags & 0x80 ~= 0 then state.prefixes[ae] = d.address end
    if flags & 0x40 ~= 0 then state.id = string.unpack(">i8", "\0\0\0\0" .. d.address, -8) end
    for kind in wire.each(">Bs1", rest, math.max(0, #d.prefix - omitted) + 1) do
      if kind >= 128 then return end -- a mandatory sub-TLV (4.4): we know none
    end
    local hop <const> = state.hops[ae]
    d.routes[n.key] = value < INFINITY and state.id and hop and { neighbour = n, id = state.id, seqno = number, metric = value,
      till = mcast.now() + 0.035 * interval, via = ("via %s dev %s"):format(hop, n.interface.name) } or nil
    if next(d.routes) and not full(destinations) then destinations[d.name] = d end
    if destinations[d.name] then select(d) end
  end },
  [ROUTE_REQUEST] = { ">BB", function(n, _, rest, ae, plen) -- section 3.8.1.1; all are announced soon, anyway
    local d <const> = destination(ae, plen, rest)
    if d then send(update(d), n.interface, n.from) end
  end },
  [SEQNO_REQUEST] = { ">BBI2Bxi8", function(n, _, rest, ae, plen, number, hops, id) -- section 3.8.1.2
    local d <const> = destination(ae, plen, rest)
    local route <const> = d and d.selected
    if route and (id ~= route.id or not newer(number, route.seqno)) then
      send(update(d), n.interface, n.from)
    elseif route == own then
      own.asked = true
    elseif route and hops > 1 and route.neighbour ~= n then
      ask(d, route.neighbour, number, hops - 1, id)
    end
  end },
}

local function receive(msg)
  local magic <const>, version <const>, body <const> = wire.unpack(">BBs2", msg.data)
  local interface <const>, key <const>, from <const>, at = interfaces[msg.interface], tostring(msg.from), msg.from, 1
  if magic ~= 42 or version ~= 2 or not interface or from.port ~= PORT or not from.host:find "^fe80:" then return end
  local n <const> = neighbours[key] or { key = key, from = from, interface = interface, history = 0, till = 0 }
  local before <const>, state <const> = cost(n), { prefixes = { "", "" }, hops = { [2] = from.host } }
  while at do
    local kind <const>, value <const>, after <const> = wire.unpack(">Bs1", body, body:match("^\0*()", at)) -- Pad1 is a lone 0
    local fields <const> = on[kind] and (kind == HELLO or neighbours[key]) and { wire.unpack(on[kind][1], value) } or {}
    local behind <const> = table.remove(fields)
    if behind then on[kind][2](n, state, value:sub(behind), table.unpack(fields)) end
    at = after
  end
  if cost(n) ~= before then reselect "" end
end

local function raise() -- the sequence number; a file keeps it, since a smaller one would be unfeasible for all others
  own.seqno, own.asked = own.seqno + 1 & 0xffff, nil
  local file <close> = assert(io.open(options.state, "w"))
  assert(file:write(own.seqno))
end

local function tend() -- each Hello interval
  if own.asked then raise() end
  local ihus <const>, updates = {}, ""
  for _, n in pairs(neighbours) do
    if mcast.now() > n.due then forget(n) end
    local rxcost <const> = heard(n) and COST or INFINITY
    ihus[n.interface] = (ihus[n.interface] or "") .. tlv(IHU, "BBI2I2c16", 2, 0, rxcost, 3 * TICKS, wire.pton(n.from.host))
  end
  reselect ""
  for name, d in pairs(destinations) do
    updates = updates .. update(d)
    for id, best in pairs(d.distances) do if mcast.now() > best.till then d.distances[id] = nil end end
    for _, route in pairs(d.selected and {} or d.routes) do -- starved: all are unfeasible (section 3.8.2.1)
      local best <const> = d.distances[route.id]
      if best then ask(d, route.neighbour, best.seqno + 1 & 0xffff, HOPS, route.id) end
    end
    if not next(d.routes) and not next(d.distances) then destinations[name] = nil end
  end
  for _, interface in pairs(interfaces) do
    interface.number = interface.number + 1 & 0xffff
    send(tlv(HELLO, "I2I2I2", 0, interface.number, TICKS) .. (ihus[interface] or ""), interface)
    send(updates, interface)
  end
  return HELLO_INTERVAL
end

for name in options.interface:gmatch "[^,]+" do
  interfaces[name] = { name = name, group = assert(mcast.address("ff02::1:6%" .. name, PORT)), number = math.random(0, 0xffff) }
  assert(sock:join(interfaces[name].group))
end
for _, found in ipairs(assert(mcast.interfaces())) do
  local interface <const>, host <const> = interfaces[found.name], table.concat(found.addresses, " "):match "fe80:[%x:]+"
  if interface then
    interface.address = wire.pton(assert(host, "an address of link scope is missing"))
    own.id = own.id or string.unpack(">i8", interface.address, 9)
  end
end
local kept <const> = io.open(options.state)
own.seqno = kept and kept:read "n" or 0
raise()
for host, plen in options.announce:gmatch "([^,/]+)/(%d+)" do
  local d <const> = destination(2, math.tointeger(plen), assert(wire.pton(host)))
  destinations[d.name], d.routes.own = d, own
end
if kept then mcast.sleep(5 * HELLO_INTERVAL) end -- it ran before: none may have a way by us when we choose ways again
loop:receive(sock, receive)
loop:after(0, tend)
loop:run()
