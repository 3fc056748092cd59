-- Each call reports a failure with its errno: system calls that fail (strace makes
-- them fail), and interfaces that disappear.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

-- Runs a script, with `family`, under strace; returns its output.
local function inject(fault, family, text)
  local script = helper.script(("local mcast, family = require 'mcast', %q\n%s"):format(family.name, text))
  return helper.check(("strace -f -qq -o /dev/null -e trace=all -e inject=%s %s %s"):format(fault, helper.lua, script))
end

local function failure(name, message, errno)
  return ("^nil\t%s: %s\t%d\n"):format(name, message, errno)
end

helper.each_family(function(family)
  it("returns the errno of a getsockopt that fails", function()
    local output = inject("getsockopt,getsockname:error=ENOBUFS", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _, name in ipairs { "ttl", "loopback", "reuseaddr", "dscp", "rcvbuf", "device", "host", "port" } do
        local value, message, errno = sock:getoption(name)
        assert(value == nil and errno == mcast.errno.ENOBUFS and message:match("^" .. name .. ": "), message)
      end
      print(sock:getsockname())
    ]])
    assert.matches(failure("getsockname", "No buffer space available", E.ENOBUFS), output)
  end)

  it("returns the errno of a setsockopt, and keeps the option", function()
    local output = inject("setsockopt:error=EACCES:when=20+", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _ = 1, 20 do sock:setoption("ttl", 1) end
      for name, value in pairs { ttl = 0, loopback = false, reuseaddr = true, dscp = 5, rcvbuf = 4096, interface = "lo",
        device = "lo" } do
        local before = sock:getoption(name)
        local ok, message, errno = sock:setoption(name, value)
        assert(ok == nil and errno == mcast.errno.EACCES and message:match("^" .. name .. "[%w ]*: "), message)
        assert(before == sock:getoption(name), name)
      end
      print(mcast.socket { family = family, ttl = 1 })
    ]])
    assert.matches("^nil\t[%w_]+: Permission denied\t" .. E.EACCES, output)
  end)

  it("keeps all = false where the system refuses all = true", function()
    if helper.portable then
      pending "the portable path makes no system call for it"
      return
    end
    local output = inject("setsockopt:error=EACCES:when=20+", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      for _ = 1, 20 do sock:setoption("ttl", 1) end
      print(sock:setoption("all", true))
      print(sock:getoption "all")
    ]])
    assert.matches(failure("all", "Permission denied", E.EACCES) .. "false\n$", output)
  end)

  it("reports the errno of a failed receive from each method", function()
    local output = inject("recvfrom,recvmsg:error=ENETDOWN:when=100+", family, [[
      local sock <close> = assert(mcast.socket { family = family, metadata = true })
      for _ = 1, 100 do sock:recvfrom(0) sock:recvmsg(0) end
      print(sock:recvfrom(5))
      print(sock:recvmsg(5))
      print(pcall(function() for _ in sock:datagrams(5) do end end))
    ]])
    assert.matches(failure("recvfrom", "Network is down", E.ENETDOWN)
      .. failure("recvmsg", "Network is down", E.ENETDOWN):sub(2) .. "false\t[^\n]*recvfrom: Network is down\n$", output)
  end)

  it("returns the errno of a failed wait from each function", function()
    local output = inject("poll,ppoll:error=ENOMEM", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      print(sock:recvfrom(5))
      print(mcast.poll({ sock }, 5))
      print(mcast.sleep(5))
    ]])
    local message = "Cannot allocate memory"
    assert.matches(failure("recvfrom", message, E.ENOMEM) .. failure("poll", message, E.ENOMEM):sub(2)
      .. failure("sleep", message, E.ENOMEM):sub(2), output)
  end)

  it("continues a poll that a signal interrupts", function()
    local output = inject("poll,ppoll:error=EINTR:when=1", family, [[
      local sock <close> = assert(mcast.socket { family = family })
      local start = mcast.now()
      local ready, message = mcast.poll({ sock }, 0.05)
      print(ready, message, mcast.now() - start >= 0.05)
    ]])
    assert.equal("nil\ttimeout\ttrue\n", output)
  end)

  it("reports whether a send's interface is down or gone", function()
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

  it("omits the interface of a datagram once it is gone", function()
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

  it("keeps ttl 0 from leaving by the route to the group", function()
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

  it("sends ttl 0 without /proc, or says that it is needed", function()
    local command = "unshare --mount sh -c 'mount -t tmpfs none /proc/$$/net; exec " .. helper.lua .. " "
    local output = helper.check(command .. helper.script(([[
      local sock = assert(require "mcast".socket { family = %q, ttl = 0, interface = %q })
      print(sock:sendto("x", %q, 5))
      assert(sock:join %q)
      print(sock:sendto("x", %q, 5))
    ]]):format(family.name, helper.host().near, family.group, family.group, family.group)) .. "'")
    assert.matches(family.name == "inet" and "^1\n1\n" or "^1\nnil\tsendto .*: ttl 0 needs /proc.*\t2\n", output)
  end)

  it("returns ENETUNREACH for ttl 0 without a route to the group", function()
    local output = helper.check("unshare --net sh -c 'ip link set lo up; exec " .. helper.lua .. " " .. helper.script(([[
      local mcast = require "mcast"
      print(mcast.socket { family = %q, ttl = 0 }:sendto("x", %q, 5))
      print(mcast.socket { family = %q }:join(%q, { interface = "lo" }))
    ]]):format(family.name, family.group, family.name, family.group)) .. "'")
    assert.matches("no route to the group.*\t" .. E.ENETUNREACH .. "\nlo\n$", output)
  end)
end)

helper.network("interfaces", function()
  it("shows a deleted interface by its number in an address", function()
    helper.check "ip link add brief type veth peer name peer"
    local a = assert(mcast.address("fe80::1%brief", 5))
    assert.equal("brief", a.interface)
    local index = helper.check "ip link show brief":match "^%d+"
    helper.check "ip link del brief"
    assert.equal(index, a.interface)
    assert.equal(("[fe80::1%%%s]:5"):format(index), tostring(a))
    assert.equal(E.ENODEV, select(3, mcast.address(tostring(a))))
  end)

  it("returns ENODEV where no interface is usable", function()
    local output = helper.check("unshare --net " .. helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      print(assert(mcast.socket()):join "239.1.2.3")
    ]])
    assert.matches("available: none.*\t" .. E.ENODEV, output)
  end)
end)
