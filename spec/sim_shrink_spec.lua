-- Shrinking: from a failing seed to few faults.
local ddmin <const> = require "mcast.sim.shrink.ddmin"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

-- A scenario in which s sends 40 datagrams to r-1, r-2 and r-3. build(net) adds faults; wrong(net) returns the invariant.
local function scenario(options, wrong, build)
  local group <const> = options.group or "239.1.2.3"
  local family <const> = group:find ":" and "inet6" or "inet"
  local function receive()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 5000, family = family })
    assert(sock:join(group))
    while true do
      mcast.note("got", (sock:recvfrom()))
    end
  end
  local function send()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 5000, family = family })
    for i = 1, 40 do
      mcast.sleep(0.1)
      assert(sock:sendto("n" .. i, mcast.address(group, 5000)))
    end
  end
  return function(seed)
    local net <const> = sim.new { seed = seed, delay = options.delay, loss = options.loss, duplicate = options.duplicate,
      reorder = options.reorder, output = function() end }
    for i = 1, 3 do
      net:node("r-" .. i, receive)
    end
    net:node("s", send)
    if build then
      build(net)
    end
    net:always(wrong(net), "all is well")
    net:run(5)
  end
end

-- Has a node received a datagram, by its number?
local function received(net, name)
  local seen = {}
  return function(n)
    local got <const> = net.byname[name].notes.got
    if got then
      seen[tonumber(got:sub(2))] = true
    end
    return seen[n]
  end
end

-- An invariant that fails where r-1 lacks the 31st datagram and r-2 the 35th one.
local function lacks_two(net)
  local one <const>, other <const> = received(net, "r-1"), received(net, "r-2")
  return function()
    local a, b, c, d = one(31), one(40), other(35), other(40)
    return not (not a and b and not c and d)
  end
end

-- An invariant that fails where r-1 lacks the n-th datagram.
local function lacks(n)
  return function(net)
    local one <const> = received(net, "r-1")
    return function()
      local a <const>, b <const> = one(n), one(40)
      return a or not b
    end
  end
end

local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function failing(f)
  for seed = 1, 1000 do
    if not pcall(f, seed) then
      return seed
    end
  end
  error "no seed fails"
end

local function shrink(f, options)
  return sim.shrink(f, failing(f), options)
end

local all_kinds <const> = { delay = { 0.001, 0.004 }, loss = 0.2, duplicate = 0.2, reorder = 0.2 }

helper.long("shrinking", function()
  it("finds two losses among hundreds of faults", function()
    local story <const> = shrink(scenario(all_kinds, lacks_two))
    assert.same({ "lost: s's 31st datagram to 239.1.2.3:5000 at r-1", "lost: s's 35th datagram to 239.1.2.3:5000 at r-2" },
      story.faults)
    assert.is_true(story.before > 150, story.before)
  end)

  it("shrinks datagrams of IPv6", function()
    local story <const> = shrink(scenario({ loss = 0.1, group = "ff05::1:5" }, lacks(9)))
    assert.same({ "lost: s's 9th datagram to [ff05::1:5]:5000 at r-1" }, story.faults)
  end)

  it("finds the same story with any number of workers", function()
    local f <const> = scenario(all_kinds, lacks_two)
    assert.equal(tostring(shrink(f, { jobs = 1 })), tostring(shrink(f, { jobs = 5 })))
  end)

  it("replays the failure with these faults alone", function()
    local f <const> = scenario(all_kinds, lacks_two)
    local story <const> = shrink(f)
    local ok <const>, message = pcall(sim.replay, f, story.seed, story.faults)
    assert.is_false(ok)
    assert.matches(story.message, message, 1, true)
    assert.same({}, sim.replay(f, story.seed, { story.faults[1] }))
    assert.same({}, sim.replay(f, story.seed, { story.faults[2] }))
  end)

  it("names the faults that did not happen in a replay", function()
    local f <const> = scenario({ loss = 0.1 }, lacks(9))
    assert.same({ "crash of r-9" }, sim.replay(f, 1, { "crash of r-9" }))
  end)

  it("replays faults of a node whose name ends as a sentence does", function()
    for _, name in ipairs { "n, after 5 s", "n, for 2 s" } do
      local node
      local function run()
        local net <const> = sim.new { output = function() end }
        node = net:node(name, function() require "mcast".sleep(9) end)
        net:at(1, function() node:crash() end)
        net:run()
      end
      assert.same({}, sim.replay(run, 1, { "crash of " .. name }))
      assert.equal("crashed", node.status)
      assert.same({}, sim.replay(run, 1, { "crash of " .. name .. ", for 3 s" }))
      assert.equal("ended", node.status)
      assert.same({ "2nd crash of " .. name }, sim.replay(run, 1, { "2nd crash of " .. name }))
    end
  end)

  it("rounds the delay of a late datagram", function()
    local story <const> = shrink(scenario({ delay = { 0.001, 0.2 } }, function(net)
      local one <const> = received(net, "r-1")
      return function()
        local a <const>, b <const> = one(21), one(20)
        return b or not a
      end
    end))
    assert.equal(1, #story.faults)
    assert.matches("^late: s's 20th datagram to 239.1.2.3:5000 at r%-1, after 0.%d%d? s$", story.faults[1])
  end)

  it("keeps the mean delays where a crash comes too late otherwise", function()
    local function scenario_of_pings(seed)
      local net <const> = sim.new { seed = seed, delay = { 0.001, 0.009 }, output = function() end }
      local n = 0
      local r <const> = net:node("r", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        for _, from in sock:datagrams() do assert(sock:sendto("pong", from)) end
      end)
      net:node("s", function(host)
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket())
        for i = 1, 30 do
          assert(sock:sendto("ping", host, 5000))
          assert(sock:recvfrom())
          n = i
        end
      end, { r.host })
      net:at(0.2, function() r:crash() end)
      net:always(function() return r.status ~= "crashed" or n < 10 or n >= 25 end, "no crash between pings")
      net:run(1)
    end
    local story <const> = sim.shrink(scenario_of_pings, 1)
    assert.same({ "crash of r" }, story.faults)
    assert.same({ usual = "mean" }, story.options)
    assert.matches("\nwith 1 of %d+ faults, other delays: the mean ones:\n", tostring(story))
    assert.has_error(function() sim.replay(scenario_of_pings, 1, story.faults, story.options) end)
    assert.same({}, sim.replay(scenario_of_pings, 1, story.faults))
  end)

  it("replays a late datagram after its seconds", function()
    local late
    local f <const> = scenario({ delay = { 0.001, 0.2 } }, function(net)
      return function()
        late = net.byname["r-1"].notes.got == "n20" and not late and net:now() or late
        return true
      end
    end)
    for _, seconds in ipairs { 0.5, 0.25 } do
      late = nil
      assert.same({}, sim.replay(f, 1, { ("late: s's 20th datagram to 239.1.2.3:5000 at r-1, after %g s"):format(seconds) }))
      assert.is_true(math.abs(late - 2 - seconds) < 1e-6, late)
    end
  end)

  it("names datagrams by their bytes where repetitions are left out", function()
    local function scenario_of_repetitions(seed)
      local net <const> = sim.new { seed = seed, loss = 0.3, output = function() end }
      local count <const> = {}
      net:node("r", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        for data, from in sock:datagrams() do
          assert(sock:sendto(data, from))
        end
      end)
      net:node("s", function(host)
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket())
        for i = 1, 30 do
          count[i] = 0
          repeat
            count[i] = count[i] + 1
            assert(sock:sendto("n" .. i, host, 5000))
          until sock:recvfrom(0.01)
        end
      end, { net.byname.r.host })
      net:always(function() return (count[27] or 0) < 8 end, "fewer than eight of the 27th")
      net:run(5)
    end
    local story <const> = sim.shrink(scenario_of_repetitions, failing(scenario_of_repetitions))
    assert.equal(7, #story.faults)
    for _, text in ipairs(story.faults) do
      assert.matches('^lost: %l\'s %d%l%l "n27" ', text)
      assert.matches(text .. "\n", tostring(story) .. "\n", 1, true)
    end
    assert.has_error(function() sim.replay(scenario_of_repetitions, story.seed, story.faults, story.options) end)
    sim.replay(scenario_of_repetitions, story.seed, { table.unpack(story.faults, 2) }) -- does not fail
  end)

  it("keeps a doubled datagram", function()
    local story <const> = shrink(scenario({ duplicate = 0.2, loss = 0.1 }, function(net)
      local read, count = 0, 0
      return function()
        for i = read + 1, #net.trace do
          local event <const> = net.trace[i]
          count = count + (event.kind == "deliver" and event.node == "r-3" and event.data == "n7" and 1 or 0)
        end
        read = #net.trace
        return count < 2
      end
    end))
    assert.same({ "doubled: s's 7th datagram to 239.1.2.3:5000 at r-3" }, story.faults)
  end)

  it("keeps the decision of a rule", function()
    local story <const> = shrink(scenario({ loss = 0.1 }, lacks(12), function(net)
      net:rule(function(packet, random) if packet.receiver == "r-1" and random() < 0.9 then return false end end)
    end))
    assert.same({ "lost by a rule: s's 12th datagram to 239.1.2.3:5000 at r-1" }, story.faults)
  end)

  local status_of <const> = { crash = "crashed", disk = "crashed" }
  for kind, expected in pairs {
    crash = "^%w* ?%w*crash of r%-1$", disk = "crash of r%-1$", pause = "pause of r%-1$", clock = "clock of r%-1$",
    partition = "^%w* ?partition of r%-1 ", swizzle = "isolation of r%-1$",
  } do
    it("keeps one " .. kind .. " of chaos", function()
      local cut <const> = kind == "partition" or kind == "swizzle"
      local story <const> = shrink(scenario({ loss = 0.1, delay = { 0.001, 0.002 } }, function(net)
        local node <const> = net.byname["r-1"]
        return cut and lacks(17)(net) or function()
          return node.status ~= status_of[kind] and not node.paused and not node.drift
        end
      end, function(net)
        net:chaos { kinds = { kind }, every = 0.1, nodes = cut and { "r-1", "s" } or nil }
        if cut then
          net:set { loss = 0 }
        end
      end))
      assert.equal(1, #story.faults, tostring(story))
      assert.matches(cut and " of " or expected, story.faults[1])
    end)
  end

  it("keeps the crash of a scenario and leaves out others", function()
    local story <const> = shrink(scenario({ loss = 0.1 }, function(net)
      return function() return net.byname["r-2"].status ~= "crashed" or net:now() < 2 end
    end, function(net)
      for _, node in ipairs(net.nodes) do
        for i = 1, 2 do
          net:at(i, function() node:crash() end)
          net:at(i + 0.5, function() node:restart() end)
        end
        net:at(0.5, function() node:pause() end)
        net:at(0.6, function() node:resume() end)
        net:at(0.7, function() node:clock { skew = 5 } end)
      end
      net:at(0.2, function() net:partition({ "r-1" }, { "s" }) end)
    end))
    assert.same({ "2nd crash of r-2" }, story.faults)
  end)

  it("has no restart after a crash that does not happen", function()
    local starts = 0
    local function run()
      local net <const> = sim.new { output = function() end }
      net:node("n", function() starts = starts + 1 require "mcast".sleep(9) end)
      net:at(1, function() net.nodes[1]:crash() end)
      net:at(2, function() net.nodes[1]:restart() end)
      net:run()
    end
    sim.replay(run, 1, { "crash of n" })
    assert.equal(2, starts)
    sim.replay(run, 1, {})
    assert.equal(3, starts)
  end)

  it("has a restart at its own time in each run", function()
    local times
    local function run()
      local net <const> = sim.new { output = function() end }
      net:node("n", function() require "mcast".sleep(9) end)
      net:at(1, function() net.nodes[1]:crash() end)
      for time = 2, 3 do
        net:at(time, function() net.nodes[1]:restart() end)
      end
      net:run()
      times = {}
      for _, event in ipairs(net.trace) do
        times[#times + 1] = event.kind == "restart" and event.time or nil
      end
    end
    assert.same({}, sim.replay(run, 1, { "crash of n", "2nd restart of n" }))
    assert.same({ 2, 3 }, times)
    assert.same({}, sim.replay(run, 1, { "2nd restart of n" }))
    assert.same({ 3 }, times)
  end)

  it("does not turn to another failure", function()
    local story <const> = sim.shrink(scenario({ loss = 0.1 }, lacks(20), function(net)
      local one <const> = received(net, "r-1")
      net:always(function() return one(20) == nil end, "another failure")
    end), failing(scenario({ loss = 0.1 }, lacks(20))))
    assert.matches("^all is well", story.message)
    assert.same({ "lost: s's 20th datagram to 239.1.2.3:5000 at r-1" }, story.faults)
  end)

  it("keeps a condition that is not judged, whenever the run ends", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = sim.new { seed = seed, output = function() end }
      net:node("n", function() require "mcast".sleep(9) end)
      net:at(1, function() net.nodes[1]:crash() end)
      net:eventually(function() return true end, "late", { after = 20, within = 1 })
      net:run(2)
      net:run(net.nodes[1].status == "crashed" and 3 or 4)
    end, 1)
    assert.same({}, story.faults)
    assert.matches("^late is not judged", story.message)
  end)

  it("keeps a bound that is exceeded, with any numbers", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = sim.new { seed = seed, kept = 50, duplicate = 0.5, output = function() end }
      net:node("n", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        while true do
          sock:sendto("x", "239.1.2.3", 5000)
          mcast.sleep(1)
        end
      end)
      net:node("m", function()
        local sock <const> = assert(require "mcast".socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        for _ in sock:datagrams() do end
      end)
      net:run(99)
    end, 1)
    assert.same({}, story.faults)
    assert.matches("the bound 'kept'", story.message)
  end)

  it("keeps the error of a node", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = sim.new { seed = seed, loss = 0.5, output = function() end }
      net:node("a", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        for i = 1, 30 do
          assert(i == tonumber((sock:recvfrom())), "a gap")
        end
      end)
      net:node("b", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket())
        for i = 1, 30 do
          sock:sendto(tostring(i), "239.1.2.3", 5000)
        end
      end, {}, { start = 1 })
      net:run()
    end, 1)
    assert.equal(1, #story.faults)
    assert.matches("^lost: b's %d+%a%a datagram from port %d+ to 239.1.2.3:5000 at a$", story.faults[1])
  end)

  it("distinguishes the nets of a scenario", function()
    local story <const> = sim.shrink(function(seed)
      local crashed = 0
      for _ = 1, 2 do
        local net <const> = sim.new { seed = seed }
        net:node("n", function() require "mcast".sleep(9) end)
        net:at(1, function() net.nodes[1]:crash() end)
        net:run()
        crashed = crashed + (net.nodes[1].status == "crashed" and 1 or 0)
      end
      assert(crashed < 2)
    end, 1)
    assert.same({ "crash of n", "net 2: crash of n" }, story.faults)
  end)

  it("passes the parameters of vary to each run", function()
    local vary <const> = { n = { 11, 19 } }
    local function f(seed, p)
      scenario({ loss = 0.1 }, lacks(p.n))(seed)
    end
    local seed = 0
    repeat
      seed = seed + 1
      local found <const>, story = pcall(sim.shrink, f, seed, { vary = vary })
      if found then
        assert.matches("lost: s's 1%dth datagram to 239.1.2.3:5000 at r%-1", story.faults[1])
        assert.is_false((pcall(sim.replay, f, seed, story.faults, { vary = vary })))
      end
    until found
  end)

  it("finds a loss behind a router", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = sim.new { seed = seed, loss = 0.5, output = function() end }
      net:router("gate", { "lan", net:lan "far" })
      local gap = false
      net:node("a", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        for i = 1, 9 do
          gap = gap or i ~= tonumber((sock:recvfrom()))
        end
      end, {}, { lans = { "far" } })
      net:node("b", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000, ttl = 9 })
        for i = 1, 30 do
          mcast.sleep(0.1)
          assert(sock:sendto(tostring(i), "239.1.2.3", 5000))
        end
      end)
      net:always(function() return not gap end, "no gap")
      net:run(9)
    end, 5)
    assert.equal(1, #story.faults)
    assert.matches("^lost: b's %d%a%a datagram to 239.1.2.3:5000 at [ag]", story.faults[1])
  end)

  it("leaves latencies as they are", function()
    local function f(seed)
      scenario({ loss = 0.1 }, lacks(9), function(net)
        net:set { latency = function(_, _, random) return 0.01 + 0.02 * random() end }
      end)(seed)
    end
    local story <const> = shrink(f)
    assert.equal(1, #story.faults)
    assert.is_true(story.before < 40)
  end)

  it("shrinks failing elections to five faults in the median #slow", function()
    local after = {}
    for seed = 1, 9 do
      local story <const> = sim.shrink(function()
        local leaders = 0
        local net <const> = sim.new { seed = seed, delay = { 0.001, 0.01 }, loss = 0.1, duplicate = 0.1,
          output = function(_, line) leaders = leaders + (line == "leads" and 1 or -1) end }
        for i = 1, 5 do
          net:node("node-" .. i, "examples/simulator/election.lua", { i })
        end
        net:chaos()
        net:always(function() return leaders <= 1 end, "at most one leader")
        net:run(10)
      end, seed)
      after[seed] = #story.faults
    end
    table.sort(after)
    assert.is_true(after[5] <= 5, after[5])
  end)

  it("has no fault where none is needed", function()
    local story <const> = sim.shrink(scenario({ loss = 0.5 }, function(net) return function() return net:now() < 1 end end), 1)
    assert.same({}, story.faults)
    assert.matches("\nwith 0 of %d+ faults and 1 of 4 nodes %(%a", tostring(story))
  end)

  it("prints the times and bytes of the faults", function()
    assert.matches("^seed %d+: all is well does not hold at [^\n]*\nwith 1 of %d+ faults and 2 of 4 nodes %(r%-1, s%):\n"
      .. "     0.900000 s  lost: s's 9th datagram to 239.1.2.3:5000 at r%-1  \"n9\"$",
      tostring(shrink(scenario({ loss = 0.1 }, lacks(9)))))
  end)

  it("makes no list of faults before it is tried", function()
    local list, count, tried = {}, 0, 0
    for i = 1, 3000 do
      list[i] = i
    end
    debug.sethook(function() count = count + 1 end, "", 1000)
    local left <const> = ddmin.run(list, function(lists)
      tried = tried + #lists
      return nil
    end)
    debug.sethook()
    assert.equal(list, left)
    assert.is_true(tried > 6000)
    assert.is_true(count < 5000, count)
  end)

  it("keeps the beginning of a datagram alone", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = sim.new { seed = seed, loss = 1, output = function() end }
      net:node("r", function()
        local sock <const> = assert(require "mcast".socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        sock:recvfrom()
      end)
      net:node("s", function()
        local sock <const> = assert(require "mcast".socket { port = 5000 })
        assert(sock:sendto(("datagram "):rep(5000), "239.1.2.3", 5000))
      end, {}, { start = 1 })
      net:run(2)
      assert(net.byname.r.status == "ended", "nothing")
    end, 1)
    assert.matches('  "datagram datagram datagram dat%.%.%."\n', tostring(story) .. "\n")
    assert.is_true(#story.details[1].data < 100)
  end)

  it("returns the best result when its time is up", function()
    local f <const> = scenario(all_kinds, lacks_two)
    local seed <const> = failing(f)
    local story <const> = sim.shrink(function(n)
      local till <const> = require "mcast".now() + 0.4
      repeat until require "mcast".now() > till
      f(n)
    end, seed, { seconds = 4, jobs = 1 })
    assert.is_true(#story.faults > 0 and #story.faults <= story.before)
    assert.is_true(story.runs < 14) -- of 0.4 s each, but the last ones of three searches
    assert.is_false((pcall(sim.replay, f, seed, story.faults, story.options)))
  end)

  it("goes on after a run that does not end #slow", function()
    local seed <const> = failing(scenario({ loss = 0.04 }, lacks(9)))
    local story <const> = sim.shrink(scenario({ loss = 0.04 }, lacks(9), function(net)
      local one <const> = received(net, "r-1")
      net:always(function()
        local ninth <const> = one(9)
        while ninth and net:now() > 3.95 do end
      end, "no end")
    end), seed, { seconds = 30 })
    assert.is_true(story.before > 2)
    assert.equal(1, #story.faults)
  end)

  local function story_of(name)
    local path <const> = helper.script(([[
      local sim = require "mcast.sim"
      local list, name = { "n", { 2, deep = true } }, %q
      local function script() require "mcast".sleep(5) end
      local function scenario(seed, p)
        local net <const> = sim.new { seed = seed, output = function() end }
        local node <const> = net:node(name, script)
        for i = 1, 5 do
          net:at(i, function() node:crash() end)
          net:at(i + 0.5, function() node:restart() end)
        end
        net:always(function() return node.status ~= "crashed" or net:now() < list[2][1] + p.more end, "end")
        net:run(9)
      end
      return sim.shrink(scenario, 3, { vary = { more = { 1, 1 } } })
    ]]):format(name))
    return dofile(path)
  end

  it("writes a Lua file that replays the failure alone", function()
    local story <const> = story_of "n"
    local path <const> = helper.script ""
    assert.is_true(story:write_lua(path))
    local lines = 0
    for _ in io.lines(path) do
      lines = lines + 1
    end
    assert.is_true(lines <= 40)
    local output <const>, status = helper.run(helper.lua .. " " .. path)
    assert.equal(1, status)
    assert.matches("end does not hold at 3.000000 s with seed 3", output, 1, true)
  end)

  it("writes functions that call each other", function()
    local story <const> = dofile(helper.script [[
      local sim = require "mcast.sim"
      local odd, even, three
      function odd(n) return n > 0 and even(n - 1) end
      function even(n) return n == 0 or three(n) and odd(n - 1) end
      function three(n) return n < 3 and n >= 0 or three(n - 3) end
      return sim.shrink(function() assert(not even(4), "four") end, 1)
    ]])
    local path <const> = helper.script ""
    assert.is_true(story:write_lua(path))
    local output <const> = helper.run(helper.lua .. " " .. path)
    assert.matches(": four\n", output)
    assert.is_nil(output:find("nil value", 1, true))
  end)

  -- The definitions in the Lua file of a script's scenario, which fails.
  local function definitions(script)
    local story <const>, path = dofile(helper.script('local sim = require "mcast.sim"\n' .. script)), helper.script ""
    assert.is_true(story:write_lua(path))
    return contents(path):match "\n(.*)\n\nlocal function replay", helper.run(helper.lua .. " " .. path)
  end

  it("writes constants of compile time into a Lua file", function()
    local text <const>, output = definitions [[
      local UNUSED <const>, LOSS <const> = 5, 1 / 4
      local NAME <const> =
        "a\nb"
      local COUNT <const> = 2 * 4 -- nodes
      local function f() return COUNT end
      return sim.shrink(function() error(LOSS .. #NAME .. f()) end, 1)]]
    assert.matches('^local LOSS = 0.25\nlocal NAME = "a\\nb"\nlocal COUNT = 8\n', text)
    assert.matches("0.2538", output, 1, true)
    assert.is_nil(text:find "UNUSED")
  end)

  it("writes the function among several of one line", function()
    local text <const>, output = definitions [[
      local function call(f) return f() end
      return call(function() return sim.shrink(function(seed) assert(seed ~= 1, "first") end, 1) end)]]
    assert.equal('local function scenario(seed) assert(seed ~= 1, "first") end', text)
    assert.matches(": first\n", output)
  end)

  it("reports a Lua file that cannot be written", function()
    local story <const> = sim.shrink(function() error "bad" end, 1)
    local ok <const>, message, errno = story:write_lua "/nonexistent/x"
    assert.same({ nil, "/nonexistent/x: No such file or directory", 2 }, { ok, message, errno })
  end)

  it("marks the faults in a picture of their time", function()
    local story <const> = shrink(scenario({ loss = 0.1 }, lacks(30)))
    local path <const> = helper.script ""
    assert.is_true(story:write_svg(path))
    local picture <const> = contents(path)
    assert.matches("lost: s's 30th", picture, 1, true)
    assert.matches(">3.4 s<", picture, 1, true)
    assert.is_nil(picture:find(">2.8 s<", 1, true))
  end)

  it("marks no fault that does not happen", function()
    local story <const> = shrink(scenario({ loss = 0.1 }, lacks(30)))
    local path <const>, marks = helper.script "", {}
    assert.is_true(story:write_timeline(path))
    for mark in contents(path):gmatch "lost: s's %w+" do
      marks[mark] = true
    end
    assert.same({ ["lost: s's 30th"] = true }, marks)
  end)

  it("reports a picture that cannot be written", function()
    local story <const> = shrink(scenario({ loss = 0.1 }, lacks(30)))
    for _, name in ipairs { "write_svg", "write_timeline" } do
      local ok <const>, message, errno = story[name](story, "/nonexistent/x")
      assert.same({ nil, "/nonexistent/x: No such file or directory", 2 }, { ok, message, errno })
    end
  end)

  it("has no picture without a net or a trace", function()
    local bare <const> = sim.shrink(function() error "bad" end, 1)
    assert.same({ nil, "the scenario has no net" }, { bare:write_svg "/nonexistent/x" })
    local untraced <const> = sim.shrink(function() sim.new { trace = false } error "bad" end, 1)
    assert.matches("the net keeps no trace", select(2, untraced:write_timeline "/nonexistent/x"), 1, true)
  end)

  it("shrinks the shortest failure of a sweep", function()
    local f <const> = scenario(all_kinds, lacks_two)
    local print <const>, lines = print, {}
    _G.print = function(line) lines[#lines + 1] = line end
    helper.defer(function() _G.print = print end)
    local failed <const> = sim.sweep { seeds = { 1, 40 }, scenario = f, shrink = 30 }
    local stories = {}
    for _, failure in ipairs(failed) do
      stories[#stories + 1] = failure.story
    end
    assert.equal(1, #stories)
    assert.equal(2, #stories[1].faults)
    assert.equal(tostring(stories[1]), lines[#lines])
  end)

  it("refuses seeds that do not fail", function()
    assert.error_matches(function() sim.shrink(function() end, 7) end, "shrink: seed 7 does not fail")
  end)

  it("refuses seeds whose worker ends early", function()
    assert.error_matches(function() sim.shrink(function() os.exit(3) end, 7) end, "shrink: the worker of seed 7 ended early")
  end)

  for message, arguments in pairs {
    ["bad argument #1 to 'shrink' (function expected, got nil)"] = { nil, 1 },
    ["bad argument #2 to 'shrink' (integer, or text of a run expected, got nil)"] = { error },
    ["unknown option 'second'"] = { error, 1, { second = 1 } },
    ["bad option 'seconds' (seconds above 0 expected, got 0)"] = { error, 1, { seconds = 0 } },
  } do
    it("refuses arguments: " .. message, function()
      assert.error_matches(function() sim.shrink(arguments[1], arguments[2], arguments[3]) end, message, 1, true)
    end)
  end

  it("refuses faults that are no text", function()
    assert.error_matches(function() sim.replay(error, 1, { 1 }) end, "bad fault 1 (text expected, got 1)", 1, true)
  end)
end)
