-- mcast sim: a scenario that returns a function of a seed, and files that call the simulator themselves.
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"

-- A receiver without repair misses the last version where its copy is lost.
local scenario <const> = [[
local sim <const> = require "mcast.sim"
local function run(seed)
  local net <const> = sim.new { seed = seed, loss = 0.2 }
  for i = 1, 3 do
    net:node("receiver-" .. i, function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 10000 })
      assert(sock:join "239.1.2.3")
      for data in sock:datagrams(5) do
        print(data)
        mcast.note("last", data)
      end
    end)
  end
  net:node("sender", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket())
    for i = 1, 3 do
      assert(sock:sendto("v" .. i, "239.1.2.3", 10000))
      mcast.sleep(1)
    end
  end)
  net:eventually(function()
    for i = 1, 3 do
      if net.nodes[i].notes.last ~= "v3" then return false, net.nodes[i].name end
    end
    return true
  end, "all have v3", { after = 4, within = 1 })
  net:run(10)
end
]]

local FAILS <const>, HOLDS <const> = 1, 2 -- seeds

local forms <const> = {
  ["a function of a seed"] = scenario .. "return run",
  ["a net"] = scenario .. "run()",
  ["a sweep"] = scenario .. "sim.sweep { seeds = { 2, 2 }, scenario = run }",
}

local function file(form)
  return helper.script(forms[form])
end

local function written(ending)
  local path <const> = os.tmpname() .. ending
  helper.defer(function()
    os.remove(path)
    os.remove(path:sub(1, -#ending - 1))
  end)
  return path
end

local function read(path)
  local stream <close> = assert(io.open(path, "rb"))
  return stream:read "a"
end

helper.long("mcast sim", function()
  for form in pairs(forms) do
    describe("with " .. form, function()
      it("runs a seed that holds", function()
        local output <const>, status <const> = helper.run(("bin/mcast sim %s --seed %d"):format(file(form), HOLDS))
        assert.equal(0, status, output)
        assert.matches("receiver%-1 +2%.000100  v3\n", output)
        assert.matches("\nseed 2 holds: 10%.000000 s, %d+ events\n$", output)
      end)

      it("ends with 1 where an invariant does not hold, and replays it", function()
        local output <const>, status <const> = helper.run(("bin/mcast sim %s --seed %d"):format(file(form), FAILS))
        assert.equal(1, status)
        assert.matches("\nall have v3 does not hold at 5%.000000 s with seed 1: .*receiver%-1\n", output)
        local again <const>, same <const> = helper.run(output:match "\nreplay: ([^\n]+)")
        assert.same({ output, 1 }, { again, same })
      end)

      it("sweeps over a range of seeds", function()
        local output <const>, status <const> = helper.run(("bin/mcast sim %s --seeds 1..4"):format(file(form)))
        assert.equal(1, status)
        assert.matches("^2 of 4 seeds failed\n  seed 1: all have v3", output)
        local _, none <const> = helper.run(("bin/mcast sim %s --seeds 2..2"):format(file(form)))
        assert.equal(0, none)
      end)

      it("shrinks the failure of a sweep, and writes its picture and capture", function()
        local page <const>, capture <const> = written ".html", written ".pcapng"
        local output <const> = helper.run(("bin/mcast sim %s --seeds 1..4 --shrink --timeline %s --pcapng %s")
          :format(file(form), page, capture))
        assert.matches("\nwith 1 of %d+ faults.-\n +2%.000000 s  lost: sender's 3rd datagram", output)
        assert.matches('"lost: sender\'s 3rd"', read(page))
        assert.equal("\x0a\x0d\x0d\x0a", read(capture):sub(1, 4))
      end)

      it("shrinks one seed", function()
        local output <const> = helper.run(("bin/mcast sim %s --seed 1 --shrink"):format(file(form)))
        assert.matches("\nwith 1 of %d+ faults.-\n +2%.000000 s  lost: sender's 3rd datagram", output)
      end)

      it("prints objects with --json", function()
        local kinds = {}
        for line in helper.run(("bin/mcast sim %s --seed 1 --json"):format(file(form))):gmatch "[^\n]+" do
          local one <const> = assert(json.decode(line), line)
          kinds[one.event] = one
        end
        assert.equal(1, kinds.failure.seed)
        assert.equal("v3", kinds.log.text)
        assert.equal(1, kinds.summary.failed)
      end)
    end)
  end

  it("sweeps by a command that runs shares, and replays a failure", function()
    for form in pairs(forms) do
      local output <const> = helper.run(("MCAST_LAUNCH=sh bin/mcast sim %s --seeds 1..4"):format(file(form)))
      assert.matches("^2 of 4 seeds failed\n", output)
      local again <const>, status <const> = helper.run(output:match "\nreplay: ([^\n]+)")
      assert.equal(1, status)
      assert.matches("\nall have v3 does not hold at 5%.000000 s with seed %d: ", again)
    end
  end)

  it("writes a still where the file ends in .svg", function()
    local still <const> = written ".svg"
    helper.check(("bin/mcast sim %s --seed 2 --timeline %s"):format(file "a net", still))
    assert.matches("^<svg", read(still))
  end)

  it("words datagrams of the picture by a file", function()
    local still <const>, words <const> = written ".svg", written ".lua"
    local source <close> = assert(io.open(words, "w"))
    source:write "return function(data) return #data .. ' bytes', 'a kind' end"
    source:flush()
    helper.check(("bin/mcast sim %s --seed 2 --timeline %s --describe %s"):format(file "a net", still, words))
    assert.matches('class="arrow k0" [^>]*><text[^>]*>a kind<', read(still))
  end)

  it("writes no picture where no seed failed", function()
    local page <const> = written ".html"
    local output <const>, status <const> = helper.run(("bin/mcast sim %s --seeds 2..2 --timeline %s")
      :format(file "a net", page))
    assert.equal(0, status)
    assert.matches("is not written: no seed failed", output)
    assert.is_nil(io.open(page))
  end)

  it("passes further arguments to the file", function()
    local path <const> = helper.script [[
      require "mcast.sim".new():run(0)
      print(arg[0], arg[1], ...)]]
    assert.matches("^" .. path .. "\tone\tone\t2\nseed 1 holds", helper.check(("bin/mcast sim %s one 2"):format(path)))
  end)

  it("ends with 1 and a traceback where the file raises", function()
    local output <const>, status <const> = helper.run("bin/mcast sim " .. helper.script 'error "no scenario"')
    assert.equal(1, status)
    assert.matches(":1: no scenario\nstack traceback:", output)
  end)

  it("refuses a file that runs nothing, or that is missing", function()
    local output <const>, status <const> = helper.run("bin/mcast sim " .. helper.script "local _ = 1")
    assert.same({ 1, true }, { status, output:find("returns no function of a seed", 1, true) ~= nil })
    assert.equal(2, select(2, helper.run "bin/mcast sim /nowhere.lua"))
    assert.equal(2, select(2, helper.run(("bin/mcast sim %s --seeds 3..1"):format(helper.script ""))))
  end)

  it("ends on Ctrl-C with its place", function()
    local path <const> = helper.script [[
      local net <const> = require "mcast.sim".new()
      net:node("poller", function() local mcast = require "mcast" while true do mcast.sleep(0.001) end end)
      net:at(0.01, function() io.stderr:write "running\n" end)
      net:run()]]
    local pipe <const>, pid <const> = helper.start("timeout 20 bin/mcast sim " .. path)
    assert.equal("running", pipe:read "l")
    helper.run("kill -INT " .. pid)
    assert.matches("^interrupted at %d+%.%d+ s\n$", pipe:read "a")
  end)
end)
