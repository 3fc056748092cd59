-- Holds the strategies of sim.sweep against each other, on protocols with planted bugs (bench/search/planted.lua): how many
-- runs it takes to the first failure. Runs are counted, not seconds, so each machine prints the same table.
-- usage, from make search: lua5.4 bench/search.lua find|correct|shrink [count] [protocol]
-- find: medians over so many disjoint ranges of seeds (20); correct: failures of the correct scripts in so many seeds (500);
-- shrink: medians over the first failures of each bug in so many ranges (5). A count of 0 is a short trial.
local planted <const> = require "search.planted"
local sim <const> = require "mcast.sim"

local strategies <const> = { "random", "priorities", "novelty" }

local MOST <const>, APART <const> = 5000, 100000 -- runs after which a search is given up; the seeds between two ranges

local function row(cells)
  print("| " .. table.concat(cells, " | ") .. " |")
  io.stdout:flush()
end

local function head(cells)
  row(cells)
  print("| --- " .. ("| --- "):rep(#cells - 1) .. "|")
end

local function median(list)
  table.sort(list)
  return (list[(#list + 1) // 2] + list[#list // 2 + 1]) / 2
end

-- The first failure of a planted bug in a range of seeds, or nil.
local function find(one, strategy, range, most)
  return planted.sweep { seeds = { range * APART, range * APART + most - 1 }, failures = 1, strategy = strategy, timeout = 60,
    scenario = planted.scenario(one, true) }[1]
end

local commands = {}

function commands.find(list, count)
  local ranges <const>, most <const> = math.max(count or 20, 1), count == 0 and 2 or MOST
  head { "bug", "script", table.unpack(strategies) }
  for _, one in ipairs(list) do
    local cells = { one.bug, one.name .. ".lua" }
    for i, strategy in ipairs(strategies) do
      local runs = {}
      for range = 1, ranges do
        local failure <const> = find(one, strategy, range, most)
        runs[range] = failure and failure.run or math.huge
      end
      local middle <const> = median(runs)
      cells[i + 2] = middle < math.huge and ("%.0f"):format(middle) or ("over %d"):format(most)
    end
    row(cells)
  end
end

function commands.correct(list, count)
  local seeds <const> = math.max(count or 500, 1)
  head { "script", table.unpack(strategies) }
  for _, one in ipairs(list) do
    local cells = { one.name .. ".lua" }
    for i, strategy in ipairs(strategies) do
      local failed <const> = planted.sweep { seeds = { 1, seeds }, strategy = strategy, timeout = 60,
        scenario = planted.scenario(one) }
      cells[i + 1] = ("%d of %d"):format(#failed, seeds)
    end
    row(cells)
  end
end

-- The seconds that this process's children have used of a processor.
local function used()
  local file <close> = assert(io.open "/proc/self/stat")
  local user <const>, system <const> = file:read "a":match("^.*%)" .. (" %S+"):rep(13) .. " (%d+) (%d+)")
  return (user + system) / 100
end

-- Shrinks the first failure of a bug in a range of seeds; returns the number of faults before and after, of runs, and the
-- seconds of a processor; nil where no run fails.
local function measure(one, range, most, limit)
  local failure <const>, before <const> = find(one, "random", range, most), used()
  if not failure then
    return nil
  end
  local story <const> = sim.shrink(planted.scenario(one, true), failure.seed, { seconds = limit })
  io.stderr:write(tostring(story), "\n\n")
  return { story.before, #story.faults, story.runs, used() - before }
end

function commands.shrink(list, count)
  local most <const>, limit <const> = count == 0 and 50 or MOST, count == 0 and 5 or 300
  head { "bug", "script", "faults before", "after", "runs", "processor, s" }
  for _, one in ipairs(list) do
    local columns = { {}, {}, {}, {} }
    for range = 1, math.max(count or 5, 1) do
      for i, figure in ipairs(measure(one, range, most, limit) or {}) do
        table.insert(columns[i], figure)
      end
    end
    local cells = { one.bug, one.name .. ".lua" }
    for i, column in ipairs(columns) do
      cells[i + 2] = column[1] and (i < 4 and "%.0f" or "%.1f"):format(median(column)) or "-"
    end
    row(cells)
  end
end

local list = {}
for _, one in ipairs(planted.list) do
  list[#list + 1] = (not arg[3] or one.name == arg[3]) and one or nil
end
assert(commands[arg[1]], "usage: lua5.4 bench/search.lua find|correct|shrink [count] [protocol]")(list, math.tointeger(arg[2]))
