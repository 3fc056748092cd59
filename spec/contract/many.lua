local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

-- A list of numbered datagrams of one size.
local function numbered(n, size)
  local list = {}
  for i = 1, n do
    list[i] = ("%03d"):format(i) .. ("x"):rep(size - 3)
  end
  return list
end

-- Receives until none is there; returns all datagrams, and the lists that they came in.
local function gather(sock, into)
  local all, lists = {}, {}
  repeat
    local list <const>, from <const> = sock:recvmany(0, into)
    if list then
      table.move(list, 1, #list, #all + 1, all)
      lists[#lists + 1] = { from = from, table.unpack(list) }
    end
  until not list or #all > 10000
  return all, lists
end

-- Has a socket see a long queue, after which it may receive trains.
local function warm(receiver, sender, to)
  assert.equal(64, sender:sendmany(numbered(64, 64), to))
  assert.equal(64, #gather(receiver))
end

helper.each_family(function(family)
  local function pair(options)
    options = options or {}
    options.family, options.rcvbuf = family.name, options.rcvbuf or 4 << 20
    return helper.pair(family, options, { family = family.name, interface = family.sources[1] })
  end

  it("returns each datagram once, in order, by recvmany", function()
    local receiver, sender, to = pair()
    local list = numbered(150, 64)
    for i = 1, 60 do
      list[#list + 1] = ("y"):rep(i % 3)
    end
    for _ = 1, 2 do
      assert.equal(#list, sender:sendmany(list, to))
      assert.same(list, (gather(receiver)))
    end
    assert.equal(2 * #list, receiver:stats().received)
  end)

  it("returns lists of one sender's datagrams of one size", function()
    local receiver, one, to = pair()
    local two <close> = assert(mcast.socket { family = family.name, interface = family.sources[2] })
    warm(receiver, one, to)
    for i = 1, 8 do
      assert(one:sendmany(numbered(i, 100), to))
      assert(two:sendmany(numbered(i, 100), to))
      assert(two:sendmany({ "long", "x", "xy" }, to))
    end
    local senders, n = {}, 0
    for _, list in ipairs(select(2, gather(receiver))) do
      for i, data in ipairs(list) do
        assert.is_true(#data == #list[1] or i == #list and #data < #list[1])
      end
      senders[list.from] = (senders[list.from] or 0) + #list
      n = n + #list
    end
    assert.equal(96, n)
    assert.same({ [mcast.address(family.sources[1], one:getsockname().port)] = 36,
      [mcast.address(family.sources[2], two:getsockname().port)] = 60 }, senders)
  end)

  it("returns an empty datagram by recvmany", function()
    local receiver, sender, to = pair()
    assert(sender:sendto("", to))
    local list, from = receiver:recvmany(5)
    assert.same({ { "" }, sender:getsockname().port }, { list, from.port })
  end)

  it("waits in recvmany as long as its timeout says", function()
    local receiver = pair()
    local start <const> = mcast.now()
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { receiver:recvmany(0.02) })
    assert.is_true(mcast.now() - start >= 0.02)
    assert.same({ nil, "timeout", E.ETIMEDOUT }, { receiver:recvmany(-1) })
  end)

  it("fills the list that is passed to recvmany, and keeps its keys", function()
    local receiver, sender, to = pair()
    local into = { "old", "old", "old", n = 3 }
    assert(sender:sendto("new", to))
    assert.is_true(rawequal(into, receiver:recvmany(5, into)))
    assert.same({ "new", n = 3 }, into)
    warm(receiver, sender, to)
    assert.equal(20, sender:sendmany(numbered(20, 64), to))
    assert.same(numbered(20, 64), (gather(receiver, into)))
  end)

  it("leaves the list of recvmany as it was after a timeout", function()
    local receiver = pair()
    local into = { "old", "old" }
    assert.is_nil((receiver:recvmany(0.01, into)))
    assert.same({ "old", "old" }, into)
  end)

  it("returns lists of data by recvmany on a socket with metadata", function()
    local receiver, sender, to = pair { metadata = true }
    warm(receiver, sender, to)
    assert.equal(20, sender:sendmany(numbered(20, 64), to))
    assert.equal("001" .. ("x"):rep(61), receiver:recvmsg(5).data)
    local rest = numbered(20, 64)
    table.remove(rest, 1)
    assert.same(rest, (gather(receiver)))
  end)

  it("mixes recvmany with the other calls that receive", function()
    local receiver, sender, to = pair()
    warm(receiver, sender, to)
    local list, got = numbered(40, 64), {}
    assert.equal(40, sender:sendmany(list, to))
    got[1] = receiver:recvfrom(5)
    for data in receiver:datagrams(0) do
      got[#got + 1] = data
      if #got == 5 then break end
    end
    assert.same({ receiver }, mcast.poll({ receiver }, 0))
    table.move(gather(receiver), 1, 40, #got + 1, got)
    assert.same(list, got)
    assert.is_false(receiver:dirty())
    assert.is_nil(receiver:timeout())
  end)

  it("does not return by recvmany what the filter excludes", function()
    local receiver, one, to = pair()
    local two <close> = assert(mcast.socket { family = family.name, interface = family.sources[2] })
    assert(receiver:block(family.group, family.sources[2]))
    for _ = 1, 40 do
      assert(two:sendto("no", to))
      assert(one:sendto("yes", to))
    end
    assert.equal(("yes"):rep(40), table.concat((gather(receiver))))
  end)

  it("raises for arguments of recvmany of a wrong type", function()
    local receiver, sender, to = pair()
    assert(sender:sendto("kept", to))
    helper.raises(function() receiver:recvmany("x") end)
    helper.raises(function() receiver:recvmany(0, "x") end)
    helper.raises(function() receiver:recvmany(0 / 0) end)
    assert.same({ "kept" }, (receiver:recvmany(5)))
    receiver:close()
    assert.error_matches(function() receiver:recvmany(0) end, "closed socket")
  end)
end)
