-- Uses the whole module, with each family. Called with 0, all operations have to work;
-- called with an errno, one system call fails with it. The second argument is the seconds
-- to wait for datagrams, the third the part to run. Returns the number of failed
-- operations, the first failure, the results of the others, and the number of parts.
local injected <const>, patience <const>, part <const> = ...
local mcast <const> = require "mcast"
local E <const> = mcast.errno

local reported, first, transcript = 0, "", {}

local function add(...)
  for _, value in ipairs { ... } do
    transcript[#transcript + 1] = tostring(value)
  end
end

-- Checks that a failure names the operation, by one of these words.
local function failed(names, message, errno)
  assert(type(message) == "string" and math.type(errno) == "integer", names)
  assert(injected ~= 0, message)
  local named = message == "timeout" and errno == E.ETIMEDOUT
  for name in names:gmatch "%S+" do
    named = named or message:sub(1, #name) == name
  end
  assert(named, names .. ": " .. message)
  reported = reported + 1
  if reported == 1 then
    first = errno .. " " .. message
  end
end

-- Checks an operation that should work; returns its first result.
local function works(names, value, message, errno)
  if value == nil then
    failed(names, message, errno)
  else
    add(names, type(value) == "userdata" and "" or type(value) == "table" and #value or value)
  end
  return value
end

-- Checks an operation that the module or the system refuses in any case.
local function refuses(names, expected, value, message, errno)
  if value ~= nil then
    assert(reported > 0, names .. " worked") -- or an operation before it failed
  elseif errno == expected then
    add(names, errno)
  else
    failed(names, message, errno)
  end
end

local function must_raise(f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok)
  if message == "not enough memory" then
    error(message, 0)
  end
end

local made <const> = [[socket bind fd host port family metadata reuseaddr reuseport v6only device interface ttl
  unicast_ttl loopback all broadcast fragment rcvbuf sndbuf dscp]]

local function open(options)
  return works(made, mcast.socket(options))
end

local function shut(sock)
  assert(select("#", sock:close()) == 0)
  sock:close()
  assert(tostring(sock) == "mcast.socket (closed)")
  must_raise(sock.getfd, sock)
end

-- A list of datagrams of one size each.
local function list(n, size)
  local t = {}
  for i = 1, n do
    t[i] = ("%03d"):format(i) .. ("x"):rep(size - 3)
  end
  return t
end

local function receive(sock)
  local data, from, errno = sock:recvfrom(patience)
  if works("recvfrom", data, from, errno) then
    assert(from.port > 0 and tostring(from))
  end
end

local function datagrams(sock, n)
  local ok, message = pcall(function()
    for data, from in sock:datagrams(n > 0 and patience or 0) do
      assert(from.port > 0)
      add(data)
      n = n - 1
      if n == 0 then break end
    end
  end)
  if message == "not enough memory" then
    error(message, 0)
  elseif not ok then
    failed("recvfrom", message:match "recvfrom.*" or message, injected)
  elseif n > 0 then
    failed("recvfrom", "timeout", E.ETIMEDOUT)
  end
end

local function addresses()
  for _, text in ipairs { "224.3.29.71:10000", "[ff02::1%lo]:10000", "[::1]:1" } do
    local address = works("address", mcast.address(text))
    if address then
      add(address.host, address.port, address.family, address.multicast, "zone " .. tostring(address.interface))
      assert(mcast.address(tostring(address)) == address or injected ~= 0)
    end
  end
  works("address", mcast.address("10.0.0.1", 5))
  works("address", mcast.address(mcast.address("10.0.0.1", 5), 6))
  refuses("address", E.EINVAL, mcast.address "nonsense")
  refuses("address", E.ENODEV, mcast.address("ff02::1%eth77", 5))
  for _, interface in ipairs(works("interfaces", mcast.interfaces()) or {}) do
    if interface.name == "lo" then
      add(interface.index, interface.up, interface.running, interface.multicast, interface.loopback,
        "mtu " .. tostring(interface.mtu), table.concat(interface.addresses, " "))
    end
  end
end

local function clocks()
  assert(mcast.now() <= mcast.now())
  mcast.note("key", "value")
  for _, seconds in ipairs { 0, 1e-6, 1.01e-3 } do
    local _, message, errno = mcast.sleep(seconds)
    if message then
      failed("sleep", message, errno)
    end
  end
end

local function set(sock, name, value)
  local ok, granted, errno = sock:setoption(name, value)
  if works(name, ok, granted, errno) then
    add(granted)
  end
end


local function options(family)
  local sock <close> = open { family = family.name, host = family.own, metadata = true, reuseport = true, rcvbuf = 9999,
    sndbuf = 9999, ttl = 3, unicast_ttl = 4, loopback = true, dscp = 5, interface = "lo", device = "lo", spin = 0 }
  if not sock then return end
  for _, row in ipairs { { "reuseaddr", true }, { "reuseport", false }, { "ttl", 7 }, { "unicast_ttl", 8 },
    { "loopback", false }, { "all", true }, { "all", false }, { "broadcast", true }, { "fragment", false },
    { "fragment", true }, { "rcvbuf", 65536 }, { "sndbuf", 65536 },
    { "dscp", 9 }, { "spin", 1e-6 }, { "interface", family.own }, { "interface", 1 }, { "interface", "" }, { "device", "" } } do
    set(sock, row[1], row[2])
    works(row[1], sock:getoption(row[1]))
  end
  for _, name in ipairs { "host", "family", "metadata" } do
    works(name, sock:getoption(name))
  end
  if family.name == "inet6" then
    works("v6only", sock:getoption "v6only")
  end
  refuses("interface", E.ENODEV, sock:setoption("interface", "eth77"))
  must_raise(sock.setoption, sock, "port", 5)
  shut(sock)
end

local function list_groups(sock)
  local all = {}
  local groups, message, errno = sock:groups()
  for _, g in ipairs(works("groups", groups, message, errno) or {}) do
    all[#all + 1] = ("%s %s %s %s %s"):format(g.group, g.interface, g.mode, table.concat(g.sources, ","), g.lost)
  end
  table.sort(all)
  add(table.concat(all, "; "))
end

local function memberships(family)
  local sock <close> = open { family = family.name }
  if not sock then return end
  local g, one, two = family.groups, family.sources[1], family.sources[2]
  local join <const> = "join interface address"
  works(join, sock:join(g[1])) -- by route
  refuses(join, E.EADDRINUSE, sock:join(g[1]))
  works(join, sock:join(g[2], { interface = "lo", source = one }))
  works(join, sock:join(g[2], { interface = family.own, source = two }))
  works(join, sock:join(g[3], { source = one })) -- by route
  works(join, sock:join(g[3], { source = two }))
  refuses(join, E.EADDRINUSE, sock:join(g[3], { source = two }))
  works("block", sock:block(g[1], one))
  refuses("block", E.EADDRINUSE, sock:block(g[1], one))
  works("unblock", sock:unblock(g[1], one))
  refuses("unblock", E.EADDRNOTAVAIL, sock:unblock(g[1], one))
  works("leave interface address", sock:leave(g[2], { source = one }))
  works("leave interface address", sock:leave(g[2], { source = two }))
  works("filter interface address", sock:filter(g[1], "include", { one, two }))
  works("filter interface address", sock:filter(g[4], "exclude", { one }))
  works("filter interface address", sock:filter(g[5], "include", { two }, { interface = "lo" }))
  list_groups(sock)
  works("filter interface address", sock:filter(g[1], "include", {}))
  works(join, sock:join(g[6], { interface = 1 })) -- the fifth: the membership list grows
  works(join, sock:join(g[7]))
  list_groups(sock)
  works("leave interface address", sock:leave(g[6]))
  works("leave interface address", sock:leave(g[7]))
  refuses("leave interface address", E.EADDRNOTAVAIL, sock:leave(g[7]))
  refuses(join, E.EINVAL, sock:join(family.own))
  refuses(join, E.ENODEV, sock:join(g[7], { interface = "eth77" }))
  shut(sock)
end

local function receive_message(sock, into)
  local msg, text, errno = sock:recvmsg(patience, into)
  if works("recvmsg", msg and true, text, errno) then
    for _, field in ipairs { "data", "group", "interface", "ttl", "dropped", "dscp", "ecn", "own" } do
      add(field .. " " .. tostring(msg[field]))
    end
    assert(msg.time >= 0 and msg.nanoseconds >= 0 and msg.from.port > 0)
  end
end

local function transfers(family)
  local receiver <close> = open { family = family.name, metadata = true, interface = "lo" }
  local sender <close> = open { family = family.name, interface = family.own, ttl = 2 }
  if not receiver or not sender then return end
  local group = family.groups[1]
  works("join interface", receiver:join(group))
  local name = works("getsockname", receiver:getsockname())
  local to = name and works("address", mcast.address(group, name.port))
  if not to then return end
  works("sendto", sender:sendto("one", to))
  receive_message(receiver)
  works("sendto", sender:sendto("", group, to.port))
  receive_message(receiver, {})
  works("sendto", sender:sendto("two", tostring(to)))
  works("sendto", sender:sendto("three", family.own, to.port))
  datagrams(receiver, 2)
  refuses("recvfrom", E.ETIMEDOUT, receiver:recvfrom(1e-6))
  refuses("sendto", E.EMSGSIZE, sender:sendto(("x"):rep(256):rep(256), to))
  refuses("sendto", E.EAFNOSUPPORT, sender:sendto("x", family.stranger, 5))
  refuses("sendto", E.EINVAL, sender:sendto("x", group, 0))
  must_raise(sender.recvmsg, sender, 0)
  local stats = receiver:stats()
  add(stats.sent, stats.received, "dropped " .. tostring(stats.dropped))
  shut(receiver)
  shut(sender)
end

-- Options of one call: interfaces that are looked up, and then kept.
local function choices(family)
  local receiver <close> = open { family = family.name, metadata = true }
  local sender <close> = open { family = family.name }
  if not receiver or not sender then return end
  local group = family.groups[1]
  works("join interface", receiver:join(group, { interface = "lo" }))
  local name = works("getsockname", receiver:getsockname())
  local to = name and works("address", mcast.address(group, name.port))
  if not to then return end
  for _, choice in ipairs { { interface = "lo" }, { interface = "lo", timeout = 1 }, { interface = 1, ttl = 9 },
    { interface = family.own, ttl = 3 }, { source = family.own, interface = "lo", ttl = 2 } } do
    works("sendto", sender:sendto("chosen", to, choice))
    receive_message(receiver)
  end
  local sent, text, errno = sender:sendmany({ "one", "two", "six", "four" }, to, { interface = "lo", timeout = 1 })
  works("sendmany", text == nil and sent or nil, text, errno)
  for _ = 1, sent or 0 do
    receive_message(receiver)
  end
  refuses("sendto", E.ENODEV, sender:sendto("x", to, { interface = "eth77" }))
  refuses("sendto", family.name == "inet" and E.ENETUNREACH or E.EINVAL,
    sender:sendto("x", to, { interface = "lo", source = family.foreign }))
  must_raise(sender.sendto, sender, "x", to, { source = group })
  must_raise(sender.sendto, sender, "x", to, { ttl = 0 })
  local readable, writable, number = mcast.poll({ receiver }, patience, { sender })
  works("poll", readable and #writable, writable, number)
  add(sender:events())
  shut(sender)
end

-- Datagrams that do not leave this host.
local function host_only(family)
  local sender <close> = open { family = family.name, ttl = 0 }
  local member <close> = open { family = family.name, interface = "near" }
  if not sender or not member then return end
  works("join", member:join(family.near))
  for _, row in ipairs { { "interface", "near" }, { "interface", "" }, { "interface", "lo" }, { "device", "lo" },
    { "loopback", false } } do
    set(sender, row[1], row[2])
    works("sendto", sender:sendto("here", row[2] == "near" and family.near or family.groups[1], 9))
  end
  shut(sender)
  shut(member)
end

-- Filters of two interfaces, which differ.
local function mixed(family)
  local sock <close> = open { family = family.name }
  if not sock then return end
  local g, source, near, lo = family.near, family.sources[1], { interface = "near" }, { interface = "lo" }
  works("join", sock:join(g, near))
  works("join", sock:join(g, { interface = "lo", source = source }))
  list_groups(sock)
  works("block", sock:block(g, source, near))
  set(sock, "all", true)
  works("filter", sock:filter(g, "exclude", { source }, lo))
  list_groups(sock)
  works("leave", sock:leave(g, near))
  works("leave", sock:leave(g, lo))
  shut(sock)
end

local function trains(family)
  local receiver <close> = open { family = family.name, rcvbuf = 1 << 20 }
  local sender <close> = open { family = family.name, interface = family.own }
  local idle <close> = open { family = family.name, spin = 1e-6 }
  if not receiver or not sender or not idle then return end
  works("join", receiver:join(family.groups[1]))
  local name = works("getsockname", receiver:getsockname())
  if not name then return end
  for _, n in ipairs { 40, 6 } do
    local sent, text, errno = sender:sendmany(list(n, 20), family.groups[1], name.port)
    works("sendmany", text == nil and sent or nil, text, errno)
    datagrams(receiver, n - 3)
    local ready, why, number = mcast.poll({ idle, receiver }, patience)
    works("poll", ready and #ready, why, number)
    receive(receiver)
    assert(receiver:dirty() == (receiver:timeout() == 0)) -- is the rest of a train buffered?
    datagrams(receiver, 2)
  end
  refuses("poll", E.ETIMEDOUT, mcast.poll({ idle, receiver }, 1e-5))
  refuses("recvfrom", E.ETIMEDOUT, idle:recvfrom(1e-5))
  add(idle:events(), idle:getfd() == idle:pollfd(), tostring(idle:timeout()), tostring(idle):match "%a+")
  shut(idle)
end

-- Receives n datagrams as lists; returns them, and the error of an allocation that failed.
local function gather(sock, n, into)
  local got, failure = {}, nil
  while #got < n do
    local ok, one, from, errno = pcall(sock.recvmany, sock, patience, into)
    if ok and one then
      assert(from.port > 0)
      table.move(one, 1, #one, #got + 1, got)
    elseif ok then
      failed("recvmany", from, errno)
      return got
    elseif failure then
      error(one, 0) -- no memory is left
    else
      failure = one
    end
  end
  return got, failure
end

-- Lists of datagrams: an allocation that fails loses none of them.
local function lists(family)
  local receiver <close> = open { family = family.name, rcvbuf = 1 << 20 }
  local sender <close> = open { family = family.name, interface = family.own }
  if not receiver or not sender then return end
  works("join", receiver:join(family.groups[1]))
  local name = works("getsockname", receiver:getsockname())
  if not name then return end
  local sizes, into = { 40, 60, 6 }, {}
  for i, n in ipairs(sizes) do
    local sent, text, errno = sender:sendmany(list(n, 20), family.groups[1], name.port)
    if not works("sendmany", text == nil and sent or nil, text, errno) then return end
    local got, failure = gather(receiver, n, i > 1 and into or nil)
    assert(#got == n and table.concat(got) == table.concat(list(n, 20)) or reported > 0, "datagrams are lost")
    if failure then error(failure, 0) end
  end
  refuses("recvmany", E.ETIMEDOUT, receiver:recvmany(0, into))
  assert(#into > 0 or reported > 0)
end

local function bindings(family)
  local first_one <close> = open { family = family.name, reuseaddr = false }
  local name = first_one and works("getsockname", first_one:getsockname())
  if not name then return end
  refuses(made, E.EADDRINUSE, mcast.socket { family = family.name, port = name.port, reuseaddr = false })
  refuses(made, E.EADDRNOTAVAIL, mcast.socket { host = family.foreign })
  refuses(made, E.ENODEV, mcast.socket { family = family.name, interface = "eth77" })
  must_raise(mcast.socket, { family = family.name, ttl = 256 })
  open { family = family.name } -- left to the collector to close
  open { host = family.groups[1] }
end

-- A descriptor that two sockets own, one after the other.
local function adoptions(family)
  local donor <close> = open { family = family.name, host = family.own }
  if not donor then return end
  local sock <const> = open { fd = donor:getfd(), family = family.name, host = family.own, metadata = true, dscp = 5 }
  if sock then
    works("getsockname", sock:getsockname())
    shut(sock)
  end
  refuses(made, E.EBADF, mcast.socket { fd = 999, port = 9 })
end

-- Hooks run while a call waits, in a coroutine too; it raises their errors.
local function hooks(family)
  local sock <close> = open { family = family.name }
  if not sock then return end
  local hooked = 0
  local wait <const> = coroutine.wrap(function() return sock:recvfrom(1e-5) end)
  debug.sethook(function() hooked = hooked + 1 end, "l")
  refuses("recvfrom", E.ETIMEDOUT, wait())
  local ok, message
  local function stop() debug.sethook() error "stop" end
  -- (On one line: where the call fails before the hook runs, no next line runs it.)
  debug.sethook(stop, "l") ok, message = pcall(sock.recvfrom, sock, 1e-5) debug.sethook()
  if message == "not enough memory" then
    error(message, 0)
  elseif message ~= nil then
    assert(not ok and message:match "stop$", message)
  end
  assert(hooked > 0)
end

local families <const> = {
  { name = "inet", own = "127.0.0.1", near = "239.1.2.99", foreign = "192.0.2.1", stranger = "::1",
    sources = { "10.8.0.1", "10.8.0.2" }, groups = {} },
  { name = "inet6", own = "::1", near = "ff15::9", foreign = "2001:db8::1", stranger = "127.0.0.1",
    sources = { "fd08::1", "fd08::2" }, groups = {} },
}

for i = 1, 7 do
  families[1].groups[i] = "239.1.2." .. i
  families[2].groups[i] = i < 7 and "ff15::1:" .. i or "ff02::1:7%lo"
end

local parts <const> = { addresses, clocks }
for _, family in ipairs(families) do
  for _, section in ipairs { options, memberships, transfers, choices, host_only, mixed, trains, lists, bindings, adoptions,
    hooks } do
    parts[#parts + 1] = function() section(family) end
  end
end
parts[part]()
collectgarbage()
return reported, first, table.concat(transcript, "\n"), #parts
