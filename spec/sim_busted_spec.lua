-- Sweeps as specs of busted: each test runs busted on small files of specs.
local helper <const> = require "spec.support.helper"

local root <const> = helper.check("pwd"):match "[^\n]+" .. "/"

-- The modules of this process, for one in another folder.
local modules <const> = ('package.path, package.cpath = %q, %q require "spec.support.borrow"\n'):format(
  package.path:gsub("%./", root), package.cpath)

local prelude <const> = 'local it_holds, sim = require "mcast.sim.busted".it_holds, require "mcast.sim"\n'

-- A spec that fails where r lacks the third of nine datagrams: a line.
local lossy <const> = [[{ seeds = { 1, 20 }, scenario = function(seed)
  local net, got = sim.new { seed = seed, loss = 0.2, output = function(_, line) print(line) end }, {}
  net:node("r", function()
    local sock = assert(require "mcast".socket { port = 5000 })
    assert(sock:join "239.1.2.3")
    for data in sock:datagrams() do got[data] = true print(data) end
  end)
  net:node("s", function()
    local sock = assert(require "mcast".socket())
    for i = 1, 9 do assert(sock:sendto("n" .. i, "239.1.2.3", 5000)) require "mcast".sleep(1) end
  end)
  net:always(function() return not got.n4 or got.n3 == true end, "n3 is before n4")
  net:run(10)
end }]]

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- A folder with files of specs by name; returns it.
local function folder(specs)
  local path <const> = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -r " .. path) end)
  write(path .. "/busted", modules .. 'require "busted.runner" { standalone = false }\n')
  helper.check("mkdir " .. path .. "/spec")
  for name, text in pairs(specs) do
    write(("%s/spec/%s_spec.lua"):format(path, name), prelude .. text)
  end
  return path
end

local function within(path, command)
  return helper.run(("cd %s && %s"):format(path, command))
end

-- Runs busted in a folder, or in a new one of files by name, or with this text of a file; returns the output, the exit status
-- and the folder.
local function busted(specs, environment, options)
  local path <const> = type(specs) == "table" and folder(specs) or specs:find "^/[^\n]+$" and specs or folder { a = specs }
  local output <const>, status = within(path, ("%s %s busted %s"):format(environment or "", helper.lua, options or ""))
  return output, status, path
end

local function files(path)
  return within(path, "find . -path './?*/*' -type f ! -path './spec/*' | LC_ALL=C sort")
end

-- Runs a command that replays a seed; under a sanitizer its interpreter is that of the scripts of specs.
local function again(path, command)
  return within(path, (command:gsub("%S+ busted ", helper.lua .. " busted ", 1)))
end

-- The command that an output shows.
local function replay(output)
  return assert(output:match "\nreplay: ([^\n]*)", output)
end

helper.long("sweeps as specs", function()
  it("holds where no seed fails, and writes nothing", function()
    local output <const>, status, path = busted 'it_holds("a", { seeds = { 1, 4 }, scenario = function() print "x" end })'
    assert.matches("^%+\n1 success / 0 failures / 0 errors / 0 pending : [%d.]+ seconds\n$", output)
    assert.equal(0, status)
    assert.equal("", (files(path)))
  end)

  it("reports seeds, the story and a replay of a failure", function()
    local output <const>, status = busted('describe("all", function() it_holds("is well", ' .. lossy .. ") end)")
    assert.equal(1, status)
    assert.matches("^%-\n0 successes / 1 failure / 0 errors / 0 pending : [%d.]+ seconds\n\n"
      .. "Failure %-> spec/a_spec.lua @ 2\nall is well\nspec/a_spec.lua:2: %d of 20 seeds failed\n"
      .. "  seed %d+: n3 is before n4 does not hold at 3.000100 s", output)
    assert.matches("\nwith 1 of %d+ faults:\n +2.000000 s  lost: s's 3rd datagram from port %d+ to 239.1.2.3:5000 at r ",
      output)
    assert.matches("\nreplay: MCAST_SEED=%d+ %S+ busted %-%-filter '^all is well$'\n", output)
  end)

  it("writes a picture, a page and a Lua file", function()
    local output <const>, _, path = busted('describe("all", function() it_holds("is well", ' .. lossy .. ") end)")
    local seed <const> = replay(output):match "MCAST_SEED=(%d+)"
    local base <const> = "stories/spec-a_spec-all-is-well-seed-" .. seed
    assert.equal(("./%s.html\n./%s.lua\n./%s.svg\n"):format(base, base, base), (files(path)))
    for _, kind in ipairs { ".svg", ".html", ".lua" } do
      assert.matches("\nwritten: " .. base .. kind .. "\n", output, 1, true)
    end
    assert.matches("</svg>\n$", read(("%s/%s.svg"):format(path, base)))
    assert.matches("</html>\n$", read(("%s/%s.html"):format(path, base)))
    assert.matches("n3 is before n4 does not hold at 3.000100 s with seed " .. seed,
      (within(path, ("%s %s.lua"):format(helper.lua, base))))
  end)

  it("runs the shares of its spec alone by MCAST_LAUNCH", function()
    local specs <const> = { a = ('it_holds("is well", %s) it("x", function() end)'):format(lossy) }
    local here <const>, there = busted(specs), busted(specs, "MCAST_LAUNCH=sh")
    local report <const> = "\n(spec/a_spec.lua:2: %d+ of 20 seeds failed\n.-)\nseed"
    assert.matches("\nmcast [%d.]+, Lua ", there)
    assert.equal(here:match(report), (there:match(report):gsub("\nmcast [%d.]+, Lua [^\n]*", "")))
  end)

  it("replays the seed in its spec alone", function()
    local other <const> = 'it("x", error) it_holds("is well", ' .. lossy .. ")"
    local output <const>, _, path = busted({ a = ('describe("(a+)", function() %s end)'):format(other),
      b = ('describe("b", function() %s end) it_holds("c", { seeds = { 1, 2 }, scenario = error })'):format(other) })
    local n = 0
    for command in output:gmatch "\nreplay: ([^\n]*)" do
      local replayed <const>, status = again(path, command)
      assert.equal(1, status)
      assert.matches("0 successes / 1 failure / 0 errors / 0 pending", replayed, 1, true)
      n = n + 1
    end
    assert.equal(3, n)
  end)

  it("replaces the filter in a replay, and keeps other options", function()
    local output <const>, _, path = busted('it_holds("a b", ' .. lossy .. ') it("c", error)', nil,
      "--filter c --filter=b --filter-out=x spec/a_spec.lua -o plainTerminal")
    assert.matches("busted --filter '^a b$' --filter-out=x spec/a_spec.lua -o plainTerminal", replay(output), 1, true)
    assert.matches("0 successes / 1 failure / 0 errors", (again(path, replay(output))), 1, true)
  end)

  it("replays the parameters that the seed has drawn", function()
    local output <const>, _, path = busted [[it_holds("a", { seeds = { 1, 9 }, vary = { n = { 1, 9 } },
      scenario = function(_, p) assert(p.n < 5, "n is " .. p.n) end })]]
    local n <const> = output:match "seed %d+, n=(%d):"
    assert.matches("MCAST_VARY=n=%d", replay(output))
    assert.matches("spec/a_spec.lua:3: n is " .. replay(output):match "n=(%d)", (again(path, replay(output))), 1, true)
    assert.is_true(tonumber(n) >= 5)
  end)

  it("passes in a replay whose seed does not fail", function()
    local output <const>, status = busted('it_holds("a", { seeds = { 1, 4 }, scenario = function(s) assert(s == 2) end })',
      "MCAST_SEED=2")
    assert.matches("1 success / 0 failures", output, 1, true)
    assert.equal(0, status)
  end)

  it("fails at the line of the caller in a replay", function()
    local output <const> = busted('\n\nit_holds("a", ' .. lossy:gsub("20", "100") .. ")", "MCAST_SEED=10000")
    local failing <const> = busted('\n\nit_holds("a", { seeds = { 1, 1 }, scenario = function() error("bad", 0) end })',
      "MCAST_SEED=1")
    assert.matches("Failure -> spec/a_spec.lua @ 4\na\nspec/a_spec.lua:4: bad\n", failing, 1, true)
    assert.is_nil(output:find "lua/mcast")
  end)

  it("reports a scenario that raises", function()
    local output <const> = busted 'it_holds("a", { seeds = { 1, 4 }, scenario = function() error "bad" end })'
    assert.matches("spec/a_spec.lua:2: 4 of 4 seeds failed\n  seed 1: spec/a_spec.lua:2: bad\n", output, 1, true)
    assert.matches("not written: stories/spec-a_spec-a-seed-1.svg (the scenario has no net)\n", output, 1, true)
  end)

  it("reports a folder that cannot be made", function()
    local output <const> = busted('it_holds("a", ' .. lossy .. ")", "MCAST_STORIES=busted/stories")
    assert.matches("\nnot written: busted/stories: [^\n]*File exists", output)
    assert.matches("lost: s's 3rd datagram", output)
    assert.matches("1 failure / 0 errors", output, 1, true)
  end)

  it("writes into the folder of the option, or of MCAST_STORIES", function()
    local specs <const> = lossy:gsub("^{", '{ folder = "one/two/", ')
    local _, _, path = busted(('it_holds("a", %s) it_holds("b", %s)'):format(specs, lossy), "MCAST_STORIES=$PWD/three")
    local list <const> = files(path):gsub("%-seed%-%d+", "")
    assert.equal("./one/two/spec-a_spec-a.html\n./one/two/spec-a_spec-a.lua\n./one/two/spec-a_spec-a.svg\n"
      .. "./three/spec-a_spec-b.html\n./three/spec-a_spec-b.lua\n./three/spec-a_spec-b.svg\n", list)
  end)

  it("gives each spec files of its own, by safe names", function()
    local names <const> = { "a<b", "a>b", "a/../b", ("é"):rep(200), "a'b", "a\nb", "../x" }
    local text = ""
    for _, name in ipairs(names) do
      text = text .. ("it_holds(%q, %s)\n"):format(name, lossy)
    end
    local _, _, path = busted(text)
    local list <const> = files(path)
    local safe <const> = select(2, list:gsub("%./stories/spec%-a_spec%-[%w_-]+%.%l+\n", ""))
    assert.equal(3 * #names, safe, list)
    assert.equal(safe, select(2, list:gsub("\n", "")))
  end)

  it("writes a Lua file that has the assert of busted", function()
    local output <const>, _, path = busted [[it_holds("a", { seeds = { 1, 1 }, scenario = function(seed)
      assert.equal(2, seed) end })]]
    local replayed <const> = within(path, ("%s -e '%s' %s"):format(helper.lua, modules, output:match "written: (%S+%.lua)"))
    assert.matches("Expected objects to be equal", replayed, 1, true)
  end)

  it("shrinks nothing where that is asked for", function()
    local output <const>, _, path = busted('it_holds("a", ' .. lossy:gsub("^{", "{ shrink = false, ") .. ")")
    assert.is_nil(output:find "lost: ")
    assert.matches("^MCAST_SEED=", replay(output))
    assert.equal("", (files(path)))
  end)

  it("fails where no seed has seen a situation of reach", function()
    local output <const>, status = busted 'it_holds("a", { seeds = { 1, 4 }, reach = "x", scenario = function() end })'
    assert.equal(1, status)
    assert.matches("spec/a_spec.lua:2: 0 of 4 seeds failed\nnever seen in any seed: x", output, 1, true)
  end)

  it("fails where no seed has seen a situation of the scenario", function()
    local text <const> = 'it_holds("a", { %s seeds = { 1, 4 }, scenario = function() sim.new():sometimes "x" end })'
    assert.matches("spec/a_spec.lua:2: 0 of 4 seeds failed\nnever seen in any seed: x\n", (busted(text:format "")), 1, true)
    assert.matches("1 success", (busted(text:format "reach = false,")), 1, true)
  end)

  it("has a command run the seeds, in the spec alone", function()
    local specs <const> = 'it("other", error) it_holds("a b", ' .. lossy .. ")"
    local output <const> = busted(specs, "MCAST_LAUNCH=sh")
    local here <const> = busted(specs)
    assert.equal(here:match "(spec/a_spec.lua:2: .-)\nseed ", output:match "(spec/a_spec.lua:2: .-)\nmcast ")
    assert.matches("lost: s's 3rd datagram", output, 1, true)
    assert.matches("0 successes / 1 failure / 1 error", output, 1, true)
  end)

  it("draws no progress bar beside busted's output", function()
    if not helper.has "python3" then
      pending "needs python3"
      return
    end
    local path <const> = folder { a = [[it_holds("a", { seeds = { 1, 1 }, scenario = function()
      os.execute "sleep 0.4"
      error "bad"
    end })]] }
    local output <const> = within(path, ("python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))' %s busted "
      .. "-o plainTerminal </dev/null"):format(helper.lua))
    assert.matches("^%-\r\n0 successes / 1 failure", output)
  end)

  it("refuses bad options at the line of the caller", function()
    local output <const>, status = busted '\nit_holds("a", { seeds = { 2, 1 }, scenario = error })'
    assert.equal(1, status)
    assert.matches("spec/a_spec.lua:3: bad option 'seeds' (a sweep of no seed, from 2 to 1)", output, 1, true)
    assert.matches("spec/a_spec.lua:2: bad option 'folder' (name expected, got 1)",
      (busted 'it_holds("a", { folder = 1 })'), 1, true)
    assert.matches("spec/a_spec.lua:2: bad argument #1 to 'it_holds' (name expected, got table)",
      (busted 'it_holds({})'), 1, true)
  end)

  it("refuses to be called within a spec", function()
    local output <const>, status = busted 'it("a", function() it_holds("b", { seeds = { 1, 1 }, scenario = print }) end)'
    assert.equal(1, status)
    assert.matches("spec/a_spec.lua:2: it_holds is called within a spec", output, 1, true)
  end)

  it("knows its name in each file, whatever a helper has loaded", function()
    local path <const> = folder { a = 'it_holds("a", { seeds = { 1, 1 }, scenario = error })',
      b = 'it_holds("b", { seeds = { 1, 1 }, scenario = error })' }
    write(path .. "/helper.lua", 'require "mcast.sim"')
    local output <const> = busted(path, nil, "--helper=helper.lua")
    assert.matches("--filter '^a$'", output, 1, true)
    assert.matches("--filter '^b$'", output, 1, true)
  end)

  it("refuses to run outside of busted", function()
    local path <const> = helper.script(prelude .. 'it_holds("a", {})')
    assert.matches(path .. ":2: it_holds is called outside of busted (run this file by busted)",
      (helper.run(helper.lua .. " " .. path)), 1, true)
  end)
end)
