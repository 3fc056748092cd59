local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

-- Adds an address to lo, which is removed after the test.
local function add(address)
  helper.setaddress("lo", address, true)
  helper.defer(function() pcall(helper.setaddress, "lo", address, false) end)
end

local function change(kind, address)
  return { kind = kind, interface = "lo", address = address }
end

helper.network("a monitor", function()
  it("reports no interface that was there when it was made", function()
    local monitor <close> = assert(mcast.monitor())
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { monitor:read(0) })
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { monitor:read(0.01) })
  end)

  for _, address in ipairs { "10.8.9.9", "fd08::9:9" } do
    it("reports " .. address .. " when it is added and removed", function()
      local monitor <close> = assert(mcast.monitor())
      add(address)
      assert.same({ change("address added", address) }, monitor:read(5))
      helper.setaddress("lo", address, false)
      assert.same({ change("address removed", address) }, monitor:read())
    end)
  end

  it("reports a change once to each monitor", function()
    local one <close> = assert(mcast.monitor())
    local other <close> = assert(mcast.monitor())
    add "10.8.9.9"
    for _, monitor in ipairs { one, other } do
      assert.same({ change("address added", "10.8.9.9") }, monitor:read(5))
      assert.same({ nil, "timeout", E.ETIMEDOUT }, { monitor:read(0) })
    end
  end)

  it("reports several changes in their order", function()
    local monitor <close> = assert(mcast.monitor())
    add "10.8.9.9"
    add "10.8.9.8"
    local list = assert(monitor:read(5))
    assert.same({ "10.8.9.8", "10.8.9.9" }, helper.portable and { list[1].address, list[2].address }
      or { list[2].address, list[1].address })
  end)

  it("is ready in poll beside a socket where it has a change", function()
    local monitor <close> = assert(mcast.monitor())
    local sock <close> = assert(mcast.socket())
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { mcast.poll({ sock, monitor }, 0) })
    add "10.8.9.9"
    assert.same({ monitor }, mcast.poll({ sock, monitor }, 5))
    assert(sock:sendto("x", "127.0.0.1", sock:getsockname().port))
    assert.same({ sock, monitor }, mcast.poll { sock, monitor })
    assert.same({ change("address added", "10.8.9.9") }, monitor:read(0))
    assert.same({ sock }, mcast.poll { monitor, sock })
  end)

  it("raises in poll and in each method when it is closed", function()
    local monitor = assert(mcast.monitor())
    monitor:close()
    monitor:close()
    for _, name in ipairs { "read", "getfd", "pollfd", "dirty", "events", "timeout" } do
      assert.error_matches(function() monitor[name](monitor) end, "attempt to use a closed monitor")
    end
    assert.error_matches(function() mcast.poll({ monitor }, 0) end, "attempt to use a closed monitor")
    assert.equal("mcast.monitor (closed)", tostring(monitor))
  end)

  it("is closed at the end of its block", function()
    local outer
    do
      local monitor <close> = assert(mcast.monitor())
      outer = monitor
      assert.matches("^mcast%.monitor %(%d+%)$", tostring(monitor))
    end
    assert.equal("mcast.monitor (closed)", tostring(outer))
  end)

  it("raises for a timeout of NaN or of another type", function()
    local monitor <close> = assert(mcast.monitor())
    for _, timeout in ipairs { 0 / 0, "x", {}, true } do
      helper.raises(function() monitor:read(timeout) end)
    end
  end)

  it("is no socket, and no writer of poll", function()
    local monitor <close> = assert(mcast.monitor())
    local sock <close> = assert(mcast.socket())
    helper.raises(function() sock.recvfrom(monitor, 0) end)
    helper.raises(function() monitor.read(sock, 0) end)
    assert.error_matches(function() mcast.poll({}, 0, { monitor }) end, "socket expected at %[1%], got mcast.monitor")
  end)

  it("returns no earlier than its timeout", function()
    local monitor <close> = assert(mcast.monitor())
    local start <const> = mcast.now()
    assert.equal(E.ETIMEDOUT, select(3, monitor:read(0.05)))
    assert.is_true(mcast.now() - start >= 0.05 - 1e-12)
  end)

  it("asks event loops to wait for reading, as a socket does", function()
    local monitor <close> = assert(mcast.monitor())
    assert.same({ "r", false }, { monitor:events(), monitor:dirty() })
  end)
end)
