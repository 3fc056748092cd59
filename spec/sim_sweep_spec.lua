-- Sweeps: a scenario with many seeds.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local sweep <const> = require "spec.support.sweep"

-- Runs a script; returns its output, its exit status and its path.
local function run(text, environment)
  local path <const> = helper.script('local sim = require "mcast.sim"\n' .. text)
  local output, status = helper.run(("%s %s %s"):format(environment or "", helper.lua, path))
  return output, status, path
end

local function seeds(failed)
  local list = {}
  for i, failure in ipairs(failed) do
    list[i] = failure.seed
  end
  return list
end

helper.describe("sweeps", function()
  it("reports the number of failing seeds and how to replay one", function()
    local text <const> = [[
      local failed = sim.sweep { seeds = { 1, 40 }, jobs = 2, scenario = function(seed)
        local net = sim.new { seed = seed, output = function() end }
        local n = 0
        net:node("n", function() require "mcast".sleep(1) n = math.random(10) end)
        net:always(function() return n ~= 7 end, "never seven")
        net:run(2)
      end }
      os.exit(#failed == 0)
    ]]
    local output, status, script = run(text)
    local failing <const> = output:match "^(%d+) of 40 seeds failed\n  seed %d+: never seven does not hold at 1.000000 s"
    local fewest <const> = output:match "\nreplay: MCAST_SEED=(%d+)"
    assert.equal(1, status, output)
    assert.is_true(tonumber(failing) > 0 and tonumber(failing) < 15)
    assert.matches(("\nseed %s fails with the fewest events, %%d+\nreplay: MCAST_SEED=%s %%S+ %s\n$"):format(fewest, fewest,
      script), output)
    local replay = run(text, "MCAST_SEED=" .. fewest)
    assert.matches("never seven does not hold at 1.000000 s with seed " .. fewest, replay)
  end)

  it("replays a seed of a range in floats", function()
    local text <const> = [[
      sim.sweep { seeds = { 1.0, 2.0 }, scenario = function(seed) error(math.type(seed) .. " " .. seed, 0) end }
    ]]
    local output <const> = run(text)
    assert.matches("seed 2: integer 2\n.*replay: MCAST_SEED=1 ", output)
    assert.matches("integer 1\n", run(text, output:match "MCAST_SEED=%S+"))
  end)

  it("ends after so many failures, whatever the number of workers", function()
    local function scenario(seed)
      assert(seed % 20 ~= 0, "a multiple")
    end
    for jobs = 1, 5, 2 do
      local failed <const>, report <const> = sweep { seeds = { 1, 1000 }, failures = 2, jobs = jobs, scenario = scenario }
      assert.same({ 20, 40 }, seeds(failed))
      assert.matches("^2 of 40 seeds failed\n", report)
    end
    assert.equal(1, #sweep { seeds = { 1, 30 }, failures = 2, scenario = scenario })
  end)

  it("runs the second scenario of a script with its own workers", function()
    local first <const> = sweep { seeds = { 1, 4 }, scenario = function() error "first" end }
    local second <const> = sweep { seeds = { 1, 4 }, scenario = function(seed) assert(seed ~= 3, "second") end }
    assert.equal(4, #first)
    assert.same({ 3 }, seeds(second))
    assert.matches("second", second[1].message)
  end)

  it("replays the sweep that MCAST_SWEEP names alone", function()
    local text <const> = [[
      for i = 1, 2 do
        sim.sweep { seeds = { 1, 2 }, scenario = function(seed) assert(i ~= 2 or seed ~= 2, "bad " .. i .. seed) end }
      end
    ]]
    local output <const>, _, path = run(text)
    local name <const> = output:match "\nreplay: MCAST_SEED=2 MCAST_SWEEP='(%S+)' "
    assert.equal(path .. ":3#2", name)
    local function replay(seed)
      return helper.run(("MCAST_SEED=%d MCAST_SWEEP='%s' %s %s"):format(seed, name, helper.lua, path))
    end
    assert.matches("bad 22\n", (replay(2)))
    assert.equal("", (replay(1)))
  end)

  it("reports that MCAST_SWEEP names no sweep", function()
    local output <const> = run("sim.sweep { seeds = { 1, 1 }, scenario = error }", "MCAST_SWEEP=elsewhere.lua:1")
    assert.equal("MCAST_SWEEP=elsewhere.lua:1: no such sweep was called\n", output)
  end)

  it("finds a failure whatever the scenario prints", function()
    local output <const> = run [[
      local failed = sim.sweep { seeds = { 1, 4 }, jobs = 2, scenario = function(seed)
        io.write "." print "0 of 4 seeds failed"
        io.stdout:flush()
        assert(seed ~= 3, "bad")
      end }
      print(#failed)
    ]]
    assert.matches("^1 of 4 seeds failed\n  seed 3: [^\n]*bad\nreplay: [^\n]*\n1\n$", output)
  end)

  it("writes output of before the sweep once", function()
    local output <const> = run [[
      io.stdout:setvbuf "full"
      print "once"
      sim.sweep { seeds = { 1, 4 }, scenario = function() end }
    ]]
    assert.equal("once\n0 of 4 seeds failed\n", output)
  end)

  it("runs a net without a seed with the sweep's", function()
    local failed <const> = sweep { seeds = { 5, 7 }, scenario = function() error(tostring(sim.new().seed), 0) end }
    assert.same({ "5", "6", "7" }, { failed[1].message, failed[2].message, failed[3].message })
  end)

  it("begins each seed with the state of before the sweep", function()
    local n = 0
    local failed <const> = sweep { seeds = { 1, 8 }, jobs = 1, scenario = function()
      n = n + 1
      assert(n == 1)
    end }
    assert.same({}, failed)
    assert.equal(0, n)
  end)

  it("seeds the scenario's own random numbers as its replay does", function()
    local text <const> = "sim.sweep { seeds = { 9, 9 }, scenario = function() error(math.random(1e9 | 0), 0) end }"
    local number <const> = run(text):match "seed 9: (%d+)"
    assert.matches(number, (run(text, "MCAST_SEED=9")))
  end)

  it("names the seed of a worker that ends and keeps others' findings", function()
    local failed <const>, report = sweep { seeds = { 1, 20 }, jobs = 2, scenario = function(seed)
      assert(seed ~= 4)
      if seed == 13 then os.exit(7) end
      if seed == 14 then os.exit(true) end
      if seed == 15 then os.execute "kill -9 $PPID" end
      assert(seed ~= 20)
    end }
    assert.same({ 4, 13, 14, 15, 20 }, seeds(failed))
    assert.equal("the worker ended with exit status 7", failed[2].message)
    assert.equal("the worker ended with exit status 0", failed[3].message)
    assert.equal("the worker ended by signal 9", failed[4].message)
    assert.matches("\n  seed 13: the worker ended with exit status 7\n", report)
  end)

  it("ends a seed after its timeout", function()
    local failed <const> = sweep { seeds = { 1, 3 }, timeout = 0.25, scenario = function(seed)
      while seed == 2 do end
    end }
    assert.same({ 2 }, seeds(failed))
    assert.equal("no end within 0.25 s (timeout)", failed[1].message)
  end)

  it("keeps the named variables of the environment in the replay", function()
    local output <const> = run([[
      sim.sweep { seeds = { 1, 1 }, env = { "COUNT", "TEXT", "ABSENT" }, scenario = error }
    ]], [[COUNT=5 TEXT="it's" OTHER=1]])
    assert.matches([[replay: COUNT=5 TEXT='it'\''s' MCAST_SEED=1 ]], output, 1, true)
  end)

  it("replays the failure with the fewest events", function()
    local failed <const>, report = sweep { seeds = { 1, 30 }, scenario = function(seed)
      local net <const> = sim.new { output = print }
      net:node("n", function() for _ = 1, (seed - 18) ^ 2 + 1 do require "mcast".sleep(0.1) end end)
      net:run()
      error "bad"
    end }
    assert.equal(30, #failed)
    assert.is_true(failed[18].events < failed[17].events)
    assert.matches("\n  seed 10: [^\n]*\n  and 20 more\nseed 18 fails with the fewest events, %d+\n", report)
    assert.matches("\nreplay: MCAST_SEED=18 ", report, 1, true)
  end)

  for signal, how in pairs { INT = "is interrupted", KILL = "is killed" } do
    it("ends its workers when it " .. how, function()
      if signal == "KILL" and not io.open "/proc/self/stat" then
        pending "a process cannot follow another one here"
        return
      end
      local pipe <const>, pid = helper.start(helper.lua .. " " .. helper.script [[
        require "mcast.sim".sweep { seeds = { 1, 2 }, jobs = 2, scenario = function()
          io.stderr:write "begun\n"
          while true do end
        end }
      ]])
      assert.equal("begun", pipe:read "l")
      local workers <const> = helper.check("ps -o pid= --ppid " .. pid)
      helper.check(("kill -%s %s"):format(signal, pid))
      for worker in workers:gmatch "%d+" do
        helper.defer(function() helper.run("kill -9 " .. worker) end)
        helper.check(("while ps -o stat= -p %s | grep -q '^[RS]'; do sleep 0.01; done"):format(worker), 10)
      end
    end)
  end

  it("finalizes values of before the sweep once", function()
    local output <const> = run [[
      setmetatable({}, { __gc = function() io.stderr:write "gone\n" end })
      sim.sweep { seeds = { 1, 9 }, scenario = function() collectgarbage() end }
    ]]
    assert.equal("gone\n0 of 9 seeds failed\n", output)
  end)

  it("refuses options that it does not know", function()
    for message, options in pairs {
      ["unknown option 'scenaro'"] = { scenaro = error },
      ["missing option 'scenario' (function of a seed)"] = { seeds = { 1, 2 } },
      ["missing option 'seeds' ({first, last})"] = { scenario = error },
      ["unknown option 'time_out'"] = { time_out = 1 },
      ["bad option 'timeout' (seconds above 0 expected, got 0)"] = { timeout = 0 },
      ["bad option 'env' (list of names expected, got table)"] = { env = { N = "5" } },
      ["bad option 'seeds' (a sweep of no seed, from 5 to 4)"] = { seeds = { 5, 4 }, scenario = error },
    } do
      local ok <const>, got = pcall(sim.sweep, options)
      assert.is_false(ok)
      assert.matches(message, got, 1, true)
    end
  end)
end)
