local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

local function find(name)
  for _, interface in ipairs(assert(mcast.interfaces())) do
    if interface.name == name then
      return interface
    end
  end
end

helper.network("interfaces", function()
  it("lists lo with its index, flags, MTU and addresses", function()
    local lo = find "lo"
    assert.same({ 1, true, true, true, true, 65536 },
      { lo.index, lo.up, lo.running, lo.loopback, lo.multicast, lo.mtu })
    assert.equal("127.0.0.1", lo.addresses[1])
    assert.matches(" ::1 ", " " .. table.concat(lo.addresses, " ") .. " ", 1, true)
  end)

  it("accepts a name, an index or an own address for an interface", function()
    local group = "239.1.2.3"
    for _, name in ipairs { "lo", 1, "1", "127.0.0.1", "10.8.0.1", "::1", "fd08::1" } do
      local sock <close> = assert(mcast.socket { family = "inet", interface = name })
      assert.equal("lo", sock:getoption "interface")
      assert.same({ true, "lo" }, { sock:setoption("device", name) })
      assert.equal("lo", sock:join(group, { interface = name }))
      assert.is_true(sock:block(group, "10.8.0.1", { interface = name }))
      assert.is_true(sock:unblock(group, "10.8.0.1", { interface = name }))
      assert.is_true(sock:filter(group, "exclude", {}, { interface = name }))
      assert.is_true(sock:leave(group, { interface = name }))
    end
  end)

  it("returns ENODEV and lists the interfaces for an unknown one", function()
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { "nowhere", 4711, "10.99.99.99", "fd99::1", "lo\0", ("x"):rep(70000) } do
      local ok, message, errno = sock:join("239.1.2.3", { interface = name })
      assert.is_nil(ok)
      assert.equal(E.ENODEV, errno)
      assert.matches("no such interface %(available: lo", message)
      assert.equal(E.ENODEV, select(3, mcast.socket { interface = name }))
      assert.equal(E.ENODEV, select(3, sock:setoption("interface", name)))
      assert.equal(E.ENODEV, select(3, sock:setoption("device", name)))
    end
    assert.same({}, sock:groups())
    assert.equal("", sock:getoption "interface")
  end)

  it("raises for an interface of a wrong type or range", function()
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { 0, -1, 1.5, 2 ^ 40, true, {} } do
      helper.raises(function() sock:join("239.1.2.3", { interface = name }) end)
      helper.raises(function() mcast.socket { interface = name } end)
    end
  end)
end)
