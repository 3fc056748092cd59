-- Merged traces: clocks, copies and losses.
local helper <const> = require "spec.support.helper"
local address <const> = require "mcast.trace.address"
local clocks <const> = require "mcast.trace.clocks"
local trace <const> = require "mcast.trace"

local group <const>, port <const> = "239.1.2.3", 5000
local to <const> = address.of(group, port)

-- A host with an address and a clock that is ahead by seconds, and faster by a share: an empty trace.
local function host(name, own, ahead, drift)
  local list <const> = { header = { node = name, host = name, epoch = 1000000000, clock = name, addresses = { own } } }
  local function add(time, event)
    event.time, event.node, event.host = ahead + time * (1 + (drift or 0)), name, name
    list[#list + 1] = event
    return event
  end
  return list, add
end

local function join(add, time, fields)
  local event <const> = { kind = "join", group = group, mode = "exclude", sources = {}, port = port, socket = 1,
    interface = "eth0" }
  for name, value in pairs(fields or {}) do
    event[name] = value
  end
  return add(time, event)
end

local function send(add, time, data, own, destination)
  return add(time, { kind = "send", from = address.of(own, port), to = destination or to, data = data, socket = 1, ttl = 1,
    loopback = false })
end

local function deliver(add, time, data, from, destination)
  return add(time, { kind = "deliver", from = address.of(from, port), to = destination or to, data = data, socket = 1,
    ttl = 1 })
end

local A <const>, B <const> = "10.1.0.1", "10.1.0.2"

-- Traces of hosts a and b, which send each other n datagrams, with delays of 1 to 2 ms that a generator draws.
local function talk(n, span, ahead, drift)
  local a <const>, atA <const> = host("a", A, 0)
  local b <const>, atB <const> = host("b", B, ahead, drift)
  local random <const> = require "mcast.sim".new { output = function() end, seed = 7 }
  for i = 1, n do
    local time <const> = i * span / n
    local function delay() return 0.001 + 0.001 * random:random() end
    send(atA, time, "a" .. i, "0.0.0.0")
    deliver(atB, time + delay(), "a" .. i, A)
    send(atB, time + 0.1, "b" .. i, B)
    deliver(atA, time + 0.1 + delay(), "b" .. i, B)
  end
  return a, b
end

-- The events of a kind, by data in the order of time.
local function pick(list, kind)
  local found = {}
  for _, event in ipairs(list) do
    found[#found + 1] = event.kind == kind and event or nil
  end
  return found
end

-- The packet of each send, by node and data.
local function packets(list)
  local found = {}
  for _, event in ipairs(pick(list, "send")) do
    found[event.node .. " " .. event.data] = event.packet
  end
  return found
end

helper.in_lua("merged clocks", function()
  for _, case in ipairs { { 10, 1, 3.25, 0 }, { 200, 60, -7.5, 80e-6 }, { 500, 3600, 86400, -40e-6 } } do
    it(("relates a clock by %g s and %g ppm within its bound"):format(case[3], case[4] * 1e6), function()
      local a <const>, b <const> = talk(table.unpack(case))
      local run <const> = trace.merge { a, b }
      local clock <const> = run.clocks[1]
      assert.equal("both", clock.ways)
      local truth <const> = case[3] + case[4] * (b[1].time - case[3])
      assert.is_true(math.abs(clock.offset - truth) <= clock.bound + 1e-9)
      assert.is_true(clock.bound < 0.003, clock.bound)
      assert.is_true(math.abs(clock.drift - case[4]) * case[2] <= 2 * clock.bound + 1e-9)
      assert.equal(0, clock.contradictions)
      local sent = {}
      for _, event in ipairs(pick(run, "send")) do
        sent[event.packet] = event.time
      end
      for _, event in ipairs(pick(run, "deliver")) do
        assert.is_true(math.abs(event.time - sent[event.packet] - 0.0015) <= 0.0005 + clock.bound + 1e-6)
      end
    end)
  end

  it("bounds a clock from one side by datagrams one way", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 5)
    for i = 1, 5 do
      send(atA, i, "x" .. i, A)
      deliver(atB, i + 0.001 * i, "x" .. i, A)
    end
    local run <const> = trace.merge { a, b }
    local clock <const> = run.clocks[1]
    assert.same({ "one", nil }, { clock.ways, clock.bound })
    assert.is_true(math.abs(clock.offset - 5.001) < 1e-9)
    assert.matches("or less", clock.text)
    local back <const> = trace.merge { b, a }.clocks[1]
    assert.is_true(math.abs(back.offset + 5.001) < 1e-9)
    assert.matches("or more", back.text)
  end)

  it("shares the clock of traces of one system", function()
    local a <const>, b <const> = host("a", A, 0), host("b", B, 0)
    b.header.clock, b.header.epoch = "a", a.header.epoch + 2000000000
    a[1] = { time = 0, kind = "start", node = "a" }
    b[1] = { time = 1, kind = "start", node = "b" }
    local run <const> = trace.merge { a, b }
    assert.same({ "same", 0, 3 }, { run.clocks[1].ways, run.clocks[1].offset, run[2].time })
  end)

  it("counts datagrams that contradict, as after a clock was set", function()
    local above, below = {}, {}
    for i = 1, 20 do
      local ahead <const> = i <= 15 and 3 or 4
      above[i], below[i] = { i, ahead + 0.001 }, { i, ahead - 0.001 }
    end
    local relation <const> = clocks.relate(above, below)
    assert.is_true(relation.contradictions > 0)
    assert.is_true(math.abs(relation.offset - 3) < 1.1)
  end)

  it("connects clocks that share no datagram by a third one", function()
    local a <const>, b <const> = talk(20, 1, 3)
    local c <const>, atC <const> = host("c", "10.1.0.3", -2)
    for i = 1, 20 do
      deliver(atC, i / 20 + 0.0015, "a" .. i, A)
      send(atC, i / 20 + 0.2, "c" .. i, "10.1.0.3")
    end
    local _, atA <const> = host("a", A, 0)
    for i = 1, 20 do
      a[#a + 1] = deliver(atA, i / 20 + 0.2015, "c" .. i, "10.1.0.3")
    end
    table.sort(a, function(one, other) return one.time < other.time end)
    local run <const> = trace.merge { b, a, c }
    assert.same({ "both", "both" }, { run.clocks[1].ways, run.clocks[2].ways })
    assert.is_true(math.abs(run.clocks[2].offset + 5) <= run.clocks[2].bound)
  end)
end)

helper.in_lua("merged copies", function()
  it("numbers each copy as its send", function()
    local a <const>, b <const> = talk(3, 1, 3)
    local run <const> = trace.merge { a, b }
    local numbers <const> = packets(run)
    for _, event in ipairs(pick(run, "deliver")) do
      assert.equal(numbers[(event.node == "a" and "b " or "a ") .. event.data], event.packet)
    end
    assert.equal(A, pick(run, "send")[1].from.host)
  end)

  it("draws a datagram that a receiver lacks as lost", function()
    local a <const>, b <const> = talk(10, 1, 3)
    local _, atB <const> = host("b", B, 3)
    table.insert(b, 1, join(atB, 0.01))
    local missing <const> = table.remove(b, 6) -- a delivery
    assert.equal("deliver", missing.kind)
    local run <const> = trace.merge { a, b }
    local drops <const> = pick(run, "drop")
    assert.equal(1, #drops)
    assert.same({ "loss", "b", missing.data, 1 }, { drops[1].reason, drops[1].node, drops[1].data, drops[1].socket })
    assert.equal(packets(run)["a " .. missing.data], drops[1].packet)
    assert.equal(1, trace.stats(run).b[group].lost)
  end)

  for name, fields in pairs { ["joined another group"] = { group = "239.9.9.9" }, ["is bound to another port"] = { port = 1 },
    ["excludes its source"] = { sources = { A } }, ["includes another source"] = { mode = "include", sources = { B } },
    ["joined on loopback"] = { interface = "lo" } } do
    it("draws no loss at a receiver that " .. name, function()
      local a <const>, b <const> = talk(10, 1, 3)
      local _, atB <const> = host("b", B, 3)
      table.insert(b, 1, join(atB, 0.01, fields))
      table.remove(b, 6)
      assert.same({}, pick(trace.merge { a, b }, "drop"))
    end)
  end

  it("draws no loss before a join, and none after a leave", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 0)
    for i = 1, 4 do
      send(atA, i, "x" .. i, A)
    end
    join(atB, 1.5)
    atB(3.5, { kind = "leave", group = group, mode = "include", sources = {}, port = port, socket = 1, interface = "eth0" })
    deliver(atB, 2.001, "x2", A)
    table.sort(b, function(one, other) return one.time < other.time end)
    atB(9, { kind = "end" })
    b.header.clock = "a"
    local drops <const> = pick(trace.merge { a, b }, "drop")
    assert.same({ 1, "x3" }, { #drops, drops[1].data })
  end)

  it("draws no loss of a copy on its way at the end", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 0)
    b.header.clock = "a"
    join(atB, 0.5)
    for i = 1, 3 do
      send(atA, i, "x" .. i, A)
    end
    deliver(atB, 1.1, "x1", A)
    atB(3.05, { kind = "end" })
    local drops <const> = pick(trace.merge { a, b }, "drop")
    assert.same({ 1, "x2" }, { #drops, drops[1].data })
  end)

  it("finds the lost one of equal datagrams", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 0)
    b.header.clock = "a"
    join(atB, 0.5)
    for i = 1, 5 do
      send(atA, i, "beat", A)
      if i ~= 3 then deliver(atB, i + 0.01, "beat", A) end
    end
    atB(6, { kind = "end" })
    local run <const> = trace.merge { a, b }
    assert.equal(3, pick(run, "drop")[1].packet)
    local numbers = {}
    for i, event in ipairs(pick(run, "deliver")) do
      numbers[i] = event.packet
    end
    assert.same({ 1, 2, 4, 5 }, numbers)
  end)

  it("counts a copy that arrives twice as a duplicate", function()
    local a <const>, b <const> = talk(3, 1, 0)
    local _, atB <const> = host("b", B, 0)
    table.insert(b, 2, deliver(atB, b[1].time + 0.0001, "a1", A))
    local run <const> = trace.merge { a, b }
    assert.same({ 4, 1 }, { trace.stats(run).b[group].delivered, trace.stats(run).b[group].duplicated })
  end)

  it("draws a datagram that nobody sent as from outside", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 0)
    b.header.clock = "a"
    deliver(atA, 1, "who", "10.1.0.9")
    deliver(atB, 1.001, "who", "10.1.0.9")
    local run <const> = trace.merge { a, b }
    local sends <const> = pick(run, "send")
    assert.same({ 1, "10.1.0.9", true, 0 }, { #sends, sends[1].node, sends[1].outside, sends[1].time })
    assert.same({ 1, 1 }, { run[2].packet, run[3].packet })
  end)

  it("blames the receive buffer for losses that the kernel counted", function()
    local a <const>, atA <const> = host("a", A, 0)
    local b <const>, atB <const> = host("b", B, 0)
    b.header.clock = "a"
    join(atB, 0.5)
    for i = 1, 6 do
      send(atA, i, "x" .. i, A)
      if i == 1 or i == 4 or i == 6 then
        deliver(atB, i + 0.01, "x" .. i, A).dropped = i > 1 and 2 or nil
      end
    end
    local reasons = {}
    for i, event in ipairs(pick(trace.merge { a, b }, "drop")) do
      reasons[i] = event.data .. " " .. event.reason
    end
    assert.same({ "x2 buffer", "x3 buffer", "x5 loss" }, reasons)
  end)

  it("names two nodes of one name apart", function()
    local a <const>, b <const> = host("a", A, 0), host("a", B, 0)
    a[1], b[1] = { time = 0, kind = "start", node = "a" }, { time = 1, kind = "start", node = "a" }
    local run <const> = trace.merge { a, b }
    assert.same({ "a", "a-2" }, { run[1].node, run[2].node })
  end)

  it("leaves the traces as they were, and a merged one whole", function()
    local a <const>, b <const> = talk(3, 1, 3)
    local before <const> = a[1].time
    local run <const> = trace.merge { a, b }
    assert.same({ before, nil }, { a[1].time, a[1].packet })
    assert.equal(run, trace.merge { run })
    assert.error_matches(function() trace.merge { run, a } end, "merges with no other")
  end)

  it("matches link-local senders whatever their zone", function()
    local a <const>, atA <const> = host("a", "fe80::1", 0)
    local b <const>, atB <const> = host("b", "fe80::2", 0)
    b.header.clock = "a"
    local there <const> = address.of("ff02::1:3", port, "eth7")
    atA(1, { kind = "send", from = address.of("::", port), to = there, data = "x", socket = 1 })
    atB(1.001, { kind = "deliver", from = address.of("fe80::1", port, "eth0"), to = address.of("ff02::1:3", port),
      data = "x", socket = 1 })
    local run <const> = trace.merge { a, b }
    assert.same({ 2, 1, "[fe80::1%eth0]:5000" }, { #run, run[2].packet, tostring(run[1].from) })
  end)
end)

helper.long("a merged trace", function()
  it("has 100,000 copies in seconds #slow", function()
    local a <const>, b <const> = talk(50000, 3600, 3, 20e-6)
    local start <const> = os.clock()
    assert.equal(200000, #trace.merge { a, b })
    assert.is_true(os.clock() - start < 20)
  end)
end)
