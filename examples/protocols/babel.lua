-- Babel (RFC 8966): a router that finds ways to the prefixes of others, without loops, and prints each change of a way.
-- usage: lua5.4 babel.lua --interface I[,I...] [--announce PREFIX[,PREFIX...]] [--hello SECONDS] [--state FILE]
local mcast <const>, wire <const>, loop <const> = require "mcast", require "mcast.wire", require "mcast.loop".new()
local options <const>, now <const> = { interface = "", announce = "", hello = "4", state = "babel.state" }, mcast.now
local usage <const> = "usage: babel.lua --interface I[,I...] [--announce PREFIX[,PREFIX...]] [--hello SECONDS] [--state FILE]"
for i = 1, #arg, 2 do
  options[assert(arg[i + 1] and options[arg[i]:sub(3)] and arg[i]:match "^%-%-(%l+)$", usage)] = arg[i + 1] end
local PORT, INFINITY, COST, HOPS, SOURCE_GC, SIZES = 6696, 0xffff, 96, 64, 180, { 4, 16, 8 } -- 4, 3.5.2, A.2.1, 3.8.2.1, B
local ACK_REQUEST, ACK, HELLO, IHU, ROUTER_ID, NEXT_HOP, UPDATE, ROUTE_REQUEST, SEQNO_REQUEST = 2, 3, 4, 5, 6, 7, 8, 9, 10
local RXCOST <const> = { [0] = INFINITY, INFINITY, INFINITY, COST, INFINITY, COST, COST, COST } -- A.2.1: 2 of the last 3 Hellos
local HELLO_INTERVAL <const>, LIMIT <const>, kept <const> = tonumber(options.hello) or 0, 30, io.open(options.state)
assert(HELLO_INTERVAL >= 0.01 and HELLO_INTERVAL <= 200 and options.interface ~= "", usage)
local TICKS <const>, interfaces <const>, neighbours <const>, destinations <const> = math.ceil(100 * HELLO_INTERVAL), {}, {}, {}
local own <const> = { via = "here", metric = -COST, till = math.huge, history = 7, txcost = COST, asked = true }
own.seqno, own.id = table.unpack(kept and { kept:read("n", "n") } or {}) -- none where a crash has torn the file
own.neighbour, own.seqno, own.id = own, own.seqno or 0, own.id or math.random(0)
if kept then mcast.sleep(5 * HELLO_INTERVAL) end -- feasibility distances are lost: none may have a way by us when we choose
local sock <close> = assert(mcast.socket { family = "inet6", port = PORT, metadata = true })
local function newer(one, other) return one ~= other and one - other & 0xffff < 0x8000 end -- 3.2.1
local function cost(n) return now() < n.till and math.max(RXCOST[n.history & 7], n.txcost) or INFINITY end
local function metric(route) return route and math.min(route.metric + cost(route.neighbour), INFINITY) or INFINITY end
local function full(list, count) for _ in pairs(list) do count = count + 1 end return count >= LIMIT end
local function tlv(kind, bytes, format, ...) return string.pack(">Bs1", kind, string.pack(">" .. format, ...) .. bytes) end
local function send(body, interface, to) sock:sendto(string.pack(">BBs2", 42, 2, body), to or interface.group) end
local function feasible(d, route, value) -- 3.5.1
  local best <const> = d.distances[route.id] or { seqno = route.seqno, metric = full(d.distances, 0) and 0 or INFINITY }
  return newer(route.seqno, best.seqno) or route.seqno == best.seqno and value < best.metric end
local function update(d) -- a metric that is announced is the feasibility distance from then on (3.7.3)
  local r <const>, value <const> = d.selected or own, d.ae == 2 and metric(d.selected) or INFINITY
  if value < INFINITY and feasible(d, r, value) then d.distances[r.id] = { seqno = r.seqno, metric = value } end
  if value < INFINITY then d.distances[r.id].till = now() + SOURCE_GC end
  return tlv(ROUTER_ID, "", "I2i8", 0, r.id) .. tlv(UPDATE, d.bytes, "BBBBI2I2I2", d.ae, 0, d.plen, 0, TICKS, r.seqno, value)
end
local function reply(s, make, one, ...) if one and #s.reply < 1000 then s.reply = s.reply .. make(one, ...) end end
local function ask(d, n, number, hops, id) -- 3.8.2
  mcast.note "asks for a newer number"
  send(tlv(SEQNO_REQUEST, d.bytes, "BBI2BBi8", d.ae, d.plen, number & 0xffff, hops, 0, id), n.interface, n.from) end
local function select(d, best) -- 3.6: of the feasible routes, the one of the least metric
  for key, route in pairs(d.routes) do
    if now() > route.till or route.neighbour ~= (neighbours[key] or own) then d.routes[key] = nil
    elseif metric(route) < metric(best) and feasible(d, route, route.metric) then best = route end end
  local way <const> = best and ("%s metric %d seqno %d"):format(best.via, metric(best), best.seqno) or "no way"
  if way ~= (d.way or "no way") then print(d.name, way) mcast.note(d.name, way) end
  d.selected, d.way = best, way end
local function destination(ae, plen, bytes) -- that of a prefix, without the bits beyond its length
  if ae ~= 1 and ae ~= 2 or plen > 8 * SIZES[ae] or 8 * #bytes < plen then return end
  local last <const> = string.char((bytes:byte(plen // 8 + 1) or 0) & 0xff00 >> plen % 8 & 0xff)
  local all <const> = (bytes:sub(1, plen // 8) .. last .. ("\0"):rep(16)):sub(1, SIZES[ae])
  local name <const>, short <const> = wire.ntop(all) .. "/" .. plen, all:sub(1, (plen + 7) // 8)
  return destinations[name] or { name = name, ae = ae, plen = plen, all = all, bytes = short, routes = {}, distances = {} }
end
local on <const> = { -- by type: the format, and a function of the neighbour, the parser's state (4.5), bytes behind, and fields
  [ACK_REQUEST] = { ">xxI2", function(_, state, _, opaque) reply(state, tlv, ACK, "", "I2", opaque) end },
  [HELLO] = { ">I2I2I2", function(n, _, _, flags, number, interval) -- A.1
    local steps <const> = number - (n.number or number - 1) & 0xffff
    if flags & 0x8000 ~= 0 or interval == 0 or steps == 0 or steps > 0xffef then return end -- unicast, again or late
    if steps > 16 or not neighbours[n.key] and full(neighbours, 0) then neighbours[n.key] = nil return end -- it has rebooted
    neighbours[n.key], n.number, n.history, n.due = n, number, n.history << steps | 1, now() + 0.025 * interval
  end },
  [IHU] = { ">BxI2I2", function(n, _, rest, ae, txcost, interval)
    local size <const> = SIZES[ae] or 0
    if rest:sub(1, size) == n.interface.address:sub(-size) then n.txcost, n.till = txcost, now() + 0.035 * interval end end },
  [ROUTER_ID] = { ">xxi8", function(_, state, _, id) state.id = id end },
  [NEXT_HOP] = { ">Bx", function(_, state, rest, ae)
    state.hops[ae == 1 and 1 or 2] = wire.ntop((ae == 3 and "\xfe\x80\0\0\0\0\0\0" or "") .. rest:sub(1, SIZES[ae] or 0)) end },
  [UPDATE] = { ">BBBBI2I2I2", function(n, state, rest, ae, flags, plen, omitted, interval, number, value) -- 3.5.3
    if ae == 0 and value == INFINITY then neighbours[n.key] = nil end -- it retracts all
    local d <const> = omitted <= #(state[ae] or "") and destination(ae, plen, (state[ae] or ""):sub(1, omitted) .. rest)
    if not d then return end if flags & 0x80 ~= 0 then state[ae] = d.all end
    if flags & 0x40 ~= 0 then state.id = string.unpack(">i8", "\0\0\0\0" .. d.all, -8) end
    for kind in wire.each(">Bs1", rest, math.max(1, #d.bytes - omitted + 1)) do if kind > 127 then return end end -- 4.4
    local hop <const> = value < INFINITY and state.id and (state.hops[ae] or ae == 2 and n.from.host)
    d.routes[n.key] = hop and { neighbour = n, id = state.id, seqno = number, metric = value, till = now() + 0.035 * interval,
      via = ("via %s dev %s"):format(hop, n.from.interface) } or nil
    if hop and not full(destinations, 0) then destinations[d.name] = d end end },
  [ROUTE_REQUEST] = { ">BB", function(_, state, rest, ae, plen) reply(state, update, destination(ae, plen, rest)) end },
  [SEQNO_REQUEST] = { ">BBI2Bxi8", function(n, state, rest, ae, plen, number, hops, id) -- 3.8.1.2
    local d <const> = destination(ae, plen, rest) local route <const> = d and d.selected
    if route and (id ~= route.id or not newer(number, route.seqno)) then reply(state, update, d)
    elseif route == own then own.asked = true
    elseif route and hops > 1 and route.neighbour ~= n then ask(d, route.neighbour, number, hops - 1, id) end end },
}
for name in options.interface:gmatch "[^,]+" do
  local group <const> = assert(mcast.address("ff02::1:6%" .. name, PORT))
  interfaces[assert(sock:join(group))] = { group = group, number = math.random(0, 0xffff), address = "", ihus = "" } end
for prefix in options.announce:gmatch "[^,]+" do
  local host <const>, plen <const> = prefix:match "^(.*:.*)/(%d+)$"
  local d <const> = assert(host and destination(2, tonumber(plen), wire.pton(host) or ""), prefix .. ": no IPv6 prefix")
  destinations[d.name], d.routes.own = d, own end
loop:receive(sock, function(msg)
  local magic <const>, version <const>, body <const> = wire.unpack(">BBs2", msg.data)
  local from, key, interface, at, state = msg.from, tostring(msg.from), interfaces[msg.interface], 1, { hops = {}, reply = "" }
  if magic ~= 42 or version ~= 2 or not interface or from.port ~= PORT or not from.host:find "^fe80:" then return end
  if msg.own then interface.address = wire.pton(from.host) return end
  local n <const> = neighbours[key] or { key = key, from = from, interface = interface, history = 0, till = 0 }
  while at do
    local kind <const>, value <const>, after <const> = wire.unpack(">Bs1", body, body:match("^\0*()", at)) -- Pad1 is a lone 0
    local fields <const> = on[kind] and (kind == HELLO or neighbours[key]) and { wire.unpack(on[kind][1], value) } or {}
    local behind = table.remove(fields) if behind then on[kind][2](n, state, value:sub(behind), table.unpack(fields)) end
    at = after end
  if state.reply ~= "" then send(state.reply, interface, from) end -- all answers in one packet, as long as they fit
end)
loop:after(0, function() -- each Hello interval
  local updates = ""
  if own.asked then own.seqno, own.asked = own.seqno + 1 & 0xffff, false -- a file keeps it: older ones are unfeasible
    assert(assert(io.open(options.state, "w")):write(own.seqno, " ", own.id)):close() end
  for key, n in pairs(neighbours) do
    n.interface.ihus = n.interface.ihus .. tlv(IHU, wire.pton(n.from.host), "BBI2I2", 2, 0, RXCOST[n.history & 7], 3 * TICKS)
    if now() > n.due then neighbours[key] = nil end end
  for name, d in pairs(destinations) do
    select(d) if d.ae == 2 then updates = updates .. update(d) end
    for id, fd in pairs(d.distances) do -- where it is starved, all its routes are unfeasible (3.8.2.1)
      for _, r in pairs(d.selected and {} or d.routes) do if r.id == id then ask(d, r.neighbour, fd.seqno + 1, HOPS, id) end end
      if now() > fd.till then d.distances[id] = nil end end
    if not next(d.routes) and not next(d.distances) then destinations[name] = nil end end
  for _, interface in pairs(interfaces) do
    send(tlv(HELLO, "", "I2I2I2", 0, interface.number, TICKS) .. interface.ihus, interface) send(updates, interface)
    interface.number, interface.ihus = interface.number + 1 & 0xffff, "" end
  return HELLO_INTERVAL end)
loop:run()
