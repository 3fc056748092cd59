-- Multicast DNS (RFC 6762) with service discovery (RFC 6763): finds services, and announces one under a name of its own.
-- usage: lua5.4 mdns.lua browse _http._tcp | resolve "My service._http._tcp" | resolve name.local | host name
--        lua5.4 mdns.lua serve "My service" _http._tcp 8080 [--host name] [--text path=/]
-- options: [--interface I] [--group ff02::fb] [--duration S]: says goodbye after so many seconds, as on Ctrl-C
local mcast <const>, wire <const>, loop <const> = require "mcast", require "mcast.wire", require "mcast.loop".new()
local A <const>, PTR <const>, TXT <const>, AAAA <const>, SRV <const>, ANY <const> = 1, 12, 16, 28, 33, 255
local IN <const>, FLUSH <const>, QUERY <const>, RESPONSE <const> = 1, 0x8000, 0, 0x8400 -- RFC 6762, section 18
local words <const>, options <const> = {}, { interface = "", group = "224.0.0.251", duration = "", host = "mcast", text = "" }
for i, word in ipairs(arg) do
  local name <const> = arg[i - 1]:match "^%-%-(%l+)$"
  if name then options[name] = assert(options[name] and word, "unknown option: --" .. name)
  elseif not word:find "^%-%-%l" then words[#words + 1] = word end
end
local group <const> = assert(mcast.address(options.group, 5353))
local sock <close> = assert(mcast.socket { port = 5353, family = group.family, interface = options.interface, ttl = 255,
  metadata = true })
local interface <const> = assert(sock:join(group))

-- A name is kept as on the wire, but not compressed: labels, each after its length, the last one empty.
local function pack_name(...) return (("s1"):rep(select("#", ...)) .. "x"):pack(...) end
local function same(name, other) return name:lower() == other:lower() end

local function parse_name(text) -- the first label of a service may have dots: "Mr. X._http._tcp"
  local instance <const>, rest <const> = text:gsub("%.local%.?$", ""):match "^(.-)%.?(_[%w-]+%._%l+)$"
  local labels <const> = { instance ~= "" and instance or nil }
  for label in (rest or text:gsub("%.local%.?$", "")):gmatch "[^.]+" do labels[#labels + 1] = label end
  labels[#labels + 1] = "local"
  return pack_name(table.unpack(labels))
end

local function text_of(name)
  local labels <const> = {}
  for label in wire.each("s1", name) do labels[#labels + 1] = label end
  return (table.concat(labels, ".", 1, #labels - 1):gsub("\xc2[\x80-\x9f]", "?"):gsub("%c", "?")) -- nothing a terminal obeys
end

local function read_name(data, at) -- each pointer leads to a label before its own part: there is no circle
  local name, start, after = "", at, nil
  while true do
    local length <const> = data:byte(at) or 64
    if length >= 192 and at < #data then
      local target <const> = ((">I2"):unpack(data, at) & 0x3fff) + 1
      if target >= start or data:byte(target) > 63 then return nil end
      at, start, after = target, target, after or at + 2
    elseif length > 63 or at + length > #data or #name + length > 254 then
      return nil
    else
      name, at = name .. data:sub(at, at + length), at + length + 1
      if length == 0 then return name, after or at end
    end
  end
end

local function read(data) -- a list of all questions (section 1) and records (sections 2 to 4); empty where it is malformed
  local _, flags, questions <const>, answers <const>, authorities <const>, others <const> = wire.unpack(">I2I2I2I2I2I2", data)
  local list <const>, at, start, target, after = {}, 13
  if not others or flags & 0x780f ~= 0 then return {} end -- sections 18.3 and 18.11
  for section, count in ipairs { questions, answers, authorities, others } do
    for _ = 1, count do
      local record <const> = { section = section }
      record.name, start = read_name(data, at)
      record.kind, record.class, at = wire.unpack(">I2I2", data, start or #data + 1)
      if section > 1 and at then
        record.ttl, record.data, at = wire.unpack(">I4s2", data, at)
        local head <const> = at and (record.kind == PTR and 0 or record.kind == SRV and 6) -- a name follows, maybe compressed
        if head then target, after = read_name(data, start + 10 + head) end
        if head and after == at then record.data = record.data:sub(1, head) .. target elseif head then return {} end
      end
      if not at then return {} end
      list[#list + 1] = record
    end
  end
  return list, flags & 0x8000 ~= 0
end

local function send(flags, ...) -- lists of questions, answers, authorities and additional records
  local counts <const>, parts <const> = { 0, 0, 0, 0 }, {}
  for section, list in ipairs { ... } do
    counts[section] = #list
    for _, record in ipairs(list) do
      local class <const> = IN | (record.unique and flags == RESPONSE and FLUSH or 0)
      parts[#parts + 1] = record.name .. (section == 1 and (">I2I2"):pack(record.kind, IN)
        or (">I2I2I4s2"):pack(record.kind, class, record.ttl, record.data))
    end
  end
  local header <const> = (">I2I2I2I2I2I2"):pack(0, flags, table.unpack(counts))
  local sent <const>, message <const> = sock:sendto(header .. table.concat(parts), group)
  if not sent then print(message) end -- an interface may come back
end

-- A claim is a name that is to be ours, with its records: they are probed for, then announced and defended.
local claims <const>, conflicts <const>, pending, hear = {}, {}, {}, nil

local function held() -- the records of all names that we hold
  local list <const> = {}
  for _, claim in ipairs(claims) do
    table.move(claim.records, 1, claim.held and #claim.records or 0, #list + 1, list)
  end
  return list
end

local function answer() -- records that are asked for, and unique ones beside them; each at most once a second: section 6
  local answers <const>, others <const>, now <const> = {}, {}, mcast.now()
  for _, record in ipairs(held()) do
    if now - (record.sent or -1) >= 1 then
      table.insert(pending[record] and answers or record.unique and others or {}, record)
    end
  end
  pending = {}
  if #answers == 0 then return end
  for _, record in ipairs(answers) do record.sent = now end
  for _, record in ipairs(others) do record.sent = now end
  send(RESPONSE, {}, answers, {}, others)
end

local function want(record, delay) -- one timer for all answers, so a flood of queries costs nothing
  if not next(pending) then loop:after(delay, answer) end
  pending[record] = true
end

local probe

local function announce(claim) -- twice, a second apart: section 8.3
  claim.held = true
  mcast.note(claim.key, claim.label)
  print("announced: " .. text_of(claim.name))
  send(RESPONSE, {}, held())
  claim.timer = loop:after(1, function() send(RESPONSE, {}, held()) end)
  -- A service is probed for when its host has a name: before that, two hosts may propose the same record, which is no conflict.
  if claims[2] and not claims[2].timer then probe(claims[2], 0.25 * math.random()) end
end

function probe(claim, delay) -- three times, 250 ms apart: section 8.1
  local proposed <const>, probes = {}, 0
  for _, record in ipairs(claim.records) do proposed[#proposed + 1] = record.unique and record or nil end
  if claim.timer then claim.timer:cancel() end
  claim.held = false
  mcast.note(claim.key, "probing")
  claim.timer = loop:after(delay, function()
    probes = probes + 1
    if probes > 3 then return announce(claim) end
    send(QUERY, { { name = claim.name, kind = ANY } }, {}, proposed)
    return 0.25
  end)
end

local function describe() -- the records, by the names as they are now
  local host <const>, service <const> = claims[1], claims[2]
  host.name, host.records = pack_name(host.label, "local"), {}
  for _, address in ipairs(host.addresses) do
    local kind <const> = #address == 4 and A or AAAA
    table.insert(host.records, { name = host.name, kind = kind, ttl = 120, data = address, unique = true })
  end
  if not service then return end
  service.name = pack_name(service.label):sub(1, -2) .. service.type
  service.records = {
    { name = service.name, kind = SRV, ttl = 120, data = (">I2I2I2"):pack(0, 0, service.port) .. host.name, unique = true },
    { name = service.name, kind = TXT, ttl = 4500, data = service.text, unique = true },
    { name = service.type, kind = PTR, ttl = 4500, data = service.name },
    { name = parse_name "_services._dns-sd._udp", kind = PTR, ttl = 4500, data = service.type },
  }
end

local function lose(claim) -- to another host: a name that we hold is probed for again (section 9), else we choose another one
  conflicts[#conflicts + 1] = mcast.now()
  if #conflicts > 15 then table.remove(conflicts, 1) end
  if not claim.held then
    claim.tries = claim.tries + 1
    claim.label = claim.form:format(claim.base, claim.tries + 1)
    describe()
  end
  probe(claim, #conflicts == 15 and mcast.now() - conflicts[1] < 10 and 5 or 0.25 * math.random()) -- section 8.1
end

local function precedes(claim, list) -- do our records precede those of another host that probes? section 8.2
  local ours <const>, theirs <const> = {}, {}
  for _, record in ipairs(claim.records) do
    ours[#ours + 1] = record.unique and (">I2I2"):pack(IN, record.kind) .. record.data or nil
  end
  for _, record in ipairs(list) do
    if record.section == 3 and same(record.name, claim.name) then
      theirs[#theirs + 1] = (">I2I2"):pack(record.class & 0x7fff, record.kind) .. record.data
    end
  end
  table.sort(ours)
  table.sort(theirs)
  for i = 1, math.max(#ours, #theirs) do
    if ours[i] ~= theirs[i] then return (ours[i] or "") < (theirs[i] or "") end
  end
  return false
end

local function query(list)
  local known <const> = {}
  for _, record in ipairs(list) do
    if record.section == 2 then known[record.name .. record.kind .. record.data] = record.ttl end
  end
  for _, question in ipairs(list) do
    for _, claim in ipairs(question.section == 1 and claims or {}) do
      if same(question.name, claim.name) and not claim.held and precedes(claim, list) then probe(claim, 1) end
    end
    for _, record in ipairs(question.section == 1 and held() or {}) do
      if same(question.name, record.name) and (question.kind == record.kind or question.kind == ANY)
        and (known[record.name .. record.kind .. record.data] or 0) < record.ttl / 2 then
        want(record, record.unique and 0 or 0.02 + 0.1 * math.random())
      end
    end
  end
end

local function conflicting(claim, record)
  local other = not claim.held and same(record.name, claim.name)
  for _, own in ipairs(claim.records) do
    if own.kind == record.kind and same(own.name, record.name) then
      if own.data == record.data then return false end
      other = other or own.unique
    end
  end
  return other and record.ttl > 0
end

local function response(list)
  for _, claim in ipairs(claims) do
    for _, record in ipairs(list) do
      if record.section > 1 and conflicting(claim, record) then lose(claim) break end
    end
  end
  for _, record in ipairs(hear and list or {}) do if record.section > 1 then hear(record) end end
end

local commands <const> = {}

function commands.browse(kind)
  local name <const>, found <const>, count, wait = parse_name(kind), {}, 0, 0.5
  function hear(record)
    local entry <const> = found[record.data]
    if record.kind ~= PTR or not same(record.name, name) or not entry and (record.ttl == 0 or count == 1000) then return end
    if entry then entry.timer:cancel() else print("+ " .. text_of(record.data)) end
    count = count + (entry and 0 or 1)
    local timer <const> = loop:after(math.max(record.ttl, 1), function()
      found[record.data], count = nil, count - 1
      print("- " .. text_of(record.data))
    end)
    found[record.data] = { ttl = record.ttl, till = mcast.now() + record.ttl, timer = timer }
  end
  loop:after(0.02 + 0.1 * math.random(), function() -- again after 1, 2, 4 ... s: section 5.2
    local known <const> = {}
    for data, entry in pairs(found) do
      local left <const> = math.floor(entry.till - mcast.now())
      if left > entry.ttl / 2 and #known < 20 then known[#known + 1] = { name = name, kind = PTR, ttl = left, data = data } end
    end
    send(QUERY, { { name = name, kind = PTR } }, known)
    wait = math.min(2 * wait, 3600)
    return wait
  end)
end

function commands.resolve(text)
  local name <const>, service <const> = parse_name(text), text:find "_%l+%.?%l*%.?$"
  local target, port, info, address, wait = not service and name, "", not service and "", nil, 0.5
  function hear(record)
    if record.kind == SRV and same(record.name, name) and not target then
      target, port = record.data:sub(7), (">I2"):unpack(record.data, 5)
    elseif record.kind == TXT and same(record.name, name) then
      info = ""
      for item in wire.each("s1", record.data) do info = info .. " " .. item end
    elseif (record.kind == A or record.kind == AAAA) and target and same(record.name, target) then
      address = wire.ntop(record.data)
    end
    if target and info and address then
      print(text_of(target), address, port, text_of(pack_name(info)))
      loop:stop()
    end
  end
  loop:after(0.02 + 0.1 * math.random(), function()
    local kinds = target and { A, AAAA } or { SRV, TXT }
    local questions = {}
    for i, kind in ipairs(kinds) do questions[i] = { name = target or name, kind = kind } end
    send(QUERY, questions)
    wait = 2 * wait
    return wait
  end)
end

function commands.host(name)
  local addresses <const> = {}
  for _, i in ipairs(assert(mcast.interfaces())) do
    for _, address in ipairs(i.name == interface and i.addresses or {}) do
      addresses[#addresses + 1] = wire.pton(address)
    end
  end
  claims[1] = { key = "host", base = name, label = name, form = "%s-%d", tries = 0, addresses = addresses }
  describe()
  probe(claims[1], 0.25 * math.random())
end

function commands.serve(name, kind, port)
  claims[2] = { key = "service", base = name, label = name, form = "%s (%d)", tries = 0, type = parse_name(kind), port = port,
    text = ("s1"):pack(options.text) }
  commands.host(options.host)
end

local _ <close> = setmetatable({}, { __close = function()
  local records <const> = held()
  for _, record in ipairs(records) do record.ttl = 0 end
  if #records > 0 then send(RESPONSE, {}, records) end
end })

loop:receive(sock, function(msg)
  if msg.own or msg.from.port ~= 5353 or msg.group ~= group.host then return end -- section 11
  local list <const>, isresponse <const> = read(msg.data);
  (isresponse and response or query)(list)
end)
io.stdout:setvbuf "line"
commands[words[1]](table.unpack(words, 2))
loop:run(tonumber(options.duration))
