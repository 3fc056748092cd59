-- examples/protocols/mdns.lua beside avahi, with mutants of their packets, and in the simulator.
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

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
    ours(lan, "serve 'My service' _http._tcp 8080 --host ours --text path=/x")
    peer.start(lan.theirs, "avahi-browse -rpk _http._tcp")
      :expect '=;eth0;IPv4;My\\032service;_http._tcp;local;ours.local;10.9.0.1;8080;"path=/x"\n'
  end)

  peer.it("announces a service over IPv6 that avahi resolves #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    ours(lan, "serve 'My service' _http._tcp 8080 --host ours --group ff02::fb")
    peer.start(lan.theirs, "avahi-browse -rpk _http._tcp")
      :expect "=;eth0;IPv6;My\\032service;_http._tcp;local;ours.local;[%x.:]+;8080;"
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

  peer.it("chooses other names where avahi has them #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    peer.start(lan.theirs, "avahi-publish -s Printer _ipp._tcp 631"):expect "Established"
    ours(lan, "serve Printer _ipp._tcp 631 --host peer")
      :expect "^announced: peer%-2.local\nannounced: Printer %(2%)._ipp._tcp.local\n"
  end)

  peer.it("keeps its names, so that avahi chooses others #slow", avahi, function()
    local lan <const> = peer.lan()
    local program <const> = ours(lan, "serve Printer _ipp._tcp 631 --host printer")
    program:expect "announced: Printer"
    start_avahi(lan, "printer")
    lan.daemon:expect "Host name is printer%-2.local"
    peer.start(lan.theirs, "avahi-publish -s Printer _ipp._tcp 631"):expect "picking new name 'Printer #2'"
    assert.equal("announced: printer.local\nannounced: Printer._ipp._tcp.local\n", program:output())
  end)

  peer.it("says goodbye to avahi on Ctrl-C #slow", avahi, function()
    local lan <const> = with_avahi "peer"
    local program <const> = ours(lan, "serve Printer _ipp._tcp 631")
    local browser <const> = peer.start(lan.theirs, "avahi-browse -pk _ipp._tcp")
    browser:expect "%+;eth0;IPv4;Printer;"
    program:stop "INT"
    browser:expect "%-;eth0;IPv4;Printer;"
  end)
end)

-- Runs our script as the node "ours", beside a node that sends messages at times; returns those of "ours", as {time, records}.
local dns <const> = dofile "examples/protocols/mdns/dns.lua"
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
      local records <const>, isresponse <const> = dns.read(event.data)
      list[#list + 1] = { time = event.time, records = records, isresponse = isresponse, data = event.data }
    end
  end
  return list
end

local serve <const> = { "serve", "Printer", "_ipp._tcp", "631", "--host", "printer" }
local type <const>, instance <const> = dns.parse "_ipp._tcp", dns.parse "Printer._ipp._tcp"

local function ask(kind, known)
  return dns.pack(dns.QUERY, { { name = type, kind = kind or dns.PTR } }, known or {})
end

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
      local known <const> = { dns.record(type, dns.PTR, ttl, instance) }
      assert.equal(count, #after(converse(serve, { { at = 5, data = ask(dns.PTR, known) } }), 5))
    end
  end)

  it("sends a record once a second, however often it is asked for", function()
    local messages <const> = {}
    for i = 1, 3000 do messages[i] = { at = 5 + i / 1000, data = ask(i % 2 == 0 and dns.PTR or dns.ANY) } end
    assert.equal(3, #after(converse(serve, messages), 5))
  end)

  it("answers probes each 250 ms", function()
    local messages <const> = {}
    local rival <const> = { dns.record(dns.parse "printer.local", dns.A, 120, "\10\9\9\9", true) }
    for i = 1, 1000 do
      messages[i] = { at = 5 + i / 1000, data = dns.pack(dns.QUERY, { { name = rival[1].name, kind = dns.ANY } }, {}, rival) }
    end
    local list <const> = after(converse({ "host", "printer" }, messages), 5)
    assert.equal(4, #list)
  end)

  it("withdraws its records at the end", function()
    local list <const> = after(converse({ "host", "printer", "--duration", "6" }, {}), 5)
    assert.equal(1, #list)
    assert.equal(2, #list[1].records) -- of IPv4 and IPv6
    for _, record in ipairs(list[1].records) do assert.equal(0, record.ttl) end
  end)

  it("waits between probes after fifteen conflicts", function()
    local net <const> = sim.new { output = function() end }
    net:node("ours", path, { "host", "printer" })
    net:node("rival", function() -- has each name that is probed for
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5353, ttl = 255 })
      assert(sock:join "224.0.0.251")
      for data, from in sock:datagrams() do
        local question <const> = dns.read(data)[1]
        if from.host ~= sock:getsockname().host and question and question.section == 1 then
          local name <const> = data:sub(13):match "^[^\0]*\0"
          local record <const> = dns.record(name, dns.A, 120, "\10\9\9\9", true)
          assert(sock:sendto(dns.pack(dns.RESPONSE, {}, { record }), "224.0.0.251", 5353))
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

  it("follows pointers of names only backwards", function()
    local header <const> = (">I2I2I2I2I2I2"):pack(0, 0, 1, 0, 0, 0)
    local function reads(name) return #dns.read(header .. name .. "\0\1\0\1") end
    assert.equal(1, reads "\1a\0")
    assert.equal(0, reads "\xc0\x0c") -- to itself
    assert.equal(0, reads "\1a\xc0\x0c") -- to its own beginning
    assert.equal(0, reads "\xc0\x0e\xc0\x0c") -- two to each other
    assert.equal(0, reads "\xc0\x20") -- forwards
    assert.equal(0, reads(("\63" .. ("x"):rep(63)):rep(4) .. "\0")) -- 257 bytes
    assert.equal(0, reads "\1a") -- without an end
    local two <const> = (">I2I2I2I2I2I2"):pack(0, 0, 2, 0, 0, 0) .. "\1b\0\0\1\0\1" .. "\1a\xc0\x0c\0\1\0\1"
    assert.equal("\1a\1b\0", dns.read(two)[2].key)
  end)

  it("bounds the work of a message full of pointers", function()
    local name <const>, pointers <const> = ("\1a"):rep(126) .. "\0\0\1\0\1", ("\xc0\x0c\0\1\0\1"):rep(1455)
    local function message(count) return (">I2I2I2I2I2I2"):pack(0, 0, count, 0, 0, 0) .. name .. pointers end
    assert.is_true(#message(1) <= 9000)
    local before <const> = os.clock()
    assert.equal(1456, #dns.read(message(1456)))
    assert.equal(0, #dns.read(message(0xffff)))
    assert.equal(0, #dns.read(message(1456) .. ("x"):rep(9000))) -- section 17
    assert.is_true(os.clock() - before < 1)
  end)

  it("answers mutants no more than the rate of records allows #slow", function()
    for _, words in ipairs { serve, { "serve", "Quiet", "_ipp._tcp", "631", "--host", "quiet" }, { "host", "peer" },
      { "browse", "_ipp._tcp" }, { "browse", "_services._dns-sd._udp" } } do
      local result <const> = mutants.run { script = path, args = words, packets = mutants.packets "mdns", port = 5353,
        group = "224.0.0.251" }
      assert.equal(10000, result.sent)
      assert.is_true(result.unprompted > 0 and result.answered < 100, words[2] .. ": " .. result.answered)
      assert.is_true(result.answered_bytes * 20 < result.sent_bytes, result.answered_bytes)
    end
  end)

  it("resolves among mutants, or ends #slow", function()
    local result <const> = mutants.run { script = path, args = { "resolve", "Printer._ipp._tcp", "--duration", "20" },
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
    for host, name in output:gmatch "(host%-%d+) +[%d.]+  announced: (%S+)" do names[host] = name end
    local taken <const> = {}
    for host, name in pairs(names) do
      assert.is_nil(taken[name], name)
      taken[name], count = host, count + 1
    end
    assert.equal(200, count)
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.run(scenario .. "1 " .. picture)
    assert.equal(io.open "examples/simulator/mdns.svg":read "a", io.open(picture):read "a")
  end)

  peer.it("shows the story of its first version #slow", { "patch" }, function()
    local page <const>, folder <const> = io.open "docs/mdns.md":read "a", helper.check "mktemp -d":match "[^\n]+"
    helper.defer(function() helper.run("rm -r " .. folder) end)
    helper.check(("cp -r examples %s && patch -s -R %s/examples/protocols/mdns/answers.lua %s"):format(folder, folder,
      helper.script(page:match "```diff\n(.-)```")))
    for command, output in page:gmatch "\n%$ ([^\n]*649[^\n]*)\n(.-)```" do
      local printed <const> = helper.run(("cd %s; %s"):format(folder, command:gsub("^mcast", helper.lua .. " $OLDPWD/bin/mcast")
        :gsub("lua5.4", helper.lua)), 120)
      for line in output:gmatch "[^\n]+" do
        assert.is_truthy(("\n" .. printed):find("\n" .. line .. "\n", 1, true), line .. "\nis not in\n" .. printed)
      end
    end
  end)

  it("has at most 120 lines in each file", function()
    for file in helper.check("ls " .. path .. " examples/protocols/mdns/*.lua"):gmatch "[^\n]+" do
      assert.is_true(select(2, io.open(file):read "a":gsub("\n", "")) <= 120, file)
    end
  end)
end)
