-- examples/protocols/babel.lua with babeld, with packets made by hand and mutants of real ones, and in the simulator.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/babel.lua"
local script <const> = helper.lua .. " " .. path .. " --interface eth0 --hello 1 --state /run/babel.state"
local babeld <const> = "babeld -r -h 1 -H 1 -I /run/babeld.pid -S /run/babel-state eth0"

local read <const> = peer.read

-- Waits until the kernel at a host has a route to our prefix by way of us, or lacks it.
local function await(prefix, present)
  local deadline <const> = mcast.now() + 30
  repeat
    local output <const> = helper.check(prefix .. "ip -6 route show 2001:db8:1::/48")
    if (output:find "^2001:db8:1::/48 via fe80::%S+ dev eth0 proto babel" ~= nil) == present then return end
    mcast.sleep(0.05)
  until mcast.now() > deadline
  error "the route does not change"
end

helper.long("Babel with babeld", function()
  peer.it("exchanges routes of both families, until one ends #slow", { "babeld", "ip" }, function()
    local lan <const> = peer.lan()
    local theirs <const> = peer.start(lan.there, babeld)
    local ours <const> = peer.start(lan.here, script .. " --announce 2001:db8:1::/48")
    ours:expect "fd09::2/128\tvia fe80::%S+ dev eth0 metric 96"
    ours:expect "10%.9%.0%.2/32\tvia 10%.9%.0%.2 dev eth0 metric 96"
    await(lan.there, true)
    theirs:stop()
    ours:expect "fd09::2/128\tno way"
    ours:expect "10%.9%.0%.2/32\tno way"
  end)

  peer.it("leaves no route in babeld's table when it ends #slow", { "babeld", "ip" }, function()
    local lan <const> = peer.lan()
    peer.start(lan.there, babeld)
    local ours <const> = peer.start(lan.here, script .. " --announce 2001:db8:1::/48")
    await(lan.there, true)
    ours:stop "KILL"
    await(lan.there, false)
  end)
end)

-- A packet of some TLVs, a TLV of fields and bytes, and those of a route.
local function packet(...) return string.pack(">BBs2", 42, 2, table.concat { ... }) end
local function tlv(kind, bytes, format, ...) return string.pack(">Bs1", kind, string.pack(">" .. format, ...) .. bytes) end
local function update(ae, flags, plen, omitted, metric, bytes)
  return tlv(8, bytes, "BBBBI2I2I2", ae, flags, plen, omitted, 1000, 7, metric)
end
local id <const>, far <const> = tlv(6, "theirs!!", "I2", 0), "\x20\1\x0d\xb8\0\x63"
local route <const> = packet(id, update(2, 0, 48, 0, 0, far))

-- Runs the script, and a neighbour: it sends Hellos, and then one packet a second, by a port, and unless asked otherwise to the
-- group. Returns the lines of the script, and the bytes that the neighbour received.
local function exchange(packets, port, source)
  local lines <const>, answers <const> = {}, {}
  local net <const> = sim.new { seed = 1, output = function(_, line) lines[#lines + 1] = line end }
  net:node("script", path, { "--interface", "eth0", "--hello", "1", "--announce", "2001:db8:1::/48" })
  net:node("neighbour", function()
    local m <const> = require "mcast"
    local sock <close> = assert(m.socket { family = "inet6", port = port or 6696, loopback = false })
    local group <const> = assert(m.address("ff02::1:6%eth0", 6696))
    assert(sock:join(group))
    for number = 1, 3 + #packets do
      local ihu <const> = tlv(5, "\0\0\0\0\0\0\0\1", "BBI2I2", 3, 0, 96, 1000)
      local more <const> = (packets[number - 3] or packet()):sub(5)
      assert(sock:sendto(packet(tlv(4, "", "I2I2I2", 0, number, 100), ihu, more), group, { source = source }))
      for data in sock:datagrams(1) do answers[#answers + 1] = data end
    end
  end)
  net:run(5 + #packets)
  return table.concat(lines, "\n"), table.concat(answers)
end

helper.long("a Babel router", function()
  it("reads prefixes that leave out bytes of the one before", function()
    local lines <const> = exchange { packet(id, update(2, 0x80, 48, 0, 0, far), update(2, 0, 64, 6, 5, "\0\9")) }
    assert.matches("2001:db8:63::/48\tvia fe80::2 dev eth0 metric 96 seqno 7", lines)
    assert.matches("2001:db8:63:9::/64\tvia fe80::2 dev eth0 metric 101 seqno 7", lines)
  end)

  it("ignores a prefix that leaves out bytes of none", function()
    assert.not_matches("via", (exchange { packet(id, update(2, 0, 64, 6, 5, "\0\9")) }))
  end)

  it("reads IPv4 prefixes with their next hop alone", function()
    local v4 <const> = update(1, 0, 24, 0, 0, "\192\0\2")
    local hop <const> = tlv(7, "\10\0\0\9", "BB", 1, 0)
    assert.matches("192.0.2.0/24\tvia 10.0.0.9 dev eth0 metric 96", (exchange { packet(id, hop, v4) }))
    assert.not_matches("192.0.2.0", (exchange { packet(id, v4) }))
  end)

  it("offers no IPv4 route to others", function()
    local v4 <const> = packet(id, tlv(7, "\10\0\0\9", "BB", 1, 0), update(1, 0, 24, 0, 0, "\192\0\2"))
    local lines <const>, answers <const> = exchange { v4, packet(tlv(9, "\192\0\2", "BB", 1, 24)), packet() }
    assert.matches("192.0.2.0/24\tvia", lines)
    assert.truthy(answers:find("\xff\xff\192\0\2", 1, true))
  end)

  it("passes over Pad1, PadN and unknown TLVs", function()
    local padded <const> = packet("\0\0\1\2\0\0\200\1\0\0", id, "\0", update(2, 0, 48, 0, 0, far), "\0")
    assert.matches("2001:db8:63::/48\tvia", (exchange { padded }))
  end)

  it("ignores an update with an unknown mandatory sub-TLV", function()
    assert.not_matches("db8:63", (exchange { packet(id, update(2, 0, 48, 0, 0, far .. "\128\1\0")) }))
    assert.matches("db8:63", (exchange { packet(id, update(2, 0, 48, 0, 0, far .. "\112\1\0")) }))
  end)

  it("drops a route that is retracted, alone or with all", function()
    local alone <const>, all <const> = update(2, 0, 48, 0, 0xffff, far), update(0, 0, 0, 0, 0xffff, "")
    for _, retraction in ipairs { alone, all } do
      assert.matches("db8:63::/48\tvia .*db8:63::/48\tno way", (exchange { route, packet(id, retraction) }))
    end
  end)

  it("ignores senders of another port, or without link scope", function()
    assert.matches("db8:63", (exchange { route }))
    assert.not_matches("db8:63", (exchange({ route }, 6697)))
    assert.not_matches("db8:63", (exchange({ route }, 6696, "fd00::2")))
  end)

  it("answers requests for an acknowledgement and for routes", function()
    local near <const> = "\x20\1\x0d\xb8\0\1"
    local _, answers <const> = exchange { packet(tlv(2, "", "I2I2I2", 0, 0xabcd, 100), tlv(9, far, "BB", 2, 48)) }
    assert.truthy(answers:find("\3\2\xab\xcd", 1, true))
    assert.truthy(answers:find("\xff\xff" .. far, 1, true))
    assert.truthy(answers:find("\0\0" .. near, 1, true))
  end)

  it("answers a packet of many requests by one packet", function()
    local requests <const> = tlv(9, "\x20\1\x0d\xb8\0\1", "BB", 2, 48):rep(100) .. tlv(2, "", "I2I2I2", 0, 7, 100):rep(40)
    local _, answers <const> = exchange { packet(requests) }
    local _, unasked <const> = exchange { packet() }
    assert.is_true(#answers - #unasked > 500 and #answers - #unasked <= 1100, #answers - #unasked)
  end)

  it("raises its sequence number by one where asked", function()
    local asked <const> = tlv(10, "\x20\1\x0d\xb8\0\1", "BBI2BB", 2, 48, 2, 9, 0)
    local _, before <const> = exchange { packet() }
    local own <const> = assert(before:match "\6\10\0\0(........)")
    local wanted <const> = tlv(10, own .. "\x20\1\x0d\xb8\0\1", "BBI2BB", 2, 48, 2, 9, 0)
    assert.equal(#asked + 8, #wanted)
    assert.matches("here metric 0 seqno 2", (exchange { packet(wanted), packet(wanted) }))
  end)

  it("begins anew where its state file is empty", function()
    local lines <const> = {}
    local net <const> = sim.new { output = function(_, line) lines[#lines + 1] = line end }
    net:node("writer", function() assert(io.open("babel.state", "w")):close() end)
    net:node("script", path, { "--interface", "eth0", "--hello", "1", "--announce", "2001:db8:1::/48" },
      { host = net.hosts.writer, start = 1 })
    net:run(7)
    assert.same({ "2001:db8:1::/48\there metric 0 seqno 1" }, lines)
  end)

  it("keeps tables small under a flood of prefixes", function()
    local packets <const> = {}
    for i = 0, 99 do
      packets[i // 25 + 1] = (packets[i // 25 + 1] or id) .. update(2, 0, 56, 0, 0, far .. string.char(i))
    end
    for i, body in ipairs(packets) do packets[i] = packet(body) end
    local _, found <const> = (exchange(packets)):gsub("db8:63:?%x*::/56\tvia", "")
    assert.equal(29, found) -- 30 with its own
  end)

  it("survives 10,000 mutants, and sends at most one packet for each", function()
    local list <const> = mutants.packets "babel"
    list[#list + 1] = packet(tlv(2, "", "I2I2I2", 0, 0xabcd, 100), tlv(9, far, "BB", 2, 48), tlv(9, "", "BB", 0, 0))
    list[#list + 1] = packet(tlv(10, "theirs!!" .. far, "BBI2BB", 2, 48, 9, 64, 0))
    local result <const> = mutants.run { script = path, args = { "--interface", "eth0", "--hello", "1", "--announce",
      "2001:db8:1::/48" }, packets = list, port = 6696, group = "ff02::1:6%eth0" }
    assert.equal(10000, result.sent)
    assert.is_true(result.answered_bytes - result.unprompted_bytes < result.sent_bytes / 10)
    assert.is_true(result.answered > result.unprompted)
  end)
end)

-- Runs the scenario with a version of the script, in which a text is replaced.
local function sweep(seeds, text, by, environment)
  local version <const>, count <const> = read(path):gsub(text, by)
  assert.equal(1, count)
  local variables <const> = (environment or "") .. " BABEL=" .. helper.script(version)
  return (helper.run(("%s %s examples/simulator/babel.lua %d"):format(variables, helper.lua, seeds), 300))
end

helper.long("a net of Babel routers", function()
  it("makes no loop, and finds ways, in 1,000 runs #slow", function()
    assert.equal("0 of 1000 seeds failed\n", sweep(1000, "^", ""))
  end)

  it("makes loops without the feasibility condition", function()
    assert.matches("%d of 5 seeds failed\n.*no loop does not hold", sweep(5, "feasible%(d, route, route%.metric%)", "true"))
  end)

  it("starves without requests for newer numbers", function()
    local output <const> = sweep(5, "if r%.id == id then ask%b() end", "")
    assert.matches("seeds failed\n.*each has a way to each does not hold", output)
  end)

  it("makes a loop without the silence after a crash", function()
    local run <const> = "MCAST_SEED=133 "
      .. "MCAST_VARY='delay=0.0215 duplicate=0.0175 faults=+crash length=3 loss=0.2 reorder=0 shape=grid'"
    assert.matches("no loop does not hold", sweep(1, "\nif kept then mcast.sleep[^\n]*", "", run))
    assert.equal("", sweep(1, "^", "", run))
  end)
end)
