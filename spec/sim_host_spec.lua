-- A simulated host: its own addresses, its interfaces, its groups. (spec/differential_spec.lua compares
-- these with Linux.)
local sim <const> = require "mcast.sim"

local function run(options, body, host)
  options.output = function() end
  local net <const> = sim.new(options)
  local on <const> = net:host("host", host and host(net))
  local results
  net:node("node", function() results = table.pack(body(require "mcast", on)) end, {}, { host = on })
  net:run(100)
  return net, table.unpack(results)
end

describe("a simulated host", function()
  for _, address in ipairs { "127.0.0.1", "10.0.0.1", "::1", "fd00::1", "fe80::1%eth0" } do
    it("sends to its address " .. address .. " without loss or delay", function()
      local _, data, seconds = run({ loss = 1, delay = 0.5 }, function(mcast)
        local sock <const> = assert(mcast.socket { port = 5000, family = address:find ":" and "inet6" or "inet" })
        local start <const> = mcast.now()
        assert(sock:sendto("x", address, 5000))
        return sock:recvfrom(0), mcast.now() - start
      end)
      assert.same({ "x", 0 }, { data, seconds })
    end)
  end

  it("records what it sends to itself on lo", function()
    local net <const> = run({}, function(mcast)
      local sock <const> = assert(mcast.socket { port = 5000, device = "eth0" })
      assert(sock:sendto("x", "10.0.0.1", 5000))
      return sock:recvfrom(0)
    end)
    local interfaces <const> = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "send" or event.kind == "deliver" then interfaces[#interfaces + 1] = event.interface end
    end
    assert.same({ "lo", "lo" }, interfaces)
  end)

  it("loses what it sends to itself while lo is down", function()
    local net <const>, sent <const>, data <const> = run({}, function(mcast, on)
      local sock <const> = assert(mcast.socket { port = 5000 })
      on:setinterface("lo", false)
      return sock:sendto("x", "127.0.0.1", 5000), (sock:recvfrom(0.1))
    end)
    assert.same({ 1, nil }, { sent, data })
    assert.equal("down", net.trace[#net.trace - 1].reason)
  end)

  it("joins IPv6 groups on the LAN that was up first", function()
    local function two(net) return { lans = { net.lans.lan, net:lan "far" } } end
    local _, before <const>, after <const> = run({}, function(mcast, on)
      local sock <const> = assert(mcast.socket { family = "inet6" })
      local first <const> = assert(sock:join "ff15::1")
      on:setinterface("eth0", false)
      on:setinterface("eth0", true)
      return first, assert(sock:join "ff15::2")
    end, two)
    assert.same({ "eth0", "eth1" }, { before, after })
  end)

  -- Sends from sockets of each kind after the change of an address: true, or the name of the errno.
  local function renumber(family, change)
    local inet <const> = family == "inet"
    local own <const>, group <const> = inet and "10.0.0.1" or "fd00::1", inet and "239.1.2.3" or "ff05::1"
    local _, results <const>, source <const> = run({}, function(mcast, on)
      local hear <const> = assert(mcast.socket { port = 5000, family = family })
      assert(hear:join(group, { interface = "eth0" }))
      local socks <const> = { route = { family = family }, bound = { host = own }, named = { interface = own } }
      for kind, options in pairs(socks) do socks[kind] = assert(mcast.socket(options)) end
      change(on)
      local results <const> = {}
      for kind, sock in pairs(socks) do
        local sent <const>, _, errno <const> = sock:sendto("x", group, 5000)
        results[kind] = sent and true
        for name, number in pairs(sent and {} or mcast.errno) do results[kind] = number == errno and name or results[kind] end
      end
      return results, socks.route:sendto("x", group, 5000) and select(2, hear:recvfrom(0)).host
    end)
    return results, source
  end

  it("sends from no IPv4 address that it has no more", function()
    assert.same({ route = "ENETUNREACH", bound = "ENETUNREACH", named = "ENETUNREACH" }, (renumber("inet", function(on)
      on:setaddress("eth0", "10.0.0.1", false)
    end)))
  end)

  it("sends by route from the next IPv4 address", function()
    local results <const>, source <const> = renumber("inet", function(on)
      on:setaddress("eth0", "10.0.0.1", false)
      on:setaddress("eth0", "10.0.0.9", true)
    end)
    assert.same({ { route = true, bound = "ENETUNREACH", named = "ENETUNREACH" }, "10.0.0.9" }, { results, source })
  end)

  it("refuses a named IPv6 source that it has no more", function()
    assert.same({ route = true, bound = true, named = "EINVAL" }, (renumber("inet6", function(on)
      on:setaddress("eth0", "fd00::1", false)
      on:setaddress("eth0", "fd00::9", true)
    end)))
  end)

  it("sends nothing by IPv6 without an address", function()
    assert.same({ route = "EADDRNOTAVAIL", bound = true, named = "EINVAL" }, (renumber("inet6", function(on)
      on:setaddress("eth0", "fd00::1", false)
      on:setaddress("eth0", "fe80::1", false)
    end)))
  end)

  it("is reached at its addresses of the moment", function()
    local net <const> = sim.new { output = function() end }
    local heard <const>, addresses = {}, {}
    local node <const> = net:node("r", function()
      for data in assert(require "mcast".socket { port = 5000 }):datagrams() do heard[#heard + 1] = data end
    end)
    net:node("s", function()
      local mcast <const> = require "mcast"
      local sock <const> = assert(mcast.socket())
      for i = 1, 2 do
        for _, address in ipairs { "10.0.0.1", "10.0.0.77" } do assert(sock:sendto(i .. " " .. address, address, 5000)) end
        mcast.sleep(1)
      end
    end)
    net:at(0.5, function()
      net.hosts.r:setaddress("eth0", "10.0.0.77", true)
      net.hosts.r:setaddress("eth0", "10.0.0.1", false)
      addresses = { node.host, net.hosts.r.address }
    end)
    net:run(3)
    assert.same({ { "1 10.0.0.1", "2 10.0.0.77" }, { "10.0.0.77", "10.0.0.77" } }, { heard, addresses })
  end)

  it("records each change of its interfaces once", function()
    local net <const> = run({}, function(_, on)
      for _ = 1, 2 do on:setinterface("eth0", false) end
      for _ = 1, 2 do on:setaddress("eth0", "10.0.0.9", true) end
      for _ = 1, 2 do on:setaddress("eth0", "10.0.0.1", false) end
    end)
    local texts <const> = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "interface" then texts[#texts + 1] = ("%s: %s"):format(event.node, event.text) end
    end
    assert.same({ "host: eth0 down", "host: eth0 address added 10.0.0.9", "host: eth0 address removed 10.0.0.1" }, texts)
  end)

  it("drops a datagram from ::1 that came by a LAN", function()
    local net <const> = run({}, function(mcast)
      local receiver <const> = assert(mcast.socket { family = "inet6", port = 5000 })
      assert(receiver:join "ff15::1")
      assert(assert(mcast.socket { host = "::1" }):sendto("x", "ff15::1", 5000))
      return receiver:recvfrom(0)
    end)
    local reasons <const> = {}
    for _, event in ipairs(net.trace) do reasons[#reasons + 1] = event.kind == "drop" and event.reason or nil end
    assert.same({ "scope" }, reasons)
  end)

  it("gives room in a receive buffer back in steps, as Linux does", function()
    local _, first <const>, second <const> = run({}, function(mcast)
      local receiver <const> = assert(mcast.socket { port = 5000, rcvbuf = 106496 })
      local sender <const> = assert(mcast.socket())
      local function fill()
        for _ = 1, 300 do assert(sender:sendto("x", "127.0.0.1", 5000)) end
        return receiver:stats().dropped
      end
      local dropped <const> = fill()
      assert(receiver:recvfrom(0))
      return dropped, fill() - dropped
    end)
    assert.same({ 300 - 256, 300 }, { first, second })
  end)

  it("keeps no room for what a waiting IPv6 reader discards", function()
    local net <const> = sim.new()
    local reasons, dropped <const> = {}, {}
    local function receiver(wait)
      local mcast <const> = require "mcast"
      local sock <const> = assert(mcast.socket { family = "inet6", port = 5000, rcvbuf = 2304 })
      assert(sock:join("ff15::1", { interface = "lo" }))
      assert(mcast.socket { family = "inet6" }:join("ff15::1", { interface = "eth0" }))
      if wait then mcast.poll({ sock }, 1) else mcast.sleep(1) end
      dropped[#dropped + 1] = sock:stats().dropped
    end
    net:node("waits", receiver, { true })
    net:node("sleeps", receiver)
    net:node("sender", function()
      local sock <const> = assert(require "mcast".socket { family = "inet6", interface = "eth0" })
      for _ = 1, 20 do assert(sock:sendto("x", "ff15::1", 5000)) end
    end, {}, { start = 0.1 })
    net:run(2)
    for _, event in ipairs(net.trace) do
      if event.kind == "drop" and event.node == "waits" then reasons[#reasons + 1] = event.reason end
    end
    assert.same({ 0, 20 - 5, ("filter "):rep(20) }, { dropped[1], dropped[2], table.concat(reasons, " ") .. " " })
  end)

  it("needs less than 4.5 KB of Lua for an idle node", function()
    local net <const> = sim.new { trace = false, output = function() end }
    net:node("first", "examples/receiver.lua")
    for _ = 1, 3 do collectgarbage() end -- more than once: finalizers of earlier nets release others
    local before <const> = collectgarbage "count"
    for i = 1, 500 do
      net:node("receiver-" .. i, "examples/receiver.lua")
    end
    net:run(1)
    collectgarbage()
    local kilobytes <const> = (collectgarbage "count" - before) / 500
    assert.is_true(3 < kilobytes and kilobytes < 4.5, kilobytes)
  end)
end)
