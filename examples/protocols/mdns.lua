-- Multicast DNS (RFC 6762) with service discovery (RFC 6763): finds services and hosts, and announces one under its own name.
-- usage: lua5.4 mdns.lua browse _http._tcp | resolve "My service._http._tcp" | resolve name.local | host name
--        lua5.4 mdns.lua serve "My service" _http._tcp 8080 [--host name] [--text path=/]
-- options: [--interface I] [--group ff02::fb] [--duration S]: says goodbye after so many seconds, as on Ctrl-C
local mcast <const>, wire <const> = require "mcast", require "mcast.wire"
local folder <const> = (arg[0]:match "^.*/" or "") .. "mdns/"
local dns <const>, loop <const> = dofile(folder .. "dns.lua"), require "mcast.loop".new()
local HOST_TTL <const>, OTHER_TTL <const> = 120, 4500 -- seconds: RFC 6762, section 10
local MOST_FOUND <const>, MOST_KNOWN <const> = 1000, 20 -- services that are remembered, and known answers in a query

local words <const>, options <const> = {}, { interface = "", group = "224.0.0.251", duration = "", host = "mcast", text = "" }
for i, word in ipairs(arg) do
  local name <const> = arg[i - 1]:match "^%-%-(%l+)$"
  if name then
    options[name] = assert(options[name] and word, "unknown option --" .. name)
  elseif not word:find "^%-%-%l" then
    words[#words + 1] = word
  end
end
local group <const> = assert(mcast.address(options.group, 5353))
local sock <close> = assert(mcast.socket { port = 5353, family = group.family, interface = options.interface, ttl = 255,
  metadata = true })
local interface <const> = assert(sock:join(group))

local last -- the message that we sent last: a copy of it comes back
local function send(...)
  last = dns.pack(...)
  local sent <const>, message <const> = sock:sendto(last, group)
  if not sent then print(message) end -- an interface may come back
end

local responder <const> = dofile(folder .. "responder.lua")(loop, dns, send)
local commands <const>, hear = {}, function() end

-- Asks at once, and again after 1, 2, 4 ... seconds: section 5.2.
local function ask(questions)
  local wait = 0.5
  loop:after(0.02 + 0.1 * math.random(), function()
    send(dns.QUERY, questions())
    wait = math.min(2 * wait, 3600)
    return wait
  end)
end

function commands.browse(kind)
  local name <const>, found <const>, count = dns.parse(kind), {}, 0
  function hear(record)
    local entry <const> = found[record.data]
    if record.kind ~= dns.PTR or record.key ~= name:lower() then
      return
    elseif not entry and (record.ttl == 0 or count == MOST_FOUND) then
      return
    elseif entry then
      entry.timer:cancel()
    else
      count = count + 1
      print("+ " .. dns.text(record.data))
    end
    local timer <const> = loop:after(math.max(record.ttl, 1), function() -- a goodbye counts after a second: section 10.1
      found[record.data], count = nil, count - 1
      print("- " .. dns.text(record.data))
    end)
    found[record.data] = { ttl = record.ttl, till = mcast.now() + record.ttl, timer = timer }
  end
  ask(function()
    local known <const> = {} -- they need no answer: section 7.1
    for data, entry in pairs(found) do
      local left <const> = math.floor(entry.till - mcast.now())
      if left > entry.ttl / 2 and #known < MOST_KNOWN then known[#known + 1] = dns.record(name, dns.PTR, left, data) end
    end
    return { { name = name, kind = dns.PTR } }, known
  end)
end

function commands.resolve(text)
  local name <const>, isservice <const> = dns.parse(text), text:find "%._%l+%f[.\0]"
  local target, port, info, addresses = not isservice and name, "", not isservice and "", {}
  function hear(record)
    if record.key == name:lower() and record.kind == dns.SRV then
      port, target = (">I2"):unpack(record.data, 5), record.data:sub(7)
    elseif record.key == name:lower() and record.kind == dns.TXT then
      info = ""
      for item in wire.each("s1", record.data) do info = info .. " " .. item end
    elseif target and record.key == target:lower() and (record.kind == dns.A or record.kind == dns.AAAA) and #addresses < 9 then
      addresses[#addresses + 1] = wire.ntop(record.data)
      loop:after(0, function() if info and loop.running then
        print(dns.text(target) .. " " .. table.concat(addresses, " ") .. " " .. port .. dns.printable(info))
        loop:stop()
      end end)
    end
  end
  ask(function()
    local kinds <const> = target and info and { dns.A, dns.AAAA } or { dns.SRV, dns.TXT }
    return { { name = target or name, kind = kinds[1] }, { name = target or name, kind = kinds[2] } }
  end)
end

-- Claims the name of a host, and then that of a service on it.
local function claim(host, service, type, port)
  local addresses <const> = {}
  for _, one in ipairs(assert(mcast.interfaces())) do
    for _, address in ipairs(one.name == interface and one.addresses or {}) do
      addresses[#addresses + 1] = wire.pton(address) -- nil for one with a zone, of the link alone
    end
  end
  local host_name
  responder.claim { { key = "host", label = host, form = "%s-%d", build = function(label)
    local records <const> = {}
    host_name = dns.name(label, "local")
    for i, address in ipairs(addresses) do
      records[i] = dns.record(host_name, #address == 4 and dns.A or dns.AAAA, HOST_TTL, address, true)
    end
    return host_name, records
  end }, service and { key = "service", label = service, form = "%s (%d)", build = function(label)
    local name <const> = dns.name(label):sub(1, -2) .. dns.parse(type)
    return name, {
      dns.record(name, dns.SRV, HOST_TTL, (">I2I2I2"):pack(0, 0, port) .. host_name, true),
      dns.record(name, dns.TXT, OTHER_TTL, ("s1"):pack(options.text), true),
      dns.record(dns.parse(type), dns.PTR, OTHER_TTL, name),
      dns.record(dns.parse "_services._dns-sd._udp", dns.PTR, OTHER_TTL, dns.parse(type)), -- RFC 6763, section 9
    }
  end } or nil }
end

function commands.host(name) claim(name) end
function commands.serve(name, type, port) claim(options.host, name, type, port) end

local _ <close> = setmetatable({}, { __close = responder.goodbye })
loop:receive(sock, function(msg)
  local isours <const> = msg.from.port == 5353 and msg.group == group.host -- section 11
  if not isours or msg.own and msg.data == last then return end
  local list <const>, isresponse <const> = dns.read(msg.data)
  if not isresponse then return responder.query(list) end
  responder.response(list)
  for _, record in ipairs(list) do
    if record.section > 1 then hear(record) end
  end
end)
io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
assert(commands[words[1]], "no such command: browse, resolve, host, serve")(table.unpack(words, 2))
loop:run(tonumber(options.duration) or words[1] == "resolve" and 5 or nil)
