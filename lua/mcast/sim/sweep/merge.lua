-- The results of a sweep's shares, together.
local check <const> = require "mcast.check"
local machine <const> = require "mcast.sim.sweep.machine"
local report <const> = require "mcast.sim.sweep.report"
local share <const> = require "mcast.sim.sweep.share"
local strategy <const> = require "mcast.sim.sweep.strategy"
local words <const> = require "mcast.sim.sweep.words"

local merge = {}

local Merge <const> = {}
local metatable <const> = { __index = Merge }

-- A sweep from plan.first to plan.last; plan.id is its name.
function merge.new(plan)
  plan.machines = { [machine.text()] = { here = true } }
  return setmetatable({ plan = plan, known = {}, runs = {}, shares = {}, failed = {} }, metatable)
end

local function mark(all, names, value)
  for _, name in ipairs(names) do
    all[name] = all[name] or value
  end
end

local function failures(result)
  local list <const> = {}
  for i, seed in ipairs(result.failed) do
    list[i] = { run = result.runs[i], seed = seed, message = result.messages[i], events = result.events[i] or nil,
      host = result.host, machine = result.machine, vary = result.vary[i] and words.read(result.vary[i]) or nil }
  end
  if list[1] then
    report.shortest(list).replay = result.replay
  end
  return list
end

-- Adds a result. A share may have been run twice, also by machines that differ: each run that failed once is kept.
function Merge:add(result)
  local plan <const> = self.plan
  local seeds <const> = share.text(plan.first, plan.last)
  check.expect(result.sweep == plan.id and result.seeds == seeds and plan.first <= result.first and result.last <= plan.last,
    "a result of the sweep '%s' with seeds %s expected, got '%s' with %s", plan.id, seeds, result.sweep, result.seeds)
  if not self.known[result.share] then
    self.known[result.share] = true
    table.insert(self.shares, { first = result.first, last = result.last })
  end
  for _, failure in ipairs(failures(result)) do
    if not self.runs[failure.run] then
      self.runs[failure.run] = true
      table.insert(self.failed, failure)
    end
  end
  mark(plan.touched, result.touched, true)
  mark(plan.touched, result.untouched, false)
  mark(plan.seen, result.seen, true)
  mark(plan.seen, result.unseen, false)
  plan.machines[result.machine] = plan.machines[result.machine] or {}
  plan.machines[result.machine][result.host] = true
end

-- Those of some shares that have no result.
function Merge:missing(shares)
  local list <const> = {}
  for _, one in ipairs(shares) do
    list[#list + 1] = not self.known[share.text(one.first, one.last)] and one or nil
  end
  return list
end

-- A seed whose share has no result is a failure.
function Merge:fail(seed, message)
  local run <const> = seed - self.plan.first + 1
  table.insert(self.shares, { first = seed, last = seed })
  table.insert(self.failed, { run = run, seed = strategy.new(self.plan.strategy, seed):seed(1), message = message })
end

-- The ranges of seeds without a result, {first =, last =}.
function Merge:gaps()
  local gaps <const>, till <const> = {}, self.plan.last
  local at = self.plan.first -- the first seed that is not covered so far
  table.sort(self.shares, function(a, b) return a.first < b.first end)
  for _, one in ipairs(self.shares) do
    if one.first > at then
      gaps[#gaps + 1] = { first = at, last = one.first - 1 }
    end
    if one.last == till then
      return gaps
    end
    at = math.max(at, one.last + 1)
  end
  gaps[#gaps + 1] = { first = at, last = till }
  return gaps
end

-- Names the seeds without a result, and how the command that ran them ended; nil where there are none.
function Merge:lacks(ended)
  local gaps <const> = self:gaps()
  for i, gap in ipairs(gaps) do
    gaps[i] = gap.first == gap.last and tostring(gap.first) or ("%d to %d"):format(gap.first, gap.last)
  end
  local more <const> = #gaps > 10 and (" and %d more"):format(#gaps - 10) or ""
  local text <const> = "no result for seeds " .. table.concat(gaps, ", ", 1, math.min(#gaps, 10)) .. more
  return gaps[1] and (ended and ("%s (%s)"):format(text, ended) or text)
end

-- The failures, in the order of their runs.
function Merge:failures()
  table.sort(self.failed, function(a, b) return a.run < b.run end)
  return self.failed
end

-- See sim.merge.
function merge.files(paths)
  check.expect(type(paths) == "table", "merge: list of paths expected, got %s", type(paths))
  local merged
  for _, path in ipairs(paths) do
    local file <close>, message = io.open(path)
    check.expect(file, "merge: %s", message)
    for line in file:lines() do
      local result <const> = share.read(line)
      if result and not merged then
        merged = merge.new { id = result.sweep, first = result.least, last = result.most,
          count = result.most - result.least + 1, touched = {}, seen = {}, print = print }
      end
      if result then
        merged:add(result)
      end
    end
  end
  check.expect(merged, "merge: no result in %s", paths[1] and table.concat(paths, ", ") or "no file")
  local failed <const> = merged:failures()
  merged.plan.lost = merged:lacks()
  report.print(merged.plan, failed)
  failed[#failed + 1] = merged.plan.lost and { message = merged.plan.lost }
  return failed
end

return merge
