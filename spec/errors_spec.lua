-- docs/errors.md lists the messages of the module: each one is produced, as a network namespace or a system call
-- that fails allows.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

-- Two interfaces whose addresses are valid at once.
local base <const> = [[
set -e
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
for i in v w; do ip link add ${i}0 type veth peer name ${i}1; ip link set ${i}1 addrgenmode none; done
for i in v0 v1 w0 w1; do ip link set $i up; done
ip addr add 10.1.0.2/24 dev v0
ip addr add 10.1.1.2/24 dev w0
ip addr add fd00::2/64 dev v0 nodad
ip addr add fd01::2/64 dev w0 nodad
until ip -6 route show table local dev v0 | grep -q ^multicast.ff00; do sleep 0.01; done
]]
local dad <const> = "echo 1 >/proc/sys/net/ipv6/conf/v1/accept_dad; "
local duplicate <const> = dad .. [[
ip addr add fd00::4/64 dev v0 nodad
ip addr add fd00::4/64 dev v1
until ip -6 addr show v1 | grep -q dadfailed; do sleep 0.01; done
ip addr del fd00::4/64 dev v0
]]

local function socket(options, rest)
  return ("local s = assert(mcast.socket { %s }) return s:%s"):format(options, rest)
end
local six <const> = 'family = "inet6"'
local group <const>, group6 <const> = '"239.1.2.3"', '"ff05::7"'
local function send(options, to, data)
  return socket(options, ('sendto(%s, %s, 5000)'):format(data or '"x"', to))
end

local function joined(rest, source)
  return ('local s = assert(mcast.socket { interface = "v0" }) s:join(%s, { source = %s }) return s:%s'):format(group,
    source or "nil", rest)
end
local one <const> = '"10.0.0.1"'

-- A program that passes a UDP socket on as descriptor 7.
local function adopt(action)
  return "exec python3 -c " .. helper.quote("import os, socket as n, sys; s = n.socket(2, 2); " .. action
    .. "; os.dup2(s.fileno(), 7); os.execvp(sys.argv[1], sys.argv[1:])")
end

-- How each message comes: a part that no other row has; a script that returns it; where the base is not enough, a command
-- after it. `wrap` is the beginning of the script's own command, `fails` names a system call that fails.
local recipes <const> = {
  { "socket: Too many open files (",
    "local t, s, m, e = {} repeat s, m, e = mcast.socket() t[#t + 1] = s until not s return s, m, e",
    wrap = "ulimit -n 20; exec" },
  { "fs.file-max", "return mcast.socket()", fails = "socket:error=ENFILE" },
  { "no such sockets", "return mcast.socket { " .. six .. " }", fails = "socket:error=EAFNOSUPPORT" },
  { "must set reuseaddr",
    "local a = assert(mcast.socket { port = 7000, reuseaddr = false }) return mcast.socket { port = 7000 }" },
  { "CAP_NET_BIND_SERVICE", "return mcast.socket { port = 80 }", wrap = "exec setpriv --bounding-set=-net_bind_service" },
  { "see mcast.interfaces", 'return mcast.socket { host = "10.98.0.1" }' },
  { "it is an address of w0", 'return mcast.socket { host = "fe80::9%v0" }', "ip addr add fe80::9/64 dev w0 nodad" },
  { "(the address is tentative", 'return mcast.socket { host = "fd00::3" }', dad .. "ip addr add fd00::3/64 dev v1" },
  { "another host has the address, too", 'return mcast.socket { host = "fd00::4" }', duplicate },
  { "link scope needs", 'return mcast.socket { host = "fe80::1" }' },
  { "bind [::ffff", 'return mcast.socket { host = "::ffff:10.1.0.2" }' },
  { "(the interface is gone)",
    'local a = mcast.address("fe80::1%v0", 0) sh "ip link del v0" return mcast.socket { host = a }' },

  { "fd 77", "return mcast.socket { fd = 77 }" },
  { "fd 7: it is connected", "return mcast.socket { fd = 7 }", wrap = adopt 's.connect(("127.0.0.1", 7000))' },
  { "fd 7: it is bound", 'return mcast.socket { fd = 7, host = "10.1.0.2" }', wrap = adopt 's.bind(("127.0.0.1", 7000))' },
  { "monitor: ", "return mcast.monitor()", fails = "bind:error=EPERM" },

  { "interface eth7", 'return mcast.socket { interface = "eth7" }' },
  { "interface w0: Inv", 'return mcast.socket { device = "v0", interface = "w0" }' },
  { "CAP_NET_RAW", socket('device = "v0"', 'setoption("device", "w0")'), wrap = "exec setpriv --bounding-set=-net_raw" },
  { "set it at creation", socket(six, 'setoption("v6only", false)') },
  { "dscp: ", "local s = assert(mcast.socket()) for _ = 1, 20 do s:setoption('ttl', 1) end return s:setoption('dscp', 1)",
    fails = "setsockopt:error=ENOPROTOOPT:when=20+" },

  { ": not a group", socket("", 'join "10.1.2.3"') },
  { "join ff02::7: ", socket("", 'join "ff02::7"') },
  { "the socket is bound to 10.1.0.2", socket('host = "10.1.0.2"', "join " .. group) },
  { "by its device v0", socket('device = "v0"', "join(" .. group .. ', { interface = "w0" })') },
  { "join ff02::7 on v0: Inv", socket(six, 'join("ff02::7", { interface = "v0" })'), "ip link set v0 mtu 1000" },
  { "join 239.1.2.3: No such device (no route", socket("", "join " .. group) },
  { "join 239.1.2.3: No such device (the interface",
    'local s = mcast.socket { interface = "v0" } sh "ip link del v0" return s:join '
    .. group },
  { "already joined`", 'local s = mcast.socket { interface = "v0" } s:join ' .. group .. " return s:join " .. group },
  { "igmp_max_memberships",
    'local s, n, m, e = mcast.socket { interface = "v0" } for i = 1, 200 do n, m, e = s:join("239.1.2." .. i) '
    .. "if not n then break end end return n, m, e" },
  { "join ff15::...", 'local s, i, n, m, e = mcast.socket { family = "inet6", interface = "v0" }, 0 repeat i = i + 1 '
    .. 'n, m, e = s:join(("ff15::%x"):format(i)) until not n or i > 60000 return n, m, e' },
  { "igmp_max_msf", "local t = {} for i = 1, 200 do t[i] = '10.0.0.' .. i end "
    .. socket('interface = "v0"', "filter(" .. group .. ', "include", t)') },
  { "already joined, for any source", joined("join(" .. group .. ", { source = " .. one .. " })") },
  { "already joined, for some sources", joined("join " .. group, one) },
  { "names another interface", socket(six, 'join("ff02::7%v0", { interface = "w0" })') },
  { "a source is a unicast", socket("", "join(" .. group .. ', { source = "239.1.2.4" })') },
  { "leave 239.1.2.3: not joined", socket("", "leave " .. group) },
  { "joined on several",
    'local s = mcast.socket() for _, i in ipairs { "v0", "w0" } do s:join("239.1.2.3", { interface = i }) end '
    .. 'return s:leave "239.1.2.3"' },
  { "not joined for this source", joined("leave(" .. group .. ", { source = " .. one .. " })", '"10.0.0.2"') },
  { "so none can be blocked", joined("block(" .. group .. ", " .. one .. ")", '"10.0.0.2"') },
  { "already blocked", "local s = mcast.socket { interface = 'v0' } s:join '239.1.2.3' "
    .. "s:block('239.1.2.3', '10.0.0.1') return s:block('239.1.2.3', '10.0.0.1')" },
  { "not blocked", joined("unblock(" .. group .. ", " .. one .. ")") },

  { "a packet filter", socket('interface = "v0"', "sendto('x', " .. group .. ", 5001)"), [[
    nft add table ip t
    nft add chain ip t o "{ type filter hook output priority 0; }"
    nft add rule ip t o udp dport 5001 drop]], needs = "nft" },
  { "set broadcast = true", send("", '"10.1.0.255"') },
  { "prohibits it", send("", '"10.9.0.1"'), "ip route add prohibit 10.9.0.0/24" },
  { "makes it unreachable", send("", '"10.9.2.1"'), "ip route add unreachable 10.9.2.0/24" },
  { "may discard it", send("", '"10.9.1.1"'), "ip route add blackhole 10.9.1.0/24" },
  { "[ff05::7]:5000: Invalid argument (the options", socket(six .. ', device = "v0"',
    "sendto('x', " .. group6 .. ', 5000, { interface = "w0" })') },
  { "the options 'host'", send('host = "127.0.0.1", interface = "v0"', group) },
  { "is for this host alone", send('host = "127.0.0.1"', '"10.1.0.9"') },
  { "fd00::5 is no address", 'local s = assert(mcast.socket { interface = "fd00::5" }) sh "ip addr del fd00::5/64 dev v0" '
    .. "return s:sendto('x', " .. group6 .. ", 5000)", "ip addr add fd00::5/64 dev v0 nodad" },
  { "port 0", socket("", "sendto('x', " .. group .. ", mcast.address('1.1.1.1', 0).port)") },
  { "10.1.0.3 is no address", 'local s = assert(mcast.socket { interface = "10.1.0.3" }) sh "ip addr del 10.1.0.3/24 dev v0" '
    .. "return s:sendto('x', " .. group .. ", 5000)", "ip addr add 10.1.0.3/24 dev v0" },
  { "no IPv4 address", send('interface = "v1"', group) },
  { "(the interface is down", send('interface = "v0"', group), "ip link set v0 down" },
  { "Network is unreachable (no route to the group", send("", group) },
  { "no route to the host", send("", '"10.99.0.1"') },
  { "sendto [::ffff", send(six, '"::ffff:10.1.0.9"') },
  { "[ff05::7]:5000: Network is unreachable (the interface is gone",
    'local s = mcast.socket { family = "inet6", interface = "v0" } '
    .. 'sh "ip link del v0" return s:sendto("x", "ff05::7", 5000)' },
  { "the device is gone",
    'local s = mcast.socket { device = "v0" } sh "ip link del v0" return s:sendto("x", "239.1.2.3", 5000)' },
  { "device alone, which is gone", 'local s = mcast.socket { device = "v0" } sh "ip link del v0" return s:join "239.1.2.3"' },
  { "switched off", send(six .. ', interface = "v0"', group6), "echo 1 >/proc/sys/net/ipv6/conf/v0/disable_ipv6" },
  { "[ff05::7]:5000: Network is unreachable (IPv6 needs",
    send(six .. ', interface = "v0"', group6), "ip link set v0 mtu 1000" },
  { "lo has no route", send(six .. ', interface = "lo"', group6) },
  { "by v0, which has no MULTICAST flag", send(six .. ', interface = "v0"', group6),
    "ip link set v0 multicast off; ip -6 route del multicast ff00::/8 dev v0 table local" },
  { "no carrier)", send(six .. ', interface = "t0"', group6), "ip tuntap add t0 mode tun; ip link set t0 up" },
  { "no carrier and no MULTICAST flag", send(six .. ', interface = "t0"', group6),
    "ip tuntap add t0 mode tun; ip link set t0 multicast off; ip link set t0 up" },
  { "address of v1 is tentative", send(six .. ', interface = "v1"', group6), dad .. "ip addr add fd00::3/64 dev v1" },
  { "another host has the address of v1", send(six .. ', interface = "v1"', group6), duplicate },
  { "no usable address", send(six .. ', interface = "v1"', group6) },
  { "5000: No such device (the interface",
    'local s, o = mcast.socket { family = "inet6" }, { interface = "v0" } s:sendto("x", "ff05::7", 5000, o) '
    .. 'sh "ip link del v0" return s:sendto("x", "ff05::7", 5000, o)' },
  { "make it with family = \"inet6\")", send("", group6) },
  { "sends to no others", send('host = "::ffff:10.1.0.2", v6only = false', '"fd00::9"') },
  { "the limit of a datagram", send('interface = "v0"', group, "('x'):rep(70000)") },
  { "with fragment = false", send('interface = "v0", fragment = false', group, "('x'):rep(2000)") },
  { "no room in the send buffer", send("sndbuf = 1", '"10.1.0.9"', "('x'):rep(60000)") },
  { "ttl 0 needs", 'local s = mcast.socket { family = "inet6", ttl = 0, interface = "v0" } assert(s:join "ff05::7") '
    .. 'return s:sendto("x", "ff05::7", 5000)', wrap = "mount -t tmpfs tmpfs /proc/$$/net; exec" },

  { "by eth7", socket("", "sendto('x', " .. group .. ', 5000, { interface = "eth7" })') },
  { "10.98.0.1 is no address", socket('interface = "v0"', "sendto('x', " .. group .. ', 5000, { source = "10.98.0.1" })') },
  { "nothing goes there", socket("", "sendto('x', '10.1.0.9', 5000, { source = '127.0.0.1' })") },
  { "nothing leaves by v0", socket('interface = "v0"', "sendto('x', " .. group .. ', 5000, { source = "127.0.0.1" })') },
  { "its zone", socket(six, 'sendto("x", "ff02::7%v0", 5000, { interface = "w0" })') },
  { "from fd00::2", socket("", "sendto('x', " .. group .. ', 5000, { source = "fd00::2" })') },
  { "one is an IPv4", socket(six, "sendto('x', " .. group6 .. ', 5000, { source = "::ffff:10.1.0.2" })') },

  { "too many sockets", "local s, t = mcast.socket(), {} for i = 1, 65 do t[i] = s end return mcast.poll(t, 0)",
    wrap = "ulimit -n 64; exec" },
  { "`timeout`", socket("", "recvfrom(0)") },
}

-- The rows of the tables: errno and message.
local rows <const> = {}
for line in io.lines "docs/errors.md" do
  local errno, message = line:match "^| .- | (E%u+) | (`.-`) | .- |$"
  rows[#rows + 1] = errno and { errno = errno, message = message }
end

local function find(part)
  local found
  for _, row in ipairs(rows) do
    if row.message:find(part, 1, true) then
      assert(not found, "two rows: " .. part)
      found = row
    end
  end
  return found
end

local function produce(recipe)
  local script <const> = helper.script([[
    local mcast = require "mcast"
    local function sh(command) assert(os.execute(command)) end
    local _, message, errno = (function() ]] .. recipe[2] .. [[ end)()
    print(errno, message)
  ]])
  local strace <const> = recipe.fails and "strace -f -qq -o /dev/null -e inject=" .. recipe.fails .. " " or ""
  local run <const> = ("%s %s%s %s"):format(recipe.wrap or "exec", strace, helper.lua, script)
  return helper.check("unshare --net --mount sh -c " .. helper.quote(base .. (recipe[3] or "") .. "\n" .. run))
end

describe("the recipes of messages", function()
  it("produces each row of docs/errors.md once", function()
    local produced <const> = {}
    for _, recipe in ipairs(recipes) do
      local row <const> = assert(find(recipe[1]), "no row: " .. recipe[1])
      assert.is_nil(produced[row], recipe[1])
      produced[row] = true
    end
    for _, row in ipairs(rows) do
      assert(produced[row], "nothing produces " .. row.message)
    end
  end)
end)

helper.network("the module, as docs/errors.md has it,", function()
  for _, recipe in ipairs(recipes) do
    it("reports: " .. recipe[1]:gsub("`", ""), function()
      if recipe.needs and not helper.has(recipe.needs) then
        pending("needs " .. recipe.needs)
        return
      elseif os.getenv "MCAST_MEMCHECK" then
        pending "runs in a process that valgrind does not follow"
        return
      end
      local row <const> = find(recipe[1])
      local pattern <const> = row.message:sub(2, -2):gsub("%p", "%%%0"):gsub("%%%.%%%.%%%.", ".*")
      local errno <const>, message <const> = produce(recipe):match "^(%d+)\t(.*)\n$"
      assert.matches("^" .. pattern .. "$", message)
      assert.equal(mcast.errno[row.errno], tonumber(errno))
    end)
  end
end)
