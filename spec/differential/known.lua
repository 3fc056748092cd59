-- Programs whose results once differed, by the name of a spec: each has the right result, that of Linux.
local known = {}

local function add(name, lines, hosts)
  local program <const> = { name = name, hosts = hosts or 1, lines = {} }
  for text in lines:gmatch "[^\n]+" do
    local host <const>, rest <const> = text:match "^%s*(%d): (.*)$"
    table.insert(program.lines, { host = tonumber(host) or 1, text = rest or text:match "^%s*(.*)$" })
  end
  known[#known + 1] = program
end

-- A line that makes a socket.
local function socket(number, options)
  return ("(function() local s, m, e = mcast.socket { %s } S[%d] = s return s, m, e end)()\n"):format(options or "", number)
end

local both <const> = socket(1, "port = 5000, metadata = true") .. [[
  S[1]:join("239.1.1.1", { interface = "eth0" })
  S[1]:join("239.1.1.1", { interface = "eth1" })
]]
for _, host in ipairs { "172.16.0.1", "10.0.0.77", "127.0.0.1" } do
  add("sends to a group from " .. host .. " by its interface", both .. socket(2, ("host = %q"):format(host)) .. [[
    S[2]:sendto("x", "239.1.1.1", 5000)
    messages(1)
  ]])
  add("sends from " .. host .. " by another interface", both .. socket(2, ('host = %q, interface = "eth0"'):format(host)) .. [[
    S[2]:sendto("x", "239.1.1.1", 5000)
    S[2]:sendto("x", "10.9.9.9", 5000)
    messages(1)
  ]])
end

local both6 <const> = socket(1, 'family = "inet6", port = 5000, metadata = true') .. [[
  S[1]:join("ff15::1", { interface = "eth0" })
  S[1]:join("ff15::1", { interface = "eth1" })
]]
for _, host in ipairs { "fd00:0:0:1::1", "::1", "fe80::2%eth1" } do
  add("sends to a group from " .. host .. " as Linux does", both6 .. socket(2, ("host = %q"):format(host)) .. [[
    S[2]:sendto("x", "ff15::1", 5000)
    messages(1)
  ]])
end

local own <const> = { "127.0.0.1", "127.0.0.5", "10.0.0.1", "10.0.0.77", "172.16.0.1", "0.0.0.0", "::1", "fd00::1", "fd00::77",
  "fd00:0:0:1::1", "fe80::1", "fe80::1%eth0", "fe80::2%eth1", "fe80::1%lo", "::" }
for _, to in ipairs(own) do
  local family <const> = to:find ":" and 'family = "inet6"' or 'family = "inet"'
  add("sends to the own address " .. to .. " within the host",
    socket(1, family .. ", port = 5000, metadata = true") .. socket(2, family) .. socket(3, family .. ', device = "eth0"')
    .. ("S[2]:sendto('x', %q, 5000)\nS[3]:sendto('y', %q, 5000)\nmessages(1)"):format(to, to))
end

add("sends and joins by interfaces that are up", socket(1) .. socket(2, 'family = "inet6"') .. [[
  set("eth0", false)
  S[1]:sendto("x", "239.1.1.1", 5000)
  S[1]:sendto("x", "10.0.0.9", 5000)
  S[1]:join("239.1.1.9")
  S[2]:join("ff15::9")
  S[2]:sendto("x", "fd00::9", 5000)
  set("eth1", false)
  S[2]:sendto("x", "ff15::1", 5000)
  S[2]:join("ff15::8")
  mcast.interfaces()
]])

add("accepts by all as the interface's merged filter says", socket(1, "port = 5000, all = true, metadata = true")
  .. socket(2) .. socket(3) .. [[
  S[3]:join("232.1.1.1", { source = "10.9.9.9" })
  S[3]:join("239.2.2.2")
  S[3]:block("239.2.2.2", "10.0.0.1")
  S[2]:sendto("for 10.9.9.9", "232.1.1.1", 5000)
  S[2]:sendto("blocked", "239.2.2.2", 5000)
  S[2]:sendto("all hosts", "224.0.0.1", 5000)
  messages(1)
]])
add("accepts by all what is sent to all nodes", socket(1, 'family = "inet6", port = 5000, all = true, metadata = true')
  .. socket(2, 'family = "inet6"') .. socket(3, 'family = "inet6"') .. [[
  S[3]:join("ff15::7", { interface = "eth1" })
  S[2]:sendto("all nodes", "ff02::1%eth0", 5000)
  S[2]:sendto("by eth0", "ff15::7", 5000)
  messages(1)
]])
add("accepts by all what another host sends", '1: ' .. socket(1, "port = 5000, all = true") .. '2: ' .. socket(1) .. [[
  2: S[1]:sendto("all hosts", "224.0.0.1", 5000)
  2: S[1]:sendto("nobody joined", "239.1.1.1", 5000)
  1: drain(1)
]], 3)

local function count(family, to, options)
  local lines <const> = { "mcast.now() > 0" }
  for i, option in ipairs(options) do lines[#lines + 1] = socket(i, family .. ", port = 5002, " .. option) end
  lines[#lines + 1] = socket(9, family)
  lines[#lines + 1] = ("(function() for _ = 1, 20 do S[9]:sendto('x', %q, 5002) end end)()"):format(to)
  lines[#lines + 1] = #options == 3 and "#drain(1) + #drain(2), #drain(3)" or "#drain(1), #drain(2)"
  return table.concat(lines, "\n")
end
add("sends unicast to the last bound of sharers by IPv4",
  count('family = "inet"', "127.0.0.1", { "reuseport = true", "reuseport = true", "reuseaddr = true" }))
add("keeps sharers by reuseport behind others by IPv6",
  count('family = "inet6"', "::1", { "reuseaddr = true", "reuseport = true" }))
add("prefers a bound host to a device", count('family = "inet"', "10.0.0.1", { 'host = "10.0.0.1"', 'device = "eth0"' }))
add("prefers a device to none", count('family = "inet"', "10.0.0.1", { 'device = "eth0"', "ttl = 1" }))

local binds <const> = { 'host = "fe80::1%eth1"', 'host = "ff02::1:5"', 'host = "fe80::1"', 'host = "::ffff:10.0.0.1"',
  'host = "::ffff:10.0.0.1", v6only = false', 'host = "fe80::1%eth0"', 'host = "fd00::1", v6only = false', "sndbuf = 2000",
  'device = "eth0", interface = "eth1"', 'host = "::1", device = "eth0"', 'host = "fd00::1", device = "eth1"' }
for _, options in ipairs(binds) do
  add("binds with " .. options, socket(1, options) .. [[
    S[1] and S[1]:getoption("device")
    S[1] and S[1]:getoption("v6only")
    S[1] and S[1]:getoption("sndbuf")
    S[1] and S[1]:setoption("interface", "eth1")
  ]])
end
add("reports a mapped destination", socket(1, 'family = "inet6", v6only = false, port = 5000, metadata = true') .. [[
  S[1]:sendto("x", "::ffff:127.0.0.1", 5000)
  messages(1)
]])
add("sends mapped datagrams with the default TTL", socket(1, 'family = "inet6", v6only = false, port = 5000, metadata = true, '
  .. "unicast_ttl = 1") .. [[
  S[1]:sendto("x", "::ffff:127.0.0.1", 5000)
  S[1]:sendto("x", "::1", 5000)
  messages(1)
]])
for ttl = 0, 1 do
  add(("sends no group from a mapped host with TTL %d"):format(ttl),
    socket(1, ('host = "::ffff:10.0.0.1", v6only = false, ttl = %d'):format(ttl)) .. [[
    S[1]:sendto("x", "ff35::1", 5000)
  ]])
end
add("adds a source by route to the last membership", socket(1, 'family = "inet6"') .. [[
  S[1]:join("ff15::1", { interface = "eth1", source = "fd00::9" })
  S[1]:join("ff15::1", { source = "fd00::8" })
  groups(1)
]])
add("sends to neighbours of link scope by their zone", socket(1, 'family = "inet6"') .. [[
  S[1]:sendto("x", "fe80::9", 5000)
  S[1]:sendto("x", "fe80::9%lo", 5000)
  S[1]:sendto("x", "fe80::9%eth1", 5000)
]])
add("fails to send fragments that exceed the send buffer", socket(1, "sndbuf = 1") .. [[
  S[1]:sendto(("x"):rep(7185), "239.1.1.1", 5000)
  S[1]:sendto(("x"):rep(5000), "239.1.1.1", 5000)
  S[1]:sendto(("x"):rep(65507), "127.0.0.1", 5000)
]])
add("sends nothing of TTL 0 that nobody hears, of any size", socket(1, "ttl = 0, sndbuf = 1")
  .. socket(2, 'family = "inet6", ttl = 0, sndbuf = 1') .. [[
  S[1]:sendto(("x"):rep(58210), "239.1.1.1", 5000)
  S[2]:sendto(("x"):rep(58210), "ff15::1", 5000)
  S[1]:join("239.1.1.1")
  S[2]:join("ff15::1")
  S[1]:sendto(("x"):rep(58210), "239.1.1.1", 5000)
  S[2]:sendto(("x"):rep(58210), "ff15::1", 5000)
]])

-- IPv6: a datagram that came by eth1 to a member of its group on eth0.
local function foreign(source, lines)
  return socket(1, 'family = "inet6", port = 5000, metadata = true, rcvbuf = 4096') .. socket(2, 'family = "inet6"')
    .. ('S[1]:join("ff15::1", { interface = "eth0"%s })\n'):format(source) .. [[
      S[2]:join("ff15::1", { interface = "eth1" })
      S[2]:setoption("interface", "eth1")
      S[2]:sendto("before", "ff15::1", 5000)
    ]] .. lines
end
local elsewhere <const> = ', source = "fd00::9"'
for _, source in ipairs { "", ', source = "fd00:0:0:1::1"', elsewhere } do
  add("receives what came before it joined" .. source, foreign(source, [[
    S[1]:join("ff15::1", { interface = "eth1" })
    S[2]:sendto("after", "ff15::1", 5000)
    messages(1)
  ]]))
end
add("queues from all sources for several memberships", foreign(elsewhere, [[
  S[1]:join("ff15::1", { interface = "eth1", source = "fd00::8" })
  S[2]:sendto("second", "ff15::1", 5000)
  S[1]:filter("ff15::1", "exclude", { "fd00::7" }, { interface = "eth1" })
  messages(1)
]]))
add("discards what came by another interface in poll", foreign("", [[
  mcast.poll({ S[1] }, 0.001)
  S[1]:join("ff15::1", { interface = "eth1" })
  mcast.poll({ S[1] }, 0.001)
  messages(1)
]]))
add("counts in a receive buffer what came by another interface", foreign("", [[
  flood(2, 30, 100, 2, "ff15::1", 5000)
  S[1]:stats()
  S[2]:setoption("interface", "eth0")
  S[2]:sendto("lost", "ff15::1", 5000)
  messages(1)
  flood(2, 30, 100, 1, "ff15::1", 5000)
]]))

for _, options in ipairs { "", 'host = "10.0.0.77"', 'host = "127.0.0.1"', 'host = "172.16.0.1"', 'device = "lo"',
  'device = "eth1"', 'interface = "eth1"', 'host = "255.255.255.255"', "ttl = 5, unicast_ttl = 3, loopback = false",
  'family = "inet6", v6only = false' } do
  add("broadcasts with " .. options, socket(1, "port = 5000, metadata = true")
    .. socket(2, 'port = 5000, metadata = true, family = "inet6", v6only = false')
    .. socket(3, 'port = 5000, metadata = true, device = "eth1"')
    .. socket(4, 'port = 5000, metadata = true, host = "10.0.0.1"')
    .. socket(5, 'port = 5000, metadata = true, host = "255.255.255.255"') .. socket(6, options)
    .. ([[
      S[6]:sendto("refused", TO, 5000)
      S[6]:setoption("broadcast", true)
      S[6]:sendto("x", TO, 5000)
      S[6]:sendto(("x"):rep(3000), TO, 5000)
      S[6]:sendto(("x"):rep(65508), TO, 5000)
      messages(1), messages(2), messages(3), messages(4), messages(5)
    ]]):gsub("TO", options:find "inet6" and '"::ffff:255.255.255.255"' or '"255.255.255.255"'))
end
add("broadcasts to all hosts of a LAN", "1: " .. socket(1, "port = 5000, metadata = true, broadcast = true") .. "2: "
  .. socket(1, "port = 5000, metadata = true") .. "3: " .. socket(1, 'port = 5000, metadata = true, host = "10.0.0.3"') .. [[
  1: S[1]:sendto("x", "255.255.255.255", 5000)
  1: messages(1)
  2: messages(1)
  3: messages(1)
]], 3)

-- Datagrams around the MTU, which may not be cut.
local whole <const> = {
  inet = { options = "", to = { "239.1.1.1", "10.0.0.1", "10.0.0.9", "127.0.0.1" }, sizes = { 1472, 1473, 65507, 65508 } },
  inet6 = { options = 'family = "inet6", ', to = { "ff15::1", "fd00::1", "fd00::9", "::1", "ff02::1%eth1" },
    sizes = { 1452, 1453, 65488, 65489, 65527, 65528 } },
  both = { options = 'family = "inet6", v6only = false, ', to = { "::ffff:10.0.0.9", "::ffff:127.0.0.1", "ff15::1" },
    sizes = { 1452, 1453, 1472, 1473, 65507, 65508 } },
}
for name, case in pairs(whole) do
  for _, more in ipairs { "", 'interface = "eth1", ', 'device = "eth0", ', "ttl = 0, " } do
    local lines <const> = { (socket(1, case.options .. more .. "fragment = false"):gsub("\n", "")) }
    for _, to in ipairs(case.to) do
      for _, size in ipairs(case.sizes) do
        lines[#lines + 1] = ("S[1]:sendto(('x'):rep(%d), %q, 5000)"):format(size, to)
      end
      lines[#lines + 1] = ("S[1]:sendmany({ ('x'):rep(1400), ('x'):rep(1400), ('x'):rep(1500), ('x'):rep(1500) }, %q, 5000)")
        :format(to)
    end
    lines[#lines + 1] = 'S[1]:setoption("fragment", true)'
    lines[#lines + 1] = ("S[1]:sendto(('x'):rep(3000), %q, 5000)"):format(case.to[1])
    add(("cuts no datagram of %s with %s"):format(name, more), table.concat(lines, "\n"))
  end
end
-- Does this for 1, 2 ... until it fails; the number, and the failure.
local function untilfull(text)
  return ("(function() for i = 1, 200 do local r, m, e = %s if not r then return i, m, e end end end)()\n"):format(text)
end
add("bounds the memory of an IPv6 socket's memberships", socket(1, 'family = "inet6"') .. [[
  (function() sources = {} for i = 1, 64 do sources[i] = "fd00::1:" .. i end end)()
]] .. untilfull('S[1]:filter("ff15::2:" .. i, "exclude", sources)')
  .. untilfull('S[1]:join("ff15::3:" .. i, { source = "fd00::1" })')
  .. untilfull('S[1]:join("ff15::4:" .. i)') .. [[
  S[1]:filter("ff15::2:1", "exclude", {})
  S[1]:leave("ff15::2:2")
]] .. untilfull('S[1]:block("ff15::2:1", "fd00::2:" .. i)')
  .. untilfull('S[1]:join("ff15::5:" .. i)') .. "#groups(1)")

-- Filters of an IPv6 socket with `all`.
local listener <const> = socket(1, 'family = "inet6", all = true, port = 5000, metadata = true')
  .. socket(2, 'family = "inet6", host = "fd00::77", interface = "eth0"') .. socket(3, 'family = "inet6", interface = "eth0"')
local sends <const> = [[
  S[2]:sendto("from fd00::77", "ff15::1", 5000)
  S[3]:sendto("from fd00::1", "ff15::1", 5000)
]]
add("applies by all the filter of each interface", listener .. [[
  S[1]:join("ff15::1", { interface = "eth0", source = "fd00::1" })
  S[1]:join("ff15::1", { interface = "eth1", source = "fd00:0:0:1::1" })
  S[3]:join("ff15::1", { interface = "eth0" })
]] .. sends .. [[
  messages(1)
  S[1]:setoption("all", false)
]] .. sends .. [[
  messages(1)
  S[1]:setoption("all", true)
]] .. sends .. "messages(1)")
add("accepts by all what a filter of another interface excludes", listener .. [[
  S[1]:join("ff15::1", { interface = "eth1", source = "fd00:0:0:1::1" })
  S[3]:join("ff15::1", { interface = "eth0" })
]] .. sends .. [[
  messages(1)
  S[1]:setoption("all", false)
]] .. sends .. [[
  messages(1)
  S[1]:setoption("all", true)
]] .. sends .. [[
  S[3]:close()
  messages(1)
]])

-- IPv6: filters of lo and of eth1, whatever was joined last, and with all = true.
for _, all in ipairs { "false", "true" } do
  local from <const> = 'mcast.socket { family = "inet6", host = %q, interface = %q }:sendto("from %s", "ff15::1", 5000)\n'
  local receive <const> = from:format("::1", "lo", "lo") .. from:format("fd00:0:0:1::1", "eth1", "eth1") .. "messages(1)\n"
  local changes <const> = {
    [[S[1]:join("ff15::1", { interface = "eth1" })]],
    [[S[1]:join("ff15::1", { interface = "lo", source = "fd00::9" })]],
    [[S[1]:join("ff15::1", { interface = "lo", source = "::1" })]],
    [[S[1]:block("ff15::1", "fd00:0:0:1::1", { interface = "eth1" })]],
    [[S[1]:filter("ff15::1", "exclude", { "::1" }, { interface = "lo" })]],
    [[S[1]:unblock("ff15::1", "fd00:0:0:1::1", { interface = "eth1" })]],
    [[S[1]:leave("ff15::1", { interface = "eth1" })]],
    [[S[1]:leave("ff15::1")]],
  }
  add("applies the filter of lo with all = " .. all,
    socket(1, ('family = "inet6", port = 5000, metadata = true, all = %s'):format(all))
    .. table.concat(changes, "\nS[1]:groups()\n" .. receive) .. "\n" .. receive)
end
add("accepts all of an interface beside the filter of another one", socket(1, 'family = "inet6", port = 5000, all = true')
  .. socket(2, 'family = "inet6", interface = "eth1"') .. [[
  S[1]:join("ff15::1", { interface = "eth0", source = "fd00::9" })
  S[2]:join("ff15::1", { interface = "eth1" })
  S[2]:sendto("x", "ff15::1", 5000)
  S[1]:recvfrom(0.01)
]])

add("accepts by all on lo where a socket has several filters", socket(1, 'family = "inet6", port = 5000, all = true')
  .. socket(2, 'family = "inet6", host = "::1", interface = "lo"') .. socket(3, 'family = "inet6"') .. [[
  S[3]:join("ff15::1", { interface = "eth0" })
  S[2]:sendto("one", "ff15::1", 5000)
  S[3]:join("ff15::1", { interface = "eth1", source = "fd00::9" })
  S[2]:sendto("two", "ff15::1", 5000)
  S[3]:filter("ff15::1", "exclude", {}, { interface = "eth1" })
  S[2]:sendto("three", "ff15::1", 5000)
  S[1]:recvfrom(0.01)
  S[1]:recvfrom(0.01)
]])

-- Receive buffers, to the datagram.
local function fill(family, to, join)
  local lines <const> = {}
  for _, size in ipairs { 0, 100, 200, 1472, 1473, 65507 } do
    for _, rcvbuf in ipairs { 1000, 4096, 106496 } do
      lines[#lines + 1] = socket(1, ("%s, rcvbuf = %d, port = 5000"):format(family, rcvbuf))
      lines[#lines + 1] = join and ("S[1]:join(%q)"):format(to)
      lines[#lines + 1] = socket(2, family)
      lines[#lines + 1] = ("flood(2, 300, %d, 1, %q, 5000)"):format(size, to)
      lines[#lines + 1] = "S[1]:close()"
    end
  end
  return table.concat(lines, "\n")
end
add("holds as many datagrams as Linux on lo by IPv4", fill('family = "inet"', "127.0.0.1"))
add("holds as many datagrams as Linux on lo by IPv6", fill('family = "inet6"', "::1"))
add("holds as many datagrams as Linux of a group by IPv4", fill('family = "inet"', "239.1.1.1", true))
add("holds as many datagrams as Linux of a group by IPv6", fill('family = "inet6"', "ff15::1", true))

for _, family in ipairs { "inet", "inet6" } do
  local inet <const> = family == "inet"
  local one <const>, two <const> = inet and "172.16.0.1" or "fd00:0:0:1::1", inet and "172.16.0.2" or "fd00:0:0:1::2"
  local group <const> = inet and "239.1.1.1" or "ff15::1"
  local lines <const> = socket(1, ("family = %q, port = 5000"):format(family)) .. [[
    S[1]:join(GROUP, { interface = "eth1" })
    S[2]:sendto("before", GROUP, 5000)
    renumber(ONE, false)
    S[2]:sendto("without", GROUP, 5000)
    S[2]:sendmany({ "without", "either" }, GROUP, 5000)
    renumber(TWO, true)
    S[2]:sendto("after", GROUP, 5000)
    S[2]:sendmany({ "after", "again" }, GROUP, 5000)
    renumber(ONE, true)
    renumber(TWO, false)
    S[2]:sendto("back", GROUP, 5000)
    drain(1)
    S[2]:stats()
  ]]
  for _, options in ipairs { 'interface = "eth1"', ("interface = %q"):format(one), ("host = %q"):format(one),
    'device = "eth1"', 'interface = "eth1", ttl = 0' } do
    add("sends by " .. family .. " with " .. options .. " while addresses change",
      socket(2, ("family = %q, "):format(family) .. options)
      .. lines:gsub("GROUP", ("%q"):format(group)):gsub("ONE", ("%q"):format(one)):gsub("TWO", ("%q"):format(two)))
  end
end

-- The source is an address that the host has lost.
for host, to in pairs { ["172.16.0.1"] = { "10.0.0.77", "10.0.0.9", "127.0.0.1", "172.16.0.1", "172.16.0.9", "0.0.0.0",
  "255.255.255.255", "239.1.1.1" }, ["fd00:0:0:1::1"] = { "fd00::77", "::1", "fd00:0:0:1::1", "::", "ff15::1" } } do
  local lines <const> = { (socket(1, ("host = %q"):format(host)):gsub("\n", "")), ("renumber(%q, false)"):format(host) }
  for _, address in ipairs(to) do
    for _, size in ipairs { 1, 3000, 65508 } do
      lines[#lines + 1] = ("S[1]:sendto(('x'):rep(%d), %q, 5000)"):format(size, address)
    end
  end
  add("sends from an address that is gone, " .. host, table.concat(lines, "\n"))
end

add("lists a new IPv6 address before the older ones", [[
  renumber("fd00:0:0:1::2", true)
  renumber("172.16.0.2", true)
  mcast.interfaces()
]])

for _, options in ipairs { '', ', { interface = "eth0" }' } do
  add("names no MTU of a neighbour without zone" .. options, ([[
    (function() local s, m, e = mcast.socket { family = "inet6", fragment = false } S[1] = s return s, m, e end)()
    S[1]:sendto(("x"):rep(1453), "fe80::9", 5000OPTIONS)
    S[1]:sendto(("x"):rep(1453), "fe80::9%eth0", 5000OPTIONS)
    S[1]:sendto(("x"):rep(1453), "ff02::1", 5000OPTIONS)
  ]]):gsub("OPTIONS", options))
end

return known
