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
