local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

helper.each_family(function(family)
  it("binds a socket at its creation", function()
    local any <close> = assert(mcast.socket { family = family.name })
    assert.same({ family.any, true }, { any:getsockname().host, any:getsockname().port > 0 })
    local own <close> = assert(mcast.socket { host = family.own, port = 10007 })
    assert.equal(mcast.address(family.own, 10007), own:getsockname())
    assert.same({ family.name, family.own, 10007 },
      { own:getoption "family", own:getoption "host", own:getoption "port" })
    local object <close> = assert(mcast.socket { host = own:getsockname() })
    assert.equal(own:getsockname(), object:getsockname())
  end)

  it("receives only the group that it is bound to", function()
    local sock <close> = assert(mcast.socket { host = family.group, port = 10008, all = true })
    local member <close> = assert(mcast.socket { family = family.name })
    local sender <close> = assert(mcast.socket { family = family.name })
    assert(sock:join(family.group))
    assert(member:join(family.other))
    for _, host in ipairs { family.other, family.own, family.group } do
      assert(sender:sendto(host, host, 10008))
    end
    assert.equal(family.group, (sock:recvfrom(5)))
    assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0)))
  end)

  it("receives no group while it is bound to a unicast address", function()
    local sock <close> = assert(mcast.socket { host = family.own, port = 10008, all = true })
    local member <close> = assert(mcast.socket { family = family.name })
    local sender <close> = assert(mcast.socket { family = family.name })
    assert(member:join(family.group))
    assert(sender:sendto("group", family.group, 10008))
    assert(sender:sendto("unicast", family.own, 10008))
    assert.equal("unicast", (sock:recvfrom(5)))
    assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0)))
  end)

  it("returns EADDRINUSE and names reuseaddr for a port in use", function()
    local holder <close> = assert(mcast.socket { family = family.name, port = 10009, reuseaddr = false })
    local sock, message, errno = mcast.socket { family = family.name, port = 10009 }
    assert.is_nil(sock)
    assert.equal(E.EADDRINUSE, errno)
    assert.matches("reuseaddr", message)
    assert.equal(10009, holder:getsockname().port)
  end)
end)

helper.network("sockets", function()
  it("returns nil and an errno for a host that cannot be bound", function()
    local cases = {
      [E.EINVAL] = { host = "localhost" }, [E.EADDRNOTAVAIL] = { host = "10.99.0.1" },
      [E.EAFNOSUPPORT] = { host = "::1", family = "inet" },
    }
    for errno, options in pairs(cases) do
      local sock, message, number = mcast.socket(options)
      assert.is_nil(sock)
      assert.is_string(message)
      assert.equal(errno, number)
    end
  end)

  it("raises for options of a wrong type", function()
    helper.raises(function() mcast.socket(5) end)
    helper.raises(function() mcast.socket { 5 } end)
  end)

  it("accepts a second close", function()
    local sock = assert(mcast.socket { metadata = true })
    sock:close()
    sock:close()
    assert.equal("mcast.socket (closed)", tostring(sock))
  end)

  it("raises for the use of a closed socket", function()
    local sock = assert(mcast.socket { metadata = true })
    sock:close()
    for name, method in pairs(getmetatable(sock).__index) do
      if name ~= "close" then
        assert.error_matches(function() method(sock, "239.1.2.3", "10.8.0.1", "x") end, "closed socket", nil, nil, name)
      end
    end
    assert.error_matches(function() mcast.poll({ sock }, 0) end, "closed socket")
  end)
end)

describe("the module", function()
  it("has a version of three numbers", function()
    assert.matches("^mcast %d+%.%d+%.%d+$", mcast._VERSION)
  end)

  it("has the numbers of errors by name", function()
    assert.is_true(math.type(E.ETIMEDOUT) == "integer")
    assert.equal(E.EAGAIN, E.EWOULDBLOCK)
  end)
end)

it("refuses a used port only where both sockets would receive the same", function()
  if not (helper.private or helper.simulated) then
    pending(helper.no_network) -- the host only has loopback addresses
    return
  end
  local own = helper.families[2].sources[1]
  local function opens(one, other)
    one.port, other.port = 10021, 10021
    one.reuseaddr, other.reuseaddr = false, false
    local _ <close> = assert(mcast.socket(one))
    local second, _, errno = mcast.socket(other)
    if second then
      second:close()
    end
    return errno
  end
  assert.is_nil(opens({ host = own, v6only = false }, {}))
  assert.is_nil(opens({}, { host = own, v6only = false }))
  assert.equal(mcast.errno.EADDRINUSE, opens({ family = "inet6", v6only = false }, {}))
  assert.equal(mcast.errno.EADDRINUSE, opens({ host = "127.0.0.1" }, { family = "inet6", v6only = false }))
  assert.is_nil(opens({ family = "inet6" }, {}))
  assert.equal(mcast.errno.EADDRINUSE, opens({}, { host = "127.0.0.1" }))
  assert.is_nil(opens({ host = "127.0.0.1" }, { host = "239.1.2.3" }))
end)

it("delivers unicast to the most closely bound socket of a shared port", function()
  local any <close> = assert(mcast.socket { port = 10022 })
  local own <close> = assert(mcast.socket { port = 10022, host = "127.0.0.1" })
  local other <close> = assert(mcast.socket { port = 10022 })
  local dual <close> = assert(mcast.socket { port = 10022, family = "inet6", v6only = false })
  assert(any:sendto("x", "127.0.0.1", 10022))
  assert.equal("x", (own:recvfrom(5)))
  own:close()
  assert(any:sendto("y", "127.0.0.1", 10022))
  assert.equal("y", (other:recvfrom(5)))
  assert.equal("timeout", select(2, dual:recvfrom(0)))
end)

it("returns EINVAL for a host of link scope without its zone", function()
  for _, host in ipairs { "fe80::1", "ff02::1:5" } do
    assert.equal(mcast.errno.EINVAL, select(3, mcast.socket { host = host }))
  end
end)

it("returns EINVAL for a mapped host where v6only is true", function()
  assert.equal(mcast.errno.EINVAL, select(3, mcast.socket { host = "::ffff:127.0.0.1" }))
end)

it("receives by IPv6 only where an IPv6 host is bound", function()
  local sock <close> = assert(mcast.socket { host = "::1", v6only = false })
  assert.is_true(sock:getoption "v6only")
end)

it("binds to the interface of a host's zone", function()
  if not (helper.private or helper.simulated) then
    pending(helper.no_network)
    return
  end
  local sock <close> = assert(mcast.socket { host = "ff02::1:5%lo" })
  assert.equal("lo", sock:getoption "device")
end)
