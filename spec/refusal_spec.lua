-- What goes wrong around a socket is told, by each call, with its errno: calls that
-- the system refuses (strace has it refuse), and interfaces that go.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

-- Runs a script, with `family`, under strace; what it printed.
local function inject(fault, family, text)
  local script = helper.script(("local mcast, family = require 'mcast', %q\n%s"):format(family.name, text))
  return helper.check(("strace -f -qq -o /dev/null -e trace=all -e inject=%s %s %s"):format(fault, helper.lua, script))
end

local function told(name, message, errno)
  return ("^nil\t%s: %s\t%d\n"):format(name, message, errno)
end

helper.each_family(function(family)
  it("an option that the system does not tell is an error", function()
    local output = inject("getsockopt,getsockname:error=ENOBUFS", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _, name in ipairs { "ttl", "loopback", "reuseaddr", "dscp", "rcvbuf", "device", "host", "port" } do
        local value, message, errno = sock:getoption(name)
        assert(value == nil and errno == mcast.errno.ENOBUFS and message:match("^" .. name .. ": "), message)
      end
      print(sock:getsockname())
    ]])
    assert.matches(told("getsockname", "No buffer space available", E.ENOBUFS), output)
  end)

  it("an option that the system refuses is an error, and stays", function()
    local output = inject("setsockopt:error=EACCES:when=20+", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _ = 1, 20 do sock:setoption("ttl", 1) end
      for name, value in pairs { ttl = 0, loopback = false, reuseaddr = true, dscp = 5, rcvbuf = 4096, interface = "lo",
        device = "lo" } do
        local before = sock:getoption(name)
        local ok, message, errno = sock:setoption(name, value)
        assert(ok == nil and errno == mcast.errno.EACCES and message:match("^" .. name .. ": "), message)
        assert(before == sock:getoption(name), name)
      end
      print(mcast.socket { family = family, ttl = 1 })
    ]])
    assert.matches("^nil\t[%w_]+: Permission denied\t" .. E.EACCES, output)
  end)

  it("all = true that the system refuses is an error, and the option stays", function()
    if helper.portable then
      pending "the portable path asks nothing of the system for it"
      return
    end
    local output = inject("setsockopt:error=EACCES:when=20+", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _ = 1, 20 do sock:setoption("ttl", 1) end
      print(sock:setoption("all", true))
      print(sock:getoption "all")
    ]])
    assert.matches(told("all", "Permission denied", E.EACCES) .. "false\n$", output)
  end)

  it("a receive that the system refuses is an error, by each way to receive", function()
    local output = inject("recvfrom,recvmsg:error=ENETDOWN", family, [[
      local sock <close> = assert(mcast.socket { family = family, metadata = true })
      print(sock:recvfrom(5))
      print(sock:recvmsg(5))
      print(pcall(function() for _ in sock:datagrams(5) do end end))
    ]])
    assert.matches(told("recvfrom", "Network is down", E.ENETDOWN)
      .. told("recvmsg", "Network is down", E.ENETDOWN):sub(2) .. "false\t[^\n]*recvfrom: Network is down\n$", output)
  end)

  it("a wait that the system refuses is an error, by each way to wait", function()
    local output = inject("poll,ppoll:error=ENOMEM", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      print(sock:recvfrom(5))
      print(mcast.poll({ sock }, 5))
      print(mcast.sleep(5))
    ]])
    local message = "Cannot allocate memory"
    assert.matches(told("recvfrom", message, E.ENOMEM) .. told("poll", message, E.ENOMEM):sub(2)
      .. told("sleep", message, E.ENOMEM):sub(2), output)
  end)

  it("a poll that a signal interrupts waits on", function()
    local output = inject("poll,ppoll:error=EINTR:when=1", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      local start = mcast.now()
      local ready, message = mcast.poll({ sock }, 0.05)
      print(ready, message, mcast.now() - start >= 0.05)
    ]])
    assert.equal("nil\ttimeout\ttrue\n", output)
  end)

  it("a send says whether its interface is down or gone", function()
    local host = helper.host()
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    helper.check("ip link set " .. host.near .. " down")
    local sent, message, errno = sender:sendto("x", family.group, 5)
    assert.is_nil(sent)
    assert.is_true(errno == E.ENETUNREACH or errno == E.EADDRNOTAVAIL, message)
    assert.matches("the interface is down", message)
    helper.check("ip link del " .. host.near)
    sent, message, errno = sender:sendto("x", family.group, 5)
    assert.is_nil(sent)
    assert.is_true(errno == E.ENETUNREACH or errno == E.ENODEV, message)
    assert.matches("the interface is gone", message)
    assert.equal(E.ENODEV, select(3, sender:getoption "interface"))
  end)

  it("what came by an interface that is gone is told without it", function()
    local host = helper.host()
    local receiver <close> = assert(mcast.socket { family = family.name, metadata = true })
    local number = host.near:match "%d+"
    local own = family.name == "inet" and ("10.9.%s.1"):format(number) or ("fd09:%s::1"):format(number)
    helper.check(host.enter .. helper.lua .. " " .. helper.script(([[
      local mcast = require "mcast"
      assert(assert(mcast.socket { family = %q }):sendto("hello", %q, %d))
    ]]):format(family.name, own, receiver:getsockname().port)))
    assert(mcast.poll({ receiver }, 5))
    helper.check("ip link del " .. host.near)
    local msg = assert(receiver:recvmsg(5))
    assert.same({ "hello", own }, { msg.data, msg.group })
    assert.is_nil(msg.interface)
  end)

  it("ttl 0 does not leave by the route to the group", function()
    local host = helper.host()
    local output = helper.start(host.enter .. helper.lua .. " " .. helper.script(([[
      local mcast = require "mcast"
      local sock = assert(mcast.socket { family = %q, port = 10019, interface = %q })
      assert(sock:join %q)
      io.stdout:setvbuf "line"
      print "ready"
      print((assert(sock:recvfrom(10))))
    ]]):format(family.name, host.far, family.group)))
    assert.equal("ready", output:read "l")
    helper.check((family.name == "inet" and "ip route add %s dev %s" or "ip -6 route add multicast %s dev %s table local")
      :format(family.group, host.near))
    local sender <close> = assert(mcast.socket { family = family.name })
    for ttl = 0, 1 do
      assert.is_true(sender:setoption("ttl", ttl))
      assert(sender:sendto("ttl " .. ttl, family.group, 10019))
    end
    assert.equal("ttl 1", output:read "l")
  end)

  it("ttl 0 without a route to the group is an error", function()
    local output = helper.check("unshare --net sh -c 'ip link set lo up; exec " .. helper.lua .. " " .. helper.script(([[
      local mcast = require "mcast"
      print(mcast.socket { family = %q, ttl = 0 }:sendto("x", %q, 5))
      print(mcast.socket { family = %q }:join(%q, { interface = "lo" }))
    ]]):format(family.name, family.group, family.name, family.group)) .. "'")
    assert.matches("no route to the group.*\t" .. E.ENETUNREACH .. "\nlo\n$", output)
  end)
end)

helper.network("an interface", function()
  it("that is gone is told by its number in an address", function()
    helper.check "ip link add brief type veth peer name peer"
    local a = assert(mcast.address("fe80::1%brief", 5))
    assert.equal("brief", a.interface)
    local index = helper.check "ip link show brief":match "^%d+"
    helper.check "ip link del brief"
    assert.equal(index, a.interface)
    assert.equal(("[fe80::1%%%s]:5"):format(index), tostring(a))
    assert.equal(E.ENODEV, select(3, mcast.address(tostring(a))))
  end)

  it("that is usable may not be there at all", function()
    local output = helper.check("unshare --net " .. helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      print(assert(mcast.socket()):join "239.1.2.3")
    ]])
    assert.matches("available: none.*\t" .. E.ENODEV, output)
  end)
end)
