-- The simulator: nothing fails in silence.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local sim <const> = require "mcast.sim"

local function quiet(options)
  options = options or {}
  options.output = options.output or function() end
  return sim.new(options)
end

-- The error of a run to 10 s.
local function failure(net)
  local ok, message = pcall(net.run, net, 10)
  assert.is_false(ok)
  return message
end

describe("a node that fails", function()
  local failing <const> = {
    ["raises"] = { function() require "mcast".sleep(1) error "oh" end,
      "at 1.000000 s with seed 1: .*oh\nstack traceback:\n" },
    ["is no script"] = { "no/such/file.lua", ".-: no/such/file.lua: No such file or directory\nC library: " },
    ["exits with a status"] = { function() os.exit(3) end, "at 0.000000 s with seed 1: exit code 3\n" },
    ["does not wait"] = { function() while true do end end,
      "at 0.000000 s with seed 1: .*without waiting .endless loop%?.\nstack traceback:\n" },
  }
  for how, case in pairs(failing) do
    it("ends the run where it " .. how, function()
      local net = quiet { budget = 0.05 }
      net:node("a", case[1])
      net:node("b", function() require "mcast".sleep(5) end)
      local message <const> = failure(net)
      assert.matches("^node a failed " .. case[2], message)
      assert.matches("\nreplay: MCAST_SEED=1 .*$", message)
    end)
  end

  it("ends the run where its script does not parse", function()
    local net = quiet()
    net:node("a", helper.script "x = = 1")
    assert.matches("^node a failed at .-: unexpected symbol near '='\nC library: [^\n]+\nreplay:", failure(net))
  end)

  it("prints its error where failures are kept", function()
    local lines = {}
    local net = sim.new { failures = "keep", output = function(node, line) lines[#lines + 1] = node.name .. " " .. line end }
    net:node("a", function() error("oh", 0) end)
    net:run()
    assert.same({ "a oh", "a stack traceback:" }, { lines[1], lines[2] })
  end)

  it("is listed in the net's failures", function()
    local net = quiet { failures = "keep" }
    net:node("a", function() require "mcast".sleep(2) error("oh", 0) end)
    net:run(10)
    assert.equal(10, net:now())
    assert.same({ 1, "a", 2 }, { #net.failures, net.failures[1].node, net.failures[1].time })
    assert.matches("^oh\n", net.failures[1].error)
  end)

  it("is no failure where the scenario crashes it", function()
    local net = quiet()
    local node = net:node("a", function() require "mcast".sleep(5) end)
    net:at(1, function() node:crash() end)
    net:run(10)
    assert.same({}, net.failures)
  end)

  it("leaves the net to run on", function()
    local net = quiet()
    net:node("a", function() error "oh" end)
    local other = net:node("b", function() require "mcast".sleep(5) end)
    failure(net)
    net:run(10)
    assert.equal("ended", other.status)
  end)
end)

describe("the real network", function()
  local text <const> = "this is the real network: require mcast within the node"
  local sock <const> = assert(mcast.socket())
  local monitor <const> = assert(mcast.monitor())
  local uses <const> = {
    socket = function() mcast.socket() end,
    poll = function() mcast.poll({ sock }, 0) end,
    monitor = function() mcast.monitor() end,
    read = function() monitor:read(0) end,
    dirty = function() monitor:dirty() end,
    sleep = function() mcast.sleep(0) end,
    now = function() mcast.now() end,
    note = function() mcast.note("op", "invoke 1 read x") end,
    interfaces = function() mcast.interfaces() end,
    sendto = function() sock:sendto("x", "127.0.0.1", 9) end,
    sendmany = function() sock:sendmany({ "x" }, "127.0.0.1", 9) end,
    recvfrom = function() sock:recvfrom(0) end,
    recvmsg = function() sock:recvmsg(0) end,
    datagrams = function() sock:datagrams(0)() end,
    join = function() sock:join "239.1.2.3" end,
    leave = function() sock:leave "239.1.2.3" end,
    filter = function() sock:filter("239.1.2.3", "exclude", {}) end,
    setoption = function() sock:setoption("ttl", 1) end,
  }
  for name, use in pairs(uses) do
    it("raises within a net for " .. name, function()
      local net = quiet()
      net:node("a", use)
      assert.matches("^node a failed.*" .. text, failure(net))
    end)
  end

  it("raises in a function of the scenario", function()
    local net = quiet()
    net:at(1, uses.now)
    assert.matches(text, failure(net))
  end)

  it("returns when the run is over, and when it has failed", function()
    local net = quiet()
    net:node("a", uses.now)
    failure(net)
    assert.is_true(mcast.now() > 0)
  end)

  it("leaves addresses, errno and close to a net", function()
    local net, open = quiet(), assert(mcast.socket())
    net:node("a", function()
      assert(mcast.address("10.0.0.1", 5).port == 5 and mcast.errno.EINVAL)
      open:close()
    end)
    net:run()
    assert.matches("closed", tostring(open))
  end)
end)

describe("a simulated socket", function()
  for _, name in ipairs { "getfd", "pollfd" } do
    it("raises for " .. name .. ", and names the way to wait", function()
      local net = quiet()
      net:node("a", function() local own = require "mcast".socket() own[name](own) end)
      assert.matches("a simulated socket has no descriptor .wait by mcast.poll", failure(net))
    end)
  end
end)

describe("a yield", function()
  it("fails a node that nothing would wake", function()
    local yield <const>, net = coroutine.yield, quiet()
    net:node("a", function() yield() end)
    assert.matches("^node a failed at 0.000000 s with seed 1: yielded to nobody.*\nstack traceback:", failure(net))
  end)
end)

describe("a call", function()
  it("raises for times that are past", function()
    local net = quiet()
    local node <const> = function() end
    net:run(3)
    assert.error_matches(function() net:at(1, node) end, "at: 1.000000 s is past .now: 3.000000 s.")
    assert.error_matches(function() net:run(2) end, "run: 2.000000 s is past")
    assert.error_matches(function() net:run_until(node, 2) end, "run_until: 2.000000 s is past")
    assert.error_matches(function() net:node("a", node, {}, { start = 2 }) end, "option 'start': 2.000000 s is past")
    assert.error_matches(function() net:chaos { from = 2 } end, "option 'from': 2.000000 s is past")
  end)

  it("raises for names that stand twice, and for boundaries of no group", function()
    local net = quiet()
    net:lan "far"
    net:host "a"
    net:host "b"
    assert.error_matches(function() net:partition("a", { "b", "a" }) end, "partition: a is on both sides")
    assert.error_matches(function() net:link("a", "a", { loss = 1 }) end, "link: a is at both ends")
    assert.error_matches(function() net:router("r", { net.lans.far, "far" }) end, "LAN 'far' is doubled")
    for _, prefix in ipairs { "10.0.0.0/8", "2390.0.0.0/8", "fe80::/10", "ff/8" } do
      assert.error_matches(function() net:router("r", { "lan", "far" }, { boundary = prefix }) end, "prefix of groups such as")
    end
    net:router("r", { "lan", "far" }, { boundary = { "224.0.0.0/4", "0.0.0.0/0", "FF05::/16" } })
  end)

  it("accepts one name where a list is expected", function()
    local net = quiet()
    net:lan "far"
    net:host("gate", { lans = "far", addresses = "172.16.9.9" })
    net:node("a", function(word) assert(word == "hello") end, "hello", { lans = "far" })
    net:router("r", { "lan", "far" }, { boundary = "239.255.0.0/16" })
    net:chaos { nodes = "a", kinds = "crash" }
    net:partition("a", "gate")
    net:run(1)
    assert.equal("172.16.0.1", net.hosts.gate.address)
  end)

  it("passes a script its arguments and environment as text", function()
    local lines = {}
    local net = sim.new { output = function(_, line) lines[#lines + 1] = line end }
    local script <const> = helper.script [[
      for _, value in ipairs { ... } do print(math.type(value) or type(value), value) end
      print(type(arg[1]), type(os.getenv "PORT"))
    ]]
    net:node("a", script, { 1, true, 0.5 }, { env = { PORT = 5000 } })
    net:run()
    assert.same({ "string\t1", "string\ttrue", "string\t0.5", "string\tstring" }, lines)
  end)
end)

describe("chaos", function()
  it("crashes, pauses and isolates the only node that it may hit", function()
    for kind, event in pairs { crash = "crash", pause = "pause", partition = "partition", swizzle = "partition",
      clock = "clock" } do
      local net, count = quiet(), 0
      for _, name in ipairs { "leader", "other" } do
        net:node(name, function() require "mcast".sleep(100) end)
      end
      net:chaos { nodes = { "leader" }, kinds = { kind } }
      net:run(20)
      for _, e in ipairs(net.trace) do
        count = count + (e.kind == event and 1 or 0)
      end
      assert.is_true(count > 5, kind)
    end
  end)
end)

describe("a bound", function()
  -- A storm: each receiver answers each datagram.
  local function storm(options)
    local net = quiet(options)
    for i = 1, 10 do
      net:node("n" .. i, function()
        local own <const> = require "mcast".socket { port = 5000, loopback = false }
        own:join "239.1.1.1"
        own:sendto("hi", "239.1.1.1", 5000)
        while true do
          own:sendto(own:recvfrom(), "239.1.1.1", 5000)
        end
      end)
    end
    return failure(net)
  end

  for _, name in ipairs { "in_flight", "kept", "payload" } do
    it("ends a storm by " .. name .. ", with time and busiest node", function()
      assert.matches("the bound '" .. name .. "' of sim.new is exceeded at 0.%d+ s: %d+ events in flight, "
        .. "%d+ events and %d+ bytes of datagrams kept; the busiest node is n%d+, which sent %d+ datagrams",
        storm { [name] = 10000 })
    end)
  end

  it("ends a node that sends without a wait", function()
    local net = quiet { in_flight = 1000 }
    net:node("a", function()
      local own <const> = require "mcast".socket()
      for _ = 1, 100000 do own:sendto("x", "239.1.1.1", 5000) end
    end)
    assert.matches("the bound 'in_flight' of sim.new is exceeded at 0.0 s", failure(net))
  end)

  it("ends calls of the scenario that multiply", function()
    local net = quiet { in_flight = 1000 }
    local function twice()
      net:after(0.1, twice)
      net:after(0.1, twice)
    end
    twice()
    assert.matches("the bound 'in_flight' of sim.new is exceeded at 0.9 s: 1001 events.*\nreplay: MCAST_SEED=1 ",
      failure(net))
  end)

  it("ends a node that prints for ever", function()
    local net = quiet { kept = 1000 }
    net:node("a", function() while true do print "x" require "mcast".sleep(0.001) end end)
    assert.matches("the bound 'kept' of sim.new is exceeded at 0.99%d s", failure(net))
  end)

  it("counts no datagrams that are gone", function()
    local net = quiet { payload = 5000, trace = false }
    net:node("a", function()
      local mcast_ <const> = require "mcast"
      local own <const> = mcast_.socket()
      for _ = 1, 100 do
        own:sendto(("x"):rep(1000), "239.1.1.1", 5000)
        mcast_.sleep(0.1)
      end
    end)
    net:run()
    assert.is_true(net:now() > 9)
  end)
end)

describe("a clock", function()
  -- The clock events of a net, as lists of node, time, skew and drift.
  local function clocks(net)
    local list = {}
    for _, e in ipairs(net.trace) do
      list[#list + 1] = e.kind == "clock" and { e.node, e.time, e.skew, e.drift } or nil
    end
    return list
  end

  it("is an event where an option or a call sets it", function()
    local net = quiet()
    local node <const> = net:node("a", function() require "mcast".sleep(5) end, {}, { drift = 0.5 })
    net:node("b", function() end)
    net:at(1, function() node:clock { skew = 3600 } end)
    net:run()
    assert.same({ { "a", 0, 0, 0.5 }, { "a", 1, 3600, 0.5 } }, clocks(net))
  end)

  it("is set by chaos, and then set back", function()
    local net = quiet()
    net:node("a", function() require "mcast".sleep(100) end)
    net:chaos { kinds = "clock", till = 50 }
    net:run(60)
    local list <const> = clocks(net)
    assert.is_true(#list > 10 and math.abs(list[1][3]) <= 60 and math.abs(list[1][4]) <= 0.01 and list[1][3] ~= 0)
  end)

  it("has a sign in the picture", function()
    local net = quiet()
    net:node("a", function() end, {}, { skew = 1 })
    net:run(1)
    local path <const> = os.tmpname()
    assert(net:write_svg(path))
    local text <const> = io.open(path):read "a"
    os.remove(path)
    assert.matches('class="mark clock"', text, 1, true)
  end)
end)

describe("a datagram that a filter stops", function()
  -- Drops at b, by reason, where b prepares its sockets by a function.
  local function drops(prepare)
    local net, list = quiet(), {}
    net:lan "far"
    net:node("a", function()
      require "mcast".sleep(1)
      require "mcast".socket():sendto("x", "239.1.1.1", 5000)
    end)
    net:node("b", function()
      prepare(require "mcast")
      require "mcast".sleep(5)
    end, {}, { lans = { "lan", "far" } })
    net:run()
    for _, e in ipairs(net.trace) do
      list[#list + 1] = e.kind == "drop" and e.node .. ": " .. e.reason or nil
    end
    return list
  end

  it("is dropped where the source is another one", function()
    assert.same({ "b: filter" }, drops(function(module)
      assert(module.socket { port = 5000 }:join("239.1.1.1", { source = "10.0.0.9" }))
    end))
  end)

  it("is dropped where the socket joined on another interface", function()
    assert.same({ "b: filter" }, drops(function(module)
      assert(module.socket { port = 5000 }:join("239.1.1.1", { interface = "eth1" }))
      assert(module.socket { port = 5001 }:join("239.1.1.1", { interface = "eth0" }))
    end))
  end)

  it("is no drop for a socket that has not joined", function()
    assert.same({}, drops(function(module)
      assert(module.socket { port = 5000 })
      assert(module.socket { port = 5001 }:join("239.1.1.1", { interface = "eth0" }))
    end))
  end)
end)

describe("why a node did not receive a datagram", function()
  local function receive(port, group, till)
    local own <const> = require "mcast".socket { port = port }
    if group then own:join(group) end
    own:recvfrom(till or 10)
  end
  local function send(ttl, to, at)
    require "mcast".sleep(at or 1)
    require "mcast".socket { ttl = ttl }:sendto("x", to or "239.1.1.1", 5000)
  end

  -- The sentence about node b, where change sets up the net further; b's script and options may be others.
  local function sentence(change, script, arguments, options)
    local net = quiet { failures = "keep" }
    net:lan "far"
    net:node("b", script or receive, arguments or { 5000, "239.1.1.1" }, options)
    net:node("a", send, { 1 })
    change(net)
    net:run(20)
    for _, e in ipairs(net.trace) do
      if e.kind == "send" and e.node == "a" then
        return net:why(e, "b")
      end
    end
  end
  local function nothing() end
  local function slow(net)
    net:router("gate", { "lan", "far" }, { boundary = "239.255.0.0/16" })
  end

  local cases <const> = {
    ["received"] = { "^b received datagram 1 of a to 239.1.1.1:5000 at 1.000000 s at 1.000100 s.$", nothing },
    ["loss"] = { "lost by chance at 1.000000 s .loss..$", function(net) net:set { loss = 1 } end },
    ["a partition"] = { "a partition was between", function(net) net:partition("a", "b") end },
    ["a rule"] = { "a rule of the scenario", function(net) net:rule(function() return false end) end },
    ["no membership"] = { "b was not a member of 239.1.1.1 then.$", nothing, receive, { 5000 } },
    ["a later membership"] = { "not a member of 239.1.1.1 then .it joined at 3.000000 s..$", nothing, function()
      local own <const> = require "mcast".socket { port = 5000 }
      require "mcast".sleep(3)
      own:join "239.1.1.1"
      require "mcast".sleep(9)
    end },
    ["another port"] = { "b was a member by port 6000, not 5000.$", nothing, receive, { 6000, "239.1.1.1" } },
    ["no router"] = { "a member on far, and no router forwards there from lan.$", nothing, nil, nil, { lans = "far" } },
    ["its TTL"] = { "at gate, its TTL had run out at 1.000100 s .ttl..$", slow, nil, nil, { lans = "far" } },
    ["a late start"] = { "b had not started then", nothing, nil, nil, { start = 2 } },
    ["an end"] = { "b had ended then", nothing, nothing },
    ["a failure"] = { "b had failed then", nothing, function() error "oh" end },
    ["a crash"] = { "b had crashed then", function(net) net:at(0.5, function() net.byname.b:crash() end) end },
    ["a crash before it arrives"] = { "b crashed at 1.000050 s, before a copy arrived.$", function(net)
      net:at(1.00005, function() net.byname.b:crash() end)
    end },
    ["a leave before it arrives"] = { "b left the group at 1.000050 s, before a copy arrived.$", nothing, function()
      local own <const> = require "mcast".socket { port = 5000 }
      own:join "239.1.1.1"
      require "mcast".sleep(1.00005)
      own:leave "239.1.1.1"
      require "mcast".sleep(9)
    end },
    ["an interface that is down"] = { "an interface was down at 1.000100 s", function(net)
      net:at(0.5, function() net.hosts.b:setinterface("eth0", false) end)
    end },
    ["a source filter"] = { "had not joined the group with this source", nothing, function()
      require "mcast".socket { port = 5000 }:join("239.1.1.1", { source = "10.0.0.9" })
      require "mcast".sleep(5)
    end },
    ["a full buffer"] = { "the receive buffer of its socket was full", nothing, function()
      local own <const> = require "mcast".socket { port = 5000, rcvbuf = 2304 }
      own:join "239.1.1.1"
      for _ = 1, 9 do own:sendto(("x"):rep(2000), "127.0.0.1", 5000) end
      require "mcast".sleep(5)
    end },
  }
  for name, case in pairs(cases) do
    it("is said: " .. name, function()
      assert.matches(case[1], sentence(table.unpack(case, 2, 5)))
    end)
  end

  it("is said: a boundary, and a scope", function()
    for group, text in pairs { ["239.255.1.1"] = "at gate, a router's boundary", ["224.0.0.5"] = "its scope ends" } do
      local net = quiet()
      net:lan "far"
      slow(net)
      net:node("b", receive, { 5000, group }, { lans = "far" })
      net:node("a", send, { 5, group })
      net:run(20)
      for _, e in ipairs(net.trace) do
        if e.kind == "send" then
          assert.matches(text, net:why(e, "b"))
        end
      end
    end
  end)

  it("is said: unicast to another node", function()
    local net = quiet()
    local to <const> = net:node("c", receive, { 5000 })
    net:node("b", receive, { 5000 })
    net:node("a", send, { 1, to.host })
    net:run(20)
    assert.matches("it was sent to 10.0.0.1, no address of b", net:why(1, "b"))
    assert.matches("^c received", net:why(1, "c"))
  end)

  it("raises for an event without a datagram, and for no node", function()
    local net = quiet()
    net:node("a", send)
    net:run()
    assert.error_matches(function() net:why(net.trace[1], "a") end, "bad argument #1 to 'why' .event of a datagram expected")
    assert.error_matches(function() net:why(1, "x") end, "bad argument #2 to 'why' .node expected, got 'x'.")
  end)
end)
