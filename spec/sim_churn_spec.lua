-- Net:churn: nodes that leave and come back, by distributions or by a trace.
local sim <const> = require "mcast.sim"

local function sleep()
  require "mcast".sleep(1e6)
end

local function net_of(names, options)
  options = options or {}
  options.output = function() end
  local net <const> = sim.new(options)
  for name in names:gmatch "%S+" do
    net:node(name, sleep)
  end
  return net
end

local letters <const> = { start = "s", restart = "r", crash = "c", ["end"] = "e" }

-- The events of each node's life, such as "s0 c2 r3", by its name.
local function lives(net, till)
  net:run(till)
  local list = {}
  for _, event in ipairs(net.trace) do
    local letter <const> = letters[event.kind]
    if letter then
      list[event.node] = (list[event.node] and list[event.node] .. " " or "") .. ("%s%.4g"):format(letter, event.time)
    end
  end
  return list
end

describe("churn", function()
  it("crashes after a session and restarts after an absence", function()
    local net <const> = net_of "a b"
    net:churn { session = 2, away = 1 }
    assert.same({ a = "s0 c2 r3 c5 r6", b = "s0 c2 r3 c5 r6" }, lives(net, 7))
  end)

  it("leaves other nodes alone", function()
    local net <const> = net_of "a b"
    net:churn { session = 2, away = 1, nodes = { "b" } }
    assert.same({ a = "s0", b = "s0 c2 r3" }, lives(net, 4))
  end)

  it("begins and ends at times", function()
    local net <const> = net_of "a"
    net:churn { session = 1, away = 1, from = 3, till = 6 }
    assert.same({ a = "s0 c4 r5 c6 r7" }, lives(net, 20))
  end)

  it("begins now", function()
    local net <const> = net_of "a"
    net:at(1, function() net:churn { session = 1, away = 0.5 } end)
    assert.same({ a = "s0 c2 r2.5" }, lives(net, 3))
  end)

  it("is the same in each run of a seed", function()
    local function life(seed)
      local net <const> = net_of("a b", { seed = seed })
      net:churn { session = { exponential = 1 }, away = { 0.1, 0.5 } }
      return lives(net, 9)
    end
    assert.same(life(5), life(5))
    assert.not_same(life(5), life(6))
    assert.not_equal(life(5).a, life(5).b)
  end)

  it("depends on no other node", function()
    local function life(names, more)
      local net <const> = net_of(names)
      net:churn { session = { exponential = 1 }, away = { mean = 0.5, deviation = 0.3 } }
      if more then
        net:node("z", sleep)
        net:chaos { kinds = { "pause" }, nodes = { "z" } }
      end
      return lives(net, 9).b
    end
    assert.equal(life("a b c", false), life("x b", true))
  end)

  it("draws anew for a second churn of a node", function()
    local net <const> = net_of "a"
    net:churn { session = { 1, 2 }, away = 0, till = 2 }
    net:churn { session = { 1, 2 }, away = 0, till = 2 }
    local _, crashes = lives(net, 3).a:gsub("c", "")
    assert.equal(2, crashes)
  end)

  it("restarts at once where nobody is away", function()
    local net <const> = net_of "a"
    net:churn { session = 1, away = 0 }
    assert.same({ a = "s0 c1 r1 c2 r2" }, lives(net, 2))
  end)

  it("leaves a node alone that has ended", function()
    local net <const> = net_of ""
    net:node("a", function() end)
    net:churn { session = 1, away = 1 }
    assert.same({ a = "s0 e0" }, lives(net, 5))
  end)

  it("restarts no node that another fault has crashed", function()
    local net <const> = net_of "a"
    net:churn { session = 2, away = 1, till = 3 }
    net:at(1, function() net.byname.a:crash() end)
    assert.same({ a = "s0 c1" }, lives(net, 5))
  end)
end)

describe("distributions of churn", function()
  -- The times between the starts and the crashes of 40 nodes.
  local function sessions(session)
    local names = {}
    for i = 1, 40 do
      names[i] = "n" .. i
    end
    local net <const> = net_of(table.concat(names, " "))
    net:churn { session = session, away = 0 }
    net:run(40)
    local since, list = {}, {}
    for _, event in ipairs(net.trace) do
      if event.kind == "crash" then
        list[#list + 1] = event.time - since[event.node]
      end
      since[event.node] = event.time
    end
    return list
  end

  local function moments(list)
    local sum, squares, least, most = 0, 0, math.huge, 0
    for _, value in ipairs(list) do
      sum, squares = sum + value, squares + value ^ 2
      least, most = math.min(least, value), math.max(most, value)
    end
    local mean <const> = sum / #list
    return mean, math.sqrt(squares / #list - mean ^ 2), least, most
  end

  it("draws from a range", function()
    local mean <const>, deviation <const>, least <const>, most <const> = moments(sessions { 1, 2 })
    assert.near(1.5, mean, 0.05)
    assert.near(1 / math.sqrt(12), deviation, 0.03)
    assert.is_true(least >= 1 and most <= 2)
  end)

  it("draws exponential times", function()
    local mean <const>, deviation <const>, least <const> = moments(sessions { exponential = 0.5, least = 0.25 })
    assert.near(0.75, mean, 0.06)
    assert.near(0.5, deviation, 0.06)
    assert.is_true(least >= 0.25)
  end)

  it("draws normal times, none below 0", function()
    local mean <const>, deviation <const> = moments(sessions { mean = 1, deviation = 0.1 })
    assert.near(1, mean, 0.02)
    assert.near(0.1, deviation, 0.02)
    local _, _, least <const> = moments(sessions { mean = 0.2, deviation = 0.5 })
    assert.is_true(least >= 0)
  end)

  it("calls a function with a source of numbers", function()
    local _, _, least <const>, most <const> = moments(sessions(function(random) return 1 + random() end))
    assert.is_true(least >= 1 and most <= 2 and most - least > 0.5)
  end)
end)

describe("a trace of churn", function()
  -- The example in SPLAY's own sources, as this reads it.
  local lines <const> = { "0 100 200", "0 200 300", "10 100 200 300", "200", "100 300" }
  local expected <const> = { a = "s0 c100 r200", b = "s0 c200 r300", c = "s10 c100 r200 c300", d = "s200", e = "s100 c300" }

  it("has a line for each node", function()
    local net <const> = net_of "a b c d e"
    net:churn { trace = lines }
    assert.same(expected, lives(net, 400))
  end)

  it("is read from a file", function()
    local path <const> = os.tmpname()
    local file <const> = assert(io.open(path, "w"))
    file:write(table.concat(lines, "\n"), "\n")
    file:close()
    local net <const> = net_of "a b c d e"
    net:churn { trace = path }
    os.remove(path)
    assert.same(expected, lives(net, 400))
  end)

  it("accepts lists of times", function()
    local net <const> = net_of "a b"
    net:churn { trace = { { 0, 1.5, 2 }, { 1 } }, from = 10 }
    assert.same({ a = "s0 c11.5 r12", b = "s11" }, lives(net, 20))
  end)

  it("is of the nodes of the option, in their order", function()
    local net <const> = net_of "a b c"
    net:churn { trace = { "0 1", "0 2" }, nodes = { "c", "a" } }
    assert.same({ a = "s0 c2", b = "s0", c = "s0 c1" }, lives(net, 5))
  end)

  it("begins no node without times", function()
    local net <const> = net_of "a b"
    net:churn { trace = { "", "0" } }
    assert.same({ b = "s0" }, lives(net, 5))
    assert.equal("crashed", net.byname.a.status)
  end)

  it("crashes a node that has begun, where it is away at first", function()
    local net <const> = net_of "a"
    net:at(1, function() net:churn { trace = { "2 3" } } end)
    assert.same({ a = "s0 c1 r3 c4" }, lives(net, 9))
  end)
end)

describe("the end of churn", function()
  it("changes no name of a restart by the scenario", function()
    local times
    local function run()
      local net <const> = sim.new { output = function() end }
      net:node("n", function() require "mcast".sleep(9) end)
      net:churn { trace = { "0 1 2" } }
      net:at(3, function() net.nodes[1]:restart() end)
      net:run()
      times = {}
      for _, event in ipairs(net.trace) do
        times[#times + 1] = event.kind == "restart" and event.time or nil
      end
    end
    assert.same({}, sim.replay(run, 1, { "crash of n", "restart of n" }))
    assert.same({ 2, 3 }, times)
    assert.same({}, sim.replay(run, 1, { "restart of n" }))
    assert.same({ 3 }, times)
  end)

  it("restarts all nodes in the end, and crashes none", function()
    local net <const> = net_of "a b"
    net:churn { trace = { "0 1 9 10", "7 8" } }
    net:eventually(function() return true end, "all is well", { after = 5, within = 1 })
    assert.same({ a = "s0 c1 r5", b = "s5" }, lives(net, 20))
  end)

  it("is a fault that a story names", function()
    local story <const> = sim.shrink(function(seed)
      local net <const> = net_of("a b", { seed = seed })
      net:churn { session = 2, away = 1 }
      net:always(function() return net:now() < 5 or net.byname.b.status == "running" end, "b runs")
      net:run(20)
    end, 1, { seconds = 20 })
    assert.matches("^2nd crash of b", story.faults[1])
    assert.equal(1, #story.faults)
  end)
end)

describe("options of churn", function()
  for _, case in ipairs {
    { {}, "missing option 'session' %(or 'trace'%)" },
    { { session = 1 }, "missing option 'away'" },
    { { session = "long", away = 1 }, "bad option 'session' %(seconds of 0 or more" },
    { { session = 0, away = { 0, 0 } }, "bad option 'session' %(above 0 expected" },
    { { session = 1, away = 1, nodes = { "z" } }, "no node 'z'" },
    { { session = 1, away = 1, nodes = {} }, "churn: no nodes" },
    { { session = 1, away = 1, rate = 1 }, "unknown option 'rate'" },
    { { session = 1, trace = {} }, "option 'trace' is in place of 'session' and 'away'" },
    { { trace = { "0 1" } }, "the trace is of 1 nodes, not 2" },
    { { trace = { "0 1", "0 x" } }, "bad option 'trace' %(entry 2: seconds of 0 or more expected, got 'x'%)" },
    { { trace = { "0 1", "3 1" } }, "bad option 'trace' %(entry 2: times in ascending order expected, got 1 after 3%)" },
    { { trace = { "0 1", 5 } }, "bad option 'trace' %(entry 2: line or list of times expected%)" },
    { { trace = "absent.txt" }, "absent.txt: No such file" },
  } do
    it("refuses: " .. case[2]:gsub("%%", ""), function()
      local net <const> = net_of "a b"
      local ok, message = pcall(net.churn, net, case[1])
      assert.is_false(ok)
      assert.matches(case[2], message)
    end)
  end

  it("names the line of a file", function()
    local path <const> = os.tmpname()
    local file <const> = assert(io.open(path, "w"))
    file:write "0 1\n0 nan\n"
    file:close()
    local ok, message = pcall(function() net_of "a b":churn { trace = path } end)
    os.remove(path)
    assert.is_false(ok)
    assert.matches(path .. ":2: seconds of 0 or more expected, got 'nan'", message, 1, true)
  end)

  it("refuses a result of a function", function()
    local net <const> = net_of "a"
    assert.error_matches(function() net:churn { session = function() return -1 end, away = 1 } net:run(5) end,
      "bad result of a distribution %(seconds of 0 or more expected, got %-1%)")
  end)

  it("refuses a time that is past", function()
    local net <const> = net_of "a"
    net:run(2)
    assert.error_matches(function() net:churn { session = 1, away = 1, from = 1 } end, "option 'from': 1.000000 s is past")
  end)
end)
