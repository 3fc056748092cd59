-- Bandwidth and queues of simulated LANs and hosts, and the bytes that count.
local sim <const> = require "mcast.sim"

local groups <const> = { inet = "239.1.2.3", inet6 = "ff15::1" }

local function quiet()
  return sim.new { delay = 0, output = function() end }
end

-- A script that joins, and lists the seconds since second 1 at which datagrams arrive.
local function hear(times, family)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket { port = 5000, family = family, rcvbuf = 1 << 24 })
    assert(sock:join(groups[family or "inet"]))
    for _ in sock:datagrams(30) do
      times[#times + 1] = mcast.now() - 1
    end
  end
end

-- A script that sends some datagrams of a size at second 1, to a group or to a host.
local function send(count, size, family, to)
  return function()
    local mcast = require "mcast"
    local sock = assert(mcast.socket { family = family, ttl = 9 })
    mcast.sleep(1)
    for _ = 1, count do
      assert(sock:sendto(("x"):rep(size), to or groups[family or "inet"], 5000))
    end
  end
end

local function drops(net)
  local counts = {}
  for _, event in ipairs(net.trace) do
    if event.kind == "drop" then
      local key <const> = event.host .. " " .. event.reason
      counts[key] = (counts[key] or 0) + 1
    end
  end
  return counts
end

local function near(expected, seconds)
  assert.is_true(seconds ~= nil and math.abs(seconds - expected) < 2e-9, seconds)
end

describe("the size of a datagram", function()
  -- Bytes that a datagram takes of a LAN's bandwidth.
  local function measure(size, family, options)
    local net, times = quiet(), {}
    options = options or {}
    options.bandwidth = 8e6 -- a byte in a microsecond
    net.lans.lan:set(options)
    net:node("receiver", hear(times, family))
    net:node("sender", send(1, size, family))
    net:run()
    return math.floor(times[1] * 1e6 + 0.5)
  end

  it("includes an Ethernet frame", function()
    assert.same({ 84, 84, 85, 1466 }, { measure(0), measure(18), measure(19), measure(1400) })
  end)

  it("includes the longer header of IPv6", function()
    assert.same({ 86, 1486 }, { measure(0, "inet6"), measure(1400, "inet6") })
  end)

  it("includes the headers of each fragment", function()
    assert.same({ 3 * 58 + 3008, 3 * 86 + 3008 }, { measure(3000), measure(3000, "inet6") })
  end)

  it("includes the overhead of the LAN", function()
    assert.same({ 28, 29, 1428 + 10, 3 * 22 + 3008 }, { measure(0, "inet", { overhead = 0 }),
      measure(1, "inet", { overhead = 0 }), measure(1400, "inet", { overhead = 10 }), measure(3000, "inet", { overhead = 2 }) })
  end)
end)

describe("bandwidth", function()
  it("drops datagrams that would wait longer than 0.1 s for a LAN", function()
    local net, times = quiet(), {}
    net.lans.lan:set { bandwidth = 1e6 }
    net:node("receiver", hear(times))
    net:node("sender", send(20, 1400))
    net:run()
    assert.same({ 9, { ["sender queue"] = 11 } }, { #times, drops(net) }) -- 11.728 ms each
    near(9 * 0.011728, times[9])
  end)

  it("drops datagrams that exceed a LAN's queue", function()
    local net, times = quiet(), {}
    net.lans.lan:set { bandwidth = 1e6, queue = 1e5 }
    net:node("receiver", hear(times))
    net:node("sender", send(100, 1400))
    net:run()
    assert.equal(68, #times)
  end)

  it("passes a datagram that finds none before it", function()
    local net, times = quiet(), {}
    net.lans.lan:set { bandwidth = 1000, queue = 0 }
    net:node("receiver", hear(times))
    net:node("sender", send(2, 1400))
    net:run()
    assert.equal(1, #times)
    near(11.728, times[1])
  end)

  it("passes datagrams of two hosts side by side", function()
    local net, times = quiet(), {}
    net:node("receiver", hear(times))
    net:node("fast", send(2, 1400), {}, { up = 2e6 })
    net:host("slow", { up = 1e6 })
    net:node("slower", send(2, 1400), {}, { host = "slow" })
    net:run()
    for i, expected in ipairs { 0.005864, 0.011728, 0.011728, 0.023456 } do
      near(expected, times[i])
    end
  end)

  it("passes copies to a host one after the other", function()
    local net, slow, fast = quiet(), {}, {}
    net:node("slow", hear(slow), {}, { down = 1e6 })
    net:node("fast", hear(fast))
    net:node("one", send(1, 1400))
    net:node("other", send(1, 1400))
    net:run()
    for i, expected in ipairs { 0.011728, 0.023456 } do
      near(expected, slow[i])
      near(0, fast[i])
    end
  end)

  it("drops datagrams that would wait longer than 0.1 s for a host", function()
    local net, times = quiet(), {}
    net:node("receiver", hear(times), {}, { down = 1e6 })
    net:node("sender", send(20, 1400), {}, { up = 8e6 })
    net:run()
    assert.same({ ["receiver queue"] = 9 }, drops(net))
    net:node("busy", send(200, 1400), {}, { up = 1e6, start = 100 })
    net:run()
    assert.equal(191, drops(net)["busy queue"])
  end)

  it("drops datagrams that exceed a host's queue", function()
    local net, times = quiet(), {}
    net:node("receiver", hear(times))
    net:node("sender", send(20, 1400), {}, { up = 1e6, queue = 15000 })
    net:run()
    assert.same({ 10, { ["sender queue"] = 10 } }, { #times, drops(net) })
  end)

  it("adds the times of hosts and LAN", function()
    local net, times = quiet(), {}
    net.lans.lan:set { bandwidth = 1e6 }
    net:node("receiver", hear(times), {}, { down = 1e6 })
    net:node("sender", send(1, 1400), {}, { up = 1e6 })
    net:run()
    near(3 * 0.011728, times[1])
  end)

  it("changes at a time", function()
    local net, times = quiet(), {}
    local receiver <const> = net:host "receiver"
    net:node("script", hear(times), {}, { host = receiver })
    net:node("sender", send(1, 1400))
    net:at(0.5, function() receiver:set { down = 1e6 } end)
    net:run()
    near(0.011728, times[1])
  end)

  for name, options in pairs { ["a link"] = { delay = 0.5 }, ["no link"] = false } do
    it("counts a datagram once at a router that is a member, with " .. name, function()
      local net, at_router, behind = quiet(), {}, {}
      local gate = net:router("gate", { net.lans.lan, net:lan "far" })
      gate:set { down = 1e6 }
      net:node("router", hear(at_router), {}, { host = gate })
      net:node("behind", hear(behind), {}, { lans = { "far" } })
      net:node("linked", hear {}, {}, { lans = { "far" } })
      net:node("sender", send(8, 1400))
      if options then
        net:link("sender", "linked", options)
      end
      net:run()
      assert.same({ 8, 8, {} }, { #at_router, #behind, drops(net) })
      for i = 1, 8 do
        near(i * 0.011728, at_router[i])
        near(i * 0.011728, behind[i])
      end
    end)
  end

  it("counts unicast among the datagrams that a router forwards", function()
    local net, behind = quiet(), {}
    local gate = net:router("gate", { net.lans.lan, net:lan "far" })
    gate:set { down = 1e6 }
    net:node("router", hear {}, {}, { host = gate })
    net:node("behind", hear(behind), {}, { lans = { "far" } })
    net:node("other", send(1, 1400, "inet", "10.0.0.1"))
    net:node("sender", send(1, 1400))
    net:link("sender", "behind", { delay = 0 })
    net:run()
    near(2 * 0.011728, behind[1])
  end)

  it("serves all receivers behind a router once, with links, too", function()
    local net, one, two = quiet(), {}, {}
    net:router("gate", { net.lans.lan, net:lan("far", { bandwidth = 1e6 }) })
    net:node("one", hear(one), {}, { lans = { "far" } })
    net:node("two", hear(two), {}, { lans = { "far" } })
    net:node("sender", send(8, 1400))
    net:link("sender", "one", { delay = 0.5 })
    net:run()
    assert.same({ 8, 8, {} }, { #one, #two, drops(net) })
    near(8 * 0.011728 + 0.5, one[8])
    near(8 * 0.011728, two[8])
  end)

  it("raises for bad values", function()
    local net <const> = quiet()
    for _, options in ipairs { { up = -1 }, { down = "1" }, { queue = -1 }, { bandwidth = 1 } } do
      assert.has_error(function() net:host("host", options) end)
      assert.has_error(function() net:node("node", function() end, {}, options) end)
    end
    for _, options in ipairs { { overhead = -1 }, { overhead = 1.5 }, { overhead = 65536 }, { queue = -1 } } do
      assert.has_error(function() net:lan("far", options) end)
    end
  end)
end)
