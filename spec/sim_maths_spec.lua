-- The simulator against mathematics: the examples print the mean of a simulated
-- quantity, its standard error, and the result of a formula.
local helper <const> = require "spec.support.helper"

local folder <const> = "examples/simulator/"

-- The numbers that a scenario prints, by lines.
local function rows(path, arguments)
  local list = {}
  local output = helper.check(("MCAST_SEED=1 %s %s %s"):format(helper.lua, path, arguments or ""))
  for line in output:gmatch "[^\n]+" do
    local row = { name = line:match "^%l+" }
    for number in line:gmatch "%-?%d[%d.]*" do
      row[#row + 1] = tonumber(number)
    end
    list[#list + 1] = row[2] and row
  end
  return list
end

-- Is a mean within four standard errors of a number?
local function near(row, expected)
  return math.abs(row[2] - expected) <= 4 * row[3]
end

-- Asserts that each row is near a known number, which the example's formula returns.
local function agrees(path, arguments, known)
  local list = rows(folder .. path, arguments)
  assert.equal(#known, #list)
  for i, row in ipairs(list) do
    assert.equal(known[i], row[4])
    assert(near(row, known[i]), ("%s %d: %g, not %g, standard error %g"):format(path, row[1], row[2], known[i], row[3]))
  end
end

-- The first row of an example after a mistake is put into it.
local function wrong(path, arguments, right, instead)
  local text = assert(io.open(folder .. path)):read "a"
  local from, to = text:find(right, 1, true)
  assert(from, right)
  return rows(helper.script(text:sub(1, from - 1) .. instead .. text:sub(to + 1)), arguments)[1]
end

helper.long("mathematics", function()
  it("agrees with the formula of NACK suppression", function()
    agrees("nack.lua", "10", { 2.763 })
    agrees("nack.lua", "100", { 5.190 })
    agrees("nack.lua", "10 1000 8", { 1.706 })
    agrees("nack.lua", "100 1000 8", { 2.390 })
  end)

  it("agrees with the formula for 1,000 and 10,000 receivers #slow", function()
    agrees("nack.lua", "1000", { 9.510 })
    agrees("nack.lua", "10000", { 17.196 })
  end)

  it("suppresses fewer NACKs with uniform timers", function()
    local timer <const> = "T / L * math.log(math.random() * (math.exp(L) - 1) + 1)"
    for n, known in pairs { [10] = 3.5, [100] = 26 } do
      local row = wrong("nack.lua", n .. " 300", timer, "T * math.random() + 0 * L")
      assert(near(row, known), ("%g, not %g"):format(row[2], known))
      assert.is_false(near(row, row[4]))
    end
  end)

  it("disagrees with NACK suppression's formula for other timers", function()
    local row = wrong("nack.lua", "100", "T / L * math.log", "2 * T / L * math.log")
    assert.is_false(near(row, row[4]))
  end)

  it("agrees with the formulas of SRM's requests on a star", function()
    agrees("srm.lua", "100 100", { 99, 10.9, 1.99 })
    agrees("srm.lua", "10 1000", { 9, 1.9, 1.09 })
  end)

  it("disagrees with SRM's formula for timers of half the width", function()
    local path <const> = helper.script((assert(io.open(folder .. "srm.lua")):read "a":gsub("C2 %* math", "C2 / 2 * math")))
    assert.is_false(near(rows(path, "100 100")[2], 10.9))
  end)

  it("agrees with the formula of push gossip's rounds", function()
    agrees("gossip.lua", "10", { 6.047 })
    agrees("gossip.lua", "100", { 12.305 })
  end)

  it("agrees with the proved bounds for 1,000 gossiping nodes #slow", function()
    agrees("gossip.lua", "1000", { 18.038 })
    local low, high = 9 + math.log(1000) - 1.116, 10 + math.log(1000) + 2.765
    assert.is_true(low <= 18.038 and 18.038 <= high)
  end)

  it("disagrees with gossip's formula where nodes may choose themselves", function()
    local row = wrong("gossip.lua", "10", "math.random(n - 1)", "math.random(n)")
    assert.is_false(near(row, row[4]))
  end)

  it("counts the messages of flooding exactly", function()
    local known <const> = { line = 24, tree = 24, grid = 56, complete = 576 }
    for _, row in ipairs(rows(folder .. "flooding.lua")) do
      assert.same({ 25, known[row.name], known[row.name] }, { table.unpack(row, 2) })
      known[row.name] = nil
    end
    assert.is_nil(next(known))
  end)

  it("counts twice the messages of a line where flooding echoes", function()
    local row = wrong("flooding.lua", "", "sock ~= from", "sock")
    assert.same({ 25, 48, 24 }, { table.unpack(row, 2) })
  end)
end)

helper.long("examples of the simulator", function()
  local acks <const> = "^(%d+) acks of (%d+) receivers, in [%d.]+ s of virtual time\n$"

  it("delivers to a thousand receivers and back", function()
    local output = helper.check(("cd %s && MCAST_SEED=1 %s thousand.lua"):format(folder, helper.lua))
    assert.same({ "1000", "1000" }, { output:match(acks) })
  end)

  it("loses both ways, and finds its scripts from any folder", function()
    local path <const> = helper.check("realpath " .. folder):match "[^\n]+"
    local output = helper.check(("cd / && MCAST_SEED=1 %s %s/thousand.lua 1000 0.1"):format(helper.lua, path))
    local n <const> = output:match(acks)
    assert(math.abs(n - 810) <= 4 * math.sqrt(1000 * 0.81 * 0.19), output)
  end)
end)

-- The report of a sweep: the number of failed seeds, the first of them, its time, and the replay.
local function sweep(path)
  local output = helper.check(helper.lua .. " " .. path)
  local seed, time = output:match "\n  seed (%d+): at most one leader does not hold at ([%d.]+) s"
  return tonumber(output:match "^(%d+) of 1000 seeds failed\n"), tonumber(seed), time,
    output:match "\nreplay: ([^\n]+)\n", tonumber(output:match "\nseed (%d+) fails with the fewest events, ")
end

helper.long("example of a sweep", function()
  local path <const> = folder .. "sweep.lua"

  it("reports the first failing seed, its time, and a replay", function()
    local failed, seed, time, replay, fewest = sweep(path)
    assert(failed > 0 and failed < 500, failed)
    assert.equal(("MCAST_SEED=%d %s %s"):format(fewest, os.getenv "MCAST_LUA" or "lua5.4", path), replay)
    local function run(n) return helper.run(("MCAST_SEED=%d %s %s"):format(n, helper.lua, path)) end
    local output, status = run(seed)
    assert.equal(1, status)
    assert.matches("does not hold at " .. time .. " s with seed " .. seed, output, 1, true)
    assert.equal(2, select(2, output:gsub(" leads\n", "")))
    assert.matches("^[%d.]+  node%-%d leads\n.*" .. time:gsub("%.", "%%.") .. "  node%-%d leads\n", output)
    for sound = math.max(1, seed - 3), seed - 1 do
      assert.equal(0, select(2, run(sound)))
    end
  end)

  it("finds no failure once the mistake is mended", function()
    local copy = helper.check("mktemp -d"):match "[^\n]+"
    helper.defer(function() helper.run("rm -r " .. copy) end)
    helper.check(("cp %s*.lua %s"):format(folder, copy))
    helper.check(([[sed -i 's/if word == "lead".*/&\n    announce "claim"/' %s/election.lua]]):format(copy))
    assert.equal(0, (sweep(copy .. "/sweep.lua")))
  end)

  it("finds the same seed under GNU parallel", function()
    if not helper.run("parallel --version"):find "^GNU parallel" then
      pending "GNU parallel is not installed"
      return
    end
    local _, seed, time = sweep(path)
    for _, options in ipairs { "", "--sshlogin : --workdir ." } do
      local output, failed = helper.run(("parallel %s MCAST_SEED={} %s %s ::: $(seq %d %d)"):format(options, helper.lua,
        path, math.max(1, seed - 9), seed))
      assert.equal(1, failed)
      assert.matches("does not hold at " .. time .. " s with seed " .. seed, output, 1, true)
    end
  end)
end)
