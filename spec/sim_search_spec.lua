-- Strategies of a sweep, and the texts of runs that they choose.
local coverage <const> = require "mcast.sim.sweep.coverage"
local draws <const> = require "mcast.sim.sweep.draws"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local sweep <const> = require "spec.support.sweep"

-- The events of a run as lines, of nodes that draw, in a net with all kinds of faults.
local function play(seed, till)
  local net <const> = sim.new { seed = seed, delay = { 0.001, 0.05 }, loss = 0.1, duplicate = 0.1, output = function() end }
  for i = 1, 4 do
    net:node("n-" .. i, function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5000 })
      assert(sock:join "239.1.2.3")
      for k = 1, 100 do
        assert(sock:sendto(("%d %d"):format(k, math.random(1000)), "239.1.2.3", 5000))
        mcast.sleep(0.02 + 0.02 * math.random())
      end
    end)
  end
  net:chaos { every = 0.2 }
  net:at(0.5, function() net.core:record(nil, { kind = "note", text = tostring(net:random(1000)) }) end)
  net:at(1.5, function() net.core:record(nil, { kind = "note", text = tostring(net:random(1000)) }) end)
  net:run(till or 2)
  local lines = {}
  for i, event in ipairs(net.trace) do
    lines[i] = ("%.9f %s %s %s %s"):format(event.time, event.node, event.kind, event.data or event.text, event.reason)
  end
  return lines
end

-- How many lines two runs have in common at their beginning, and the time of the first other one.
local function common(one, other)
  local n = 0
  while one[n + 1] and one[n + 1] == other[n + 1] do
    n = n + 1
  end
  return n, tonumber(((other[n + 1] or one[n + 1] or "inf"):match "^%S+"))
end

helper.search("the text of a run", function()
  it("leads to the same trace each time", function()
    for _, text in ipairs { 17, "17,priorities", "17,1.1:99", "17,priorities,0.7:99,1.3:5" } do
      assert.same(play(text), play(text))
    end
  end)

  it("names a seed alone as its integer does", function()
    assert.same(play(17), play "17")
  end)

  it("leads to another trace by priorities", function()
    assert.are_not.same(play(17), play "17,priorities")
  end)

  it("keeps the run until the splice", function()
    local whole <const> = play(17)
    for _, time in ipairs { 0.3, 1.1 } do
      local n <const>, at <const> = common(whole, play(("17,%s:99"):format(time)))
      assert.is_true(n > 10 and at >= time and at < time + 0.1, at)
    end
    local _ <const>, at <const> = common(play "17,0.3:99", play "17,0.3:99,1.1:5")
    assert.is_true(at >= 1.1 and at < 1.2)
  end)

  for who, build in pairs {
    ["the scenario"] = function(net, note) net:at(1, function() note(net:random()) end) end,
    ["a node"] = function(net, note)
      net:node("n", function()
        require "mcast".sleep(1)
        note(math.random())
      end)
    end,
    ["chaos"] = function(net, note)
      local node <const> = net:node("n", function() require "mcast".sleep(9) end)
      net:chaos { kinds = { "pause" }, every = 0.1 }
      net:always(function()
        if node.paused and net:now() > 0.6 then
          note(net:now())
        end
      end)
    end,
  } do
    it("draws numbers of " .. who .. " anew from a splice on", function()
      local function first(seed)
        local net <const>, drawn = sim.new { seed = seed, output = function() end }, nil
        build(net, function(number) drawn = drawn or number end)
        net:run(2)
        return drawn
      end
      assert.are_not.equal(first(17), first "17,0.5:99")
      assert.are_not.equal(first "17,0.5:98", first "17,0.5:99")
      assert.equal(first(17), first "17,1.9:99")
    end)
  end

  it("leaves numbers that a node has seeded itself", function()
    local function draw(seed)
      local net <const>, drawn = sim.new { seed = seed }, nil
      net:node("n", function()
        math.randomseed(7)
        require "mcast".sleep(1)
        drawn = math.random()
      end)
      net:run(2)
      return drawn
    end
    assert.equal(draw(17), draw "17,0.5:99")
  end)

  it("holds for all nets of a sweep's run", function()
    local function scenario(seed)
      local net <const>, drawn = sim.new { seed = seed + 5 }, nil
      net:at(1, function() drawn = net:random(1000000) end)
      net:run(2)
      error(("%d %d %d"):format(seed, net.seed, drawn), 0)
    end
    local path <const> = helper.script('require "mcast.sim".sweep { seeds = { 1, 1 }, scenario = '
      .. [[function(seed)
        local net = require "mcast.sim".new { seed = seed + 5 }
        net:at(1, function() error(("%d %d %d"):format(seed, net.seed, net:random(1000000)), 0) end)
        net:run(2)
      end }]])
    local ok <const>, drawn = pcall(scenario, 17)
    assert.is_false(ok)
    local output <const> = helper.run(("MCAST_SEED=17,0.5:99 %s %s"):format(helper.lua, path))
    assert.matches("17 22 %d+", output)
    assert.not_matches(drawn, output, 1, true)
    assert.matches(drawn, helper.run(("MCAST_SEED=17,1.5:99 %s %s"):format(helper.lua, path)), 1, true)
  end)

  it("is refused where it is none", function()
    for _, text in ipairs { "", "x", "1.5", "17,", "17,pri", "17,3.2", "17,3.2:", "17,-1:2", "17,1:2:3", "17,1:2,priorities",
      1.5 } do
      assert.has_error(function() sim.new { seed = text } end)
    end
    local path <const> = helper.script 'require "mcast.sim".new()'
    assert.matches("MCAST_SEED is neither an integer nor the text of a run: 'x'\n",
      (helper.run(("MCAST_SEED=x %s %s"):format(helper.lua, path))))
  end)
end)

-- A sender sends pairs of datagrams to two groups that a receiver joins. wrong(count) fails the run: the count of pairs in a
-- row whose second datagram came first.
local function pairs_of_groups(options, wrong)
  local function receive()
    local mcast <const> = require "mcast"
    local first <close> = assert(mcast.socket { port = 7000 })
    local second <close> = assert(mcast.socket { port = 7001 })
    assert(first:join "239.1.2.3")
    assert(second:join "239.1.2.4")
    local last, count = 0, 0
    while true do
      for _, sock in ipairs(mcast.poll { first, second }) do
        local number <const> = tonumber((sock:recvfrom()))
        count = sock == first and count or number > last and count + 1 or 0
        last = sock == first and number or last
        mcast.note("count", tostring(count))
      end
    end
  end
  local function send()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket())
    for i = 1, 20 do
      assert(sock:sendto(tostring(i), "239.1.2.3", 7000))
      assert(sock:sendto(tostring(i), "239.1.2.4", 7001))
      mcast.sleep(0.01)
    end
  end
  return function(seed)
    local net <const> = sim.new { seed = seed, delay = options.delay, output = function() end }
    local receiver <const> = net:node("r", receive)
    net:node("s", send)
    net:always(function() return not wrong(tonumber(receiver.notes.count or 0)) end, "in order")
    net:run(1)
  end
end

local function twelve(count) return count >= 12 end

helper.search("a sweep by priorities", function()
  it("finds a reordering that goes on, which random seeds do not", function()
    local scenario <const> = pairs_of_groups({ delay = { 0.001, 0.004 } }, twelve)
    assert.equal(0, #sweep { seeds = { 1, 200 }, scenario = scenario })
    local failed <const>, report = sweep { seeds = { 1, 200 }, strategy = "priorities", scenario = scenario }
    assert.is_true(#failed > 1 and #failed < 50, #failed)
    assert.matches("^%d+,priorities$", failed[1].seed)
    assert.matches("\nreplay: MCAST_SEED=%d+,priorities ", report)
  end)

  it("reorders copies of a constant delay that would arrive together", function()
    local function once(count) return count > 0 end
    assert.equal(0, #sweep { seeds = { 1, 20 }, scenario = pairs_of_groups({}, once) })
    assert.is_true(#sweep { seeds = { 1, 20 }, strategy = "priorities", scenario = pairs_of_groups({}, once) } > 0)
  end)

  for name, delay in pairs { range = { 0.001, 0.004 }, constant = 0.001, function_ = function(random)
    return 0.001 + 0.003 * random()
  end } do
    it("keeps delays within those of the scenario: " .. name, function()
      for seed = 1, 20 do
        local net <const> = sim.new { seed = seed .. ",priorities", delay = delay }
        net:node("r", function()
          local mcast <const> = require "mcast"
          local sock <close> = assert(mcast.socket { port = 5000 })
          assert(sock:join "239.1.2.3")
          while true do sock:recvfrom() end
        end)
        net:node("s", function() assert(require "mcast".socket()):sendto("x", "239.1.2.3", 5000) end)
        net:run(1)
        local arrived
        for _, event in ipairs(net.trace) do
          arrived = event.kind == "deliver" and event.time or arrived
        end
        assert.is_true(arrived >= 0.001 and arrived <= (name == "constant" and 0.001001 or 0.004), arrived)
      end
    end)
  end

  -- The share of copies that r loses of those that s sends to it in 40 runs, and how many of these lose six in a row.
  local function losses(suffix)
    local lost, rows = 0, 0
    for seed = 1, 40 do
      local net <const> = sim.new { seed = seed .. suffix, loss = 0.2 }
      net:node("r", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        while true do sock:recvfrom() end
      end)
      net:node("s", function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket())
        for _ = 1, 200 do
          assert(sock:sendto("x", "239.1.2.3", 5000))
          mcast.sleep(0.01)
        end
      end)
      net:run(3)
      local row, longest = 0, 0
      for _, event in ipairs(net.trace) do
        row = event.kind == "drop" and row + 1 or event.kind == "deliver" and 0 or row
        lost = lost + (event.kind == "drop" and 1 or 0)
        longest = math.max(longest, row)
      end
      rows = rows + (longest >= 6 and 1 or 0)
    end
    return lost / (40 * 200), rows
  end

  it("loses as many copies, but together", function()
    local share <const>, rows = losses ""
    local late_share <const>, late_rows = losses ",priorities"
    assert.is_true(math.abs(share - 0.2) < 0.02 and math.abs(late_share - 0.2) < 0.05, share .. " " .. late_share)
    assert.is_true(rows < 3 and late_rows > 8 and late_rows < 30, rows .. " " .. late_rows)
  end)

  it("shrinks late copies as other sweeps do", function()
    local scenario <const> = pairs_of_groups({ delay = { 0.001, 0.004 } }, function(count) return count >= 2 end)
    local failed <const>, story = sweep { seeds = { 1, 20 }, strategy = "priorities", shrink = 30, scenario = scenario }, nil
    for _, failure in ipairs(failed) do
      story = story or failure.story
    end
    assert.equal(2, #story.faults, tostring(story))
    assert.matches("^late: s's %d+%a+ datagram from port %d+ to 239.1.2.3:7000 at r, after 0.00%d+ s$", story.faults[1])
    local ok <const>, message = pcall(sim.replay, scenario, story.seed, story.faults)
    assert.is_false(ok)
    assert.equal(story.message, message:match "^[^\n]*")
    local path <const> = helper.script ""
    assert(story:write_lua(path))
    local file <close> = assert(io.open(path))
    assert.matches(", \"" .. story.seed .. "\", {", file:read "a", 1, true)
  end)
end)

-- Fails where three gaps of three datagrams in a row come in one run; the receiver notes how many it has seen.
local function gaps(seed)
  local net <const> = sim.new { seed = seed, loss = 0.1, trace = false, output = function() end }
  local receiver <const> = net:node("r", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 7000 })
    assert(sock:join "239.1.2.3")
    local last, level = 0, 0
    for data in sock:datagrams() do
      local number <const> = tonumber(data:match "%d+")
      level = number > last + 3 and level + 1 or level
      last = number
      mcast.note("level", tostring(level))
    end
  end)
  net:node("s", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket())
    for i = 1, 40 do
      assert(sock:sendto("data " .. i, "239.1.2.3", 7000))
      mcast.sleep(0.1)
    end
  end)
  net:always(function() return tonumber(receiver.notes.level or 0) < 3 end, "fewer than three gaps")
  net:run(10)
end

helper.search("a sweep by novelty", function()
  local failed <const>, report = sweep { seeds = { 8001, 8340 }, strategy = "novelty", jobs = 2, scenario = gaps }
  local first <const> = failed[1]

  it("reaches by splices states that random seeds hardly reach", function()
    assert.equal(0, #sweep { seeds = { 8001, 8340 }, scenario = gaps })
    assert.is_true(first ~= nil, report)
    assert.matches("^%d+,[%d.]+:%d+,", first.seed)
  end)

  it("finds the same with any number of workers", function()
    for _, jobs in ipairs { 1, 40 } do
      assert.same(failed, sweep { seeds = { 8001, 8340 }, strategy = "novelty", jobs = jobs, scenario = gaps })
    end
  end)

  it("does not depend on the number of runs to come", function()
    local part <const> = sweep { seeds = { 8001, 8000 + first.run }, strategy = "novelty", scenario = gaps }
    assert.same({ first }, part)
  end)

  it("replays a failure in the same way", function()
    local ok <const>, message = pcall(function()
      require "mcast.sim.replay".once({ scenario = gaps, env = {} }, first.seed)
    end)
    assert.is_false(ok)
    assert.equal(first.message, message:match "^[^\n]*")
    assert.matches("with seed " .. first.seed, message, 1, true)
    assert.matches("\nreplay: MCAST_SEED=" .. first.seed .. " ", message, 1, true)
  end)

  it("shrinks a failure to its faults", function()
    local story <const> = sim.shrink(gaps, first.seed, { seconds = 30 })
    assert.equal(9, #story.faults, tostring(story))
    assert.equal(first.seed, story.seed)
    assert.same({}, (select(2, pcall(sim.replay, gaps, first.seed, {}))))
  end)

  it("keeps the parameters of the first seed of a splice", function()
    local spliced = 0
    local list <const> = sweep { seeds = { 1, 200 }, strategy = "novelty", vary = { loss = { 0.1, 0.3 } },
      scenario = function(seed, p)
        local net <const>, last = sim.new { loss = p.loss, output = function() end }, nil
        net:node("n", function()
          for i = 1, 9 do
            last = math.random(i)
            require "mcast".note("drawn", tostring(last))
            require "mcast".sleep(0.1)
          end
        end)
        net:run(1)
        assert(last ~= 9, ("%d %g"):format(seed, p.loss))
      end }
    for _, failure in ipairs(list) do
      assert.matches(("%s %g$"):format(tostring(failure.seed):match "%d+", failure.vary.loss), failure.message)
      spliced = spliced + (type(failure.seed) == "string" and 1 or 0)
    end
    assert.is_true(spliced > 0, #list)
  end)
end)

helper.search("the list of states of a run", function()
  -- Runs a client and a server, by their names; returns the net and, by state, the time at which it was reached.
  local function states(client, server)
    local net <const> = sim.new { delay = 0.001, output = function() end }
    net:node(server, function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5000 })
      mcast.note("role", "serves")
      for data, from in sock:datagrams() do
        assert(sock:sendto("answer " .. data, from))
      end
    end)
    net:node(client, function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket())
      for i = 1, 5 do
        assert(sock:sendto("ask " .. i, mcast.address("10.0.0.1", 5000)))
        sock:recvfrom(0.1)
      end
      mcast.note("round", "17")
      mcast.note "asked"
    end)
    net:at(0.0065, function() net.byname[server]:pause() end)
    net:at(0.0066, function() net.byname[server]:resume() end)
    net:at(0.0085, function() net:partition(client, server) end)
    net:run(2)
    local by_hash = {}
    local _ <const>, list = coverage.read(coverage.text { net })
    for _, state in ipairs(list) do
      by_hash[state.hash] = state.time
    end
    return function(...) return by_hash[draws.hash(table.concat({ ... }, "\0"))] end, by_hash
  end

  local reached <const>, all = states("client", "server")

  for name, state in pairs {
    ["an edge between kinds of datagrams"] = { 0.001, "edge", "ask", "answer" },
    ["the order of kinds that a node receives"] = { 0.003, "order", "ask", "ask" },
    ["a kind that a node with some notes receives"] = { 0.001, "received", "role=serves", "ask" },
    ["a note, by its number roughly"] = { 0.108, "turn", "", "round=16" },
    ["the notes of all nodes"] = { 0.108, "all", "role=serves*1;round=16*1" },
    ["a note without a value"] = { 0.108, "note", "asked", "answer" },
    ["a fault in the middle"] = { 0.0065, "fault", "pause", "role=serves", "ask" },
    ["a drop, with its reason"] = { 0.009, "drop", "partition", "", "answer" },
    ["how often a kind is sent, in powers of two"] = { 0.006, "count", "sent ask", 4 },
  } do
    it("includes " .. name, function()
      assert.equal(state[1], reached(table.unpack(state, 2)))
    end)
  end

  it("does not depend on names of nodes", function()
    assert.same(all, select(2, states("alice", "bob")))
  end)
end)

helper.search("the strategy of a sweep", function()
  it("is random where none is named", function()
    local function scenario(seed) error(sim.new().seed == seed and "bad", 0) end
    local failed <const> = sweep { seeds = { 5, 6 }, scenario = scenario }
    assert.same(failed, sweep { seeds = { 5, 6 }, scenario = scenario, strategy = "random" })
    assert.same({ { run = 1, seed = 5, message = "bad", events = 0 }, { run = 2, seed = 6, message = "bad", events = 0 } },
      failed)
  end)

  it("is refused where it is unknown", function()
    assert.has_error(function() sweep { seeds = { 1, 1 }, scenario = error, strategy = "luck" } end)
  end)
end)
