local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

helper.each_family(function(family)
  local source <const> = family.sources[2]

  -- A receiver with metadata that joined the family's group, a sender, and their address.
  local function pair(sending)
    sending = sending or {}
    sending.family = family.name
    return helper.pair(family, { family = family.name, metadata = true }, sending)
  end

  it("sends from the source that a call names", function()
    local receiver, sender, to = pair()
    for _, host in ipairs { source, mcast.address(source, 0), mcast.address(source, 7) } do
      assert.equal(1, sender:sendto("x", to, { source = host }))
      local msg = assert(receiver:recvmsg(5))
      assert.same({ source, sender:getsockname().port }, { msg.from.host, msg.from.port })
    end
    assert(sender:sendto("x", to))
    assert.not_equal(source, receiver:recvmsg(5).from.host)
  end)

  it("sends by the interface that a call names", function()
    local receiver, sender, to = pair()
    for _, interface in ipairs { "lo", 1, "1" } do
      assert.equal(1, sender:sendto("x", to, { interface = interface }))
      local msg = assert(receiver:recvmsg(5))
      assert.equal("lo", msg.interface)
      assert.equal(family.name == "inet" and "127.0.0.1" or msg.from.host, msg.from.host)
    end
    for _, interface in ipairs { source, mcast.address(source, 0) } do
      assert.equal(1, sender:sendto("x", to, { interface = interface }))
      assert.equal(source, receiver:recvmsg(5).from.host)
    end
  end)

  it("sends with the ttl of a call, to groups and hosts", function()
    local receiver, sender, to = pair { ttl = 3, unicast_ttl = 44 }
    for _, address in ipairs { to, mcast.address(family.own, to.port) } do
      for _, ttl in ipairs { 1, 9, 255, 9.0 } do
        assert.equal(1, sender:sendto("x", address, { ttl = ttl }))
        assert.equal(ttl, receiver:recvmsg(5).ttl)
      end
      assert(sender:sendto("x", address, {}))
      assert.equal(address.multicast and 3 or 44, receiver:recvmsg(5).ttl)
    end
  end)

  it("sends on from a socket of ttl 0 with a ttl", function()
    local receiver, sender, to = pair { ttl = 0 }
    assert.equal(1, sender:sendto("x", to, { ttl = 5, interface = "lo" }))
    assert.equal(5, receiver:recvmsg(5).ttl)
  end)

  it("answers from the address and by the interface of a question", function()
    local receiver, sender = pair()
    assert(sender:sendto("?", source, receiver:getsockname().port))
    local msg = assert(receiver:recvmsg(5))
    assert(receiver:sendto("!", msg.from, { source = msg.group, interface = msg.interface }))
    local data, from = sender:recvfrom(5)
    assert.same({ "!", source, receiver:getsockname().port }, { data, from.host, from.port })
  end)

  it("reads the table behind each form of an address", function()
    local receiver, sender, to = pair()
    local form <const> = family.name == "inet" and "%s:%d" or "[%s]:%d"
    assert(sender:sendto("a", to, { source = source }))
    assert(sender:sendto("b", form:format(family.group, to.port), { source = source }))
    assert(sender:sendto("c", family.group, to.port, { source = source }))
    assert(sender:sendto("d", to, nil, { source = source }))
    for _, data in ipairs { "a", "b", "c", "d" } do
      local msg = assert(receiver:recvmsg(5))
      assert.same({ data, source }, { msg.data, msg.from.host })
    end
  end)

  it("sends a list with the choice of the call", function()
    local receiver, sender, to = pair()
    local list = { "a", "b", "c", "dd", "", ("e"):rep(3000) }
    assert.equal(#list, sender:sendmany(list, to, { source = source, ttl = 7, interface = "lo", timeout = 1 }))
    assert.equal(#list, sender:sendmany(list, family.group, to.port, { source = source, ttl = 7, timeout = 0 }))
    for i = 0, 2 * #list - 1 do
      local msg = assert(receiver:recvmsg(5))
      assert.same({ list[i % #list + 1], source, 7 }, { msg.data, msg.from.host, msg.ttl })
    end
    assert.equal(2 * #list, sender:stats().sent)
  end)

  it("leaves the options of the socket as they are", function()
    local receiver, sender, to = pair { interface = family.sources[1], ttl = 4 }
    assert(sender:sendto("x", to, { source = source, ttl = 7, interface = "lo" }))
    assert.same({ source, 7 }, { receiver:recvmsg(5).from.host, 7 })
    assert.same({ "lo", 4 }, { sender:getoption "interface", sender:getoption "ttl" })
    assert(sender:sendto("x", to))
    local msg = assert(receiver:recvmsg(5))
    assert.same({ family.sources[1], 4 }, { msg.from.host, msg.ttl })
  end)

  it("keeps the source of a bound socket for a ttl", function()
    local receiver, _, to = pair()
    local bound <close> = assert(mcast.socket { host = source, interface = "lo" })
    for _, options in ipairs { { ttl = 7 }, { interface = "lo" }, { interface = 1, ttl = 7 } } do
      assert(bound:sendto("x", to, options))
      assert.equal(source, receiver:recvmsg(5).from.host)
    end
  end)

  it("takes an interface of no text for the socket's own", function()
    local receiver, sender, to = pair { interface = source }
    assert(sender:sendto("x", to, { interface = "" }))
    assert.equal(source, receiver:recvmsg(5).from.host)
  end)

  it("raises for a group as source, and says so", function()
    local _, sender, to = pair()
    for _, group in ipairs { family.group, to } do
      for _, call in ipairs { function(o) sender:sendto("x", to, o) end, function(o) sender:sendmany({ "x" }, to, o) end } do
        assert.error_matches(function() call { source = group } end,
          "bad option 'source' %(own unicast address expected, got the group " .. family.group:gsub("%p", "%%%0"))
      end
    end
  end)

  it("raises for the unspecified address as source", function()
    local _, sender, to = pair()
    assert.error_matches(function() sender:sendto("x", to, { source = family.any }) end,
      "own unicast address expected, got " .. family.any, 1, true)
  end)

  it("fails for a source that is no address of the host", function()
    local _, sender, to = pair()
    local other <const> = family.name == "inet" and "192.0.2.9" or "fd99::9"
    local errno <const> = family.name == "inet" and E.ENETUNREACH or E.EINVAL
    helper.fails(errno, other .. " is no address of this host", sender:sendto("x", to, { source = other }))
    helper.fails(errno, other .. " is no address of this host",
      sender:sendto("x", family.own, to.port, { source = other }))
    helper.fails(errno, "^sendmany .* is no address", sender:sendmany({ "x", "y" }, to, { source = other }))
    assert.equal(0, sender:stats().sent)
  end)

  it("fails for a source of the other family", function()
    local _, sender, to = pair()
    local other <const> = family.name == "inet" and "::1" or "127.0.0.1"
    helper.fails(E.EAFNOSUPPORT, "from " .. other .. ": the socket is " .. family.name,
      sender:sendto("x", to, { source = other }))
  end)

  it("fails for an interface that does not exist", function()
    local _, sender, to = pair()
    for _, interface in ipairs { "eth99", 99, family.name == "inet" and "192.0.2.9" or "fd99::9" } do
      helper.fails(E.ENODEV, "^sendto .* by " .. interface .. ": no such interface %(available: lo",
        sender:sendto("x", to, { interface = interface }))
    end
    assert.equal(1, sender:sendto("x", to, { interface = "lo" }))
  end)

  it("raises for a wrong value before it looks up an interface", function()
    local _, sender, to = pair()
    for fields = 0, 40 do -- the order of a table's fields depends on its size
      local choice = {}
      for i = 1, fields do choice["field" .. i] = i end
      for i = 1, fields do choice["field" .. i] = nil end
      choice.interface, choice.ttl = "eth77", 0
      assert.error_matches(function() sender:sendto("x", to, choice) end, "bad option 'ttl' (1 to 255 expected", 1, true)
    end
  end)

  it("raises for wrong values and unknown names", function()
    local _, sender, to = pair()
    for _, options in ipairs { { ttl = 0 }, { ttl = 256 }, { ttl = 1.5 }, { ttl = true }, { timeout = 0 / 0 },
      { timeout = "1" }, { source = 5 }, { source = {} }, { interface = true }, { interface = 0 }, { interface = 1.5 } } do
      local name = next(options)
      assert.error_matches(function() sender:sendto("x", to, options) end, "bad option '" .. name .. "'")
      assert.error_matches(function() sender:sendmany({ "x" }, to, options) end, "bad option '" .. name .. "'")
    end
    assert.error_matches(function() sender:sendto("x", to, { tll = 1 }) end, "unknown option 'tll'")
    assert.error_matches(function() sender:sendto("x", to, { "lo" }) end, "unknown option '1'")
    helper.raises(function() sender:sendto("x", to, nil, "lo") end)
    helper.raises(function() sender:sendto("x", family.group, to.port, 5) end)
    assert.equal(0, sender:stats().sent)
  end)

  it("returns nil for a source that is no address", function()
    local _, sender, to = pair()
    helper.fails(E.EINVAL, "not a numeric", sender:sendto("x", to, { source = "localhost" }))
  end)

  it("sends at once with a timeout while there is room", function()
    local receiver, sender, to = pair()
    for _, timeout in ipairs { 0, -1, 0.5, math.huge, -math.huge } do
      assert.equal(1, sender:sendto("x", to, { timeout = timeout }))
      assert(receiver:recvmsg(5))
    end
    assert.equal("r", sender:events())
  end)
end)

helper.network("with inet6", function()
  it("fails for a source of IPv6 to a host of IPv4", function()
    local sock <close> = assert(mcast.socket { family = "inet6", v6only = false })
    helper.fails(E.EAFNOSUPPORT, "from ::1: one is an IPv4 address",
      sock:sendto("x", "::ffff:127.0.0.1", 5000, { source = "::1" }))
  end)

  it("raises for a mapped group as source, too", function()
    local sock <close> = assert(mcast.socket { family = "inet6", v6only = false })
    for _, host in ipairs { "::ffff:239.1.2.3", "::ffff:0.0.0.0" } do
      assert.error_matches(function() sock:sendto("x", "::ffff:127.0.0.1", 5000, { source = host }) end,
        "own unicast address expected, got .*" .. host)
    end
  end)

  it("finds the interface of a mapped address", function()
    local sock <close> = assert(mcast.socket { family = "inet6", v6only = false })
    assert.equal(1, sock:sendto("x", "::ffff:127.0.0.1", 5000, { interface = "::ffff:127.0.0.1" }))
    assert.equal("lo", select(2, sock:setoption("interface", "::ffff:127.0.0.1")))
  end)

  it("chooses for IPv4 on a socket of both families, too", function()
    local receiver <close> = assert(mcast.socket { metadata = true })
    local sender <close> = assert(mcast.socket { family = "inet6", v6only = false })
    local to = assert(mcast.address("::ffff:127.0.0.1", receiver:getsockname().port))
    assert(sender:sendto("x", to, { source = "::ffff:10.8.0.2", ttl = 9, interface = "lo" }))
    local msg = assert(receiver:recvmsg(5))
    assert.same({ "10.8.0.2", 9 }, { msg.from.host, msg.ttl })
  end)
end)
