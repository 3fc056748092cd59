-- Captures of nets, read by tshark.
local capture <const> = require "mcast.sim.export.capture"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local tshark <const> = require "spec.support.tshark"

local complaints <const>, count <const>, fields <const> = tshark.complaints, tshark.count, tshark.fields

local function quiet() end

local function temporary()
  return helper.script ""
end

local function captured(net)
  local path = temporary()
  assert(net:write_pcapng(path))
  return path
end

-- Two receivers of a group, one of them beyond a router, and a sender.
local function play()
  local net = sim.new { seed = 7, delay = 0.001, output = quiet }
  net:router("gate", { "lan", net:lan "far" }, { flood = true })
  net:node("near", function()
    local mcast <const> = require "mcast"
    local one <close> = assert(mcast.socket { port = 10000 })
    local two <close> = assert(mcast.socket { port = 10000 })
    local six <close> = assert(mcast.socket { port = 10000, family = "inet6" })
    assert(one:join "239.1.2.3")
    assert(two:join "239.1.2.3")
    assert(six:join "ff15::1:3")
    assert(one:sendto("ack", select(2, assert(one:recvfrom()))))
    mcast.sleep(1)
  end)
  net:node("distant", function()
    local sock <close> = assert(require "mcast".socket { port = 10000 })
    assert(sock:join "239.1.2.3")
    for _ in sock:datagrams(1) do
      assert(sock:leave "239.1.2.3")
    end
  end, {}, { lans = { "far" } })
  net:node("sender", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { ttl = 2 })
    local six <close> = assert(mcast.socket { family = "inet6" })
    mcast.sleep(0.5)
    assert(sock:sendto("hello", "239.1.2.3", 10000))
    assert(sock:setoption("ttl", 1))
    mcast.sleep(0.1)
    assert(sock:sendto("lost", "239.1.2.3", 10000))
    assert(six:sendto("hello", "ff15::1:3", 10000))
    assert(sock:sendto("nobody", "10.0.0.2", 9999))
    mcast.sleep(0.1)
  end)
  net:rule(function(p)
    if p.data == "lost" and p.receiver == "near" then
      return false
    end
  end)
  net:run()
  for _, node in ipairs(net.nodes) do
    assert(node.status == "ended", node.error)
  end
  return net
end

helper.describe("captures", function()
  if not helper.has "tshark" then
    pending "needs tshark"
    return
  end

  it("causes no complaint of tshark", function()
    local path = captured(play())
    assert.equal("", complaints(path))
    assert.same({ 19, 4 }, { count(path, "frame"), count(path, "frame.comment") })
  end)

  it("records each datagram by interface, with the reason of a drop", function()
    local path = captured(play())
    assert.equal([[
sender/lan|10.0.0.3||239.1.2.3||10000|
near/lan|10.0.0.3||239.1.2.3||10000|
near/lan|10.0.0.2||10.0.0.3||32768|
sender/lan|10.0.0.2||10.0.0.3||32768|
distant/far|10.0.0.3||239.1.2.3||10000|
sender/lan|10.0.0.3||239.1.2.3||10000|
sender/lan||fd00::3||ff15::1:3|10000|
sender/lan|10.0.0.3||10.0.0.2||9999|
near/lan|10.0.0.3||239.1.2.3||10000|dropped: rule
gate/lan|10.0.0.3||239.1.2.3||10000|dropped: ttl
near/lan||fd00::3||ff15::1:3|10000|
gate/lan||fd00::3||ff15::1:3|10000|dropped: ttl
near/lan|10.0.0.3||10.0.0.2||9999|dropped: no socket
]], fields(path, "frame.interface_name ip.src ipv6.src ip.dst ipv6.dst udp.dstport frame.comment", "udp"))
  end)

  it("records the traffic class of IPv4 and IPv6", function()
    local net = sim.new { output = quiet }
    net:node("sender", function()
      for family, to in pairs { inet = "239.1.2.3", inet6 = "ff15::1:3" } do
        local sock <close> = assert(require "mcast".socket { family = family, dscp = 46 })
        assert(sock:sendto("marked", to, 10000))
        assert(sock:setoption("dscp", 0))
        assert(sock:sendto("plain", to, 10000))
      end
    end)
    net:run()
    local path = captured(net)
    assert.equal("", complaints(path))
    assert.same({ 1, 1, 2 }, { count(path, "ip.dsfield.dscp == 46"), count(path, "ipv6.tclass.dscp == 46"),
      count(path, "ip.dsfield == 0 || ipv6.tclass == 0") })
    for _, event in ipairs(net.trace) do
      if event.data then
        assert.same(event.data == "marked" and { 46, 0 } or {}, { event.dscp, event.ecn })
      end
    end
  end)

  it("records IPv4 memberships as IGMP reports", function()
    local path = captured(play())
    assert.equal([[
near/lan|10.0.0.2|224.0.0.22|4|239.1.2.3|1
distant/far|172.16.0.2|224.0.0.22|4|239.1.2.3|1
distant/far|172.16.0.2|224.0.0.22|3|239.1.2.3|1
near/lan|10.0.0.2|224.0.0.22|3|239.1.2.3|1
]], fields(path, "frame.interface_name ip.src ip.dst igmp.record_type igmp.maddr ip.ttl", "igmp"))
  end)

  it("records IPv6 memberships as MLD reports", function()
    local path = captured(play())
    assert.equal([[
near/lan|fe80::3|ff02::16|4|ff15::1:3|1
near/lan|fe80::3|ff02::16|3|ff15::1:3|1
]], fields(path, "frame.interface_name ipv6.src ipv6.dst icmpv6.mldr.mar.record_type "
      .. "icmpv6.mldr.mar.multicast_address ipv6.hlim", "icmpv6"))
  end)

  it("has the times of the trace, to the nanosecond", function()
    local net = play()
    local times, path = {}, captured(net)
    for i = 1, #net.trace do
      local event = net.trace[i]
      if event.kind == "drop" then
        times[#times + 1] = ("%.9f\n"):format(event.time)
      end
    end
    assert.equal(4, #times)
    assert.equal(table.concat(times), fields(path, "frame.time_epoch", "frame.comment"))
  end)

  it("records each packet's direction and remaining TTL", function()
    local path = captured(play())
    assert.equal("sender/lan|2\nnear/lan|2\ndistant/far|1\n", fields(path, "frame.interface_name ip.ttl",
      "data.len == 5 && ip"))
    assert.equal("sender/lan\n", fields(path, "frame.interface_name",
      "data.len == 5 && ip && frame.packet_flags_direction == 2"))
  end)

  it("records each copy of a duplicated datagram", function()
    local net = sim.new { delay = 0, duplicate = 1, output = quiet }
    net:node("receiver", function()
      local mcast <const> = require "mcast"
      local one <close> = assert(mcast.socket { port = 10000 })
      local two <close> = assert(mcast.socket { port = 10000 })
      assert(one:join "239.1.2.3" and two:join "239.1.2.3")
      mcast.sleep(1)
    end)
    net:node("sender", function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket())
      mcast.sleep(0.5)
      assert(sock:sendto("hello", "239.1.2.3", 10000))
    end)
    net:run()
    assert.equal("sender/lan\nreceiver/lan\nreceiver/lan\n", fields(captured(net), "frame.interface_name", "udp"))
  end)

  it("records traffic on lo, for each node of a host", function()
    local net = sim.new { output = quiet }
    local one = net:node("one", function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 10000 })
      assert(sock:join "239.1.2.3")
      mcast.sleep(0.1)
      assert(sock:sendto("group", "239.1.2.3", 10000))
      assert(sock:sendto("self", "127.0.0.1", 10000))
    end)
    net:node("two", function()
      local sock <close> = assert(require "mcast".socket { port = 10000 })
      assert(sock:join "239.1.2.3")
      require "mcast".sleep(1)
    end, {}, { host = one })
    net:run()
    local path = captured(net)
    assert.equal("", complaints(path))
    -- The last one bound has the port, for unicast.
    assert.equal("one/lo|00:00:00:00:00:00\ntwo/lo|00:00:00:00:00:00\n", fields(path, "frame.interface_name eth.src",
      "ip.dst == 127.0.0.1"))
    assert.equal("one/lan\ntwo/lan\n", fields(path, "frame.interface_name", "ip.dst == 239.1.2.3"))
    assert.equal("one/lan|4\ntwo/lan|3\n", fields(path, "frame.interface_name igmp.record_type", "igmp"))
  end)

  it("reports changes of an interface's filter as RFC 3376 does", function()
    local net = sim.new { output = quiet }
    local function listen(group, sources, family)
      local mcast <const> = require "mcast"
      local one <close> = assert(mcast.socket { port = 10000, family = family })
      local two <close> = assert(mcast.socket { port = 10000, family = family })
      local a <const>, b <const>, c <const> = table.unpack(sources)
      assert(one:filter(group, "exclude", { a, b }))
      assert(two:filter(group, "exclude", { b, c })) -- both exclude b
      assert(two:filter(group, "include", { a, b })) -- so b is no longer excluded
      assert(one:block(group, c))
      assert(one:leave(group))
      assert(two:leave(group, { source = a }))
      assert(two:join(group, { source = c }))
    end
    net:node("four", listen, { "239.1.2.3", { "10.9.0.1", "10.9.0.2", "10.9.0.3" }, "inet" })
    net:node("six", listen, { "ff15::1:3", { "fd09::1", "fd09::2", "fd09::3" }, "inet6" })
    net:node("silent", function()
      local sock <close> = assert(require "mcast".socket { family = "inet6" })
      assert(sock:join "ff02::1" and sock:join "ff01::5" and sock:join("ff15::5", { interface = "lo" }))
    end)
    net:run()
    local path = captured(net)
    assert.equal("", complaints(path))
    local expected <const> = {
      "4|",    -- to exclude: a filter joins first
      "6|1,2", -- block
      "5|1,2", -- allow: the second socket excludes nothing yet
      "6|2",   -- block the source that both exclude
      "5|2",   -- allow the source that one includes
      "6|3",   -- block
      "3|1,2", -- to include
      "6|1",   -- block the source that was left
      "5|3",   -- allow
      "6|2,3", -- leave
    }
    local function compare(prefix, names, filter)
      local got, n = fields(path, names, filter), 0
      for line in got:gmatch "[^\n]+" do
        n = n + 1
        assert.equal(expected[n], (line:gsub(prefix, "")))
      end
      assert.equal(#expected, n)
    end
    compare("10%.9%.0%.", "igmp.record_type igmp.saddr", "igmp")
    compare("fd09::", "icmpv6.mldr.mar.record_type icmpv6.mldr.mar.source_address", "icmpv6")
    assert.equal(0, count(path, "frame.interface_name contains silent"))
  end)
end)

helper.describe("writing a capture", function()
  -- A trace of n packets that are made when they are read, and the memory in use at its last.
  local function trace(n)
    local from, to = { host = "10.0.0.1", port = 5000 }, { host = "239.1.2.3", port = 50000, multicast = true }
    local used = {}
    return setmetatable({}, {
      __len = function() return n end,
      __index = function(_, i)
        if i == n then
          collectgarbage()
          collectgarbage() -- twice: for objects with finalizers, too
          used.kilobytes = collectgarbage "count"
        end
        return { kind = i % 2 == 0 and "deliver" or "send", time = i / 1000, node = i % 2 == 0 and "receiver" or "sender",
          host = "host", interface = "eth0", lan = "lan", packet = (i + 1) // 2, socket = i % 2, from = from, to = to,
          ttl = 1, data = ("%d"):format(i):rep(20) }
      end,
    }), used
  end

  it("needs memory that does not grow with the trace", function()
    local kilobytes = {}
    for k, n in ipairs { 1000, 1000, 20000 } do -- the first run loads everything
      local events, used = trace(n)
      local path = temporary()
      assert(capture.write(events, path))
      kilobytes[k] = used.kilobytes
      assert.is_true(io.open(path):seek "end" > n * 100)
    end
    local growth = kilobytes[3] - kilobytes[2]
    assert.is_true(growth < 512, growth) -- of 2 MB; Lua's table of strings may double meanwhile
  end)

  it("returns the errno of a file that cannot be opened", function()
    local net = sim.new { output = quiet }
    local _, message, errno = net:write_pcapng "/nonexistent/run.pcapng"
    assert.same({ "/nonexistent/run.pcapng: No such file or directory", 2 }, { message, errno })
  end)

  it("returns ENOSPC where the disk is full", function()
    if io.open "/dev/full" then
      local _, _, errno = capture.write(trace(2000), "/dev/full")
      assert.equal(28, errno)
    else
      pending "needs /dev/full"
    end
  end)

  it("raises for a net without a trace", function()
    assert.error_matches(function() sim.new { trace = false }:write_pcapng "/dev/null" end,
      "the net keeps no trace %(trace = false%)")
  end)

  local script <const> = [[
    local now = 0
    function os.clock() now = now + 1 return now end -- a slow machine
    local event <const> = { kind = "log" }
    assert(require "mcast.sim.export.capture".write(setmetatable({}, { __len = function() return 4096 end,
      __index = function() return event end }), "/dev/null"))
    print "written"
  ]]

  it("shows a progress bar on a terminal, and erases it", function()
    if not helper.has "python3" then
      pending "needs python3"
      return
    end
    local output = helper.check("python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))' "
      .. helper.lua .. " " .. helper.script(script) .. " </dev/null")
    assert.equal("\rcapture [#######.......................]  25 %\rcapture [###############...............]  50 %"
      .. "\rcapture [######################........]  75 %\rcapture [##############################] 100 %"
      .. "\r\27[Kwritten\r\n", output)
  end)

  it("shows no progress bar where stderr is no terminal", function()
    assert.equal("written\n", helper.check(helper.lua .. " " .. helper.script(script)))
  end)
end)
