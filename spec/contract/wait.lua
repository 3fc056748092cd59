local mcast <const>, helper <const> = ...

local E <const> = mcast.errno
local family <const> = helper.families[1]

local function timed(f, ...)
  local start = mcast.now()
  local results = table.pack(f(...))
  return mcast.now() - start, table.unpack(results, 1, results.n)
end

helper.network("waiting", function()
  it("returns no earlier than the timeout", function()
    local sock <close> = assert(mcast.socket())
    for _, seconds in ipairs { 0.0003, 0.001, 0.01, 0.05, 0.2 } do
      for name, wait in pairs {
        sleep = function() mcast.sleep(seconds) return nil, "timeout", E.ETIMEDOUT end,
        recvfrom = function() return sock:recvfrom(seconds) end,
        poll = function() return mcast.poll({ sock }, seconds) end,
        none = function() return mcast.poll({}, seconds) end,
      } do
        local took, ok, message, errno = timed(wait)
        assert.same({ nil, "timeout", E.ETIMEDOUT }, { ok, message, errno }, name)
        assert.is_true(took >= seconds - 1e-12, name) -- less by the rounding of a difference
        assert.is_true(took < seconds + 1, name)
      end
    end
  end)

  it("polls with a timeout of 0 or less", function()
    local receiver, sender, to = helper.pair(family)
    for _, timeout in ipairs { 0, -1, -1e300, -math.huge } do
      assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(timeout)))
      assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ receiver }, timeout)))
      assert(sender:sendto("x", to))
      assert.same({ receiver }, mcast.poll({ receiver }, timeout))
      assert.equal("x", (receiver:recvfrom(timeout)))
      mcast.sleep(timeout)
      for _ in receiver:datagrams(timeout) do
        error "nothing was sent"
      end
    end
  end)

  it("raises for a timeout of NaN or of another type", function()
    local sock <close> = assert(mcast.socket { metadata = true })
    for _, timeout in ipairs { 0 / 0, "x", {}, true } do
      helper.raises(function() sock:recvfrom(timeout) end)
      helper.raises(function() sock:recvmsg(timeout) end)
      helper.raises(function() sock:datagrams(timeout) end)
      helper.raises(function() mcast.poll({ sock }, timeout) end)
      helper.raises(function() mcast.sleep(timeout) end)
    end
    helper.raises(function() mcast.sleep() end)
  end)

  it("returns the ready sockets in the order of the list", function()
    local a, sender, to_a = helper.pair(family)
    local b <close> = assert(mcast.socket())
    local c <close> = assert(mcast.socket())
    assert(sender:sendto("x", to_a))
    assert(sender:sendto("x", "127.0.0.1", c:getsockname().port))
    assert.same({ a, c }, mcast.poll { a, b, c })
    assert.same({ c, a }, mcast.poll { c, a })
    a:recvfrom(0)
    assert.same({ c }, mcast.poll({ a, b, c }, 5))
  end)

  it("raises for a poll of anything but a list of sockets", function()
    local sock <close> = assert(mcast.socket())
    for _, list in ipairs { { 5 }, { sock, "x" }, { io.stdout } } do
      assert.error_matches(function() mcast.poll(list, 0) end, "socket or monitor expected at %[%d%]")
    end
    helper.raises(function() mcast.poll(sock, 0) end)
  end)

  it("raises for a poll of no sockets without a timeout", function()
    assert.error_matches(function() mcast.poll {} end, "for ever")
    assert.error_matches(function() mcast.poll({}, nil, {}) end, "for ever")
  end)

  it("returns the writers that can send as a second list", function()
    local receiver, sender, to = helper.pair(family)
    local readers, writers = mcast.poll({ receiver }, nil, { sender, receiver })
    assert.same({ {}, { sender, receiver } }, { readers, writers })
    assert.same({ {}, { sender } }, { mcast.poll({}, nil, { sender }) })
    assert(sender:sendto("x", to))
    assert.same({ { receiver }, { receiver, sender } }, { mcast.poll({ sender, receiver }, 0, { receiver, sender }) })
  end)

  it("returns a second list of poll only for writers", function()
    local receiver, sender, to = helper.pair(family)
    assert(sender:sendto("x", to))
    assert.equal(1, select("#", mcast.poll { receiver }))
    assert.same({ { receiver }, {} }, { mcast.poll({ receiver }, nil, {}) })
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { mcast.poll({ sender }, 0, {}) })
  end)

  it("raises for writers that are no list of open sockets", function()
    local closed = assert(mcast.socket())
    closed:close()
    for _, list in ipairs { { 5 }, { io.stdout } } do
      assert.error_matches(function() mcast.poll({}, 0, list) end, "argument #3.*socket expected at %[1%]")
    end
    helper.raises(function() mcast.poll({}, 0, 5) end)
    assert.error_matches(function() mcast.poll({}, 0, { closed }) end, "closed socket")
  end)

  it("reports a socket as readable alone before a send", function()
    local sock <close> = assert(mcast.socket())
    assert.equal("r", sock:events())
  end)
end)

describe("what the script will not receive", function()
  local inet6 <const> = helper.families[2]

  -- A receiver with a datagram of a group that it left, and then one of a group that it did not.
  local function left(second)
    local receiver, sender, to = helper.pair(inet6, { family = "inet6" })
    assert(receiver:join(inet6.other))
    assert(sender:sendto("first", to))
    if second then
      assert(sender:sendto("second", inet6.other, to.port))
    end
    assert(receiver:leave(inet6.group))
    return receiver
  end

  helper.network("is discarded by a socket that", function()
    it("polls without success after it left", function()
      local receiver = left(false)
      assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ receiver }, 0)))
      assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ receiver }, 0.01)))
      assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
    end)

    it("polls with success for the datagram behind", function()
      local receiver = left(true)
      assert.same({ receiver }, mcast.poll({ receiver }, 0))
      assert.same({ receiver }, mcast.poll { receiver })
      assert.equal("second", (receiver:recvfrom(0)))
      assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ receiver }, 0)))
      assert.equal(1, receiver:stats().received)
    end)

    it("receives the datagram behind by a poll of no time", function()
      assert.equal("second", (left(true):recvfrom(0)))
    end)
  end)
end)
