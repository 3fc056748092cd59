-- Random programs: a list of lines, { host, text }, from a seed alone.
local values <const> = require "spec.differential.values"

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
  return values.families[self.familyof[self.host .. "." .. number] or chance(60) and "inet" or "inet6"]
end

function Program:hosttext(family, kinds)
  if chance(3) then return pick(values.wrong) end
  local kind = pick(kinds)
  if kind == "others" and self.hosts > 1 then kind = "own" end -- Linux would look for such a neighbour
  return quoted(pick(kind == "own" and family.own[self.hosts > 1 and 2 or 1] or family[kind]))
end

function Program:grouptext(family)
  if self.narrow and chance(85) then return quoted(family.groups[1]) end
  return self:hosttext(family, chance(97) and { "groups" } or { "own" })
end

function Program:destination(family)
  if self.narrow and chance(60) then return quoted(family.groups[1]) .. ", 5000" end
  local to <const> = self:hosttext(family, { "groups", "groups", "groups", "own", "own", "own", "others" })
  return ("%s, %s"):format(to, chance(97) and pick(values.ports) or pick(values.wrongports))
end

-- The destination of many datagrams. A host whose interface is down does not answer Linux's search for it, and a send
-- waits for that: see docs/differences.md.
function Program:manydestination(family)
  if self.changing and self.hosts > 1 then return quoted(family.groups[1]) .. ", 5000" end
  return self:destination(family)
end

local function sizetext()
  return chance(75) and pick(values.sizes) or math.random(0, chance(50) and 2000 or 65508)
end

local function optiontext(name)
  local list <const> = values.options[name]
  return chance(85) and list[math.random(math.min(#list, 6))] or pick(list)
end

-- Keeps an option rare that few programs survive.
local rare <const> = { tll = true, spin = true, family = true }

function Program:newsocket()
  local number <const>, family <const> = math.random(4), chance(55) and "inet" or "inet6"
  local options <const> = { family == "inet6" and 'family = "inet6"' or nil }
  if chance(70) then options[#options + 1] = "port = " .. (chance(97) and pick(values.ports) or pick(values.wrongports)) end
  if chance(25) then options[#options + 1] = "host = " .. self:hosttext(values.families[family], { "own", "own", "groups" }) end
  if chance(50) then options[#options + 1] = "metadata = true" end
  if family == "inet6" and chance(30) then options[#options + 1] = "v6only = false" end
  for _ = 1, math.random(0, 2) do
    local name <const> = pick(values.settable)
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

function Program:interfaceoption()
  local often <const> = self.narrow and { '"eth0"', '"eth1"' } or { '"eth0"', '"eth0"', '"lo"', '"eth1"' }
  return "interface = " .. pick(chance(90) and often or values.interfaces)
end

local actions <const> = {}

function actions.join(self, s, family)
  local options <const> = {}
  if chance(50) then options[1] = self:interfaceoption() end
  if chance(30) then options[#options + 1] = "source = " .. self:hosttext(family, { "own", "own", "others", "groups" }) end
  self:line("S[%d]:%s(%s%s)", s, pick { "join", "join", "join", "join", "leave" }, self:grouptext(family),
    #options > 0 and ", { " .. table.concat(options, ", ") .. " }" or "")
end

function actions.block(self, s, family)
  self:line("S[%d]:%s(%s, %s%s)", s, pick { "block", "block", "unblock" }, self:grouptext(family),
    self:hosttext(family, { "own", "others" }), chance(30) and ", { " .. self:interfaceoption() .. " }" or "")
end

function actions.filter(self, s, family)
  local sources <const> = {}
  for i = 1, math.random(0, chance(95) and 3 or 70) do
    sources[i] = i <= 3 and self:hosttext(family, { "own", "others" })
      or quoted(family == values.families.inet and "10.1.1." .. i or "fd09::" .. i)
  end
  self:line("S[%d]:filter(%s, %s, { %s }%s)", s, self:grouptext(family), pick { '"include"', '"exclude"' },
    table.concat(sources, ", "), chance(40) and ", { " .. self:interfaceoption() .. " }" or "")
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
  add(50, "interface", values.interfaces, 4)
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
  local name <const> = pick(values.settable)
  if name == "reuseport" then return end
  self:line("S[%d]:setoption(%q, %s)", s, name, optiontext(name))
end

-- Reads it back, whether it was set or not.
function actions.reset(self, s)
  local name <const> = pick(values.settable)
  if name == "reuseport" then return end
  self:line("S[%d]:setoption(%q, %s)", s, name, optiontext(name))
  self:line("S[%d]:getoption(%q)", s, name)
end

function actions.get(self, s)
  self:line("S[%d]:getoption(%q)", s, pick { "host", "port", "family", pick(values.settable), pick(values.settable) })
end

function actions.receive(self, s)
  self:line(pick { "drain(%d)", "drain(%d)", "messages(%d)", "S[%d]:recvfrom(0.001)", "S[%d]:recvmsg(0.001)",
    "S[%d]:recvfrom(-1)", "S[%d]:recvmsg(0.001, { x = 1 })", "lists(%d, 0.001)", "lists(%d, 0, { 1, 2, 3 })" }, s)
end

function actions.poll(self, s)
  local writers <const> = self:own(3) == 1 and (", { S[%d] }"):format(self:own(4)) or ""
  self:line("mcast.poll({ S[%d], S[%d] }, 0.001%s)", s, self:socket(), writers)
end

function actions.inspect(self, s)
  self:line(pick { "groups(%d)", "S[%d]:stats()", "S[%d]:getsockname()", "S[%d]:dirty()" }, s)
end

-- A change of an interface, and a monitor's report of it.
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
  self:line("flood(%d, %d, %d, %d, %s)", s, pick { 3, 20, 300 }, sizetext(), self:socket(), self:manydestination(family))
end

-- Part of what arrived is read before more is sent.
function actions.refill(self, s, family)
  local other <const>, to <const>, size <const> = self:socket(), self:manydestination(family), sizetext()
  self:line('refill(%d, %d, %d, %d, %d, %s)', s, pick { 20, 300 }, size, other, pick { 1, 5, 60 }, to)
end

-- Wrong arguments of every call.
function actions.wrong(self, s, family)
  local value <const>, other <const> = pick(values.odd), pick(values.odd)
  local name <const> = pick { "join", "leave", "block", "unblock", "filter", "sendto", "sendmany", "datagrams", "setoption",
    "getoption", "groups", "stats", "close", "getsockname", "events", "timeout", "dirty", "none", "__gc" }
  local arguments <const> = pick { value, self:grouptext(family) .. ", " .. value, value .. ", 5000", value .. ", " .. other,
    '"x", ' .. self:grouptext(family) .. ", " .. value, self:grouptext(family) .. ", " .. value .. ", " .. other,
    self:grouptext(family) .. ', "include", ' .. value, quoted(pick(values.settable)) .. ", " .. value }
  self:line("S[%d]%s%s(%s)", s, chance(95) and ":" or ".", name, arguments)
end

-- Wrong timeouts: not those that wait for ever.
function actions.timeout(self, s)
  local timeout <const> = pick { '"x"', "{}", "true", "print", "0/0", "-1", "-math.huge", '"0"', "-0.0", "1e-300", "mcast" }
  self:line(pick { "S[%d]:recvfrom(%s)", "S[%d]:recvmsg(%s)", "S[%d]:recvmsg(0, %s)", "S[%d]:datagrams(%s)",
    "lists(%d, %s)", "lists(%d, 0, %s)",
    "mcast.poll({ S[%d] }, %s)" }, s, timeout)
end

-- Sockets and addresses as values.
function actions.value(self, s, family)
  local function address() return "mcast.address(" .. self:destination(family) .. ")" end
  local own <const> = ("S[%d]"):format(s)
  self:line("%s", pick { own .. ".none", "#" .. own, own .. " + 1", own .. " == S[1]", own .. " < S[1]", own .. " .. 1",
    own .. "()", own .. ".join(1)", own .. ":sendto('x', " .. address() .. ")",
    "mcast.poll({ " .. own .. ", S[1], nil, S[2] }, 0)",
    "mcast.poll({ [2] = " .. own .. " }, 0)", "mcast.poll(" .. own .. ", 0)", "mcast.poll({ " .. own .. ", 1 }, 0)",
    address() .. pick { ".host", ".port", ".interface", ".family", ".multicast", ".x", ' .. ""', " .. 1", "()" },
    address() .. pick { " == ", " < ", " <= ", " .. " } .. address(), "tostring(" .. address() .. ")",
    "(function() " .. address() .. ".host = 1 end)()", "mcast.address(tostring(" .. address() .. "))" })
end

function actions.module(self)
  local value <const> = pick { "-1", "0/0", '"x"', "{}", "{ 1 }", "S[1]", "0" }
  self:line(pick { "mcast.socket(%s)", "mcast.poll(%s, 0)", "mcast.poll({ S[1], S[2], S[3] }, 0.001)", "mcast.sleep(%s)",
    "mcast.address(%s)", "mcast.interfaces(%s)", "mcast.note(%s)", "mcast.address(%s, 5000)",
    "mcast.socket { port = %s }" }, value)
end

function actions.iterate(self, s)
  self:line("iterate(%d)", s)
end

function actions.address(self, _, family)
  self:line(pick { "mcast.address(%s)", "mcast.interfaces()" }, self:destination(family))
end

-- The actions of a kind of program, as often as they are to come. Half of all programs are of the first kind.
local kinds <const> = {
  { join = 8, block = 2, filter = 2, send = 14, sendmany = 1, set = 4, get = 2, receive = 10, poll = 2, inspect = 4, close = 1,
    flood = 1, address = 1, interface = 3, renumber = 3, refill = 1, wrong = 2, module = 1, iterate = 1, reset = 1,
    timeout = 1, value = 1 },
  { join = 6, block = 5, filter = 5, send = 6, receive = 4, poll = 1, inspect = 2, flood = 1, set = 1, narrow = true },
  { reset = 8, set = 4, get = 2, join = 1, send = 3, receive = 2 },
  { wrong = 8, module = 2, timeout = 3, value = 6, address = 1, join = 1, send = 2 },
  { send = 5, sendmany = 3, flood = 2, refill = 2, receive = 4, iterate = 2, set = 2, join = 2, narrow = true },
  { close = 3, poll = 4, join = 4, send = 5, receive = 3, iterate = 1, inspect = 2, value = 1, interface = 2, narrow = true },
}

local function choosekind()
  local kind <const>, often <const> = kinds[chance(50) and 1 or math.random(2, #kinds)], {}
  for name, times in pairs(kind) do
    for _ = 1, name ~= "narrow" and times or 0 do often[#often + 1] = name end
  end
  table.sort(often) -- pairs has another order in each process
  return often, kind.narrow
end

-- The program of a seed, for one host or three.
function program.new(seed, hosts)
  math.randomseed(seed)
  local self <const> = setmetatable({ lines = {}, hosts = hosts, host = 1, count = 0, sockets = {}, familyof = {},
    sharing = {}, watched = {}, changing = chance(15), state = seed }, Program)
  local often <const>, narrow <const> = choosekind()
  self.narrow = narrow -- most is of one group and port
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
