-- Multicast DNS (RFC 6762) and service discovery (RFC 6763): finds services and hosts, or announces one under its own name.
-- usage: lua5.4 mdns.lua browse _http._tcp | resolve desk._http._tcp | resolve desk.local | host desk
--        | serve desk _http._tcp 8080 [--text path=/], all with [--interface I] [--group ff02::fb] [--duration S]
local mcast <const>, wire <const>, loop <const> = require "mcast", require "mcast.wire", require "mcast.loop".new()
local A, PTR, TXT, AAAA, SRV, ANY, IN, FLUSH, QUERY, RESPONSE = 1, 12, 16, 28, 33, 255, 1, 0x8000, 0, 0x8400 -- 18, 10.2
local HEADER <const>, QUESTION <const>, RECORD <const> = ">I2I2I2I2I2I2", ">I2I2", ">I2I2I4s2" -- RFC 1035, section 4.1
local PROBES, STEPS, PROBE_PAUSE, ANNOUNCE_PAUSE, PAUSE, DEFER, CONFLICTS, SLOW = 3, 5, 0.25, 1.1, 1, 1, 15, 5 -- 8.1 to 8.3, 6
local BEFORE_NAME <const>, HOST_TTL <const>, OTHER_TTL <const>, MOST <const> = { [PTR] = 0, [SRV] = 6 }, 120, 4500, 1000 -- 10
local options <const> = { interface = "", group = "224.0.0.251", text = "", duration = arg[1] == "resolve" and 5 or 1e9 }
for i = arg[2] and ({ browse = 3, resolve = 3, host = 3, serve = 5 })[arg[1]] or error "usage: see its first lines", #arg, 2 do
  options[arg[i]:sub(3)] = assert(options[arg[i]:sub(3)] and arg[i + 1], "unknown option " .. arg[i]) end
local group <const>, now <const>, random <const> = assert(mcast.address(options.group, 5353)), mcast.now, math.random
local sock <close> = assert(mcast.socket { port = 5353, family = group.family, interface = options.interface, metadata = true })
local interface <const>, _ = assert(sock:join(group)), assert(sock:setoption("ttl", 255)) -- 11
local function entry(section, name, kind, class, ttl, data) -- a question, or a record with ttl and data; names as on the wire
  local key <const>, rank <const> = name:lower(), QUESTION:pack(class & ~FLUSH, kind) .. (data or "") -- rank: 8.2
  return { section = section, name = name, kind = kind, class = class, ttl = ttl, data = data, rank = rank, key = key,
    any = key .. QUESTION:pack(IN, ANY), set = key .. rank:sub(1, 4), id = key .. rank } end
local function parse(text) -- the first label of a service may have dots: "Mr. X._http._tcp"
  local first <const>, rest <const> = text:match "^(.+)%.(_[%w-]+%._%l+)"
  local name = first and ("s1"):pack(first) or ""
  for label in (rest or text:gsub("%.local$", "")):gmatch "[^.]+" do name = name .. ("s1"):pack(label) end
  return (assert(wire.name(name .. "\5local\0"), "labels of at most 63 bytes expected")) end
local function show(name, mark) -- its labels, or the strings of a text, without characters that a terminal obeys
  local list <const> = {} for one in wire.each("s1", name) do list[#list + 1] = one ~= "" and one or nil end
  return (table.concat(list, mark):gsub("\xc2[\x80-\x9f]", "?"):gsub("%c", "?")) end
local function read(data) -- questions (section 1) and records (2 to 4), none where they are malformed; is it a response?
  local _, flags <const>, questions <const>, answers <const>, authorities <const>, others = wire.unpack(HEADER, data)
  local list <const>, at, isdns <const> = {}, 13, others and flags & 0x780f == 0 and #data <= 9000 -- 18.3, 17
  for section, count in ipairs(isdns and { questions, answers, authorities, others } or {}) do
    for _ = 1, count do
      local name <const>, place <const> = wire.name(data, at)
      local kind <const>, class <const>, ttl, value, stop = wire.unpack(section == 1 and QUESTION or RECORD, data, place or at)
      if section == 1 then ttl, stop = nil, ttl end
      local before <const> = name and value and BEFORE_NAME[kind]
      local target <const>, target_stop <const> = wire.name(data, before and place + 10 + before or at)
      if not name or not stop or before and target_stop ~= stop then return {} end
      list[#list + 1], at = entry(section, name, kind, class, ttl, before and value:sub(1, before) .. target or value), stop
  end end
  return list, isdns and flags & 0x8000 ~= 0 end
local function send(flags, list) -- entries in the order of their sections; an interface that is down loses it
  local counts <const>, parts <const> = { 0, 0, 0, 0 }, {} for i, one in ipairs(list) do
    counts[one.section] = counts[one.section] + 1
    parts[i] = one.name .. (one.ttl and RECORD or QUESTION):pack(one.kind, one.class, one.ttl, one.data) end
  sock:sendto(HEADER:pack(0, flags, table.unpack(counts)) .. table.concat(parts), group) end
local records, probes, unique, held, conflicts, timer = {}, {}, {}, false, 0, nil -- ours; probes propose them
local function choose(label)
  local host <const>, service <const> = parse(label), arg[1] == "serve" and parse(label .. "." .. arg[3])
  records, probes, unique = {}, { entry(1, host, ANY, IN), service and entry(1, service, ANY, IN) or nil }, {}
  local function add(name, kind, ttl, data)
    local own <const> = entry(2, name, kind, IN | FLUSH, ttl, data)
    records[#records + 1], probes[#probes + 1] = own, entry(3, name, kind, IN, ttl, data)
    unique[own.key], unique[own.set], unique[own.id] = true, true, true end
  if service then
    add(service, SRV, HOST_TTL, (">I2I2I2"):pack(0, 0, arg[4]) .. host) add(service, TXT, OTHER_TTL, ("s1"):pack(options.text))
    records[#records + 1] = entry(2, parse(arg[3]), PTR, IN, OTHER_TTL, service) end
  for _, one in ipairs(assert(mcast.interfaces())) do
    for _, text in ipairs(one.name == interface and one.addresses or {}) do -- one with a zone has no bytes
      local bytes <const> = wire.pton(text) if bytes then add(host, #bytes == 4 and A or AAAA, HOST_TTL, bytes) end end end end
local function publish(iswanted, pause) -- no record that was sent just now: a flood is not answered
  local due <const> = {} for _, own in ipairs(held and records or {}) do
    if iswanted(own) and now() - (own.sent or -PAUSE) >= pause then due[#due + 1], own.sent = own, now() end end
  if #due > 0 then send(RESPONSE, due) end end
local function probe(delay)
  local steps, name <const> = 0, show(probes[1].name, ".")
  held = false if timer then timer:cancel() end mcast.note("name", "probing")
  timer = loop:after(delay, function()
    steps = steps + 1 if steps <= PROBES then send(QUERY, probes) return PROBE_PAUSE end
    if not held then held = true mcast.note("name", name) print("announced: " .. name) end
    publish(function() return true end, PAUSE)
    return steps < STEPS and ANNOUNCE_PAUSE or nil end) end
local function proposals(list, key) -- of a name, in the order of 8.2
  local ranks <const> = {}
  for _, one in ipairs(list) do ranks[#ranks + 1] = one.section == 3 and one.key == key and one.rank or nil end
  table.sort(ranks) return table.concat(ranks) end
local function answer(list)
  local said <const>, pause = {}, PAUSE for _, one in ipairs(list) do
    if one.section == 3 then pause = PROBE_PAUSE end
    if one.section < 3 then said[one.id] = one.ttl or 0 end end
  for _, name in ipairs(held and {} or probes) do -- of two hosts that probe for a name, one waits
    if name.section == 1 and proposals(list, name.key) > proposals(probes, name.key) then
      mcast.note "defers" return probe(DEFER + PROBE_PAUSE * random()) end end
  local function isasked(own) return (said[own.set] or said[own.any]) and (said[own.id] or 0) < own.ttl / 2 end -- 7.1
  publish(function(own) return own.class ~= IN and isasked(own) end, pause)
  loop:after(0.02 + 0.1 * random(), function() publish(isasked, PAUSE) end) end -- 6: others may answer the rest, too
local hear <const>, found <const>, count, wait, port, text, addresses = {}, {}, 0, 0.5, "", not arg[2]:find "_%w" and "", {}
local questions <const> = { entry(1, parse(arg[2]), arg[1] == "browse" and PTR or ANY, IN) }
local function ask() -- soon, and again after 1, 2, 4 ... seconds: 5.2
  local list <const> = { table.unpack(questions) } for _, one in pairs(found) do
    local left <const> = math.floor(one.till - now())
    if left > one.ttl / 2 and #list < 20 then list[#list + 1] = entry(2, one.name, PTR, IN, left, one.data) end end
  send(QUERY, list) wait = math.min(2 * wait, 3600) return wait end
function hear.browse(record)
  local old <const> = found[record.id]
  if record.set ~= questions[1].set or not old and (record.ttl == 0 or count == MOST) then return end
  if old then old.timer:cancel() else count = count + 1 print("+ " .. show(record.data, ".")) end
  found[record.id], record.till = record, now() + record.ttl
  record.timer = loop:after(math.max(record.ttl, 1), function() -- a goodbye counts a second later: 10.1
    found[record.id], count = nil, count - 1 print("- " .. show(record.data, ".")) end) end
function hear.resolve(record)
  local isservice <const>, host <const> = record.key == questions[1].key, questions[#questions]
  if record.kind == SRV and isservice then
    port, questions[2] = " " .. (">I2"):unpack(record.data, 5), entry(1, record.data:sub(7), ANY, IN)
  elseif record.kind == TXT and isservice then text = " " .. show(record.data, " ")
  elseif text and (record.kind == A or record.kind == AAAA) and record.key == host.key and wire.ntop(record.data) then
    addresses[#addresses + 1] = wire.ntop(record.data)
    loop:after(0, function() -- after the other addresses in the same message
      print(show(host.name, ".") .. " " .. table.concat(addresses, " ") .. port .. text) loop:stop() end) end end
loop:receive(sock, function(msg)
  local list <const>, isresponse <const> = read(msg.from.port == 5353 and msg.group == group.host and msg.data or "") -- 6, 11
  if not isresponse then return answer(list) end
  for _, record in ipairs(list) do
    if record.ttl and hear[arg[1]] then hear[arg[1]](record) end
    if (record.ttl or 0) > 0 and not unique[record.id] and (unique[record.set] or not held and unique[record.key]) then
      mcast.note "conflict" conflicts = math.min(conflicts + 1, 30)
      if not held then choose(("%s-%d"):format(arg[2]:sub(1, 52), random((1 << conflicts - 1) + 1, 1 << conflicts))) end
      return probe(conflicts > CONFLICTS and SLOW or PROBE_PAUSE * random()) end end end)
if hear[arg[1]] then loop:after(0.02 + 0.1 * random(), ask) else choose(arg[2]) probe(PROBE_PAUSE * random()) end
local _ <close> = setmetatable({}, { __close = function() publish(function(own) own.ttl = 0 return true end, 0) end }) -- 10.1
io.stdout:setvbuf "line" loop:run(assert(tonumber(options.duration), "--duration: seconds expected"))
