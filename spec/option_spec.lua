local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

helper.each_family(function(family)
  it("sets buffer sizes and returns those that the kernel granted", function()
    local sock <close> = assert(mcast.socket { family = family.name, rcvbuf = 65536, sndbuf = 65536 })
    for _, name in ipairs { "rcvbuf", "sndbuf" } do
      assert.equal(131072, sock:getoption(name)) -- Linux doubles what is asked for
      local ok, granted = sock:setoption(name, 1 << 20)
      assert.is_true(ok)
      assert.equal(granted, sock:getoption(name))
      assert.is_true(granted > 131072)
      helper.raises(function() sock:setoption(name, 0) end)
      helper.raises(function() sock:setoption(name, 2 ^ 31) end)
    end
  end)

  it("exceeds the system's limit of rcvbuf where privileges allow", function()
    local sock <close> = assert(mcast.socket { family = family.name })
    local limit = tonumber(io.open "/proc/sys/net/core/rmem_max":read())
    local _, granted = sock:setoption("rcvbuf", limit * 2)
    local initial = io.open "/proc/self/uid_map":read "a":find "^ *0 +0 +4294967295" -- not so in a user namespace
    local forced = initial and not helper.portable
    assert.equal(limit * 2 * (forced and 2 or 1), granted)
  end)

  it("keeps multicast from its own host with loopback = false", function()
    local host = helper.host()
    local interface = { family = family.name, interface = host.near }
    local receiver, sender, to = helper.pair(family, interface, interface)
    assert.is_true(sender:setoption("loopback", false))
    assert(sender:sendto("silent", to))
    assert.is_true(sender:setoption("loopback", true))
    assert(sender:sendto("heard", to))
    assert.equal("heard", (receiver:recvfrom(5)))
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
  end)

  it("ignores a group from an interface that it did not join on", function()
    local host = helper.host()
    local receiver <close> = assert(mcast.socket { family = family.name, interface = "lo" })
    local neighbour <close> = assert(mcast.socket { family = family.name, interface = host.near })
    assert.equal("lo", receiver:join(family.group))
    assert.equal(host.near, neighbour:join(family.group))
    local sender = assert(mcast.socket { family = family.name, interface = "lo" })
    local port = receiver:getsockname().port
    local script = helper.script(([[
      local mcast = require "mcast"
      local sock = assert(mcast.socket { family = %q, interface = %q })
      assert(sock:sendto("from afar", %q, %d))
      assert(sock:sendto("from afar", %q, %d))
    ]]):format(family.name, host.far, family.group, port, family.group, neighbour:getsockname().port))
    helper.check(host.enter .. helper.lua .. " " .. script)
    assert.equal("from afar", (neighbour:recvfrom(5)))
    assert(sender:sendto("from here", family.group, port))
    assert.equal("from here", (receiver:recvfrom(5)))
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
  end)

  -- Prints each datagram of the group that arrives at a host.
  local function receive_at(host)
    local output = helper.start(host.enter .. helper.lua .. " " .. helper.script(([[
      local mcast = require "mcast"
      local sock = assert(mcast.socket { family = %q, port = 10010, interface = %q, metadata = true })
      assert(sock:join %q)
      io.stdout:setvbuf "line"
      print "ready"
      while true do
        local msg = assert(sock:recvmsg(10))
        print(msg.data, msg.ttl, msg.interface, msg.from.host)
      end
    ]]):format(family.name, host.far, family.group)))
    assert.equal("ready", output:read "l")
    return output
  end

  local function send(sock, ttl)
    assert.is_true(sock:setoption("ttl", ttl))
    assert(sock:sendto("ttl " .. ttl, family.group, 10010))
  end

  it("keeps datagrams of ttl 0 on the host", function()
    local host = helper.host()
    local output = receive_at(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    send(sender, 0) -- no member is here: Linux by itself would let it out
    assert.equal(1, sender:stats().sent)
    local neighbour <close> = assert(mcast.socket { family = family.name, interface = host.near })
    assert(neighbour:join(family.group))
    send(sender, 0)
    neighbour:leave(family.group)
    local elsewhere <close> = assert(mcast.socket { family = family.name, interface = "lo" })
    assert(elsewhere:join(family.group))
    local device <close> = assert(mcast.socket { family = family.name, device = host.near, ttl = 0 })
    assert(device:sendto("by device", family.group, 10010))
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
  end)

  it("delivers datagrams of ttl 0 to members on the host", function()
    local host = helper.host()
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010 })
    assert(member:join(family.group))
    send(sender, 0)
    assert.equal("ttl 0", (member:recvfrom(5)))
    assert.is_true(sender:setoption("loopback", false))
    send(sender, 0)
    assert.equal(E.ETIMEDOUT, select(3, member:recvfrom(0)))
  end)

  it("keeps ttl 0 on the host, bound to another interface's address", function()
    local host, other = helper.host(), helper.host()
    local output = receive_at(host)
    local own = family.name == "inet" and ("10.9.%d.1"):format(host.number) or ("fd09:%d::1"):format(host.number)
    local elsewhere <close> = assert(mcast.socket { family = family.name, port = 10010, interface = other.near })
    assert(elsewhere:join(family.group))
    local options = { family = family.name, host = own }
    if family.name == "inet6" then -- Linux's IPv6 goes by the route, whatever the address
      options.interface = host.near
    end
    local sender <close> = assert(mcast.socket(options))
    send(sender, 0)
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
    local member <close> = assert(mcast.socket { family = family.name, port = 10010, interface = host.near })
    assert(member:join(family.group))
    send(sender, 0)
    local data, from = member:recvfrom(5)
    assert.same({ "ttl 0", own }, { data, from and from.host })
  end)

  it("keeps ttl 0 on the host where members hear other sources", function()
    local host = helper.host()
    local output = receive_at(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local member <close> = assert(mcast.socket { family = family.name, port = 10010, interface = host.near })
    assert(member:join(family.group, { source = family.sources[1] }))
    send(sender, 0)
    local second <close> = assert(mcast.socket { family = family.name, port = 10010, interface = host.near })
    assert(second:join(family.group))
    send(sender, 0)
    assert.equal("ttl 0", (second:recvfrom(5)))
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
  end)

  it("keeps ttl 0 on the host while members come and go", function()
    local host = helper.host()
    local output = receive_at(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010 })
    local join, leave = member.join, member.leave
    for _, change in ipairs { join, leave, join, leave } do
      assert(change(member, family.group))
      send(sender, 0)
      assert.equal(change == join and "ttl 0" or nil, (member:recvfrom(change == join and 5 or 0)))
    end
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
  end)

  it("delivers ttl 0 to a member among 200 groups", function()
    local host = helper.host()
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010 })
    assert(member:join(family.group))
    for i = 1, 200, 10 do
      local others = assert(mcast.socket { family = family.name, interface = host.near })
      helper.defer(function() others:close() end)
      for k = i, i + 9 do
        assert(others:join((family.name == "inet" and "239.9.9.%d" or "ff15::9:%d"):format(k)))
      end
    end
    send(sender, 0)
    assert.equal("ttl 0", (member:recvfrom(5)))
  end)

  it("applies the sources that members block to ttl 0", function()
    local host = helper.host()
    local output = receive_at(host)
    local own = family.name == "inet" and ("10.9.%d.1"):format(host.number) or ("fd09:%d::1"):format(host.number)
    local sender <close> = assert(mcast.socket { family = family.name, interface = own })
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010 })
    assert(member:filter(family.group, "exclude", { own }))
    send(sender, 0)
    assert.equal(E.ETIMEDOUT, select(3, member:recvfrom(0)))
    assert(member:filter(family.group, "exclude", { family.sources[1], family.sources[2] }))
    send(sender, 0)
    assert.equal("ttl 0", (member:recvfrom(5)))
    assert(member:filter(family.group, "include", { own }))
    send(sender, 0)
    assert.equal("ttl 0", (member:recvfrom(5)))
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
  end)

  it("keeps ttl 0 on the host where an interface is made again", function()
    local host = helper.host()
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010 })
    assert(member:join(family.group))
    send(sender, 0)
    assert.equal("ttl 0", (member:recvfrom(5)))
    local index = helper.check("ip link show " .. host.near):match "^%d+"
    helper.check("ip link del " .. host.near)
    host.plug(index)
    local output = receive_at(host)
    send(sender, 0) -- the membership is gone
    send(sender, 1)
    assert.matches("^ttl 1\t", output:read "l")
  end)

  it("costs three plain sends at most with ttl 0", function()
    local host = helper.host()
    local member <close> = assert(mcast.socket { family = family.name, interface = host.near, port = 10010, rcvbuf = 1000 })
    assert(member:join(family.group))
    local senders, costs = {}, { [0] = math.huge, [1] = math.huge }
    for ttl = 0, 1 do
      senders[ttl] = assert(mcast.socket { family = family.name, interface = host.near, ttl = ttl })
      helper.defer(function() senders[ttl]:close() end)
    end
    local to = assert(mcast.address(family.group, 10010))
    for round = 0, 99 do -- the shortest of 50 times each is that of an idle machine
      local start = os.clock()
      for _ = 1, 100 do assert(senders[round % 2]:sendto("x", to)) end
      costs[round % 2] = math.min(costs[round % 2], os.clock() - start)
    end
    assert.is_true(costs[0] <= 3 * costs[1], costs[0] / costs[1])
  end)

  it("returns EMSGSIZE for an oversized datagram of ttl 0", function()
    local sender <close> = assert(mcast.socket { family = family.name, interface = "lo", ttl = 0 })
    assert.equal(E.EMSGSIZE, select(3, sender:sendto(("x"):rep(family.limit + 1), family.group, 10010)))
  end)

  it("reports the TTL that another host's datagram arrives with", function()
    local host = helper.host()
    local output = receive_at(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local from = family.name == "inet" and "10%.9%.%d+%.1" or "f[ed][0-9a-f]+:.*"
    for _, ttl in ipairs { 1, 17, 255 } do
      send(sender, ttl)
      assert.matches(("^ttl %d\t%d\t%s\t%s$"):format(ttl, ttl, host.far, from), output:read "l")
    end
  end)

  it("receives from the interface of option device only", function()
    local host = helper.host()
    local receiver <close> = assert(mcast.socket { family = family.name, device = host.near })
    local sender <close> = assert(mcast.socket { family = family.name })
    assert(sender:sendto("by lo", family.own, receiver:getsockname().port))
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
    assert(receiver:setoption("device", ""))
    assert(sender:sendto("by lo", family.own, receiver:getsockname().port))
    assert.equal("by lo", (receiver:recvfrom(5)))
  end)

  it("reports DSCP and ECN of another program's datagram", function()
    local receiver <close> = assert(mcast.socket { family = family.name, metadata = true })
    helper.check("python3 " .. helper.script(([[
import socket
sock = socket.socket(socket.AF_%s, socket.SOCK_DGRAM)
sock.setsockopt(%s, 46 << 2 | 3)
sock.sendto(b"x", (%q, %d))
]]):format(family.name:upper(), family.name == "inet" and "socket.IPPROTO_IP, socket.IP_TOS"
      or "socket.IPPROTO_IPV6, socket.IPV6_TCLASS", family.own, receiver:getsockname().port)))
    local msg <const> = assert(receiver:recvmsg(5))
    assert.same({ 46, 3 }, { msg.dscp, msg.ecn })
  end)

  it("looks up the MTU after a failure only", function()
    local host = helper.host()
    helper.check(("ip link set %s mtu 1400"):format(host.near))
    local script <const> = helper.script(([[
      local sock = assert(require "mcast".socket { interface = %q, family = %q, fragment = false })
      assert(sock:sendto(("x"):rep(1352), %q, 10020))
      io.stderr:write "now\n"
      print(sock:sendto(("x"):rep(1400), %q, 10020))
      print(sock:sendto(("x"):rep(1400), %q, 10020, { interface = "lo" }))
    ]]):format(host.near, family.name, family.group, family.group, family.group))
    local output <const> = helper.check(("strace -e trace=connect,close %s %s"):format(helper.lua, script))
    local before <const>, after <const> = output:match "^(.-)now\n(.*)$"
    assert.is_nil(before:find "connect%(.*AF_INET")
    assert.same({ 1, 1 }, { select(2, after:gsub("connect%(.-AF_INET", "")), select(2, after:gsub("the MTU is 1400", "")) })
    assert.matches("\n1400\n", after)
  end)

  it("refuses a longer datagram than the MTU with ttl 0, too", function()
    local host = helper.host()
    helper.check(("ip link set %s mtu 1400"):format(host.near))
    local sock <close> = assert(mcast.socket { family = family.name, interface = host.near, fragment = false, ttl = 0 })
    assert.equal(1352, sock:sendto(("x"):rep(1352), family.group, 10020))
    helper.fails(E.EMSGSIZE, "the MTU is 1400", sock:sendto(("x"):rep(1400), family.group, 10020))
  end)

  it("names the MTU of the way of a bound socket", function()
    local host = helper.host()
    helper.check(("ip link set %s mtu 1400"):format(host.near))
    local own <const> = family.name == "inet" and "10.9.%d.1" or "fd09:%d::1"
    local sock <close> = assert(mcast.socket { host = own:format(host.number), port = 10020, fragment = false })
    if family.name == "inet6" then assert(sock:setoption("interface", host.near)) end
    helper.fails(E.EMSGSIZE, "the MTU is 1400", sock:sendto(("x"):rep(1400), family.group, 10020))
  end)

  it("marks sent datagrams with dscp", function()
    local output = helper.start("python3 -u " .. helper.script(([[
import socket
sock = socket.socket(socket.AF_%s, socket.SOCK_DGRAM)
sock.setsockopt(%s, 1)
sock.bind(("%s", 0))
print(sock.getsockname()[1])
for level, kind, data in sock.recvmsg(10, 100)[1]:
    print(data[0])
]]):format(family.name:upper(), family.name == "inet" and "socket.IPPROTO_IP, socket.IP_RECVTOS"
      or "socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS", family.own)))
    local sender <close> = assert(mcast.socket { family = family.name, dscp = 46 })
    assert(sender:sendto("hello", family.own, output:read "n"))
    assert.equal(46 << 2, output:read "n")
  end)
end)

helper.network("a socket for both families", function()
  it("sets options of both", function()
    local script <const> = helper.script [[
      assert(require "mcast".socket { family = "inet6", v6only = false, ttl = 7, unicast_ttl = 8, loopback = false, dscp = 46 })
    ]]
    local calls <const> = helper.check(("strace -e trace=setsockopt %s %s"):format(helper.lua, script))
    for _, option in ipairs { "SOL_IPV6, IPV6_MULTICAST_HOPS, [7]", "SOL_IP, IP_MULTICAST_TTL, \"\\7\"",
      "SOL_IPV6, IPV6_UNICAST_HOPS, [8]", "SOL_IP, IP_TTL, [8]", "SOL_IPV6, IPV6_MULTICAST_LOOP, [0]",
      "SOL_IP, IP_MULTICAST_LOOP, \"\\0\"", "SOL_IPV6, IPV6_TCLASS, [184]", "SOL_IP, IP_TOS, [184]" } do
      assert.matches(option, calls, 1, true)
    end
  end)
end)
