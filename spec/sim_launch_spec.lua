-- Sweeps whose shares run in other processes, by a command.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

-- Five of its seeds fail.
local scenario <const> = [[
  local sim <const> = require "mcast.sim"
  local options <const> = { seeds = { 1, 100 }, vary = { n = { 2, 9 } }, launch = "sh", scenario = function(seed, p)
    local net <const> = sim.new { loss = 0.5 }
    net:sometimes "never"
    net:sometimes "awake"
    for _, name in ipairs { "node", "other" } do
      net:node(name, function()
        require "mcast".sleep(1 + seed / 100)
        require "mcast".note "awake"
      end)
    end
    net:partition("node", "other")
    net:run(99)
    assert(seed % 30 ~= 7, "bad: 5% of n")
    if seed == 50 then os.exit(3) end
  end }
]]

local show <const> = [[
  for _, failure in ipairs(sim.sweep(options)) do
    print(failure.seed, failure.message, failure.events, failure.vary and failure.vary.n)
  end
]]

-- A temporary file that is removed after the test; returns its path.
local function scratch(text)
  return helper.script(text or "")
end

-- Runs the scenario, and a text that follows it, as a script; returns its output, status and path.
local function run(text, environment)
  local path <const> = helper.script(scenario .. text)
  local output, status = helper.run(("%s %s %s"):format(environment or "", helper.lua, path))
  return output, status, path
end

-- The output, without the line that names the machine, and without the path.
local function plain(output, path)
  return (output:gsub("\nmcast [%d.]+, Lua [^\n]*", ""):gsub(path:gsub("%p", "%%%0"), "script"))
end

helper.long("a sweep by a command", function()
  it("finds the same failures as here", function()
    local here <const>, _, path = run(show, "MCAST_LAUNCH=")
    assert.matches("^5 of 100 seeds failed\n  seed 7, n=%d: [^\n]*bad: 5%% of n\n", here)
    assert.matches("\n50\tthe worker ended with exit status 3\tnil\t%d\n", here)
    assert.matches("\ntouched no copy in any seed: [^\n]*\nnever seen in any seed: never\n", here)
    local there <const>, _, other = run(show)
    assert.equal(plain(here, path), plain(there, other))
  end)

  it("finds the same failures by priorities, and the first ones", function()
    for _, text in ipairs { "options.strategy = 'priorities' ", "options.failures = 3 " } do
      local here <const>, _, path = run(text .. show, "MCAST_LAUNCH=")
      local there <const>, _, other = run(text .. show)
      assert.matches("^[35] of %d+ seeds failed\n", here)
      assert.equal(plain(here, path), plain(there, other))
    end
  end)

  it("passes shares to the command of MCAST_LAUNCH, a line each", function()
    local lines <const>, shares = scratch(), {}
    run("options.shares = 4 sim.sweep(options)", ("MCAST_LAUNCH='tee %s | sh'"):format(lines))
    for line in io.lines(lines) do
      shares[#shares + 1] = line:match "^MCAST_SHARE=(%S+) "
    end
    assert.same({ "1-25", "26-50", "51-75", "76-100" }, shares)
  end)

  it("makes as many shares as each has seeds", function()
    local lines <const> = scratch()
    run("options.seeds = { -3, 7 } sim.sweep(options)", ("MCAST_LAUNCH='tee %s | sh'"):format(lines))
    local text <const> = assert(io.open(lines)):read "a"
    assert.same({ 4, "-3--1", "6-7" }, { select(2, text:gsub("\n", "")), text:match "^MCAST_SHARE=(%S+).*=(%S+) MCAST_SWEEP" })
  end)

  it("runs one sweep of a script, with its variables", function()
    local output <const> = run([[
      for _, bad in ipairs { 3, 5 } do
        sim.sweep { seeds = { 1, 6 }, launch = "env -u LIMIT -u MCAST_VARY sh", env = "LIMIT", vary = { n = { 1, 9 } },
          scenario = function(seed, p) assert(seed ~= bad or p.n ~= 4 or os.getenv "LIMIT" ~= "it's", "bad") end }
      end
    ]], [[LIMIT="it's" MCAST_VARY=n=4]])
    assert.matches("^1 of 6 seeds failed\n  seed 3, n=4: [^\n]*bad\n.*\n1 of 6 seeds failed\n  seed 5, n=4: ", output)
    assert.matches([[replay: LIMIT='it'\''s' MCAST_SEED=5 MCAST_VARY=n=4 MCAST_SWEEP=]], output, 1, true)
  end)

  it("reads results whatever the script prints", function()
    local output <const> = run([[
      io.write "begun "
      local failed <const> = sim.sweep(options)
      print(#failed)
      os.exit(#failed == 0)
    ]])
    assert.matches("^begun 5 of 100 seeds failed\n.*\n5\n$", output)
  end)

  it("leaves the lines of other shares to the command", function()
    local output <const> = run [=[
      options.launch = [[while read -r line; do sh -c "$line"; done]]
      local _ <const> = os.getenv "MCAST_SHARE" and io.read "a"
      sim.sweep(options)
    ]=]
    assert.matches("^5 of 100 seeds failed\n", output)
  end)

  it("fails for a situation that no share has seen", function()
    local output <const> = run("options.reach = true " .. show)
    assert.matches("\nnil\tnever seen in any seed: never\tnil\tnil\n$", output)
  end)

  it("names mcast and the C library with a failure", function()
    local host <const> = helper.check "uname -n"
    assert.matches("\nmcast [%d.]+, Lua 5%.%d, [%w .]+, maths %x+: [^\n]*" .. host:gsub("%p", "%%%0"), (run(show)))
  end)

  it("names machines that differ, and the one of a failure", function()
    local output <const> = run([[
      options.launch = "sh | sed '/share=[1-3]/{s/Lua%205/Lua%206/; s/host=./host=X/}'"
      local failed <const> = sim.sweep(options)
      print(failed[1].host, failed[1].machine)
    ]])
    assert.matches("\n  seed 7 on X%S+, n=%d: .*\n  seed 50 on [^X]", output)
    assert.matches("\nthe machines differ:\n  mcast [^\n]*, Lua 5[^\n]*: .*here.*\n  mcast [^\n]*, Lua 6[^\n]*: X", output)
    assert.matches("\nX%S+\tmcast [%d.]+, Lua 6", output)
  end)

  it("sees that another processor computes other digits", function()
    local file <const> = io.open "/proc/cpuinfo"
    if not (file and file:read "a":find " fma ") or not require "mcast.sim.worker".library:find "^glibc" then
      pending "needs a processor with fma, and glibc"
      return
    end
    local output <const> = run "options.launch = 'GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2 sh' sim.sweep(options)"
    assert.matches("\nthe machines differ:\n  (mcast [^\n]*, maths )%x+: [^\n]*\n  %1%x+: ", output)
  end)

  it("runs a share again that was killed", function()
    local output <const> = run(([[
      local first <const> = (os.getenv "MCAST_SHARE" or ""):match "^%%d+"
      if first == "31" and os.remove %q then os.execute "kill -9 $PPID" end
    ]]):format(scratch()) .. show)
    assert.matches("\nsweep: no result for seeds 31 to 40 (exit status 0), run again\n", "\n" .. output, 1, true)
    assert.matches("\n5 of 100 seeds failed\n", "\n" .. output)
    assert.not_matches("no result for .*no result for", output)
  end)

  it("names the seed that kills each of its shares", function()
    local output <const> = run([[
      local first <const>, last = (os.getenv "MCAST_SHARE" or ""):match "(%d+)-(%d+)"
      if first and first + 0 <= 45 and 45 <= last + 0 then os.execute "kill -9 $PPID" end
    ]] .. show)
    assert.matches("\n6 of 100 seeds failed\n", output)
    assert.matches("\n45\tits share has no result (exit status 137)\tnil\tnil\n", output, 1, true)
  end)

  it("runs shares again after a command that ends early", function()
    assert.matches("\n5 of 100 seeds failed\n", (run("options.launch = 'head -4 | sh'" .. show)))
  end)

  it("reports the seeds of shares without a result", function()
    local output <const> = run(([[options.launch = "rm %s && head -6 | sh"]]):format(scratch()) .. show)
    local text <const> = "no result for seeds 61 to 100 (exit status 1)"
    assert.matches("\n3 of 100 seeds failed\n.*\n" .. text:gsub("%p", "%%%0") .. "\n", output)
    assert.equal("nil\t" .. text .. "\tnil\tnil\n", output:match "[^\n]+\n$")
  end)

  it("raises where the command is not installed", function()
    local output <const>, status = run "options.launch = 'no-such-engine --jobs 2' sim.sweep(options)"
    assert.equal(1, status)
    assert.matches("launch: no share has a result (exit status 127): no-such-engine --jobs 2\n", output, 1, true)
  end)

  it("raises where the script does in each share", function()
    local output <const>, status = run "assert(not os.getenv 'MCAST_SHARE', 'no scenario here') sim.sweep(options)"
    assert.equal(1, status)
    assert.matches("no scenario here", output, 1, true)
    assert.matches("launch: no share has a result (exit status 1): sh\n", output, 1, true)
  end)

  it("refuses shares that are no part of it", function()
    for _, text in ipairs { "0-5", "99-101", "5-4", "5", "x", "1-99999999999999999999" } do
      local output <const>, status = run("sim.sweep(options)", "MCAST_SHARE=" .. text)
      assert.equal(1, status)
      assert.matches(("MCAST_SHARE: seeds of 1-100 expected, got '%s'\n"):format(text), output, 1, true)
    end
  end)

  it("runs shares again whose lines are broken", function()
    local output <const> = run("options.launch = [[sh | sed '/share=21-30/s/..$//']]" .. show)
    assert.matches("^sweep: no result for seeds 21 to 30 %(exit status 0%), run again\n5 of 100 seeds failed\n", output)
  end)
end)

-- Runs shares of the scenario on their own; returns the paths of their outputs.
local function outputs(shares)
  local paths <const>, path = {}, helper.script(scenario .. "print 'begun' sim.sweep(options)")
  for i, one in ipairs(shares) do
    paths[i] = scratch()
    helper.check(("MCAST_SHARE=%s %s %s > %s"):format(one, helper.lua, path, paths[i]))
  end
  return paths, path
end

-- The text that sim.merge prints for some files, and its failures.
local function merge(paths)
  local path <const> = helper.script [[
    for _, failure in ipairs(require "mcast.sim".merge(arg)) do
      print(failure.seed, failure.message, failure.events, failure.vary and failure.vary.n)
    end
  ]]
  return helper.run(("%s %s %s"):format(helper.lua, path, table.concat(paths, " ")))
end

helper.describe("sim.merge", function()
  it("prints the report of the sweep", function()
    local paths <const>, script = outputs { "51-100", "1-50" }
    local output <const>, _, path = run(show)
    assert.equal(plain(output, path), plain(merge(paths), script))
  end)

  it("counts a seed once that two files have", function()
    local paths <const>, script = outputs { "1-60", "31-100", "31-100" }
    local output <const>, _, path = run(show)
    assert.equal(plain(output, path), plain(merge(paths), script))
  end)

  it("keeps a failure of one machine where another one has none", function()
    local path <const> = helper.script [[
      require "mcast.sim".sweep { seeds = { 1, 9 }, scenario = function(seed) assert(seed ~= 5 or not os.getenv "BAD") end }
    ]]
    local good <const>, bad = scratch(), scratch()
    helper.check(("MCAST_SHARE=1-9 %s %s > %s; BAD=1 MCAST_SHARE=1-9 %s %s > %s"):format(helper.lua, path, good, helper.lua,
      path, bad))
    assert.matches("^1 of 9 seeds failed\n", (merge { good, bad }))
    assert.matches("^1 of 9 seeds failed\n", (merge { bad, good }))
  end)

  it("names the seeds without a result", function()
    local output <const> = merge(outputs { "5-40", "42-60", "61-90" })
    assert.matches("\nno result for seeds 1 to 4, 41, 91 to 100\n", output, 1, true)
    assert.equal("nil\tno result for seeds 1 to 4, 41, 91 to 100\tnil\tnil\n", output:match "[^\n]+\n$")
  end)

  it("refuses results of two sweeps", function()
    local paths <const>, other = outputs { "1-50" }, outputs { "51-100" }
    local output <const>, status = merge { paths[1], other[1] }
    assert.equal(1, status)
    assert.matches("a result of the sweep '[^']+:%d+' with seeds 1%-100 expected, got '[^']+' with 1%-100\n", output)
  end)

  it("refuses files without a result", function()
    local path <const> = scratch "mcast-share 9 share=1-2\n"
    assert.matches("merge: no result in " .. path, (merge { path }), 1, true)
    assert.matches("merge: /nowhere/x: No such file or directory", (merge { "/nowhere/x" }), 1, true)
    assert.matches("merge: no result in no file", (merge {}), 1, true)
    assert.matches("merge: list of paths expected", select(2, pcall(sim.merge, "results.txt")), 1, true)
  end)

  it("skips any line that is no whole result", function()
    local paths <const> = outputs { "1-100" }
    local whole <const> = assert(io.open(paths[1])):read "a":match "mcast%-share [^\n]+"
    math.randomseed(1)
    for _ = 1, 300 do
      local words <const> = {}
      for word in whole:match "%d+ (.*)":gmatch "%S+" do
        local at <const>, chance = math.random(#word), math.random(20)
        words[#words + 1] = chance == 1 and word:sub(1, at)
          or chance == 2 and word:sub(1, at - 1) .. string.char(math.random(33, 126)) .. word:sub(at + 1)
          or chance > 3 and word or nil
      end
      local text <const> = table.concat(words, " ")
      local path <const> = scratch(("mcast-share %d %s\n"):format(#text, text))
      local print <const> = print
      _G.print = function() end
      local ok, message = pcall(sim.merge, { path })
      _G.print = print
      assert(ok or message:find("merge: no result in ", 1, true) or message:find("a result of the sweep", 1, true), message)
    end
  end)
end)
