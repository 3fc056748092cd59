-- The simulated network, its faults, and the reproducibility of runs.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function quiet(options)
  options = options or {}
  options.output = function() end
  return sim.new(options)
end

-- A script that joins and lists each datagram as "data ttl".
local function hear(list, options)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket { port = 5000, metadata = true, family = options and options.family })
    assert(sock:join(options and options.group or "239.1.2.3", { source = options and options.source }))
    while true do
      local msg = assert(sock:recvmsg())
      list[#list + 1] = ("%s %d"):format(msg.data, msg.ttl)
      list.at = mcast.now()
    end
  end
end

local function send(texts, options)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket(options))
    for _, text in ipairs(texts) do
      assert(sock:sendto(text, sock:getoption "family" == "inet6" and "ff15::1" or "239.1.2.3", 5000))
    end
  end
end

-- The events of a kind, and a count of the reasons of drops.
local function events(net, kind)
  local list, reasons = {}, {}
  for _, event in ipairs(net.trace) do
    if event.kind == kind then
      list[#list + 1] = event
      reasons[event.reason or ""] = (reasons[event.reason or ""] or 0) + 1
    end
  end
  return list, reasons
end

describe("simulated networks", function()
  -- lan - r1 - far - r2 and r3 - farther - r4, a boundary - beyond
  local function chain(family, ttl, group)
    local net = quiet()
    local far, farther, beyond = net:lan "far", net:lan "farther", net:lan "beyond"
    net:router("r1", { net.lans.lan, far })
    net:router("r2", { far, farther })
    net:router("r3", { far, farther })
    net:router("r4", { farther, beyond }, { boundary = { "239.0.0.0/8", "ff15::/16" } })
    local heard = {}
    for name, lan in pairs { near = "lan", mid = "far", last = "farther", beyond = "beyond" } do
      heard[name] = {}
      net:node(name, hear(heard[name], { family = family, group = group }), {}, { lans = { lan } })
    end
    net:node("a", function()
      local sock = assert(require "mcast".socket { ttl = ttl, family = family })
      assert(sock:sendto("x", group, 5000))
    end, {}, { start = 1 })
    net:run(2)
    return heard, net
  end

  for family, groups in pairs { inet = { "239.1.2.3", "224.0.0.9", "238.1.2.3" },
    inet6 = { "ff15::1", "ff02::9", "ff1e::1" } } do
    local scoped <const>, link <const>, global <const> = table.unpack(groups)

    it("forwards as far as the TTL reaches with " .. family, function()
      local heard = chain(family, 1, scoped)
      assert.same({ { "x 1" }, {}, {} }, { { heard.near[1], heard.near[2] }, heard.mid, heard.last })
      heard = chain(family, 2, scoped)
      assert.same({ "x 2", "x 1", 0 }, { heard.near[1], heard.mid[1], #heard.last })
      heard = chain(family, 9, scoped)
      assert.same({ "x 9", "x 8", "x 7" }, { heard.near[1], heard.mid[1], heard.last[1] })
    end)

    it("forwards by one of two parallel routers with " .. family, function()
      local heard = chain(family, 9, scoped)
      assert.same({ 1, 1, 1 }, { #heard.near, #heard.mid, #heard.last })
    end)

    it("stops a group at a router's boundary with " .. family, function()
      assert.equal(0, #chain(family, 9, scoped).beyond)
      local heard = chain(family, 9, global)
      assert.same({ 1, "x 6" }, { #heard.last, heard.beyond[1] })
    end)

    it("keeps a link-local group on its LAN with " .. family, function()
      local heard = chain(family, 9, link)
      assert.same({ 1, 0, 0 }, { #heard.near, #heard.mid, #heard.last })
    end)

    it("records a drop by TTL with " .. family, function()
      local _, net = chain(family, 1, scoped)
      assert.equal("ttl", events(net, "drop")[1].reason)
    end)
  end

  it("delivers TTL 0 to its own host only", function()
    local net = quiet()
    local own, other = {}, {}
    local host = net:host("box")
    net:node("own", hear(own), {}, { host = host })
    net:node("other", hear(other))
    net:node("sender", send({ "zero" }, { ttl = 0 }), {}, { host = host, start = 1 })
    net:run(3)
    assert.same({ { "zero 0" }, {} }, { { table.unpack(own) }, { table.unpack(other) } })
  end)

  it("delivers to other hosts only with loopback = false", function()
    local net = quiet()
    local own, other = {}, {}
    local host = net:host("box")
    net:node("own", hear(own), {}, { host = host })
    net:node("other", hear(other))
    net:node("sender", send({ "not for us" }, { loopback = false }), {}, { host = host, start = 1 })
    net:run(3)
    assert.same({ {}, { "not for us 1" } }, { { table.unpack(own) }, { table.unpack(other) } })
  end)

  it("delivers the source of an (S,G) join only", function()
    local net = quiet()
    local heard = {}
    net:node("receiver", hear(heard, { group = "232.1.1.1", source = "10.0.0.3" }))
    for i = 2, 3 do
      net:node("s" .. i, function()
        assert(require "mcast".socket():sendto("from " .. i, "232.1.1.1", 5000))
      end, {}, { start = 1 })
    end
    net:run(2)
    assert.same({ "from 3 1" }, { table.unpack(heard) })
  end)

  it("delivers a group to all sharers of a port, unicast to one", function()
    local net = quiet()
    local host, got = net:host("box"), { {}, {}, {} }
    for i = 1, 3 do
      net:node("n" .. i, hear(got[i]), {}, { host = host })
    end
    net:node("s", function()
      local sock = assert(require "mcast".socket())
      assert(sock:sendto("all", "239.1.2.3", 5000))
      assert(sock:sendto("one", host.address, 5000))
    end, {}, { start = 1 })
    net:run(2)
    assert.same({ { "all 1" }, { "all 1" }, { "all 1", "one 64" } },
      { { table.unpack(got[1]) }, { table.unpack(got[2]) }, { table.unpack(got[3]) } })
  end)

  it("wakes all receivers on the sender's host at one time", function()
    local net, times = quiet(), {}
    local host = net:host "box"
    for i = 1, 3 do
      local heard = {}
      times[i] = heard
      net:node("n" .. i, hear(heard), {}, { host = host })
    end
    net:node("s", send { "x" }, {}, { host = host, start = 1 })
    net:run(2)
    assert.same({ 1.000001, 1.000001, 1.000001 }, { times[1].at, times[2].at, times[3].at })
  end)

  it("routes unicast both ways", function()
    local net = quiet()
    net:router("gate", { net.lans.lan, net:lan "far" })
    local got
    net:node("server", function()
      local sock = assert(require "mcast".socket { port = 7 })
      local data, from = sock:recvfrom()
      sock:sendto(data:upper(), from)
    end, {}, { lans = { "far" } })
    net:node("client", function()
      local sock = assert(require "mcast".socket())
      sock:sendto("hello", net.byname.server.host, 7)
      got = { sock:recvfrom(1) }
    end)
    net:run(5)
    assert.same({ "HELLO", net.byname.server.host }, { got[1], got[2].host })
  end)

  it("loses a datagram over the MTU with any of its fragments", function()
    local net = quiet { loss = 0.1, seed = 3 }
    local heard = {}
    net:node("r", hear(heard, {}))
    net:node("s", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      for _ = 1, 2000 do
        sock:sendto(("x"):rep(8000), "239.1.2.3", 5000) -- six fragments
        mcast.sleep(0.001)
      end
    end, {}, { start = 1 })
    net:run(10)
    local expected <const> = 2000 * 0.9 ^ 6
    assert.is_true(math.abs(#heard - expected) < 4 * math.sqrt(expected * (1 - 0.9 ^ 6)), #heard)
  end)

  it("drops and counts datagrams that exceed the receive buffer", function()
    local net = quiet()
    local stats, left
    net:node("r", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket { port = 5000, rcvbuf = 4096 })
      assert(sock:join "239.1.2.3")
      mcast.sleep(2)
      left = 0
      while sock:recvfrom(0) do
        left = left + 1
      end
      stats = sock:stats()
    end)
    net:node("s", send { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15" }, {}, { start = 1 })
    net:run(5)
    local _, reasons = events(net, "drop")
    assert.same({ received = left, dropped = 15 - left, sent = 0 }, stats)
    assert.is_true(left > 0 and left < 15)
    assert.equal(15 - left, reasons.buffer)
  end)

  it("delays and drops datagrams by a LAN's bandwidth and queue", function()
    local net = quiet { delay = 0 }
    net.lans.lan:set { bandwidth = 8e6, queue = 10000 } -- a megabyte a second
    local heard, texts = {}, {}
    for i = 1, 20 do
      texts[i] = ("%d"):format(i % 10):rep(1000)
    end
    net:node("r", hear(heard))
    net:node("s", send(texts), {}, { start = 1 })
    net:run(5)
    assert.equal(9, #heard) -- of 1066 bytes with their headers
    assert.is_true(math.abs(heard.at - 1.009594) < 1e-9, heard.at)
    assert.equal(11, select(2, events(net, "drop")).queue)
  end)

  it("returns ENETUNREACH while an interface is down", function()
    local net = quiet()
    local heard, errno = {}, nil
    net:node("r", hear(heard))
    net:node("s", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket { interface = "eth0" })
      for i = 1, 3 do
        errno = select(3, sock:sendto("n" .. i, "239.1.2.3", 5000)) == mcast.errno.ENETUNREACH and i or errno
        mcast.sleep(1)
      end
    end)
    net:at(0.5, function() net.hosts.s:setinterface("eth0", false) end)
    net:at(1.5, function() net.hosts.s:setinterface("eth0", true) end)
    net:run(5)
    assert.same({ 2, "n1 1", "n3 1" }, { errno, table.unpack(heard) })
  end)
end)

describe("faults", function()
  local function count(options, change)
    options.seed = 11
    local net = quiet(options)
    local heard = {}
    net:node("r", hear(heard))
    net:node("s", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      for i = 1, 2000 do
        sock:sendto(("%04d"):format(i), "239.1.2.3", 5000)
        mcast.sleep(0.001)
      end
    end, {}, { start = 1 })
    if change then
      change(net)
    end
    net:run(10)
    return heard, net
  end

  -- Is n within four standard deviations of 2000 draws of probability p?
  local function near(n, p)
    return math.abs(n - 2000 * p) < 4 * math.sqrt(2000 * p * (1 - p))
  end

  it("loses as often as the option says", function()
    local heard = #count { loss = 0.3 }
    assert.is_true(near(2000 - heard, 0.3), heard)
  end)

  it("duplicates as often as the option says", function()
    local heard = #count { duplicate = 0.2 }
    assert.is_true(near(heard - 2000, 0.2), heard)
  end)

  it("reorders about as often as the option says", function()
    local heard, late = count { reorder = 0.1 }, 0
    assert.equal(2000, #heard)
    for i = 2, #heard do
      late = late + (heard[i] < heard[i - 1] and 1 or 0)
    end
    assert.is_true(late > 100 and late < 200, late)
  end)

  it("changes nothing with a probability of 0", function()
    assert.same(count {}, (count { loss = 0, duplicate = 0 }))
  end)

  for name, case in pairs { -- the option, and the mean and deviation to expect
    ["a constant"] = { 0.25, 0.25, 0 },
    ["a range"] = { { 0.1, 0.3 }, 0.2, 0.2 / math.sqrt(12) },
    ["a normal distribution"] = { { mean = 0.2, deviation = 0.01 }, 0.2, 0.01 },
    ["an exponential distribution"] = { { exponential = 0.1, least = 0.05 }, 0.15, 0.1 },
    ["a function"] = { function(random) return 0.1 + 0.2 * random() end, 0.2, 0.2 / math.sqrt(12) },
  } do
    it("delays by " .. name, function()
      local _, net = count { delay = case[1] }
      local sent, sum, n = {}, 0, 0
      for _, event in ipairs(net.trace) do
        if event.kind == "send" then
          sent[event.packet] = event.time
        elseif event.kind == "deliver" then
          sum, n = sum + event.time - sent[event.packet], n + 1
        end
      end
      assert.equal(2000, n)
      assert.is_true(math.abs(sum / n - case[2]) <= 4 * case[3] / math.sqrt(n) + 1e-9, sum / n)
    end)
  end

  it("raises for bad values of delay", function()
    for _, bad in ipairs { -1, "x", { 2, 1 }, { mean = 1 }, 0 / 0 } do
      helper.raises(function() sim.new { delay = bad } end)
    end
  end)

  it("raises for a loss that is not a probability", function()
    assert.error_matches(function() sim.new { loss = 2 } end, "bad option 'loss' %(probability of 0 .* expected, got 2%)")
  end)

  it("raises for unknown options", function()
    assert.error_matches(function() sim.new { los = 0.2 } end, "unknown option 'los'")
  end)

  it("applies the loss of a LAN", function()
    assert.equal(0, #count({}, function(net) net.lans.lan:set { loss = 1 } end))
  end)

  it("applies the loss of a pair before that of the net", function()
    assert.equal(0, #count({}, function(net) net:link("s", "r", { loss = 1 }) end))
    assert.equal(2000, #count({ loss = 1 }, function(net) net:link("s", "r", { loss = 0 }) end))
  end)

  it("passes a packet's fields to a rule", function()
    local packet
    count({}, function(net) net:rule(function(p) packet = packet or p end) end)
    assert.same({ "s", "r", "lan", 1, 5000, "0001" },
      { packet.sender, packet.receiver, packet.lan, packet.ttl, packet.to.port, packet.data })
  end)

  it("follows the first rule that decides", function()
    local heard, net = count({}, function(net)
      net:rule(function() end)
      net:rule(function(p)
        if p.data == "0001" then return false elseif p.data == "0002" then return 0.5, 0.75 end
      end)
      net:rule(function(p) if p.data <= "0003" then return false end end)
    end)
    assert.equal(1999, #heard) -- the first and the third are lost, the second arrives twice
    assert.same({ "rule", "rule" }, { events(net, "drop")[1].reason, events(net, "drop")[2].reason })
  end)

  it("delivers to each other receiver when a rule crashes one", function()
    local heard, net = {}, quiet()
    for i = 1, 5 do
      heard[i] = {}
      net:node("r" .. i, hear(heard[i]))
    end
    net:node("s", send { "x" }, {}, { start = 0.5 })
    net:rule(function(p)
      if p.receiver == "r2" then net.byname.r2:crash() end
    end)
    net:run(1)
    assert.same({ 1, 0, 1, 1, 1 }, { #heard[1], #heard[2], #heard[3], #heard[4], #heard[5] })
  end)

  it("copies once to a router whose membership ends in a rule", function()
    local net, copies = quiet(), 0
    local gate = net:router("gate", { net.lans.lan, net:lan "far" })
    local node = net:node("member", hear {}, {}, { host = gate })
    net:node("s", send { "x" }, {}, { start = 0.5 })
    net:rule(function(p)
      copies = copies + (p.receiver == "gate" and 1 or 0)
      node:crash()
    end)
    net:run(1)
    assert.equal(1, copies)
  end)

  it("ends a rule that is removed", function()
    local heard = count({}, function(net)
      local rule = net:rule(function() return false end)
      net:at(1.5, function() rule:remove() end)
    end)
    assert.equal(1500, #heard)
  end)

  it("raises for a rule that returns no delay", function()
    assert.error_matches(function() count({}, function(n) n:rule(function() return "soon" end) end) end, "rule.* expected")
  end)

  it("drops datagrams across a partition until it heals", function()
    local heard, net = count({}, function(net)
      local cut
      net:at(1.5, function() cut = net:partition({ "r" }, { "s" }) end)
      net:at(2, function() cut:heal() end)
    end)
    assert.equal(1500, #heard)
    local _, reasons = events(net, "drop")
    assert.equal(500, reasons.partition)
    assert.same({ { "r" }, { "s" } }, { events(net, "heal")[1].from, events(net, "heal")[1].to })
  end)

  it("drops one direction of a one-way partition", function()
    assert.equal(2000, #count({}, function(net) net:partition({ "r" }, { "s" }, { oneway = true }) end))
    assert.equal(0, #count({}, function(net) net:partition({ "s" }, { "r" }, { oneway = true }) end))
  end)

  it("accepts single names as the sides of a partition", function()
    assert.equal(0, #count({}, function(net) net:partition("s", "r") end))
  end)

  it("raises for a partition of unknown nodes", function()
    assert.error_matches(function() quiet():partition({ "nobody" }, {}) end, "no node, host or router 'nobody'")
  end)

  it("crashes, restarts, pauses and resumes a node", function()
    local net = quiet()
    local log = {}
    local node = net:node("n", function()
      local mcast = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5000 })
      local _ <close> = setmetatable({}, { __close = function() log[#log + 1] = "closed" end })
      log[#log + 1] = "start " .. mcast.now()
      while true do
        local data = sock:recvfrom(100)
        log[#log + 1] = ("%s %.3f"):format(data, mcast.now())
      end
    end)
    net:node("s", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      for i = 1, 5 do
        mcast.sleep(1)
        sock:sendto("at " .. i, node.host, 5000)
      end
    end)
    net:at(1.5, function() node:crash() assert(node.status == "crashed") node:crash() end)
    net:at(2.5, function() node:restart() end)
    net:at(3.5, function() node:pause() end)
    net:at(4.5, function() node:resume() end)
    net:run(10)
    assert.same({ "start 0.0", "at 1 1.000", "start 2.5", "at 3 3.000", "at 4 4.500", "at 5 5.000" }, log)
    local kinds = {}
    for _, event in ipairs(net.trace) do
      if event.node == "n" and not event.packet then
        kinds[#kinds + 1] = event.kind
      end
    end
    assert.same({ "start", "crash", "restart", "pause", "resume" }, kinds)
    assert.equal("no socket", events(net, "drop")[1].reason)
  end)

  for kind, ending in pairs { partition = "heal", crash = "restart", pause = "resume", swizzle = "heal" } do
    it("begins and ends each " .. kind .. " of chaos", function()
      local net = quiet { seed = 4 }
      for i = 1, 10 do
        net:node("n" .. i, function() require "mcast".sleep(100) end)
      end
      net:chaos { kinds = { kind }, every = 0.2, from = 1, till = 9, length = 0.5 }
      net:run(20)
      local n, first, last = 0, nil, nil
      for _, event in ipairs(net.trace) do
        if event.kind == (kind == "swizzle" and "partition" or kind) then
          n, first, last = n + 1, first or event.time, event.time
        end
      end
      assert.is_true(n > 15 and first >= 1 and last < 9.5, kind .. n)
      assert.is_true(#events(net, ending) >= n // 2, kind)
      for _, node in ipairs(net.nodes) do
        assert.equal("running", node.status)
      end
    end)
  end

  it("records a note as a flag, or as key and value", function()
    local net <const> = sim.new()
    local node <const> = net:node("n", function()
      local mcast <const> = require "mcast"
      mcast.note("role", "leader")
      mcast.note "role"
      mcast.note("ready", false)
    end)
    net:run()
    local list = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "note" then
        list[#list + 1] = { event.text or "-", event.key or "-", event.value == nil and "-" or event.value }
      end
    end
    assert.same({ { "-", "role", "leader" }, { "role", "-", "-" }, { "-", "ready", false } }, list)
    assert.same({ role = "leader", ready = false }, node.notes)
  end)

  it("keeps the last note of each key for its scenario", function()
    local net = quiet()
    local node = net:node("n", function()
      local mcast = require "mcast"
      mcast.note("role", "follower")
      mcast.note("ready", true)
      mcast.note "begun"
      mcast.sleep(2)
      mcast.note("role", "leader")
      mcast.sleep(8)
    end)
    net:run(1)
    assert.same({ role = "follower", ready = true }, node.notes)
    net:run(3)
    assert.same({ role = "leader", ready = true }, node.notes)
    node:restart()
    assert.same({}, node.notes)
  end)

  it("runs a resumed node before the next check of invariants", function()
    local net = quiet()
    local node = net:node("n", function()
      local mcast = require "mcast"
      for i = 1, 100 do
        mcast.note("second", tostring(i))
        mcast.sleep(1)
      end
    end)
    net:at(1.5, function() node:pause() end)
    net:at(4.5, function()
      assert.is_true(node.paused)
      node:resume()
      assert.is_false(node.paused)
    end)
    local seen
    net:always(function()
      if not node.paused and net:now() > 4 then
        seen = seen or node.notes.second
      end
    end)
    net:run(6)
    assert.equal("3", seen)
  end)

  it("ends chaos with the clocks of before", function()
    for seed = 1, 5 do
      local net <const> = sim.new { seed = seed, output = function() end }
      local node <const> = net:node("n", function() require "mcast".sleep(99) end, {}, { skew = 5, drift = 0.001 })
      net:chaos { kinds = { "clock" }, every = 0.3, length = 2, till = 20 }
      local worst, wrong = 0, 0
      net:always(function()
        worst = math.max(worst, math.abs(node.skew - 5))
        wrong = wrong + (node.skew ~= 5 and 1 or 0)
        return true
      end)
      net:run(30)
      assert.same({ 5, 0.001 }, { node.skew, node.drift })
      assert.is_true(wrong > 20 and worst > 30 and worst <= 60, worst)
    end
  end)

  it("raises for an unknown kind of chaos", function()
    assert.error_matches(function() quiet():chaos { kinds = { "fire" } } end, "unknown kind of chaos 'fire'")
  end)

  it("runs clocks with drift and skew", function()
    local net = quiet()
    local read = {}
    for name, options in pairs { fast = { drift = 0.5 }, off = { skew = 3600 }, right = {} } do
      net:node(name, function()
        local mcast = require "mcast"
        mcast.sleep(3)
        read[name] = { mcast.now(), os.time() - 946684800, net:now() }
      end, {}, options)
    end
    net:run()
    assert.same({ fast = { 3.0, 2, 2.0 }, off = { 3.0, 3603, 3.0 }, right = { 3.0, 3, 3.0 } }, read)
  end)
end)

describe("runs", function()
  local function counting()
    local net = quiet()
    return net, net:node("n", function() for _ = 1, 10 do require "mcast".sleep(1) end end)
  end

  it("ends at a given time", function()
    local net, node = counting()
    net:run(2.5)
    assert.same({ 2.5, "running" }, { net:now(), node.status })
  end)

  it("ends when a function returns true", function()
    local net = counting()
    assert.is_true(net:run_until(function() return net:now() >= 4 end))
    assert.equal(4, net:now())
    assert.is_false(net:run_until(function() return false end, 5))
    assert.equal(5, net:now())
  end)

  it("ends when no event is left", function()
    local net, node = counting()
    net:run()
    assert.same({ 10, "ended" }, { net:now(), node.status })
  end)

  it("reports a violated invariant with seed, time and replay command", function()
    local script = helper.script [[
      local sim = require "mcast.sim"
      local net = sim.new()
      local n = 0
      net:node("n", function() while true do require "mcast".sleep(0.5) n = n + 1 end end)
      net:always(function() return n < 5, "n is " .. n end, "n stays small")
      net:run(10)
    ]]
    local output = helper.run(("MCAST_SEED=813 %s %s x"):format(helper.lua, script))
    assert.matches("n stays small does not hold at 2.500000 s with seed 813: n is 5", output, 1, true)
    assert.matches(("replay: MCAST_SEED=813 %%S+ %s x\n"):format(script), output)
  end)

  it("reports an invariant that raises", function()
    local net = quiet()
    net:always(function() error "oh" end)
    assert.matches("^an invariant does not hold at 0.000000 s with seed 1: .*oh", select(2, pcall(net.run, net, 1)))
  end)

  it("reports an invariant that returns nil, but not one that returns nothing", function()
    local net = quiet()
    net:always(function() end)
    net:run(1)
    net:always(function() return nil, "no answer" end)
    assert.matches("^an invariant does not hold at 1.000000 s with seed 1: no answer\n", select(2, pcall(net.run, net, 2)))
  end)

  it("raises an error of the scenario, and continues when run again", function()
    local net = quiet()
    net:at(1, function() error "by the scenario" end)
    local node = net:node("n", function() require "mcast".sleep(3) end)
    assert.error_matches(function() net:run(10) end, "by the scenario")
    net:run(10)
    assert.equal("ended", node.status)
  end)

  it("raises for a run within a run", function()
    local net = quiet()
    net:at(2, function() net:run(5) end)
    assert.error_matches(function() net:run(10) end, "runs already")
  end)

  it("accepts a float of integral value where an integer is expected", function()
    local net = sim.new { seed = 7.0, budget = 1e3, rcvbuf = 1e5, mtu = 1e3 }
    assert.equal("integer", math.type(net.seed))
    net:lan("far", { mtu = 2e3 })
    assert.has_error(function() sim.new { mtu = 1000.5 } end)
  end)

  it("accepts a callable table where a function is called", function()
    local calls = 0
    local callable = setmetatable({}, { __call = function() calls = calls + 1 return true end })
    local net = sim.new { output = callable }
    net:node("n", function() print "a line" end)
    net:always(callable)
    assert.is_true(net:run_until(callable))
    assert.equal(2, calls)
    net:run()
    assert.is_true(calls > 3)
  end)

  it("runs another net from a function of the scenario", function()
    local net, other = quiet(), quiet()
    local nodes = {}
    for i, each in ipairs { net, other } do
      nodes[i] = each:node("n", function() require "mcast".sleep(2) end)
    end
    net:at(1, function() other:run(1.5) end)
    net:run(3)
    other:run(3)
    assert.same({ "ended", "ended" }, { nodes[1].status, nodes[2].status })
  end)

  it("raises for a run by a node", function()
    local net, other = quiet(), quiet()
    net:node("n", function() other:run(1) end)
    assert.error_matches(function() net:run(1) end, "runs already")
  end)

  it("raises where the scenario continues a wait of a node's coroutine", function()
    local net, coroutines, results = quiet { failures = "keep" }, {}, {}
    net:node("n", function()
      local sleep <const> = require "mcast".sleep
      coroutines[1] = coroutine.create(function() sleep(1) end)
      coroutines[2] = coroutine.create(function() coroutine.resume(coroutines[1]) end)
      coroutine.resume(coroutines[2])
    end)
    net:at(0.5, function()
      for i, co in ipairs(coroutines) do
        results[i] = select(2, coroutine.resume(co))
      end
    end)
    net:run(2)
    assert.matches("only a node", results[1])
    assert.matches("only a running node", results[2])
  end)

  it("raises for a simulated wait outside a node", function()
    assert.error_matches(function() require "mcast.sim.core".module.sleep(1) end, "only a node")
  end)

  it("returns nil for a simulated socket outside a node", function()
    assert.is_nil(require "mcast.sim.core".module.socket())
  end)

  it("repeats a chaotic run of 200 nodes from its seed", function()
    local script = helper.script [[
      local sim = require "mcast.sim"
      local net = sim.new { seed = tonumber(arg[1]), delay = { 0.001, 0.02 }, loss = 0.05, duplicate = 0.02, reorder = 0.05,
        output = function() end }
      net:chaos { every = 0.05, length = 0.5 }
      for i = 1, 200 do
        net:node("n" .. i, function()
          local mcast = require "mcast"
          local sock = assert(mcast.socket { port = 5000 })
          assert(sock:join "239.1.2.3")
          local seen = {}
          while true do
            local data, from = sock:recvfrom(math.random() / 2)
            if data then
              seen[from] = (seen[from] or 0) + 1
            elseif math.random() < 0.1 then
              local parts = { tostring(seen) }
              for who, n in pairs(seen) do parts[#parts + 1] = tostring(who) .. "=" .. n end
              sock:sendto(table.concat(parts, " "):sub(1, 1000), "239.1.2.3", 5000)
              print(next(seen))
            end
          end
        end)
      end
      net:run(2)
      for i, e in ipairs(net.trace) do
        local keys = {}
        for k, v in pairs(e) do
          keys[#keys + 1] = k .. "=" .. (type(v) == "table" and table.concat(v, ",") or tostring(v))
        end
        table.sort(keys)
        print(table.concat(keys, " "))
      end
    ]]
    local function digest(seed)
      return (helper.check(('trace=$(mktemp) && %s %s %d > "$trace" && md5sum < "$trace" && wc -l < "$trace"; rm "$trace"')
        :format(helper.lua, script, seed)))
    end
    local first = digest(1)
    assert.is_true(tonumber(first:match "\n(%d+)\n") > 5000, first)
    assert.equal(first, digest(1))
    assert.not_equal(first, digest(2))
  end)

  -- Runs a scenario and prints the first events of each of its nets.
  local recorder <const> = [[
    local sim = require "mcast.sim"
    local new, nets = sim.new, {}
    function sim.new(options)
      nets[#nets + 1] = new(options)
      return nets[#nets]
    end
    arg = { [0] = arg[1], table.unpack(arg, 2) }
    dofile(arg[0])
    for i, net in ipairs(nets) do
      for k = 1, math.min(#net.trace, 3000) do
        local e = net.trace[k]
        print(i, e.time, e.kind, e.node, e.packet, e.from, e.to, e.data, e.ttl, e.reason, e.group, e.text, e.key, e.value)
      end
    end
  ]]

  for _, example in ipairs { "flooding", "gossip 10", "nack 10", "srm 10", "thousand 100", "sweep" } do
    it("repeats the example " .. example .. " from its seed", function()
      local name, arguments = example:match "^(%w+) ?(.*)$"
      local command = ("MCAST_SEED=5 %s %s examples/simulator/%s.lua %s"):format(helper.lua, helper.script(recorder), name,
        arguments)
      local first = helper.run(command)
      assert.is_true(#first > 50, first)
      assert.equal(first, (helper.run(command)))
    end)
  end

  it("keeps a node's draws apart from another node's", function()
    local function numbers(extra)
      local net = quiet { seed = 9, loss = 0.5 }
      local got = {}
      net:node("a", function()
        for i = 1, 5 do got[i] = math.random(1000000) end
      end)
      net:node("b", function() for _ = 1, extra do math.random() end end)
      local heard = {}
      net:node("r", hear(heard))
      net:node("s", send({ "1", "2", "3", "4", "5", "6", "7", "8" }), {}, { start = 1 })
      if extra > 0 then
        net:node("r2", hear {})
      end
      net:run(2)
      return { got, heard }
    end
    assert.same(numbers(0), numbers(7))
  end)
end)
