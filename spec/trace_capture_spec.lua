-- Captures as traces.
local helper <const> = require "spec.support.helper"
local frame <const> = require "mcast.pcapng.frame"
local pcapng <const> = require "mcast.pcapng"
local trace <const> = require "mcast.trace"

local A <const>, B <const> = frame.bytes "10.1.0.1", frame.bytes "10.1.0.2"
local G <const>, G6 <const> = frame.bytes "239.1.2.3", frame.bytes "ff15::1:3"
local A6 <const> = frame.bytes "fd01::1"

-- An Ethernet frame of a datagram.
local function datagram(from, to, data)
  return frame.datagram(from, 4000, to, 5000, data, 7, 0, 1)
end

-- A capture of packets, each {seconds, bytes, options}; returns its path.
local function capture(packets, interface)
  local path <const> = helper.script ""
  local writer <close> = assert(pcapng.writer(path))
  local number <const> = assert(writer:interface(interface or { name = "eth0" }))
  for _, packet in ipairs(packets) do
    assert(writer:packet(number, packet[1] * 1000000000 // 1, packet[2], packet[3]))
  end
  assert(writer:close())
  return path
end

-- Fields of all events, joined, in a line each.
local function list(events, ...)
  local texts = {}
  for i, event in ipairs(events) do
    local words = {}
    for k, name in ipairs { ... } do
      words[k] = tostring(event[name])
    end
    texts[i] = table.concat(words, " ")
  end
  return texts
end

helper.in_lua("a capture", function()
  it("has its datagrams as deliveries at the line of the file", function()
    local path <const> = capture { { 100.5, datagram(A, G, "x") }, { 101, datagram(A6, G6, "y") } }
    local events <const> = assert(trace.read(path))
    assert.same({ "0.0 deliver x 10.1.0.1:4000 239.1.2.3:5000 eth0 7", "0.5 deliver y [fd01::1]:4000 [ff15::1:3]:5000 eth0 7" },
      list(events, "time", "kind", "data", "from", "to", "interface", "ttl"))
    assert.equal(path:match "[^/]+$":gsub("%..*", ""), events[1].node)
    assert.equal(100500000000, events.header.epoch)
  end)

  it("has sends where the file or the addresses say so", function()
    local path <const> = capture { { 1, datagram(A, G, "x"), { direction = "out" } }, { 2, datagram(B, G, "y") } }
    assert.same({ "send", "deliver" }, list(trace.read(path), "kind"))
    assert.same({ "send n", "send n" }, list(trace.read(path, { node = "n", addresses = { "10.1.0.2" } }), "kind", "node"))
  end)

  it("has reports of memberships as joins and leaves of their hosts", function()
    local path <const> = capture {
      { 1, frame.report("10.1.0.1", { { kind = "exclude", group = "239.1.2.3", sources = {} } }) },
      { 2, frame.report("10.1.0.1", { { kind = "allow", group = "232.1.2.3", sources = { "10.8.0.1", "10.8.0.2" } } }) },
      { 3, frame.report("10.1.0.1", { { kind = "include", group = "239.1.2.3", sources = {} } }) },
      { 4, frame.report("fe80::1", { { kind = "exclude", group = "ff15::1:3", sources = {} } }) },
      { 5, frame.report("fe80::1", { { kind = "block", group = "ff35::1:3", sources = { "fd08::1" } } }) },
    }
    local events <const> = assert(trace.read(path))
    assert.same({ "join 10.1.0.1 239.1.2.3 exclude", "join 10.1.0.1 232.1.2.3 include", "leave 10.1.0.1 239.1.2.3 include",
      "join fe80::1 ff15::1:3 exclude", "join fe80::1 ff35::1:3 exclude" }, list(events, "kind", "node", "group", "mode"))
    assert.same({ "10.8.0.1", "10.8.0.2" }, events[2].sources)
  end)

  it("repeats no send that a script's trace has", function()
    local file <const> = helper.script('{"mcast":"trace","version":1,"node":"a","clock":"a","addresses":["10.1.0.1"],'
      .. '"epoch":"1.000000000"}\n{"time":0.5,"kind":"send","socket":1,"from":"0.0.0.0:4000","to":"239.1.2.3:5000","data":"x"}')
    local path <const> = capture { { 2, datagram(A, G, "x"), { direction = "out" } }, { 3, datagram(B, G, "y") } }
    local run <const> = trace.merge { assert(trace.read(file)), assert(trace.read(path, { node = "wire" })) }
    assert.same({ "a send x", "10.1.0.2 send y", "wire deliver y" }, list(run, "node", "kind", "data"))
  end)

  it("counts the packets that it skips, by reason", function()
    local whole <const> = datagram(A, G, "0123456789")
    local fragment <const> = whole:sub(1, 20) .. "\x20\0" .. whole:sub(23)
    local events <const> = assert(trace.read(capture { { 1, whole }, { 2, fragment }, { 3, whole:sub(1, -4) } }))
    assert.same({ 1, { fragment = 1, truncated = 1 } }, { #events, events.header.skipped })
  end)

  for name, format in pairs { little = "<", big = ">" } do
    for magic, unit in pairs { [0xa1b2c3d4] = 1000, [0xa1b23c4d] = 1 } do
      it(("is read from classic pcap, %s endian, units of %d ns"):format(name, unit), function()
        local data <const> = datagram(A, G, "x")
        local path <const> = helper.script(string.pack(format .. "I4I2I2i4I4I4I4", magic, 2, 4, 0, 0, 65535, 1)
          .. string.pack(format .. "I4I4I4I4", 7, 5000 // unit, #data, #data) .. data
          .. string.pack(format .. "I4I4I4I4", 8, 6000 // unit, #data, #data) .. data)
        local events <const> = assert(trace.read(path))
        assert.same({ 7000005000, "deliver" }, { events.header.epoch, events[1].kind })
        assert.is_true(math.abs(events[2].time - 1.000001) < 1e-9)
      end)
    end
  end

  it("has the nodes and the drops of a simulated run", function()
    local net <const> = require "mcast.sim".new { output = function() end, loss = 0.3, seed = 5 }
    net:node("receiver", "examples/receiver.lua")
    net:node("other", "examples/receiver.lua")
    net:node("sender", "examples/sender.lua")
    net:run(3)
    local path <const>, counts = helper.script "", {}
    assert(net:write_pcapng(path))
    local function count(events, by)
      for i = 1, #events do
        local event <const> = events[i]
        local key <const> = tostring(event.node) .. " " .. event.kind
        counts[key] = event.data and (counts[key] or 0) + by or counts[key]
      end
    end
    count(net.trace, 1)
    assert.is_true((counts["sender send"] or 0) > 0)
    local run <const> = trace.merge { assert(trace.read(path)) }
    count(run, -1)
    for key, left in pairs(counts) do
      assert.equal(0, left, key)
    end
    assert(require "mcast.timeline".write(run, helper.script ""))
  end)

  it("raises on no broken file", function()
    local whole <const> = io.open(capture { { 1, datagram(A, G, "x") },
      { 2, frame.report("10.1.0.1", { { kind = "allow", group = "232.1.2.3", sources = { "10.8.0.1" } } }) },
      { 3, frame.report("fe80::1", { { kind = "exclude", group = "ff15::1:3", sources = {} } }) } }):read "a"
    local file <const> = helper.script ""
    for i = 1, #whole do
      for _, byte in ipairs { 0, 255 } do
        local output <close> = assert(io.open(file, "wb"))
        output:write(whole:sub(1, i - 1), string.char(byte), whole:sub(i + 1))
        output:close()
        local events <const>, message <const> = trace.read(file)
        assert.is_true(events and #trace.merge { events } >= 0 or type(message) == "string")
      end
    end
  end)
end)
