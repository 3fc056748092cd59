-- Trains: segmentation offload. A script sees no difference but the speed.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

local function numbered(n, size)
  local list = {}
  for i = 1, n do
    list[i] = ("%06d"):format(i) .. ("x"):rep(size - 6)
  end
  return list
end

local function receive(sock, n)
  local got = {}
  for i = 1, n do
    got[i] = assert(sock:recvfrom(5))
  end
  assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0)))
  return got
end

-- Has the receiver read a long queue, so that it switches trains on.
local function warm(receiver, sender, to)
  assert.equal(64, sender:sendmany(numbered(64, 64), to))
  receive(receiver, 64)
end

helper.each_family(function(family)
  for _, size in ipairs { 6, 64, 1200, 8192 } do
    it(("delivers lists of %d-byte datagrams whole and in order"):format(size), function()
      local receiver, sender, to = helper.pair(family, { family = family.name, rcvbuf = 4 << 20 })
      local list = numbered(200, size)
      for _ = 1, 3 do
        assert.equal(200, sender:sendmany(list, to))
        assert.same(list, receive(receiver, 200))
      end
      assert.equal(600, sender:stats().sent)
      assert.equal(600, receiver:stats().received)
      assert.equal(0, receiver:stats().dropped or 0)
    end)
  end

  it("keeps the order of lists of mixed sizes", function()
    local receiver, sender, to = helper.pair(family, { family = family.name, rcvbuf = 4 << 20 })
    local list = {}
    for i = 1, 300 do
      list[i] = ("%06d"):format(i) .. ("x"):rep(i % 50 < 25 and 100 or i % 7)
    end
    list[#list + 1] = ""
    list[#list + 1] = ""
    list[#list + 1] = ("y"):rep(family.limit)
    list[#list + 1] = ("y"):rep(family.limit)
    for _ = 1, 2 do
      assert.equal(#list, sender:sendmany(list, to))
      assert.same(list, receive(receiver, #list))
    end
  end)

  it("reports a train's buffered rest to poll and event loops", function()
    local receiver, sender, to = helper.pair(family, { family = family.name })
    local idle <close> = assert(mcast.socket { family = family.name })
    warm(receiver, sender, to)
    assert.is_false(receiver:dirty())
    local list = numbered(10, 64)
    assert.equal(10, sender:sendmany(list, to))
    for i = 1, 10 do
      assert.same({ receiver }, mcast.poll({ idle, receiver }, 5))
      assert.equal(list[i], (receiver:recvfrom(0)))
      local holding = i < 10 and not helper.portable
      assert.same({ holding, holding and 0 or nil }, { receiver:dirty(), receiver:timeout() })
    end
    assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ idle, receiver }, 0)))
    assert.equal(10, sender:sendmany(list, to))
    assert.equal(list[1], (receiver:recvfrom(5)))
    assert(sender:sendto("x", family.own, idle:getsockname().port))
    assert.same({ receiver, idle }, mcast.poll({ receiver, idle }))
  end)

  it("delivers each train to several receivers", function()
    local port = 10015
    local receivers = {}
    for i = 1, 3 do
      receivers[i] = assert(mcast.socket { family = family.name, port = port })
      assert(receivers[i]:join(family.group))
    end
    local sender <close> = assert(mcast.socket { family = family.name })
    local list = numbered(100, 100)
    for _ = 1, 2 do
      assert.equal(100, sender:sendmany(list, family.group, port))
      for _, receiver in ipairs(receivers) do
        assert.same(list, receive(receiver, 100))
      end
    end
    for _, receiver in ipairs(receivers) do
      receiver:close()
    end
  end)

  it("reports the metadata of each datagram of a train", function()
    local receiver, sender, to = helper.pair(family, { family = family.name, metadata = true },
      { interface = family.sources[2], ttl = 9 })
    warm(receiver, sender, to)
    local list = numbered(20, 64)
    assert.equal(20, sender:sendmany(list, to))
    for i = 1, 20 do
      local msg = assert(receiver:recvmsg(5))
      assert.same({ list[i], family.group, "lo", 9, family.sources[2] },
        { msg.data, msg.group, msg.interface, msg.ttl, msg.from.host })
      assert.is_true(math.abs(msg.time - os.time()) < 10)
    end
  end)

  it("separates the trains of several senders", function()
    local receiver, one, to = helper.pair(family, { family = family.name }, { interface = family.sources[1] })
    local two <close> = assert(mcast.socket { interface = family.sources[2] })
    warm(receiver, one, to)
    local list = numbered(8, 64)
    assert(one:sendmany(list, to))
    assert(two:sendmany(list, to))
    assert(one:sendto("one", to))
    for _, sender in ipairs { one, two } do
      for i = 1, 8 do
        local data, from = receiver:recvfrom(5)
        assert.same({ list[i], sender:getsockname().port }, { data, from.port })
      end
    end
    assert.equal("one", (receiver:recvfrom(5)))
  end)

  it("sends lists below and above the MTU to another host", function()
    local host = helper.host()
    local script = helper.script(([[
      local mcast = require "mcast"
      local sock = assert(mcast.socket { family = %q, port = 10016, interface = %q, rcvbuf = 1 << 20 })
      assert(sock:join %q)
      io.stdout:setvbuf "line"
      print "ready"
      local n = 0
      for data in sock:datagrams(10) do
        n = n + 1
        print(n, #data, tonumber(data:sub(1, 6)))
      end
    ]]):format(family.name, host.far, family.group))
    local output = helper.start(host.enter .. helper.lua .. " " .. script)
    assert.equal("ready", output:read "l")
    local sender <close> = assert(mcast.socket { family = family.name, interface = host.near })
    local n = 0
    for _, size in ipairs { 1473, 1400, 4000, 64 } do
      assert.equal(20, sender:sendmany(numbered(20, size), family.group, 10016))
      for i = 1, 20 do
        n = n + 1
        assert.equal(("%d\t%d\t%d"):format(n, size, i), output:read "l")
      end
    end
  end)
end)

helper.network("trains", function()
  it("stays without trains while datagrams arrive alone", function()
    local receiver, sender, to = helper.pair(helper.families[1])
    for _ = 1, 200 do
      assert(sender:sendto(("x"):rep(64), to))
      assert(receiver:recvfrom(5))
    end
    assert.equal(2, sender:sendmany(numbered(2, 64), to))
    assert(receiver:recvfrom(5))
    assert.is_false(receiver:dirty())
  end)

  -- Runs a script with a receiver, a sender and its destination `to`; returns how often the receiver looks for a queue.
  local function looks(lua)
    local script = helper.script([[
      local mcast = require "mcast"
      local receiver, sender = assert(mcast.socket { rcvbuf = 1 << 20 }), assert(mcast.socket())
      local to = mcast.address("127.0.0.1", receiver:getsockname().port)
    ]] .. lua)
    helper.defer(function() os.remove(script .. ".log") end)
    helper.check(("strace -qq -o %s.log -e trace=ioctl %s %s"):format(script, helper.lua, script))
    local log <close> = assert(io.open(script .. ".log"))
    return select(2, log:read "a":gsub("FIONREAD", ""))
  end

  it("looks for no queue between questions and answers", function()
    assert.equal(0, looks [[
      local serve = coroutine.wrap(function()
        while true do
          local data, from = receiver:recvfrom(0)
          if data then receiver:sendto(data, from) else coroutine.yield() end
        end
      end)
      for _ = 1, 500 do
        sender:sendto("same", to)
        serve()
        assert(sender:recvfrom(5) == "same")
        assert(not sender:recvfrom(0))
      end
    ]])
  end)

  it("looks for no queue while a stream pauses", function()
    assert.equal(0, looks [[
      for i = 1, 500 do
        sender:sendto("same", to)
        assert(receiver:recvfrom(5) == "same")
        if i % 30 == 0 then assert(not receiver:recvfrom(0.001)) end
      end
    ]])
  end)

  it("looks for a queue ever less often where the script waits elsewhere", function()
    assert.equal(helper.portable and 0 or 4, looks [[
      for _ = 1, 32 * (1 + 2 + 4 + 8) do
        sender:sendto("same", to)
        mcast.poll { receiver }
        receiver:recvfrom(0)
      end
    ]])
  end)

  it("looks once for a queue that is there", function()
    assert.equal(helper.portable and 0 or 1, looks [[
      local list = {}
      for i = 1, 300 do list[i] = "same" end
      sender:sendmany(list, to)
      for _ = 1, 300 do receiver:recvfrom(5) end
      assert(not receiver:recvfrom(0))
    ]])
  end)

  -- Does a socket that has read long queues buffer nine of ten datagrams?
  local function rest(ask)
    local receiver, sender, to = helper.pair(helper.families[1])
    ask(receiver)
    warm(receiver, sender, to)
    ask(receiver)
    warm(receiver, sender, to)
    assert.equal(10, sender:sendmany(numbered(10, 64), to))
    assert(receiver:recvfrom(5))
    return receiver:dirty()
  end

  it("gets none where a loop asks for descriptors alone", function()
    assert.is_false(rest(function(sock) sock:getfd() end))
    assert.is_false(rest(function(sock) sock:pollfd() sock:events() end))
  end)

  it("gets them where a loop asks for the rest, too", function()
    assert.equal(not helper.portable, rest(function(sock) sock:getfd() sock:dirty() end))
    assert.equal(not helper.portable, rest(function(sock) sock:pollfd() sock:timeout() end))
  end)

  it("returns the rest of a train that a hook received", function()
    local script = helper.script [[
      local mcast = require "mcast"
      local receiver, sender = assert(mcast.socket()), assert(mcast.socket())
      local to = mcast.address("127.0.0.1", receiver:getsockname().port)
      local list = {}
      for i = 1, 64 do list[i] = ("%06d"):format(i) end
      sender:sendmany(list, to)
      for i = 1, 64 do receiver:recvfrom(5) end
      local function hook()
        debug.sethook()
        sender:sendmany(list, to)
        io.write(receiver:recvfrom(5), "\n")
      end
      debug.sethook(hook, "l") local data = receiver:recvfrom(5)
      print(data)
      for i = 3, 64 do assert(receiver:recvfrom(5) == list[i]) end
    ]]
    assert.equal("000001\n000002\n", helper.check(helper.lua .. " " .. script))
  end)

  -- Sends two lists of 300 datagrams while a fault is injected; returns the output, and
  -- the number of calls of sendmsg.
  local function inject(fault)
    local script = helper.script [[
      local mcast = require "mcast"
      local receiver = assert(mcast.socket { rcvbuf = 1 << 20 })
      local sender = assert(mcast.socket())
      local to = mcast.address("127.0.0.1", receiver:getsockname().port)
      local list = {}
      for i = 1, 300 do list[i] = ("%06d"):format(i) end
      for _ = 1, 2 do
        print(sender:sendmany(list, to))
        local n = 0
        for data in receiver:datagrams(0) do
          n = n + 1
          assert(data == list[n], data)
        end
        print(n, sender:stats().sent)
      end
    ]]
    helper.defer(function() os.remove(script .. ".log") end)
    return helper.check(("strace -qq -o %s.log -e trace=sendmsg -e inject=%s %s %s; grep -c sendmsg %s.log"):format(
      script, fault, helper.lua, script, script))
  end

  for refusal, calls in pairs { EIO = 1, EOPNOTSUPP = 1, ENOPROTOOPT = 1, EMSGSIZE = 1, EINVAL = 2 } do
    it("sends datagrams one by one after " .. refusal, function()
      if helper.portable then
        pending "this build sends no trains"
        return
      end
      assert.equal(("300\n300\t300\n300\n300\t600\n%d\n"):format(calls), inject("sendmsg:error=" .. refusal))
    end)
  end

  it("sends a train again after EAGAIN", function()
    if helper.portable then
      pending "this build sends no trains"
      return
    end
    assert.equal("300\n300\t300\n300\n300\t600\n7\n", inject "sendmsg:error=EAGAIN:when=2")
  end)

  it("returns how many datagrams were sent before an error", function()
    if helper.portable then
      pending "this build sends no trains"
      return
    end
    assert.matches("^128\tsendmany 127.0.0.1:%d+: Network is unreachable %(no route to the host%)\t" .. E.ENETUNREACH
      .. "\n128\t128\n300\n", inject "sendmsg:error=ENETUNREACH:when=2")
  end)
end)
