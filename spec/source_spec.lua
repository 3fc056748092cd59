-- The source of a socket's datagrams to groups while the addresses of its interface change, on both networks.
local helper <const> = require "spec.support.helper"
local two <const> = require "spec.support.two"

local port <const> = 10031

local function tests(network, family)
  local inet <const> = family.name == "inet"
  local first <const>, second <const> = inet and "10.71.0.1" or "fd71::1", inet and "10.71.0.2" or "fd71::2"

  local function hear(mcast, interface)
    local sock <const> = assert(mcast.socket { family = family.name, port = port })
    assert.equal(interface, sock:join(family.group, { interface = interface }))
    return sock
  end

  -- Asserts that a send is received once, and returns its source.
  local function send(mcast, sender, receiver, choice)
    local data <const> = tostring(mcast.now())
    assert.equal(#data, sender:sendto(data, family.group, port, choice))
    local got <const>, from <const> = assert(receiver:recvfrom(5))
    assert.equal(data, got)
    assert.equal("timeout", select(2, receiver:recvfrom(0)))
    return from.host
  end

  it("sends from the new address after an address change", function()
    network(function(mcast, near, _, set)
      set(near, first, true)
      local sender <close> = assert(mcast.socket { family = family.name, interface = near })
      local receiver <close> = hear(mcast, near)
      assert.equal(first, send(mcast, sender, receiver))
      set(near, first, false)
      set(near, second, true)
      assert.equal(second, send(mcast, sender, receiver))
      assert.equal(second, send(mcast, sender, receiver))
      assert.equal(3, sender:stats().sent)
    end)
  end)

  it("sends by an interface of the call from its new address", function()
    network(function(mcast, near, far, set)
      set(near, first, true)
      set(far, inet and "10.72.0.1" or "fd72::1", true)
      local sender <close> = assert(mcast.socket { family = family.name, interface = far })
      local receiver <close> = hear(mcast, near)
      local choice <const> = { interface = near }
      assert.equal(first, send(mcast, sender, receiver, choice))
      set(near, first, false)
      if inet then
        local sent <const>, message <const>, errno <const> = sender:sendto("x", family.group, port, choice)
        assert.same({ nil, mcast.errno.ENETUNREACH }, { sent, errno })
        assert.matches(near .. " has no IPv4 address", message)
      end
      set(near, second, true)
      assert.equal(second, send(mcast, sender, receiver, choice))
      assert.equal(second, send(mcast, sender, receiver, { interface = near, source = second }))
      local sent <const>, message <const> = sender:sendto("x", family.group, port, { source = first })
      assert.is_nil(sent)
      assert.matches(first .. " is no address of this host", message, 1, true)
    end)
  end)

  it("sends from an address that came after the socket", function()
    network(function(mcast, near, far, set)
      set(far, second, true)
      local sender <close> = assert(mcast.socket { family = family.name, interface = near })
      local receiver <close> = hear(mcast, near)
      local sent <const>, message <const>, errno <const> = sender:sendto("x", family.group, port)
      assert.is_nil(sent)
      assert.equal(inet and mcast.errno.ENETUNREACH or mcast.errno.EADDRNOTAVAIL, errno)
      assert.matches(near .. (inet and " has no IPv4 address" or " has no usable address"), message)
      set(near, first, true)
      assert.equal(first, send(mcast, sender, receiver))
    end)
  end)

  it("sends with ttl 0 from the new address", function()
    network(function(mcast, near, _, set)
      set(near, first, true)
      local sender <close> = assert(mcast.socket { family = family.name, interface = near, ttl = 0 })
      local receiver <close> = hear(mcast, near)
      assert.equal(first, send(mcast, sender, receiver))
      set(near, first, false)
      set(near, second, true)
      assert.equal(second, send(mcast, sender, receiver))
    end)
  end)

  it("loses and repeats nothing of a train across an address change", function()
    network(function(mcast, near, _, set)
      set(near, first, true)
      local sender <close> = assert(mcast.socket { family = family.name, interface = near })
      local receiver <close> = hear(mcast, near)
      set(near, first, false)
      set(near, second, true)
      local list <const>, got <const> = {}, {}
      for i = 1, 150 do list[i] = ("%05d"):format(i) end
      assert.equal(150, sender:sendmany(list, family.group, port))
      for i = 1, 150 do
        local from
        got[i], from = assert(receiver:recvfrom(5))
        assert.equal(second, from.host)
      end
      assert.same(list, got)
      assert.equal("timeout", select(2, receiver:recvfrom(0)))
      assert.equal(150, sender:stats().sent)
    end)
  end)

  it("returns an error for a named address that is gone", function()
    network(function(mcast, near, _, set)
      set(near, first, true)
      set(near, second, true)
      local sender <close> = assert(mcast.socket { interface = second })
      local receiver <close> = hear(mcast, near)
      assert.equal(second, send(mcast, sender, receiver))
      set(near, second, false)
      for method, data in pairs { sendto = "x", sendmany = { "x", "x" } } do
        local sent <const>, message <const>, errno <const> = sender[method](sender, data, family.group, port)
        assert.is_nil(sent)
        assert.equal(inet and mcast.errno.ENETUNREACH or mcast.errno.EINVAL, errno)
        assert.matches(second .. " is no address of this host any more", message, 1, true)
      end
      set(near, second, true)
      assert.equal(second, send(mcast, sender, receiver))
    end)
  end)

  it("fails with ttl 0 for a named address that is gone", function()
    network(function(mcast, near, _, set)
      set(near, first, true)
      set(near, second, true)
      local sender <close> = assert(mcast.socket { interface = second, ttl = 0 })
      assert.equal(1, sender:sendto("x", family.group, port))
      set(near, second, false)
      local sent <const>, message <const> = sender:sendto("x", family.group, port)
      assert.is_nil(sent)
      assert.matches(second .. " is no address of this host any more", message, 1, true)
    end)
  end)

  it("sends with an address that moved to another interface", function()
    network(function(mcast, near, far, set)
      set(near, first, true)
      local sender <close> = assert(mcast.socket { interface = first })
      local receiver <close> = hear(mcast, near)
      set(near, first, false)
      set(far, first, true)
      assert.equal(first, send(mcast, sender, receiver))
    end)
  end)
end

for name, network in pairs(two) do
  describe("on the " .. name .. " network", function()
    for _, family in ipairs(helper.families) do
      local section <const> = name == "real" and helper.network or helper.describe
      section("with " .. family.name, function() tests(network, family) end)
    end
  end)
end

helper.each_family(function(family)
  it("does not look its source up at each send", function()
    two.real(function(_, near, _, set)
      set(near, family.name == "inet" and "10.71.0.1" or "fd71::1", true)
      local trace <const> = os.tmpname()
      helper.defer(function() os.remove(trace) end)
      helper.check(("strace -f -e trace=network,ioctl -o %s %s %s"):format(trace, helper.lua, helper.script(([[
        local sock = assert(require "mcast".socket { family = %q, interface = %q })
        for _ = 1, 100 do assert(sock:sendto("x", %q, %d)) end
      ]]):format(family.name, near, family.group, port))))
      local sends, others = 0, 0
      for line in io.lines(trace) do
        local issend <const> = line:find 'sendto%(%d+, "x"'
        sends, others = sends + (issend and 1 or 0), others + (issend and 0 or 1)
      end
      assert.equal(100, sends)
      assert.is_true(others < 100, others)
    end)
  end)
end)
