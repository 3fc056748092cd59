-- Random programs: a list of lines, { host, text }, from a seed alone.
local program = {}

local function pick(list)
  return list[math.random(#list)]
end

local function chance(percent)
  return math.random(100) <= percent
end

local function quoted(text)
  return ("%q"):format(text)
end

local families <const> = {
  inet = {
    groups = { "239.1.1.1", "239.1.1.1", "239.1.1.2", "232.1.1.1", "224.0.0.1", "224.0.0.251" },
    others = { "10.0.0.9", "10.9.9.9", "192.0.2.1", "255.255.255.255" },
    own = { { "127.0.0.1", "127.0.0.5", "10.0.0.1", "10.0.0.77", "172.16.0.1", "0.0.0.0" },
      { "127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "0.0.0.0" } },
  },
  inet6 = {
    groups = { "ff15::1", "ff15::1", "ff05::2", "ff35::1", "ff02::1", "ff02::1%eth0", "ff02::5%eth0", "ff02::5%lo",
      "ff01::3", "ff02::5" },
    others = { "fd00::9", "fe80::9%eth0", "fe80::9" },
    own = { { "::1", "fd00::1", "fd00::77", "fd00:0:0:1::1", "fe80::1%eth0", "fe80::1", "fe80::2%eth1", "fe80::1%eth1",
      "fe80::1%lo", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1" },
      { "::1", "fd00::1", "fd00::2", "fd00::3", "fe80::1%eth0", "fe80::2%eth0", "::", "::ffff:127.0.0.1" } },
  },
}
local wrong <const> = { '""', '"x"', '"1.2.3"', '"256.1.1.1"', '"ff02::1%eth9"', '"::1%"', "5", "true", "{}", '"fe80::1%2"',
  '"239.1.1.1:5000"', '"[ff15::1]:5000"', '"224.0.0.0/4"' }
local ports <const> = { 5000, 5000, 5000, 5001, 5002 }
local wrongports <const> = { "0", "65536", "-1", '"5000"', "5000.5", "5000.0", "nil" }
local sizes <const> = { 0, 1, 5, 100, 100, 200, 1000, 1452, 1453, 1472, 1473, 3000, 8000, 20000, 65507, 65508, 65527, 65528 }
local interfaces <const> = { '"eth0"', '"eth0"', '"lo"', '"eth1"', "1", "2", "3", "9", '"eth9"', '""', '"10.0.0.1"',
  '"fd00::1"', '"172.16.0.1"', '"127.0.0.1"', '"10.0.0.77"', '"fe80::1%eth0"', "0", "true", '"192.0.2.1"' }

local Program <const> = {}
Program.__index = Program

function Program:line(text, ...)
  self.lines[#self.lines + 1] = { host = self.host, text = text:format(...) }
end

-- The number of a socket; most often one that exists, on the host of the next line.
function Program:socket()
  local own <const> = self.sockets[self.host]
  return #own > 0 and chance(98) and pick(own) or 4
end

function Program:family(number)
  return families[self.familyof[self.host .. "." .. number] or chance(60) and "inet" or "inet6"]
end

function Program:hosttext(family, kinds)
  if chance(3) then return pick(wrong) end
  local kind = pick(kinds)
  if kind == "others" and self.hosts > 1 then kind = "own" end -- Linux would look for such a neighbour
  return quoted(pick(kind == "own" and family.own[self.hosts > 1 and 2 or 1] or family[kind]))
end

function Program:grouptext(family)
  return self:hosttext(family, chance(97) and { "groups" } or { "own" })
end

function Program:destination(family)
  local to <const> = self:hosttext(family, { "groups", "groups", "groups", "own", "own", "own", "others" })
  return ("%s, %s"):format(to, chance(97) and pick(ports) or pick(wrongports))
end

local booleans <const> = { "true", "false", "true", "false", "true", "false", "nil", "1", '"yes"' }
local values <const> = {
  interface = interfaces, device = { '"eth0"', '"eth1"', '"lo"', '""', '"eth9"', "2", "true" },
  ttl = { "0", "1", "2", "255", "256", "-1", "1.5", '"1"', "1.0" }, unicast_ttl = { "1", "64", "255", "0", "256" },
  loopback = booleans, all = booleans, broadcast = booleans, fragment = booleans, reuseaddr = booleans, reuseport = booleans, v6only = booleans, metadata = booleans,
  rcvbuf = { "1", "1000", "4096", "20000", "65536", "100000", "0", "-1", '"big"', "1 << 40" },
  sndbuf = { "1", "2000", "4096", "20000", "100000", "0" }, dscp = { "0", "46", "63", "64", "-1" },
  spin = { "0", "0.001", "-1", '"x"' }, family = { '"inet"', '"inet6"', '"ipx"', "4" }, tll = { "1" },
}
local settable <const> = { "interface", "interface", "device", "ttl", "unicast_ttl", "loopback", "all", "broadcast", "fragment", "reuseaddr",
  "reuseport", "v6only", "rcvbuf", "sndbuf", "dscp", "spin", "metadata", "tll" }

local function sizetext()
  return chance(75) and pick(sizes) or math.random(0, chance(50) and 2000 or 65508)
end

local function optiontext(name)
  local list <const> = values[name]
  return chance(85) and list[math.random(math.min(#list, 6))] or pick(list)
end

-- Keeps an option rare that few programs survive.
local rare <const> = { tll = true, spin = true, family = true }

function Program:newsocket()
  local number <const>, family <const> = math.random(4), chance(55) and "inet" or "inet6"
  local options <const> = { family == "inet6" and 'family = "inet6"' or nil }
  if chance(70) then options[#options + 1] = "port = " .. (chance(97) and pick(ports) or pick(wrongports)) end
  if chance(25) then options[#options + 1] = "host = " .. self:hosttext(families[family], { "own", "own", "groups" }) end
  if chance(50) then options[#options + 1] = "metadata = true" end
  if family == "inet6" and chance(30) then options[#options + 1] = "v6only = false" end
  for _ = 1, math.random(0, 2) do
    local name <const> = pick(settable)
    local often <const> = not rare[name] or chance(10)
    if often and (name ~= "reuseport" or not self.sharing[self.host]) then -- not two: see docs/differences.md
      options[#options + 1] = name .. " = " .. optiontext(name)
      self.sharing[self.host] = self.sharing[self.host] or name == "reuseport"
    end
  end
  self:line("(function() local s, m, e = mcast.socket { %s } if S[%d] then S[%d]:close() end S[%d] = s return s, m, e end)()",
    table.concat(options, ", "), number, number, number)
  self.familyof[self.host .. "." .. number] = family
  table.insert(self.sockets[self.host], number)
end

local function interfaceoption()
  return "interface = " .. (chance(90) and interfaces[math.random(4)] or pick(interfaces))
end

local actions <const> = {}

function actions.join(self, s, family)
  local options <const> = {}
  if chance(50) then options[1] = interfaceoption() end
  if chance(30) then options[#options + 1] = "source = " .. self:hosttext(family, { "own", "own", "others", "groups" }) end
  self:line("S[%d]:%s(%s%s)", s, pick { "join", "join", "join", "join", "leave" }, self:grouptext(family),
    #options > 0 and ", { " .. table.concat(options, ", ") .. " }" or "")
end

function actions.block(self, s, family)
  self:line("S[%d]:%s(%s, %s%s)", s, pick { "block", "block", "unblock" }, self:grouptext(family),
    self:hosttext(family, { "own", "others" }), chance(30) and ", { " .. interfaceoption() .. " }" or "")
end

function actions.filter(self, s, family)
  local sources <const> = {}
  for i = 1, math.random(0, chance(95) and 3 or 70) do
    sources[i] = i <= 3 and self:hosttext(family, { "own", "others" })
      or quoted(family == families.inet and "10.1.1." .. i or "fd09::" .. i)
  end
  self:line("S[%d]:filter(%s, %s, { %s }%s)", s, self:grouptext(family), pick { '"include"', '"exclude"' },
    table.concat(sources, ", "), chance(40) and ", { " .. interfaceoption() .. " }" or "")
end

-- A number of 1 to n, of a stream of its own: it leaves all else in a seed's program as it was.
function Program:own(n)
  self.state = (self.state * 1103515245 + 12345) & 0x7fffffff
  return (self.state >> 12) % n + 1
end

local ttls <const>, timeouts <const> = { "1", "9", "255", "0", "256", '"x"' }, { "0", "1", "-1", "0/0", "true" }

-- The table of a send, or nothing.
function Program:choice(family)
  if self:own(100) > 40 then return "" end
  local options <const> = {}
  local function add(percent, name, list, usual)
    if self:own(100) > percent then return end
    local value <const> = list[self:own(self:own(100) <= 90 and usual or #list)]
    options[#options + 1] = ("%s = %s"):format(name, value)
  end
  local sources <const> = {}
  for i, text in ipairs(family.own[self.hosts > 1 and 2 or 1]) do sources[i] = quoted(text) end
  for _, text in ipairs { family.others[1], family.groups[1], "x" } do sources[#sources + 1] = quoted(text) end
  add(50, "interface", interfaces, 4)
  add(40, "source", sources, #sources - 3)
  if #options < 2 then -- one wrong value at most: a table has no order
    add(30, "ttl", ttls, 3)
    add(20, "timeout", timeouts, 2)
  end
  return (", { %s }"):format(table.concat(options, ", "))
end

function actions.send(self, s, family)
  self.count = self.count + 1
  local data <const> = chance(70) and quoted("d" .. self.count) or ('("%d"):rep(%d)'):format(self.count % 10, sizetext())
  self:line("S[%d]:sendto(%s, %s%s)", s, data, self:destination(family), self:choice(family))
end

function actions.sendmany(self, s, family)
  self:line('S[%d]:sendmany({ "a", ("b"):rep(%d), ("c"):rep(%d) }, %s%s)', s, sizetext(), sizetext(),
    self:destination(family), self:choice(family))
end

function actions.set(self, s)
  local name <const> = pick(settable)
  if name == "reuseport" then return end
  self:line("S[%d]:setoption(%q, %s)", s, name, optiontext(name))
end

function actions.get(self, s)
  self:line("S[%d]:getoption(%q)", s, pick { "host", "port", "family", pick(settable), pick(settable) })
end

function actions.receive(self, s)
  self:line(pick { "drain(%d)", "drain(%d)", "messages(%d)", "S[%d]:recvfrom(0.001)", "S[%d]:recvmsg(0.001)",
    "S[%d]:recvfrom(-1)", "S[%d]:recvmsg(0.001, { x = 1 })" }, s)
end

function actions.poll(self, s)
  local writers <const> = self:own(3) == 1 and (", { S[%d] }"):format(self:own(4)) or ""
  self:line("mcast.poll({ S[%d], S[%d] }, 0.001%s)", s, self:socket(), writers)
end

function actions.inspect(self, s)
  self:line(pick { "groups(%d)", "S[%d]:stats()", "S[%d]:getsockname()", "S[%d]:dirty()" }, s)
end

-- A change of an interface, and what a monitor reports of it.
function Program:change(text, ...)
  if not self.watched[self.host] then self:line("watch()") end
  self.watched[self.host] = true
  self:line(text, ...)
  self:line("changes()")
end

function actions.interface(self)
  if not self.changing then return end
  self:change("set(%q, %s)", self.hosts == 1 and chance(40) and "eth1" or "eth0", chance(60) and "false" or "true")
end

-- Changes the addresses of eth1, which has no default route.
function actions.renumber(self)
  if not self.changing or self.hosts > 1 then return end
  self:change("renumber(%q, %s)", pick { "172.16.0.1", "172.16.0.1", "172.16.0.2", "fd00:0:0:1::1", "fd00:0:0:1::2" },
    chance(50) and "false" or "true")
end

function actions.close(self, s)
  self:line("S[%d]:close()", s)
end

function actions.flood(self, s, family)
  self:line("flood(%d, %d, %d, %d, %s)", s, pick { 3, 20, 300 }, sizetext(), self:socket(), self:destination(family))
end

-- Part of what arrived is read before more is sent.
function actions.refill(self, s, family)
  local other <const>, to <const>, size <const> = self:socket(), self:destination(family), sizetext()
  self:line('refill(%d, %d, %d, %d, %d, %s)', s, pick { 20, 300 }, size, other, pick { 1, 5, 60 }, to)
end

-- Wrong arguments of every call.
function actions.wrong(self, s, family)
  local value <const> = pick { "nil", "1", "-1", "0/0", '"x"', "true", "{}", "print", "S[1]", "1e300", "{ 1 }", "{ S[1], 2 }" }
  local name <const> = pick { "join", "leave", "block", "unblock", "filter", "sendto", "sendmany", "datagrams", "setoption",
    "getoption", "groups", "stats", "close", "getsockname", "events", "timeout" }
  local arguments <const> = pick { value, self:grouptext(family) .. ", " .. value, value .. ", 5000",
    '"x", ' .. self:grouptext(family) .. ", " .. value }
  self:line("S[%d]:%s(%s)", s, name, arguments)
end

function actions.module(self)
  local value <const> = pick { "-1", "0/0", '"x"', "{}", "{ 1 }", "S[1]", "0" }
  self:line(pick { "mcast.socket(%s)", "mcast.poll(%s, 0)", "mcast.poll({ S[1], S[2], S[3] }, 0.001)", "mcast.sleep(%s)",
    "mcast.address(%s)", "mcast.interfaces(%s)" }, value)
end

function actions.iterate(self, s)
  self:line("iterate(%d)", s)
end

function actions.address(self, _, family)
  self:line(pick { "mcast.address(%s)", "mcast.interfaces()" }, self:destination(family))
end

-- Names of actions, as often as they are to come.
local often <const> = {}
for name, times in pairs { join = 8, block = 2, filter = 2, send = 14, sendmany = 1, set = 4, get = 2, receive = 10, poll = 2,
  inspect = 4, close = 1, flood = 1, address = 1,
  interface = 3, renumber = 3, refill = 1, wrong = 2, module = 1, iterate = 1 } do
  for _ = 1, times do often[#often + 1] = name end
end
table.sort(often) -- pairs has another order in each process

-- The program of a seed, for one host or three.
function program.new(seed, hosts)
  math.randomseed(seed)
  local self <const> = setmetatable({ lines = {}, hosts = hosts, host = 1, count = 0, sockets = {}, familyof = {},
    sharing = {}, watched = {}, changing = chance(15), state = seed }, Program)
  for host = 1, hosts do
    self.host, self.sockets[host] = host, {}
    for _ = 1, math.random(hosts > 1 and 1 or 2, 3) do self:newsocket() end
  end
  for _ = 1, math.random(4, 30) do
    self.host = math.random(hosts)
    local s <const> = self:socket()
    if chance(8) then
      self:newsocket()
    else
      actions[pick(often)](self, s, self:family(s))
    end
  end
  for host = 1, hosts do -- at the end, what is still there
    self.host = host
    for s = 1, 4 do self:line("rest(%d)", s) end
  end
  return self.lines
end

return program
