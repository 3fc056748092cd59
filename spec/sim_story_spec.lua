-- The story of a failing seed: its Lua file, its pictures, and the time that it may take.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function lines_of(text)
  return select(2, text:gsub("\n", "\n"))
end

-- A script whose scenario has so many lines of comments, and so many faults, which it all needs.
local function script(call, comments, faults)
  return helper.script(([[
local sim <const> = require "mcast.sim"
%s
local function scenario(seed, p)
  local net <const> = sim.new { seed = seed, output = function() end }
  local node <const> = net:node("n", function() require "mcast".sleep(9) end)
  local crashes = 0
  for i = 1, %d do
    net:at(i, function() node:crash() crashes = crashes + (node.status == "crashed" and 1 or 0) end)
    net:at(i + 0.5, function() node:restart() end)
  end
%s
  net:always(function() return crashes < %d end, "it " .. (arg[1] or "works"))
  net:run(99)
end
%s]]):format("", faults, ("  -- a line\n"):rep(comments), faults, call))
end

local write <const> = "assert(story:write_lua(assert(os.getenv 'WRITTEN')))\n"
local shrinks <const> = "local story <const> = sim.shrink(scenario, 3)\n" .. write
local sweeps <const> = [[
sim.sweep { seeds = { 1, 1 }, scenario = function() end }
for i = 1, 2 do
  local failed <const> = sim.sweep { seeds = { 3, 4 }, vary = { a = { 5, 5 } }, shrink = true, scenario = function(seed, p)
    assert(i == 2)
    scenario(seed + p.a)
  end }
  local story <const> = failed[1] and failed[1].story
  if story then ]] .. write .. "end\nend\n"

-- Runs a script with arguments; returns the text of the file that it writes, its path, and the script's output.
local function written(path, arguments)
  local file <const> = helper.script ""
  local output <const> = helper.check(("WRITTEN=%s %s %s %s"):format(file, helper.lua, path, arguments or ""))
  return contents(file), file, output
end

helper.long("the Lua file of a story", function()
  it("holds a short scenario", function()
    local text <const>, path = written(script(shrinks, 0, 1))
    assert.matches("local function scenario(seed, p)", text, 1, true)
    local output <const>, status = helper.run(helper.lua .. " " .. path)
    assert.equal(1, status)
    assert.matches("it works does not hold at 1.000000 s with seed 3\nreplay: ", output, 1, true)
    assert.matches(path .. "\nstack", output, 1, true)
  end)

  for name, row in pairs {
    ["the place of sim.shrink"] = { shrinks, 'replay%("%S*:%d+", 3, {\n', "at 1.000000 s with seed 3" },
    ["the place of a sweep, with its number"] = { sweeps, 'replay%("%S*:%d+#2", 3, {\n', "at 1.000000 s with seed 8" },
  } do
    it("names " .. name .. " where the scenario is long", function()
      local text <const>, path = written(script(row[1], 40, 1))
      assert.is_true(lines_of(text) <= 40)
      assert.matches(row[2], text)
      local output <const>, status = helper.run(helper.lua .. " " .. path)
      assert.equal(1, status)
      assert.matches("it works does not hold " .. row[3], output, 1, true)
      assert.is_nil(output:find "seeds failed")
    end)
  end

  for _, comments in ipairs { 0, 40 } do
    it("passes the program's arguments, with " .. comments .. " comments", function()
      local text <const>, path = written(script(shrinks, comments, 1), "holds --really")
      assert.matches('{ arg = { "holds", "--really" } }', text, 1, true)
      assert.matches("it holds does not hold", helper.run(helper.lua .. " " .. path), 1, true)
    end)
  end

  for faults, comments in pairs { [12] = 0, [45] = 40 } do
    it("has at most 40 lines, with " .. faults .. " faults", function()
      local text <const>, path = written(script(shrinks, comments, faults))
      assert.is_true(lines_of(text) <= 40, lines_of(text))
      assert.equal(faults, select(2, text:gsub("crash of n", "")))
      assert.matches(("it works does not hold at %d.000000 s"):format(faults), helper.run(helper.lua .. " " .. path), 1, true)
    end)
  end

  it("names a value that it cannot hold, where no file is", function()
    local out <const> = io.stdout
    local story <const> = load "local sim, f = ... local story = sim.shrink(f, 1) return story"(sim, function()
      error(tostring(out ~= nil))
    end)
    assert.same({ nil, "write_lua: 'out' cannot be written: it is a userdata" }, { story:write_lua "/nonexistent/x" })
  end)

  it("reports a long scenario that is in no file", function()
    local text <const> = contents(script("local story = sim.shrink(scenario, 3) return story", 40, 1))
    local story <const> = load(text)()
    assert.is_nil((story:write_lua "/nonexistent/x"))
  end)

  it("fails as a spec of busted until the mistake is mended", function()
    local source <const> = script(shrinks, 40, 1)
    local text <const>, path = written(source)
    local names, run = {}, nil
    local env <const> = setmetatable({ it = function(name, f) names[1], run = name, f end }, { __index = _G })
    load(text, "@" .. path, "t", env)()
    assert.same({ "it works (seed 3)" }, names)
    assert.error_matches(run, "does not hold at 1.000000 s", 1, true)
    local fixed <const> = contents(source)
    local file <close> = assert(io.open(source, "wb"))
    assert(file:write((fixed:gsub("crashes < 1", "crashes < 2"))))
    assert(file:close())
    run()
  end)

  it("holds the place of a spec that is long", function()
    local path <const> = helper.script(([[
      local it_holds <const>, sim <const> = require "mcast.sim.busted".it_holds, require "mcast.sim"
      describe("a block", function()
        before_each(function() error "not here" end)
        it("is not run", function() error "not here" end)
        it_holds("a spec", { seeds = { 1, 2 }, scenario = function() error "found" end })
      end)]]))
    assert.error_matches(function() sim.replay(path .. ":5", 1, {}) end, "found")
    assert.is_function(it)
  end)

  for message, row in pairs {
    ["replay: no file of 'x:1' (path:line expected)"] = "x:1",
    ["replay: no file of 'x' (path:line expected)"] = "x",
    ["bad argument #1 to 'replay' (function, or place of a sweep, expected, got 1)"] = 1,
  } do
    it("refuses a place: " .. message, function()
      assert.error_matches(function() sim.replay(row, 1, {}) end, message, 1, true)
    end)
  end

  it("refuses a place without a sweep", function()
    local path <const> = helper.script "local x = 1\nif x == 2 then error 'x' end"
    assert.error_matches(function() sim.replay(path .. ":1", 1, {}) end, "replay: no sweep is called at " .. path, 1, true)
    local broken <const> = helper.script "error 'broken'"
    assert.error_matches(function() sim.replay(broken .. ":1", 1, {}) end, "broken", 1, true)
  end)

  it("returns after a replay that does not fail", function()
    local path <const> = helper.script 'require "mcast.sim".shrink(function() end, 1)\nerror "not here"'
    assert.same({ "crash of n" }, sim.replay(path .. ":1", 1, { "crash of n" }))
  end)
end)

helper.long("a picture of a story", function()
  local function story_of(count)
    return sim.shrink(function()
      local net <const> = sim.new { output = function() end }
      local crashes = 0
      for i = 1, 2 do
        net:node("n-" .. i, function() require "mcast".sleep(99) end)
        net:at(40 + i, function() net.nodes[i]:crash() crashes = crashes + (net.nodes[i].status == "crashed" and 1 or 0) end)
        net:at(60 + i, function() net.nodes[i]:restart() end)
      end
      net:always(function() return crashes < count or net:now() < 50 end, "all is well")
      net:run(99)
    end, 1)
  end

  local function picture(name, count)
    local story <const>, path = story_of(count), helper.script ""
    assert(story[name](story, path))
    return contents(path)
  end

  it("marks exactly the faults of the story", function()
    local _, marks = picture("write_svg", 2):gsub('class="mark fault"', "")
    assert.equal(2, marks)
    local text <const> = picture("write_timeline", 2)
    assert.matches("crash of n-1", text, 1, true)
    assert.matches("crash of n-2", text, 1, true)
  end)

  it("shows the part of the run from the first fault", function()
    local svg <const> = picture("write_svg", 2)
    assert.matches(">45 s<", svg, 1, true)
    assert.is_nil(svg:find(">0 s<", 1, true))
    local from <const>, till <const> = picture("write_timeline", 2):match ",span:%[(%d+),(%d+)%]"
    assert.is_true(39.5e9 < tonumber(from) and tonumber(from) < 41e9, from)
    assert.is_true(60e9 < tonumber(till) and tonumber(till) < 64e9, till)
  end)

  it("opens as that of a net where no fault is needed", function()
    assert.is_nil(picture("write_timeline", 0):find ",span:")
  end)
end)

helper.long("the time for a story", function()
  -- A scenario with many faults whose runs take 50 ms each.
  local slow <const> = [[
    local sim <const> = require "mcast.sim"
    local story <const> = sim.shrink(function()
      local net <const> = sim.new()
      for i = 1, 40 do
        net:node("n-" .. i, function() require "mcast".sleep(99) end)
        net:at(i, function() net.nodes[i]:crash() end)
      end
      net:at(50, function() local till = os.clock() + 0.2 repeat until os.clock() > till end)
      net:run(99)
      for i = 1, 40, 3 do assert(net.nodes[i].status ~= "crashed" or i < 40, "all crashed") end
    end, 1, { seconds = 2, jobs = 1 })
    print(story)]]

  it("says that it was up", function()
    local output <const> = helper.check(helper.lua .. " " .. helper.script(slow))
    assert.matches("\nThe time was up after 2 s: fewer may do.\n$", output)
    assert.matches("^seed 1: ", output)
  end)

  it("is shown by a bar on a terminal, with the faults left", function()
    if not helper.has "python3" then
      pending "needs python3"
      return
    end
    local output <const> = helper.check("python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))' "
      .. helper.lua .. " " .. helper.script(slow) .. " </dev/null")
    assert.matches("^\rshrink %[", output)
    assert.matches("\rshrink %[#+%.+%]  ?%d+ %%  %d+ faults left\27%[K\r", output)
    assert.matches("\r\27[Kseed 1: ", output, 1, true)
  end)

  it("is an error where the seed has no end within it", function()
    assert.error_matches(function()
      sim.shrink(function() while true do end end, 7, { seconds = 0.2 })
    end, "shrink: seed 7 has no end within 0.2 s", 1, true)
  end)

  it("is no matter where it suffices", function()
    local story <const> = sim.shrink(function() error "bad" end, 1)
    assert.is_true(story.complete)
    assert.is_nil(tostring(story):find "time")
  end)
end)

helper.long("the story of a sweep", function()
  -- The failures of a sweep with a situation that is never seen, and the lines that it prints.
  local function sweep(scenario)
    local print <const>, lines = print, {}
    _G.print = function(line) lines[#lines + 1] = line end
    helper.defer(function() _G.print = print end)
    return sim.sweep { seeds = { 1, 3 }, reach = "a situation", shrink = true, scenario = scenario }, lines
  end

  it("is that of a seed where situations fail, too", function()
    local failed <const>, lines = sweep(function(seed) assert(seed == 2, "bad") end)
    assert.same({ 1, 3 }, { failed[1].seed, failed[2].seed })
    assert.is_table(failed[1].story)
    assert.same({ "never seen in any seed: a situation" }, { failed[3].message })
    assert.is_nil(failed[3].seed or failed[3].story or failed[4])
    assert.matches("^seed 1: .*: bad\nwith 0 of 0 faults$", lines[#lines])
  end)

  it("is none where only situations fail", function()
    local failed <const>, lines = sweep(function() end)
    assert.same({ { message = "never seen in any seed: a situation" } }, failed)
    assert.same({ "0 of 3 seeds failed", "never seen in any seed: a situation" }, lines)
  end)
end)
