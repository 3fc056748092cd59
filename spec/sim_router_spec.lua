-- Simulated routers: groups towards members only, limits, links and partitions across routers, MTUs.
local sim <const> = require "mcast.sim"

local group <const> = "239.1.2.3"

local function quiet(options)
  options = options or {}
  options.output = function() end
  return sim.new(options)
end

-- A script that joins a group and lists each datagram, and the last one's time.
local function hear(list, joined, family)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket { port = 5000, family = family })
    assert(sock:join(joined or group))
    for data in sock:datagrams() do
      list[#list + 1] = data
      list.at = mcast.now()
    end
  end
end

-- A script that sends some datagrams from second 1 on.
local function send(count, to, options)
  return function()
    local mcast = require "mcast"
    options = options or {}
    options.ttl = options.ttl or 9
    local sock = assert(mcast.socket(options))
    mcast.sleep(1)
    for i = 1, count do
      assert(sock:sendto(tostring(i), to or group, 5000))
      mcast.sleep(0.001)
    end
  end
end

local function drops(net)
  local list = {}
  for _, event in ipairs(net.trace) do
    if event.kind == "drop" then
      list[#list + 1] = event.host .. " " .. event.reason
    end
  end
  return list
end

-- Counts the copies by their LAN, as a rule sees them.
local function watch(net)
  local copies = {}
  net:rule(function(packet)
    copies[packet.lan] = (copies[packet.lan] or 0) + 1
  end)
  return copies
end

describe("routers", function()
  -- lan - gate - far - gate2 - farther
  local function chain(options, options2)
    local net = quiet()
    local far, farther = net:lan "far", net:lan "farther"
    net:router("gate", { net.lans.lan, far }, options)
    net:router("gate2", { far, farther }, options2)
    return net, watch(net)
  end

  it("sends a group to no LAN without members", function()
    local net, copies = chain()
    net:node("sender", send(3))
    net:run()
    assert.same({}, copies)
  end)

  it("sends a group to the LANs on the way to a member", function()
    local net, copies = chain()
    local heard = {}
    net:node("sender", send(3))
    net:node("receiver", hear(heard), {}, { lans = { "farther" } })
    net:run()
    assert.same({ 3, { lan = 3, far = 3, farther = 3 } }, { #heard, copies })
  end)

  it("traces each datagram that is forwarded", function()
    local net = chain()
    net:node("sender", send(1))
    net:node("receiver", hear {}, {}, { lans = { "farther" } })
    net:run()
    local found = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "forward" then
        found[#found + 1] = ("%s %s %s>%s %d %s"):format(event.node, event.interface, event.from_lan, event.lan, event.ttl,
          event.data)
      end
    end
    assert.same({ "gate eth1 lan>far 8 1", "gate2 eth1 far>farther 7 1" }, found)
  end)

  it("stops sending a group when the last member leaves", function()
    local net, copies = chain()
    net:node("sender", send(5))
    net:node("receiver", function()
      local mcast = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5000 })
      assert(sock:join(group))
      mcast.sleep(1.0025)
    end, {}, { lans = { "far" } })
    net:run()
    assert.same({ lan = 3, far = 3 }, copies)
  end)

  it("sends a group everywhere with flood = true", function()
    local net, copies = chain({ flood = true }, { flood = true })
    net:node("sender", send(3))
    net:node("host", function() end, {}, { lans = { "farther" } })
    net:run()
    assert.same({ lan = 3, far = 3 }, copies)
  end)

  it("leaves a LAN's bandwidth to those who use it", function()
    local net = quiet()
    net:router("gate", { net.lans.lan, net:lan("far", { bandwidth = 1e5 }) })
    net:node("sender", send(100))
    net:node("receiver", hear({}, "239.9.9.9"), {}, { lans = { "far" } })
    net:run()
    assert.same({}, drops(net))
  end)

  for name, case in pairs { boundary = { "gate2", "239.1.2.3", "inet" }, scope = { "gate", "224.0.0.9", "inet" },
    ["scope of IPv6"] = { "gate", "ff02::9", "inet6" } } do
    it("records a drop where a " .. name .. " stops a datagram", function()
      local net = chain(nil, { boundary = { "239.1.0.0/16" } })
      local near, far = {}, {}
      net:node("near", hear(near, case[2], case[3]), {}, { lans = { "far" } })
      net:node("behind", hear(far, case[2], case[3]), {}, { lans = { "farther" } })
      net:node("sender", send(1, case[2], { family = case[3] }))
      net:run()
      assert.same({ case[1] .. " " .. name:match "%a+" }, drops(net))
      assert.equal(0, #far)
    end)
  end

  -- The drops of a datagram behind the chain, while an interface is down from a time on.
  local function drop_at(time, router, interface)
    local net = chain()
    net:node("behind", hear {}, {}, { lans = { "farther" } })
    net:node("sender", send(1))
    net:at(time, function() net.hosts[router]:setinterface(interface, false) end)
    net:run()
    return drops(net), net:why(1, "behind")
  end

  for name, time in pairs { ["while it is on its way"] = 1.00005, ["before it is sent"] = 0.5 } do
    it("records a datagram for which a way goes down " .. name, function()
      for _, case in ipairs { { "gate", "eth0" }, { "gate", "eth1" }, { "gate2", "eth0" }, { "gate2", "eth1" } } do
        local list, sentence = drop_at(time, table.unpack(case))
        assert.same({ "gate down" }, list)
        assert.matches("on its way at gate, an interface was down at 1.000100 s", sentence, 1, true)
      end
    end)
  end

  it("records a datagram whose way another router has now", function()
    local net, heard = chain(), {}
    net:router("other", { net.lans.lan, net.lans.far })
    net:node("receiver", hear(heard), {}, { lans = { "far" } })
    net:node("sender", send(2))
    net:at(1.00005, function() net.hosts.gate:setinterface("eth1", false) end)
    net:run()
    assert.same({ { "gate down" }, { "2", at = heard.at } }, { drops(net), heard })
  end)

  it("records no interface that is down where another router forwards", function()
    local net, heard = chain(), {}
    net:router("other", { net.lans.lan, net.lans.far })
    net.hosts.gate:setinterface("eth1", false)
    net:node("receiver", hear(heard), {}, { lans = { "far" } })
    net:node("sender", send(2))
    net:run()
    assert.same({ {}, 2 }, { drops(net), #heard })
  end)

  it("records a boundary at the first router that stops a datagram", function()
    local net, copies = chain(nil, { boundary = { "239.1.0.0/16" } })
    net:node("behind", hear({}), {}, { lans = { "farther" } })
    net:node("sender", send(1))
    net:run()
    assert.same({ { "gate boundary" }, { lan = 1 } }, { drops(net), copies })
  end)

  it("records nothing where a boundary stops nobody's datagram", function()
    local net, copies = chain { boundary = { "239.1.0.0/16" } }
    net:node("sender", send(1))
    net:run()
    assert.same({ {}, {} }, { drops(net), copies })
  end)
end)

describe("routers and sources", function()
  -- "a" and "b" on lan send 10 datagrams each from second 1 on, every 0.1 s, to receivers behind gate and gate2, on farther:
  -- scripts by name. Returns the net, the copies by LAN, and by receiver those of each sender.
  local function run(receivers, family)
    local net <const> = quiet()
    local far, farther <const> = net:lan "far", net:lan "farther"
    net:router("gate", { net.lans.lan, far })
    net:router("gate2", { far, farther })
    local to <const> = family == "inet6" and "ff15::1" or group
    local copies <const>, heard = watch(net), {}
    for _, name in ipairs { "a", "b" } do
      net:node(name, function()
        local mcast <const> = require "mcast"
        local sock <const> = assert(mcast.socket { ttl = 9, family = family })
        mcast.sleep(1)
        for _ = 1, 10 do
          assert(sock:sendto(name, to, 5000))
          mcast.sleep(0.1)
        end
      end)
    end
    local source <const> = family == "inet6" and "fd00::2" or net.hosts.a.address
    for name, script in pairs(receivers) do
      heard[name] = { a = 0, b = 0 }
      net:node(name, function()
        local mcast <const> = require "mcast"
        local sock <const> = assert(mcast.socket { port = 5000, family = family })
        script(sock, to, source, mcast)
        for data in sock:datagrams() do
          heard[name][data] = heard[name][data] + 1
        end
      end, {}, { lans = { farther } })
    end
    net:run(5)
    return net, copies, heard
  end

  local function ofsource(sock, to, source)
    assert(sock:join(to, { source = source }))
  end

  local function any(sock, to)
    assert(sock:join(to))
  end

  for _, family in ipairs { "inet", "inet6" } do
    it("forwards only the source that a member of " .. family .. " joined", function()
      local net <const>, copies, heard = run({ r = ofsource }, family)
      assert.same({ { a = 10, b = 0 }, { lan = 20, far = 10, farther = 10 }, ("gate filter "):rep(10) },
        { heard.r, copies, table.concat(drops(net), " ") .. " " })
    end)
  end

  it("forwards all sources where one member accepts all", function()
    local _, copies, heard = run { r = ofsource, s = any }
    assert.same({ { a = 10, b = 0 }, { a = 10, b = 10 }, 40 }, { heard.r, heard.s, copies.farther })
  end)

  it("forwards all sources once another socket of the host joins", function()
    local _, copies, heard = run { r = function(sock, to, source, mcast)
      ofsource(sock, to, source)
      mcast.sleep(1.45)
      any(assert(mcast.socket { port = 6000 }), to)
    end }
    assert.same({ { a = 10, b = 0 }, 15 }, { heard.r, copies.farther })
  end)

  it("stops a source while all members block it", function()
    local _, copies, heard = run { r = function(sock, to, source, mcast)
      any(sock, to)
      mcast.sleep(1.25)
      assert(sock:block(to, source))
      mcast.sleep(0.4)
      assert(sock:unblock(to, source))
    end }
    assert.same({ { a = 6, b = 10 }, 16 }, { heard.r, copies.farther })
  end)

  it("follows a filter that is replaced", function()
    local _, copies, heard = run { r = function(sock, to, source, mcast)
      assert(sock:filter(to, "exclude", { source }))
      mcast.sleep(1.45)
      assert(sock:filter(to, "include", { source }))
    end }
    assert.same({ { a = 5, b = 5 }, 10 }, { heard.r, copies.farther })
  end)

  it("sends no copy to routers once the members have left", function()
    local net <const>, copies = run { r = function(sock, to, source, mcast)
      ofsource(sock, to, source)
      mcast.sleep(1.45)
      assert(sock:leave(to, { source = source }))
    end }
    assert.same({ { lan = 10, far = 5, farther = 5 }, 5 }, { copies, #drops(net) })
  end)

  it("explains that a router stopped the source", function()
    local net <const> = run { r = ofsource }
    for _, event in ipairs(net.trace) do
      if event.kind == "send" and event.node == "b" then
        assert.matches("on its way at gate, no member behind the router accepts its source", net:why(event, "r"), 1, true)
        return
      end
    end
    error "b has not sent"
  end)
end)

describe("links and partitions across routers", function()
  -- sender on lan - gate - far - gate2 - receivers "one" and "two" on farther; all hear, or one by unicast
  local function run(options, change, unicast)
    local net = quiet { seed = options.seed or 5, delay = 0 }
    local far, farther = net:lan("far", options.far), net:lan("farther", options.farther)
    net.lans.lan:set(options.lan or {})
    net:router("gate", { net.lans.lan, far })
    net:router("gate2", { far, farther })
    local heard = { one = {}, two = {} }
    local one = net:node("one", hear(heard.one), {}, { lans = { farther } })
    net:node("two", hear(heard.two), {}, { lans = { farther } })
    net:node("sender", send(options.count or 1, unicast and one.host, { unicast_ttl = 9 }))
    if change then
      change(net)
    end
    net:run(100)
    return heard, net
  end

  for name, unicast in pairs { ["a group"] = false, unicast = true } do
    it("cuts a partition's hosts off from " .. name, function()
      local heard, net = run({}, function(net) net:partition("sender", "one") end, unicast)
      assert.same({ 0, unicast and 0 or 1 }, { #heard.one, #heard.two })
      assert.same({ "one partition" }, drops(net))
    end)

    it("lets through what a partition of one way does not cut of " .. name, function()
      assert.equal(1, #run({}, function(net) net:partition("one", "sender", { oneway = true }) end, unicast).one)
    end)

    it("replaces the LANs' delays by that of a link for " .. name, function()
      local slow <const> = { delay = 0.1 }
      local heard = run({ lan = slow, far = slow, farther = slow }, function(net)
        net:link("sender", "one", { delay = 0.0625 })
      end, unicast)
      assert.same({ 1.0625, not unicast and 1.3 or nil }, { heard.one.at, heard.two.at })
    end)

    it("replaces the LANs' loss by that of a link for " .. name, function()
      for _, lossy in ipairs { "lan", "far", "farther" } do
        local heard = run({ [lossy] = { loss = 1 } }, function(net) net:link("sender", "one", { loss = 0 }) end, unicast)
        assert.same({ lossy, 1, 0 }, { lossy, #heard.one, #heard.two })
      end
    end)

    it("replaces the LANs' duplication by that of a link for " .. name, function()
      for _, twice in ipairs { "lan", "far", "farther" } do
        local heard = run({ [twice] = { duplicate = 1 } }, function(net)
          net:link("sender", "one", { duplicate = 0 })
        end, unicast)
        assert.same({ twice, 1, unicast and 0 or 2 }, { twice, #heard.one, #heard.two })
      end
    end)

    it("keeps the LANs' delays with a link's loss for " .. name, function()
      local slow <const> = { delay = 0.125 }
      local heard = run({ lan = slow, far = slow, farther = slow }, function(net)
        net:link("sender", "one", { loss = 0 })
      end, unicast)
      assert.equal(1.375, heard.one.at)
    end)

    it("loses as often as a link says for " .. name, function()
      local heard = run({ count = 1000 }, function(net) net:link("sender", "one", { loss = 0.5 }) end, unicast)
      assert.is_true(math.abs(#heard.one - 500) < 4 * math.sqrt(250), #heard.one)
      assert.equal(unicast and 0 or 1000, #heard.two)
    end)
  end

  it("changes nothing for receivers without a link", function()
    local faults <const> = { loss = 0.2, duplicate = 0.2, reorder = { 0.2, 0.003 }, delay = { 0.001, 0.004 } }
    local function copies(change)
      local _, net = run({ count = 200, lan = faults, far = faults, farther = faults }, change)
      local list = {}
      for _, event in ipairs(net.trace) do
        if event.host == "two" and (event.kind == "deliver" or event.reason == "loss") then
          list[#list + 1] = ("%s %s %s"):format(event.data, event.kind, event.kind == "deliver" and event.time)
        end
      end
      table.sort(list)
      return table.concat(list, "\n")
    end
    local without <const> = copies()
    assert.is_true(#without > 4000)
    local link <const> = { loss = 0, duplicate = 0, reorder = 0, delay = 0 }
    assert.equal(without, copies(function(net) net:link("sender", "one", link) end))
  end)

  it("sends no lost datagram on where nobody has a link", function()
    local copies
    run({ lan = { loss = 1 } }, function(net)
      net:node("elsewhere", function() end, {}, { lans = { "far" } })
      net:link("sender", "elsewhere", { loss = 0 })
      copies = watch(net)
    end)
    assert.same({ lan = 1 }, copies)
  end)

  it("ends a lost datagram behind the last receiver with a link", function()
    local copies, near = { far = 0, farther = 0 }, {}
    run({ lan = { loss = 1 } }, function(net)
      net:node("near", hear(near), {}, { lans = { "far" } })
      net:link("sender", "near", { loss = 0 })
      net:rule(function(packet)
        copies[packet.lan] = (copies[packet.lan] or 0) + 1
        return packet.lan ~= "lan" and 0 or nil
      end)
    end)
    assert.same({ { lan = 1, far = 1, farther = 0 }, 1 }, { copies, #near })
  end)

  for name, options in pairs { without = {}, with = { loss = 0 } } do
    it("delivers to a router's own socket " .. name .. " a link", function()
      local own = {}
      local heard = run({}, function(net)
        net:node("own", hear(own), {}, { host = "gate2" })
        net:link("sender", "one", options)
      end)
      assert.same({ 1, 1, 1 }, { #own, #heard.one, #heard.two })
    end)
  end

  it("holds a link to a router's far address", function()
    local own = {}
    run({}, function(net)
      net:node("own", hear(own), {}, { host = "gate" })
      net:link("sender", "gate", { delay = 0.5 })
      net:node("asker", function()
        local mcast = require "mcast"
        mcast.sleep(3)
        assert(mcast.socket():sendto("x", "172.16.0.1", 5000))
      end)
      net:link("asker", "gate", { delay = 0.25 })
    end)
    assert.same({ 2, 3.25 }, { #own, own.at })
  end)

  it("cuts a router's own socket off, and nobody behind it", function()
    local own = {}
    local heard, net = run({}, function(net)
      net:node("own", hear(own), {}, { host = "gate2" })
      net:partition("sender", "gate2")
    end)
    assert.same({ 0, 1, 1, { "gate2 partition" } }, { #own, #heard.one, #heard.two, drops(net) })
  end)

  it("loses for all what a rule loses before a router", function()
    local heard = run({}, function(net)
      net:link("sender", "one", { loss = 0 })
      net:rule(function(packet) if packet.receiver == "gate" then return false end end)
    end)
    assert.same({ 0, 0 }, { #heard.one, #heard.two })
  end)

  it("keeps a datagram lost that a rule delays behind the loss", function()
    local heard = run({ lan = { loss = 1 } }, function(net)
      net:link("sender", "one", { loss = 0 })
      net:rule(function(packet) if packet.receiver == "gate2" then return 0.125 end end)
    end)
    assert.same({ 1, 0 }, { #heard.one, #heard.two })
  end)

  for name, unicast in pairs { ["a group"] = false, unicast = true } do
    it("adds a rule's delay to the LANs' without a latency for " .. name, function()
      local slow <const> = { delay = 0.5 }
      local heard = run({ lan = slow, far = slow, farther = slow }, function(net)
        net:set { latency = function(_, to) return to == "two" and 0.25 or nil end }
        net:rule(function(packet) if packet.receiver == "one" then return 0.125 end end)
      end, unicast)
      assert.same({ 2.125, not unicast and 1.25 or nil }, { heard.one.at, heard.two.at })
    end)

    it("holds a link from router to router on their LAN for " .. name, function()
      local heard = run({}, function(net)
        net:link("gate", "gate2", { delay = 0.5 })
        net:link("gate2", "two", { loss = 1 })
      end, unicast)
      assert.same({ 1.5, 0 }, { heard.one.at, #heard.two })
    end)

    it("adds bandwidths to the delay of a link for " .. name, function()
      local narrow <const> = { bandwidth = 8 * (1 + 28 + 38 + 17) * 4, delay = 0.5 } -- 0.25 s a frame
      local heard = run({ lan = narrow, far = narrow, farther = narrow }, function(net)
        net:link("sender", "one", { delay = 0.125 })
      end, unicast)
      assert.same({ 1.875, not unicast and 3.25 or nil }, { heard.one.at, heard.two.at })
    end)

    it("loses in bursts as a link says for " .. name, function()
      local heard = run({ count = 2000, far = { loss = 1 } }, function(net)
        net:link("sender", "one", { loss = { to_bad = 0.02, to_good = 0.08 } })
      end, unicast)
      local bursts, last = 0, 0
      for _, data in ipairs(heard.one) do
        bursts = bursts + (tonumber(data) > last + 1 and 1 or 0)
        last = tonumber(data)
      end
      local lost <const> = 2000 - #heard.one -- 20 %, in bursts of 12.5
      assert.is_true(200 < lost and lost < 600 and 6 < lost / bursts and lost / bursts < 20, lost .. " " .. bursts)
      assert.equal(0, #heard.two)
    end)
  end

  it("changes nothing by a link for bursts that others see", function()
    local bursts <const> = { loss = { to_bad = 0.1, to_good = 0.3 } }
    local function arrived(change)
      return table.concat(run({ count = 300, lan = bursts, far = bursts, farther = bursts }, change).two, " ")
    end
    local without <const> = arrived()
    assert.is_true(#without > 100)
    assert.equal(without, arrived(function(net) net:link("sender", "one", { loss = 0 }) end))
  end)

  it("holds a link to a host that joins behind a router only", function()
    local own = {}
    run({ lan = { loss = 1 } }, function(net)
      net:node("both", function()
        local sock = assert(require "mcast".socket { port = 5000 })
        assert(sock:join(group, { interface = "eth1" }))
        own[1] = sock:recvfrom(5)
      end, {}, { lans = { "lan", "far" } })
      net:link("sender", "both", { loss = 0 })
    end)
    assert.same({ "1" }, own)
  end)

  it("adds the delay of a rule to that of a link", function()
    local heard = run({ lan = { delay = 0.5 } }, function(net)
      net:link("sender", "one", { delay = 0.25 })
      net:rule(function(packet) if packet.receiver == "gate2" then return 0.125 end end)
    end)
    assert.same({ 1.375, 1.625 }, { heard.one.at, heard.two.at })
  end)
end)

describe("MTUs behind routers", function()
  -- sender - gate - small, of this MTU; sends datagrams of these sizes, and lists those that arrive
  local function run(mtu, sizes, family, unicast)
    local net = quiet()
    net:router("gate", { net.lans.lan, net:lan("small", { mtu = mtu }) })
    local heard = {}
    local receiver = net:node("receiver", function()
      local sock = assert(require "mcast".socket { port = 5000, family = family })
      assert(sock:join(family == "inet6" and "ff15::1" or group))
      for data in sock:datagrams(9) do
        heard[#heard + 1] = #data
      end
    end, {}, { lans = { "small" } })
    net:node("sender", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket { ttl = 9, family = family })
      mcast.sleep(1)
      for _, size in ipairs(sizes) do
        local to = not unicast and (family == "inet6" and "ff15::1" or group)
          or family == "inet6" and "fd00:0:0:1::2" or receiver.host
        assert(sock:sendto(("x"):rep(size), to, 5000))
        mcast.sleep(1)
      end
    end)
    net:run()
    return heard, drops(net)
  end

  it("drops a group's datagram that carries DF", function()
    -- 1,473 bytes are cut by the sender already, so they carry none.
    assert.same({ 1252, 1473, 3000 }, (run(1280, { 1252, 1253, 1472, 1473, 3000 })))
    assert.same({ "gate mtu", "gate mtu" }, select(2, run(1280, { 1252, 1253, 1472, 1473, 3000 })))
  end)

  it("drops one unicast datagram, then the sender cuts them", function()
    local heard, lost = run(600, { 500, 572, 573, 1001, 1002, 1473, 3003, 1004 }, "inet", true)
    assert.same({ { 500, 572, 1001, 1002, 1473, 3003, 1004 }, { "gate mtu" } }, { heard, lost })
  end)

  for name, unicast in pairs { ["group"] = false, ["unicast"] = true } do
    it("drops one IPv6 " .. name .. " datagram, then the sender cuts them", function()
      local heard, lost = run(1280, { 1232, 1233, 1233, 1452, 1453 }, "inet6", unicast)
      assert.same({ { 1232, 1233, 1452, 1453 }, { "gate mtu" } }, { heard, lost })
    end)
  end

  it("learns none of less than 552, and sends without DF then", function()
    assert.same({ 1000 }, (run(500, { 1000, 1000 }, "inet", true)))
  end)

  it("leaves a host without IPv6 below 1280", function()
    local net = quiet { mtu = 1279 }
    local errno, addresses
    net:node("host", function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket { family = "inet6", interface = "eth0" })
      errno = { select(3, sock:join "ff15::1"), select(3, sock:sendto("x", "ff15::1", 5000)) }
      addresses = mcast.interfaces()[2].addresses
      errno = errno[1] == mcast.errno.EINVAL and errno[2] == mcast.errno.ENETUNREACH
    end)
    net:run()
    assert.same({ true, { "10.0.0.1" } }, { errno, addresses })
    assert.error_matches(function() net:host("other", { addresses = { "fd00::9" } }) end, "no IPv6 on a LAN of an MTU")
  end)
end)
