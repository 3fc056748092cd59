local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

-- Values that are set and read back, values that raise, and the default.
local options = {
  ttl = { default = 1, good = { 0, 1, 128, 255 }, bad = { -1, -2, 256, 300, 1.5, "x", true } },
  unicast_ttl = { default = 64, good = { 1, 255 }, bad = { 0, 256, -1, {} } },
  loopback = { default = true, good = { false, true }, bad = { 1, 0, "true" } },
  all = { default = false, good = { true, false }, bad = { 1, "yes" } },
  reuseaddr = { default = false, good = { true, false }, bad = { 1 } },
  reuseport = { default = false, good = { true, false }, bad = { 1 } },
  broadcast = { default = false, good = { true, false }, bad = { 1, "yes" } },
  fragment = { default = true, good = { false, true }, bad = { 1, "yes" } },
  dscp = { default = 0, good = { 0, 1, 46, 63 }, bad = { -1, 64 } },
  spin = { default = 0, good = { 0.25, 0 }, bad = { -1, 0 / 0, "x", true } },
  interface = { default = "", good = { "lo", "" }, bad = { true, 0 } },
  device = { default = "", good = { "lo", "" }, bad = { false, 0 } },
}

local creation_only = {
  host = { bad = { 5, true } }, port = { bad = { -1, 65536, "x", true } },
  family = { bad = { "inet4", "inet\0", 4, true } }, metadata = { bad = { 1, "yes" } },
}

helper.each_family(function(family)
  for name, option in pairs(options) do
    it("sets and reads back option " .. name, function()
      local sock <close> = assert(mcast.socket { family = family.name })
      assert.equal(option.default, sock:getoption(name))
      for _, value in ipairs(option.good) do
        assert.same({ true, value }, { sock:setoption(name, value) })
        assert.equal(value, sock:getoption(name))
        local made <close> = assert(mcast.socket { family = family.name, [name] = value })
        assert.equal(value, made:getoption(name))
      end
    end)

    it("raises for bad values of option " .. name .. ", and keeps it", function()
      local sock <close> = assert(mcast.socket { family = family.name })
      for _, value in ipairs(option.bad) do
        assert.error_matches(function() sock:setoption(name, value) end, "bad option '" .. name .. "'")
        assert.error_matches(function() mcast.socket { family = family.name, [name] = value } end,
          "bad option '" .. name .. "'")
        assert.equal(option.default, sock:getoption(name))
      end
      helper.raises(function() sock:setoption(name, nil) end)
    end)
  end

  for name, option in pairs(creation_only) do
    it("accepts option " .. name .. " at creation only", function()
      local sock <close> = assert(mcast.socket { family = family.name })
      local value = sock:getoption(name)
      for _, bad in ipairs(option.bad) do
        assert.error_matches(function() mcast.socket { [name] = bad } end, "bad option '" .. name .. "'")
      end
      helper.raises(function() sock:setoption(name, value) end)
      sock:close()
      local made <close> = assert(mcast.socket { family = family.name, [name] = value })
      assert.equal(value, made:getoption(name))
    end)
  end

  it("sets reuseaddr only where a port is given", function()
    local ephemeral <close> = assert(mcast.socket { family = family.name })
    local given <close> = assert(mcast.socket { family = family.name, port = 10003 })
    local alone <close> = assert(mcast.socket { family = family.name, port = 10004, reuseaddr = false })
    assert.same({ false, true, false }, {
      ephemeral:getoption "reuseaddr", given:getoption "reuseaddr", alone:getoption "reuseaddr",
    })
  end)

  it("delivers other sockets' groups only with all = true", function()
    local receiver, sender = helper.pair(family, { family = family.name })
    local port = receiver:getsockname().port
    local neighbour <close> = assert(mcast.socket { family = family.name })
    assert(neighbour:join(family.other))
    assert(sender:sendto("to another", family.other, port))
    assert(sender:sendto("to us", family.group, port))
    assert.equal("to us", (receiver:recvfrom(5)))
    assert.is_true(receiver:setoption("all", true))
    assert(sender:sendto("to another", family.other, port))
    assert.equal("to another", (receiver:recvfrom(5)))
    assert.is_true(receiver:setoption("all", false))
    assert(sender:sendto("to another", family.other, port))
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
  end)

  it("sends from the address that option interface names", function()
    local receiver, _, to = helper.pair(family, { family = family.name })
    for _, source in ipairs(family.sources) do
      local sender <close> = assert(mcast.socket { interface = source })
      assert.equal(family.name, sender:getoption "family")
      assert(sender:sendto("hello", to))
      local data, from = receiver:recvfrom(5)
      assert.same({ "hello", source }, { data, from.host })
    end
  end)

  it("sends unicast with unicast_ttl, not with ttl", function()
    local receiver <close> = assert(mcast.socket { family = family.name, metadata = true })
    local sender <close> = assert(mcast.socket { family = family.name, unicast_ttl = 7, ttl = 3 })
    assert(sender:sendto("", family.own, receiver:getsockname().port))
    assert.equal(7, receiver:recvmsg(5).ttl)
  end)
end)

helper.network("options", function()
  it("raises for unknown options", function()
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { "tll", "", "ttl\0", "TTL", 5, true } do
      assert.error_matches(function() mcast.socket { [name] = 1 } end, "unknown option")
      assert.error_matches(function() sock:setoption(name, 1) end, "unknown option")
      assert.error_matches(function() sock:getoption(name) end, "unknown option")
    end
  end)

  it("names the range and the value of a bad option", function()
    assert.error_matches(function() mcast.socket { ttl = 300 } end,
      "bad option 'ttl' (0 to 255 expected, got 300)", 1, true)
  end)

  it("keeps IPv4 out of an inet6 socket by default", function()
    local sender <close> = assert(mcast.socket())
    local only <close> = assert(mcast.socket { family = "inet6" })
    assert.is_true(only:getoption "v6only")
    assert(sender:sendto("by IPv4", "127.0.0.1", only:getsockname().port))
    assert.equal(E.ETIMEDOUT, select(3, only:recvfrom(0)))
    assert(only:sendto("by IPv6", "::1", only:getsockname().port))
    assert.equal("by IPv6", (only:recvfrom(5)))
  end)

  it("receives and answers IPv4 on a socket with v6only = false", function()
    local sender <close> = assert(mcast.socket())
    local both <close> = assert(mcast.socket { family = "inet6", v6only = false, metadata = true })
    assert.is_false(both:getoption "v6only")
    assert(sender:sendto("by IPv4", "127.0.0.1", both:getsockname().port))
    local msg = assert(both:recvmsg(5))
    assert.same({ "by IPv4", "::ffff:127.0.0.1", 64 }, { msg.data, msg.from.host, msg.ttl })
    assert(both:sendto("answer", msg.from))
    assert.equal("answer", (sender:recvfrom(5)))
  end)

  it("sends by IPv4 with unicast_ttl on a socket for both families", function()
    local receiver <close> = assert(mcast.socket { metadata = true })
    local both <close> = assert(mcast.socket { family = "inet6", v6only = false, unicast_ttl = 9 })
    assert(both:sendto("made with it", "::ffff:127.0.0.1", receiver:getsockname().port))
    assert(both:setoption("unicast_ttl", 7))
    assert(both:sendto("set to it", "::ffff:127.0.0.1", receiver:getsockname().port))
    assert.same({ 9, 7 }, { receiver:recvmsg(5).ttl, receiver:recvmsg(5).ttl })
  end)

  it("returns EAFNOSUPPORT for an IPv4-mapped group", function()
    local both <close> = assert(mcast.socket { family = "inet6", v6only = false })
    local _, message, errno = both:sendto("x", "::ffff:239.1.2.3", 5)
    assert.equal(E.EAFNOSUPPORT, errno)
    assert.matches('family = "inet"', message)
  end)

  it("returns ENOPROTOOPT for v6only on an inet socket", function()
    local sock <close> = assert(mcast.socket())
    assert.equal(E.ENOPROTOOPT, select(3, sock:getoption "v6only"))
    assert.equal(E.ENOPROTOOPT, select(3, sock:setoption("v6only", true)))
  end)

  it("returns EINVAL for a change of v6only on a bound socket", function()
    local sock <close> = assert(mcast.socket { family = "inet6" })
    assert.equal(E.EINVAL, select(3, sock:setoption("v6only", false)))
  end)

  it("keeps other sockets' IPv4 groups out of a socket for both families", function()
    if helper.portable then
      pending "the portable path cannot set this on an inet6 socket"
      return
    end
    local both <close> = assert(mcast.socket { family = "inet6", v6only = false })
    local neighbour <close> = assert(mcast.socket())
    local sender <close> = assert(mcast.socket())
    assert(neighbour:join "239.1.2.3")
    assert(sender:sendto("not ours", "239.1.2.3", both:getsockname().port))
    assert(sender:sendto("ours", "127.0.0.1", both:getsockname().port))
    assert.equal("ours", (both:recvfrom(5)))
  end)

  it("shares a port by reuseport", function()
    local one <close> = assert(mcast.socket { port = 10005, reuseport = true, reuseaddr = false })
    local two <close> = assert(mcast.socket { port = 10005, reuseport = true, reuseaddr = false })
    assert.same({ 10005, 10005 }, { one:getsockname().port, two:getsockname().port })
  end)

  it("returns EADDRINUSE for reuseaddr on a port shared by reuseport", function()
    local _ <close> = assert(mcast.socket { port = 10005, reuseport = true, reuseaddr = false })
    local sock, message, errno = mcast.socket { port = 10005 }
    assert.is_nil(sock)
    assert.equal(E.EADDRINUSE, errno)
    assert.matches("reuseaddr.*reuseport", message)
  end)

  it("receives with spin, and waits for the whole timeout", function()
    local receiver, sender, to = helper.pair(helper.families[1], { spin = 0.01 })
    assert(sender:sendto("hello", to))
    assert.equal("hello", (receiver:recvfrom(5)))
    local start = mcast.now()
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0.05)))
    assert.is_true(mcast.now() - start >= 0.05)
  end)
end)
