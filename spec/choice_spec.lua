-- The choice of a call where the network changes, and where send buffers are full.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

-- Makes a link that takes 8 s for a datagram, so that its queue fills the send buffer.
local function slow(host)
  helper.check(("tc qdisc add dev %s root tbf rate 1kbit burst 2000 limit 1000000"):format(host.near))
end

-- Makes it fast again; its queue is dropped.
local function speed_up(host)
  helper.check(("tc qdisc del dev %s root"):format(host.near))
end

helper.each_family(function(family)
  local inet <const> = family.name == "inet"

  local function hear(sock)
    return assert(sock:recvmsg(5))
  end

  -- A receiver with metadata on both hosts' near ends, and a sender.
  local function pair(...)
    local receiver = assert(mcast.socket { family = family.name, metadata = true })
    for _, host in ipairs { ... } do
      assert(receiver:join(family.group, { interface = host.near }))
    end
    local sender = assert(mcast.socket { family = family.name })
    helper.defer(function() receiver:close() sender:close() end)
    return receiver, sender, assert(mcast.address(family.group, receiver:getsockname().port))
  end

  local function address(host)
    return inet and ("10.9.%d.1"):format(host.number) or ("fd09:%d::1"):format(host.number)
  end

  it("sends by one interface and another, from its address", function()
    local hosts = { helper.host(), helper.host() }
    local receiver, sender, to = pair(table.unpack(hosts))
    assert(sender:setoption("interface", hosts[1].near))
    for i = 1, 4 do
      local host = hosts[i % 2 + 1]
      assert(sender:sendto("x", to, { interface = host.near }))
      local msg = hear(receiver)
      assert.same({ host.near, address(host) }, { msg.interface, msg.from.host })
      assert(sender:sendto("x", to, { source = address(host), interface = hosts[1].near }))
      msg = hear(receiver)
      assert.same({ hosts[1].near, address(host) }, { msg.interface, msg.from.host })
    end
  end)

  it("sends by an interface that was made again", function()
    local host = helper.host()
    local receiver, sender, to = pair(host)
    assert(sender:setoption("interface", host.near))
    for index = 1000, 1003 do
      helper.check("ip link del " .. host.near)
      helper.fails(E.ENETUNREACH, "the interface is gone", sender:sendto("x", to))
      host.plug(index)
      assert(receiver:join(family.group, { interface = host.near }))
      if index % 2 == 0 then
        assert.equal(2, sender:sendmany({ "x", "x" }, to))
      else
        assert.equal(1, sender:sendto("x", to))
      end
      repeat
        local msg = hear(receiver)
        assert.same({ host.near, address(host), host.near }, { msg.interface, msg.from.host, (sender:getoption "interface") })
      until not mcast.poll({ receiver }, 0)
    end
  end)

  it("sends by the interface of a call that was made again", function()
    local host = helper.host()
    local receiver, sender, to = pair(host)
    local choice <const> = { interface = host.near }
    assert(sender:sendto("x", to, choice))
    assert.equal(host.near, hear(receiver).interface)
    helper.check("ip link del " .. host.near)
    host.plug(1010)
    assert(receiver:join(family.group, choice))
    assert(sender:sendto("x", to, choice))
    assert.equal(host.near, hear(receiver).interface)
  end)

  it("sends from the address that an interface has by then", function()
    local host = helper.host()
    local receiver, sender, to = pair(host)
    local new <const> = inet and "10.9.99.1" or "fd09:99::1"
    assert(sender:sendto("x", to, { interface = host.near }))
    assert.equal(address(host), hear(receiver).from.host)
    helper.check(("ip addr del %s/%d dev %s; ip addr add %s/%d dev %s %s"):format(address(host), inet and 24 or 64, host.near,
      new, inet and 24 or 64, host.near, inet and "" or "nodad"))
    assert(sender:sendto("x", to, { interface = host.near }))
    assert.equal(new, hear(receiver).from.host)
    assert.equal(3, sender:sendmany({ "a", "b", "c" }, to, { interface = host.near }))
    helper.check(("ip addr del %s/%d dev %s"):format(new, inet and 24 or 64, host.near))
    if inet then
      helper.fails(E.ENETUNREACH, host.near .. " has no IPv4 address", sender:sendto("x", to, { interface = host.near }))
      helper.fails(E.ENETUNREACH, new .. " is no address of this host", sender:sendto("x", to, { source = new }))
    end
  end)

  it("sends on by an interface that was made again", function()
    local host = helper.host()
    local _, sender, to = pair(host)
    assert(sender:sendto("x", to, { interface = host.near }))
    helper.check("ip link del " .. host.near)
    helper.fails(inet and E.ENETUNREACH or E.ENODEV, "the interface is gone", sender:sendto("x", to, { interface = host.near }))
    host.plug()
    assert.equal(1, sender:sendto("x", to, { interface = host.near }))
    helper.check(("ip link set %s down"):format(host.near))
    helper.fails(E.ENETUNREACH, "the interface is down", sender:sendto("x", to, { interface = host.near }))
  end)

  it("waits for room in the send buffer for its timeout alone", function()
    local host = helper.host()
    slow(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near, sndbuf = 10000 })
    local to = assert(mcast.address(family.group, 5000))
    local data, sent = ("x"):rep(1000), 0
    local ok, message, errno
    repeat
      ok, message, errno = sender:sendto(data, to, { timeout = 0 })
      sent = sent + (ok and 1 or 0)
    until not ok or sent == 100
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { ok, message, errno })
    assert.is_true(sent > 2, sent)
    assert.equal(sent, sender:stats().sent)
    assert.equal("rw", sender:events())
    local start = mcast.now()
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { sender:sendto(("x"):rep(8000), to, { timeout = 0.05 }) })
    assert.is_true(mcast.now() - start >= 0.05)
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { mcast.poll({}, 0, { sender }) })
    speed_up(host)
    assert.same({ {}, { sender } }, { mcast.poll({ sender }, 5, { sender }) })
    assert.equal("rw", sender:events())
    assert.equal(1000, sender:sendto(data, to, { timeout = 0 }))
    assert.equal("r", sender:events())
  end)

  it("returns the count of sendmany at the end of its timeout", function()
    local host = helper.host()
    slow(host)
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near, sndbuf = 10000 })
    local list = {}
    for i = 1, 100 do
      list[i] = ("x"):rep(900 + i) -- no trains
    end
    local count, message, errno = sender:sendmany(list, family.group, 5000, { timeout = 0.1 })
    assert.same({ "timeout", E.ETIMEDOUT }, { message, errno })
    assert.is_true(count > 2 and count < 100, count)
    assert.equal(count, sender:stats().sent)
    repeat
      count, message, errno = sender:sendmany(list, family.group, 5000, { timeout = 0 })
    until not count -- unless there was room by then
    assert.same({ "timeout", E.ETIMEDOUT }, { message, errno })
  end)
end)

helper.network("the choice of a call", function()
  it("fails where a zone and the interface differ", function()
    local hosts = { helper.host(), helper.host() }
    local sock <close> = assert(mcast.socket { family = "inet6" })
    local zoned = assert(mcast.address("ff02::5%" .. hosts[1].near, 5000))
    assert.equal(1, sock:sendto("x", zoned, { interface = hosts[1].near }))
    helper.fails(E.EINVAL, "%]:5000: its zone and the option 'interface' differ",
      sock:sendto("x", zoned, { interface = hosts[2].near }))
    helper.fails(E.EINVAL, "%]:5000 from fe80::1: its zone and the option 'interface' differ",
      sock:sendto("x", "ff15::1", 5000, { interface = hosts[2].near, source = "fe80::1%" .. hosts[1].near }))
  end)

  it("sends to a zone of an interface that was made again", function()
    local host = helper.host()
    local sock <close> = assert(mcast.socket { family = "inet6" })
    for index = 1020, 1022 do
      assert.equal(1, sock:sendto("x", "ff02::5%" .. host.near, 5000, { interface = host.near }))
      helper.check("ip link del " .. host.near)
      host.plug(index)
    end
  end)

  it("names the device that an interface differs from", function()
    local host = helper.host()
    local sock <close> = assert(mcast.socket { family = "inet6", device = "lo" })
    helper.fails(E.EINVAL, "the options 'interface' %(" .. host.near .. "%) and 'device' %(lo%) disagree",
      sock:sendto("x", "ff15::1", 5000, { interface = host.near }))
  end)

  it("names source and interface that nothing leaves by", function()
    local host = helper.host()
    local inet <close> = assert(mcast.socket())
    local inet6 <close> = assert(mcast.socket { family = "inet6" })
    helper.fails(E.EINVAL, "nothing leaves by " .. host.near .. " from 127.0.0.1",
      inet:sendto("x", "239.1.2.3", 5000, { interface = host.near, source = "127.0.0.1" }))
    helper.fails(E.EINVAL, "nothing leaves by " .. host.near .. " from ::1",
      inet6:sendto("x", "ff15::1", 5000, { interface = host.near, source = "::1" }))
  end)

  it("forgets names where it was used with thousands", function()
    local sock <close> = assert(mcast.socket { family = "inet6" })
    local to = assert(mcast.address("::1", sock:getsockname().port))
    local function use(first, last)
      for i = first, last do -- ::1, with zeros before the digits of each group
        local groups = {}
        for k = 1, 8 do
          groups[k] = ("0"):rep((i >> 2 * (k - 1)) & 3) .. (k == 8 and 1 or 0)
        end
        assert(sock:sendto("x", to, { interface = table.concat(groups, ":") }))
      end
      collectgarbage()
      return collectgarbage "count"
    end
    local few = use(0, 9)
    local most = use(10, 4095)
    assert.is_true(use(4096, 4200) - few < (most - few) / 4)
  end)

  it("ends its wait for a full send buffer by Ctrl-C", function()
    local host = helper.host()
    slow(host)
    local script = helper.script(([[
      local mcast = require "mcast"
      local sock = assert(mcast.socket { interface = %q, sndbuf = 10000 })
      local data, to = ("x"):rep(1000), mcast.address("239.1.2.3", 5000)
      while sock:sendto(data, to, { timeout = 0 }) do end
      print "ready"
      io.stdout:flush()
      while true do assert(sock:sendto(data, to, { timeout = 100 })) end
    ]]):format(host.near))
    local output, pid = helper.start(helper.lua .. " " .. script)
    assert.equal("ready", output:read "l")
    local start = mcast.now()
    helper.check("kill -INT " .. pid)
    assert.matches("interrupted!", output:read "a")
    assert.is_true(mcast.now() - start < 5)
  end)
end)
