-- Protocols with planted bugs: the correct scripts, and a line in each that a search finds.
local helper <const> = require "spec.support.helper"
local planted <const> = dofile "bench/search/planted.lua"

local MOST <const> = 2000 -- seeds in which each bug is found

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

-- The failures of a scenario from one seed to another, by each strategy.
local function accusations(scenario, first, last)
  local list = {}
  for _, strategy in ipairs { "random", "priorities", "novelty" } do
    local failed <const> = planted.sweep { seeds = { first, last }, scenario = scenario, strategy = strategy, timeout = 60 }
    table.move(failed, 1, #failed, #list + 1, list)
  end
  return list
end

helper.long("planted bugs", function()
  it("has nine of them", function()
    assert.equal(9, #planted.list)
  end)

  for _, one in ipairs(planted.list) do
    it("differs in one line for " .. one.bug, function()
      local correct <const>, wrong <const>, n = lines(planted.text(one.name)), lines(planted.text(one.name, true)), 0
      assert.equal(#correct, #wrong)
      for i, line in ipairs(correct) do
        n = n + (line ~= wrong[i] and 1 or 0)
      end
      assert.equal(1, n)
    end)

    it("accuses no correct script of " .. one.bug, function()
      assert.same({}, accusations(planted.scenario(one), 1, 20))
    end)

    it("accuses it in no seed of many: " .. one.bug .. " #slow", function()
      assert.same({}, accusations(planted.scenario(one), 1001, 1200))
    end)

    it("finds it within some seeds: " .. one.bug .. " #slow", function()
      local failed <const> = planted.sweep { seeds = { 1, MOST }, failures = 1, scenario = planted.scenario(one, true),
        timeout = 60 }
      assert.equal(1, #failed)
      assert.matches(" does not hold at ", failed[1].message)
    end)
  end
end)
