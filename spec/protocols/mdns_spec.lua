-- examples/protocols/mdns.lua beside avahi, with mutants of their packets, and in the simulator.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"
local wire <const> = require "mcast.wire"

local path <const> = "examples/protocols/mdns.lua"
local script <const> = helper.lua .. " " .. path .. " "
local scenario <const> = helper.lua .. " examples/simulator/mdns.lua "
local avahi <const> = { "avahi-daemon", "avahi-browse", "dbus-daemon" }

-- A bus on which everything is allowed.
local bus <const> = [[
<busconfig><listen>unix:path=/run/bus</listen><policy context="default">
<allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>]]

local function ours(lan, words)
  return peer.start(lan.here, script .. words .. " --interface eth0")
end

-- avahi-daemon, with a host's name, and a bus; its programs run by the prefix `theirs`.
local function start_avahi(lan, name)
  local conf <const> = helper.script(("[server]\nhost-name=%s\nallow-interfaces=eth0\n[publish]\npublish-workstation=no\n")
    :format(name))
  peer.start(lan.there, "dbus-daemon --nofork --config-file=" .. helper.script(bus))
  helper.check(lan.there .. "sh -c 'until [ -S /run/bus ]; do sleep 0.02; done'")
  lan.theirs = lan.there .. "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus "
  lan.daemon = peer.start(lan.theirs, "avahi-daemon --no-drop-root --no-chroot --no-rlimits -f " .. conf)
  lan.daemon:expect "Server startup complete"
end

local function with_avahi(name)
  local lan <const> = peer.lan()
  start_avahi(lan, name)
  return lan
end

helper.long("multicast DNS beside avahi", function()
  peer.it("announces a service that avahi resolves #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    ours(lan, "serve ours _http._tcp 8080 --text path=/x")
    peer.start(lan.theirs, "avahi-browse -rpk _http._tcp")
      :expect '=;eth0;IPv4;ours;_http._tcp;local;ours.local;10.9.0.1;8080;"path=/x"\n'
  end)

  peer.it("announces a service over IPv6 that avahi resolves #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    ours(lan, "serve ours _http._tcp 8080 --group ff02::fb")
    peer.start(lan.theirs, "avahi-browse -rpk _http._tcp")
      :expect "=;eth0;IPv6;ours;_http._tcp;local;ours.local;[%x.:]+;8080;"
  end)

  peer.it("browses, resolves and forgets a service of avahi #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    local publisher <const> = peer.start(lan.theirs, "avahi-publish -s 'Theirs, v. 2' _http._tcp 80 path=/y")
    local browser <const> = ours(lan, "browse _http._tcp")
    browser:expect "%+ Theirs, v. 2._http._tcp.local\n"
    assert.matches("^peer.local .*10%.9%.0%.2.* 80 path=/y\n$",
      helper.check(lan.here .. script .. "resolve 'Theirs, v. 2._http._tcp' --duration 20"))
    publisher:stop()
    browser:expect "%- Theirs, v. 2._http._tcp.local\n" -- avahi said goodbye
  end)

  peer.it("resolves the name of avahi's host #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    assert.matches("^peer.local .*10%.9%.0%.2", helper.check(lan.here .. script .. "resolve peer.local --duration 20"))
  end)

  peer.it("chooses another name where avahi's host has it #slow", avahi, function()
    local lan <const> = with_avahi "printer"
    ours(lan, "serve printer _ipp._tcp 631"):expect "^announced: printer%-2.local\n"
  end)

  peer.it("chooses another name where avahi's service has it #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    peer.start(lan.theirs, "avahi-publish -s printer _ipp._tcp 631"):expect "Established"
    ours(lan, "serve printer _ipp._tcp 631"):expect "^announced: printer%-2.local\n"
  end)

  peer.it("keeps its name, so that avahi chooses others #slow", avahi, function()
    local lan <const> = peer.lan()
    local program <const> = ours(lan, "serve printer _ipp._tcp 631")
    program:expect "announced: printer"
    start_avahi(lan, "printer")
    lan.daemon:expect "Host name is printer%-2.local"
    peer.start(lan.theirs, "avahi-publish -s printer _ipp._tcp 631"):expect "picking new name 'printer #2'"
    assert.equal("announced: printer.local\n", program:output())
  end)

  peer.it("says goodbye to avahi on Ctrl-C #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    local program <const> = ours(lan, "serve printer _ipp._tcp 631")
    local browser <const> = peer.start(lan.theirs, "avahi-browse -pk _ipp._tcp")
    browser:expect "%+;eth0;IPv4;printer;"
    program:stop "INT"
    browser:expect "%-;eth0;IPv4;printer;"
  end)
end)

local QUERY <const>, RESPONSE <const>, A <const>, PTR <const>, ANY <const> = 0, 0x8400, 1, 12, 255

local function name(...) return (("s1"):rep(select("#", ...)) .. "x"):pack(...) end
local function question(of, kind) return of .. (">I2I2"):pack(kind, 1) end
local function record(of, kind, ttl, data) return of .. (">I2I2I4s2"):pack(kind, 1, ttl, data) end

-- A message of lists of questions, answers and authorities.
local function pack(flags, ...)
  local lists <const>, counts <const> = { ... }, { 0, 0, 0, 0 }
  for section, list in ipairs(lists) do counts[section], lists[section] = #list, table.concat(list) end
  return (">I2I2I2I2I2I2"):pack(0, flags, table.unpack(counts)) .. table.concat(lists)
end

-- The questions and records of a message, as {name, kind, ttl, data}, and whether it responds.
local function read(data)
  local _, flags <const>, questions <const> = (">I2I2I2"):unpack(data)
  local list <const>, at = {}, 13
  while at <= #data do
    local entry <const> = {}
    entry.name, at = wire.name(data, at)
    entry.kind, _, at = (">I2I2"):unpack(data, at)
    if #list >= questions then entry.ttl, entry.data, at = (">I4s2"):unpack(data, at) end
    list[#list + 1] = entry
  end
  return list, flags & 0x8000 ~= 0
end

-- Runs our script as the node "ours", beside a node that sends messages at times; returns those of "ours", as {time, records}.
local function converse(words, messages)
  local net <const> = sim.new { output = function() end }
  net:node("ours", path, words)
  net:node("other", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 5353, ttl = 255 })
    for _, message in ipairs(messages) do
      mcast.sleep(message.at - mcast.now())
      assert(sock:sendto(message.data, "224.0.0.251", 5353))
    end
  end)
  net:run(12)
  local list <const> = {}
  for _, event in ipairs(net.trace) do
    if event.kind == "send" and event.node == "ours" then
      local records <const>, isresponse <const> = read(event.data)
      list[#list + 1] = { time = event.time, records = records, isresponse = isresponse, data = event.data }
    end
  end
  return list
end

local serve <const> = { "serve", "printer", "_ipp._tcp", "631" }
local kind <const>, instance <const> = name("_ipp", "_tcp", "local"), name("printer", "_ipp", "_tcp", "local")
local host <const> = name("printer", "local")

local function ask(number, known) return pack(QUERY, { question(kind, number or PTR) }, known or {}) end

-- The messages after a time.
local function after(list, time)
  local rest <const> = {}
  for _, message in ipairs(list) do rest[#rest + 1] = message.time > time and message or nil end
  return rest
end

helper.long("multicast DNS", function()
  it("probes three times and announces twice", function()
    local list <const> = converse({ "host", "printer" }, {})
    assert.equal(5, #list)
    assert.is_true(list[1].time <= 0.25)
    for i, pause in ipairs { 0.25, 0.25, 0.25, 1.1 } do
      assert.is_true(math.abs(list[i + 1].time - list[i].time - pause) < 1e-6)
      assert.equal(i >= 3, list[i + 1].isresponse)
    end
  end)

  it("answers for shared records after 20 to 120 ms", function()
    local list <const> = after(converse(serve, { { at = 5, data = ask() } }), 5)
    assert.equal(1, #list)
    assert.is_true(list[1].time >= 5.02 and list[1].time <= 5.121, list[1].time)
    assert.equal(instance, list[1].records[1].data)
  end)

  it("does not repeat an answer that is known", function()
    for ttl, count in pairs { [2250] = 0, [2249] = 1 } do
      local known <const> = { record(kind, PTR, ttl, instance) }
      assert.equal(count, #after(converse(serve, { { at = 5, data = ask(PTR, known) } }), 5))
    end
  end)

  it("sends a record once a second, however often it is asked for", function()
    local messages <const> = {}
    for i = 1, 3000 do messages[i] = { at = 5 + i / 1000, data = ask(i % 2 == 0 and PTR or ANY) } end
    local list <const> = after(converse(serve, messages), 5)
    assert.is_true(#list == 3 or #list == 4, #list)
    for i = 2, #list do assert.is_true(list[i].time - list[i - 1].time >= 1) end
  end)

  it("answers probes each 250 ms", function()
    local messages <const> = {}
    local probe <const> = pack(QUERY, { question(host, ANY) }, {}, { record(host, A, 120, "\10\9\9\9") })
    for i = 1, 1000 do messages[i] = { at = 5 + i / 1000, data = probe } end
    local list <const> = after(converse({ "host", "printer" }, messages), 5)
    assert.equal(4, #list)
  end)

  it("gives up a name that another host has while it probes", function()
    local rival <const> = pack(RESPONSE, {}, { record(host, 13, 120, "\1x\1y") }) -- HINFO, which we have not
    for at, label in pairs { [0.3] = "printer-2", [5] = "printer" } do
      local list <const> = converse({ "host", "printer" }, { { at = at, data = rival } })
      assert.equal(name(label, "local"), list[#list].records[1].name)
    end
  end)

  it("withdraws its records at the end", function()
    local list <const> = after(converse({ "host", "printer", "--duration", "6" }, {}), 5)
    assert.equal(1, #list)
    assert.equal(2, #list[1].records) -- of IPv4 and IPv6
    for _, one in ipairs(list[1].records) do assert.equal(0, one.ttl) end
  end)

  it("waits between probes after fifteen conflicts", function()
    local net <const> = sim.new { output = function() end }
    net:node("ours", path, { "host", "printer" })
    net:node("rival", function() -- has each name that is probed for
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5353, ttl = 255 })
      assert(sock:join "224.0.0.251")
      for data, from in sock:datagrams() do
        local asked <const>, isresponse <const> = read(data)
        if from.host ~= sock:getsockname().host and not isresponse then
          assert(sock:sendto(pack(RESPONSE, {}, { record(asked[1].name, A, 120, "\10\9\9\9") }), "224.0.0.251", 5353))
        end
      end
    end)
    net:run(40)
    local count = 0
    for _, event in ipairs(net.trace) do
      if event.kind == "send" and event.node == "ours" then count = count + 1 end
    end
    assert.is_true(count >= 16 and count <= 16 + 8, count)
  end)

  it("ignores a message of more than 9,000 bytes", function()
    for size, count in pairs { [9000] = 1, [9001] = 0 } do
      local data <const> = ask() .. ("x"):rep(size - #ask())
      assert.equal(count, #after(converse(serve, { { at = 5, data = data } }), 5))
    end
  end)

  it("bounds the work of a message full of pointers", function()
    local first <const>, pointers <const> = ("\1a"):rep(126) .. "\0\0\1\0\1", ("\xc0\x0c\0\1\0\1"):rep(1455)
    local before <const> = os.clock()
    for _, count in ipairs { 1456, 0xffff } do
      converse(serve, { { at = 5, data = (">I2I2I2I2I2I2"):pack(0, 0, count, 0, 0, 0) .. first .. pointers } })
    end
    assert.is_true(os.clock() - before < 1)
  end)

  it("answers mutants no more than the rate of records allows #slow", function()
    for _, words in ipairs { serve, { "serve", "quiet", "_ipp._tcp", "631" }, { "host", "peer" },
      { "browse", "_ipp._tcp" }, { "browse", "_services._dns-sd._udp" } } do
      local result <const> = mutants.run { script = path, args = words, packets = mutants.packets "mdns", port = 5353,
        group = "224.0.0.251" }
      assert.equal(10000, result.sent)
      assert.is_true(result.unprompted > 0 and result.answered < 100, words[2] .. ": " .. result.answered)
      assert.is_true(result.answered_bytes * 20 < result.sent_bytes, result.answered_bytes)
    end
  end)

  it("resolves among mutants, or ends #slow", function()
    local result <const> = mutants.run { script = path, args = { "resolve", "printer._ipp._tcp", "--duration", "20" },
      packets = mutants.packets "mdns", port = 5353, group = "224.0.0.251", ends = true }
    assert.is_true(result.answered < 10, result.answered)
  end)

  it("holds in the simulator for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(scenario .. "1000", 300))
  end)

  it("leaves each of 200 hosts a name of its own #slow", function()
    local output <const> = helper.check("MCAST_SEED=1 MCAST_VARY='command=host faults=true hosts=200 loss=0.1 together=true' "
      .. scenario, 300)
    local names <const>, count = {}, 0
    for node, label in output:gmatch "(host%-%d+) +[%d.]+  announced: (%S+)" do names[node] = label end
    local taken <const> = {}
    for node, label in pairs(names) do
      assert.is_nil(taken[label], label)
      taken[label], count = node, count + 1
    end
    assert.equal(200, count)
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.run(scenario .. "1 " .. picture)
    assert.equal(io.open "examples/simulator/mdns.svg":read "a", io.open(picture):read "a")
  end)

  peer.it("shows the story of its first version #slow", { "patch" }, function()
    local folder <const>, page <const> = first_version "mdns"
    for command, output in page:gmatch "\n%$ ([^\n]*385[^\n]*)\n(.-)```" do
      local printed <const> = helper.run(("cd %s; %s"):format(folder, command:gsub("^mcast", helper.lua .. " $OLDPWD/bin/mcast")
        :gsub("lua5.4", helper.lua)), 120)
      for line in output:gmatch "[^\n]+" do
        assert.is_truthy(("\n" .. printed):find("\n" .. line .. "\n", 1, true), line .. "\nis not in\n" .. printed)
      end
    end
  end)
end)
