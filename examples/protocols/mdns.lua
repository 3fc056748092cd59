-- Multicast DNS (RFC 6762) with service discovery (RFC 6763): finds services and hosts, and announces one under its own name.
-- usage: lua5.4 mdns.lua browse _http._tcp | resolve "My service._http._tcp" | resolve name.local | host name
--        lua5.4 mdns.lua serve "My service" _http._tcp 8080 [--host name] [--text path=/]
-- options: [--interface I] [--group ff02::fb] [--duration S]: says goodbye after so many seconds, as on Ctrl-C
local mcast <const>, wire <const> = require "mcast", require "mcast.wire"
local folder <const> = (arg[0]:match "^.*/" or "") .. "mdns/"
local dns <const>, loop <const> = dofile(folder .. "dns.lua"), require "mcast.loop".new()
local PORT <const>, TTL <const>, HOST_TTL <const>, OTHER_TTL <const> = 5353, 255, 120, 4500 -- sections 5, 11 and 10

local words <const>, options <const> = {}, { interface = "", group = "224.0.0.251", duration = "", host = "mcast", text = "" }
for i, word in ipairs(arg) do
  local name <const> = arg[i - 1]:match "^%-%-(%l+)$"
  if name then
    options[name] = assert(options[name] and word, "unknown option --" .. name)
  elseif not word:find "^%-%-%l" then
    words[#words + 1] = word
  end
end
local group <const> = assert(mcast.address(options.group, PORT))
local sock <close> = assert(mcast.socket { port = PORT, family = group.family, interface = options.interface, ttl = TTL,
  metadata = true })
local interface <const> = assert(sock:join(group))

local last -- the message that we sent last: a copy of it comes back
local function send(...)
  last = dns.pack(...)
  local sent <const>, message <const> = sock:sendto(last, group)
  if not sent then print(message) end -- an interface may come back
end

local claims <const> = {} -- of names: first that of a host, then that of a service on it
local questions <const> = dofile(folder .. "questions.lua")(loop, dns, send)
local answers <const> = dofile(folder .. "answers.lua")(loop, dns, send, claims)
local names <const> = dofile(folder .. "names.lua")(loop, dns, send, claims, answers.announce)

local host_name -- in the records of a service
local function host_records(label)
  local records <const> = {}
  host_name = dns.name(label, "local")
  for _, one in ipairs(assert(mcast.interfaces())) do
    for _, text in ipairs(one.name == interface and one.addresses or {}) do
      local address <const> = wire.pton(text) -- nil for one with a zone, of the link alone
      local kind <const> = address and (#address == 4 and dns.A or dns.AAAA)
      records[#records + 1] = address and dns.record(host_name, kind, HOST_TTL, address, true)
    end
  end
  return host_name, records
end

local function service_records(label)
  local type <const>, enumerated <const> = dns.parse(words[3]), dns.parse "_services._dns-sd._udp" -- RFC 6763, section 9
  local name <const> = dns.name(label):sub(1, -2) .. type
  return name, {
    dns.record(name, dns.SRV, HOST_TTL, (">I2I2I2"):pack(0, 0, words[4]) .. host_name, true),
    dns.record(name, dns.TXT, OTHER_TTL, ("s1"):pack(options.text), true),
    dns.record(type, dns.PTR, OTHER_TTL, name),
    dns.record(enumerated, dns.PTR, OTHER_TTL, type),
  }
end

local commands <const> = { browse = questions.browse, resolve = questions.resolve }

function commands.host(label, ...)
  names.claim { { key = "host", label = label, form = "%s-%d", build = host_records }, ... }
end

function commands.serve(label)
  commands.host(options.host, { key = "service", label = label, form = "%s (%d)", build = service_records })
end

local _ <close> = setmetatable({}, { __close = answers.goodbye })
loop:receive(sock, function(msg)
  local isvalid <const> = msg.from.port == PORT and msg.group == group.host -- section 11
  if not isvalid or msg.own and msg.data == last then return end
  local list <const>, isresponse <const> = dns.read(msg.data)
  if isresponse then
    names.response(list)
    for _, record in ipairs(list) do
      if record.section > 1 then questions.hear(record) end
    end
  else
    names.query(list)
    answers.query(list)
  end
end)
io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
assert(commands[words[1]], "commands: browse, resolve, host, serve")(words[2])
loop:run(tonumber(options.duration) or words[1] == "resolve" and 5 or nil)
