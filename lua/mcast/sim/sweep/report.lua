-- The report of a sweep, by the function `print` of its plan.
local replay <const> = require "mcast.sim.replay"
local vary <const> = require "mcast.sim.sweep.vary"
local words <const> = require "mcast.sim.sweep.words"

local report = {}

report.NEVER = "never seen in any seed: "

local SHOWN <const> = 10 -- failed seeds whose errors are printed

-- The failure with the fewest events, the first of them.
function report.shortest(failed)
  local best = failed[1]
  for _, failure in ipairs(failed) do
    if (failure.events or math.huge) < (best.events or math.huge) then
      best = failure
    end
  end
  return best
end

-- The names in a table whose value is false in all seeds.
function report.missing(all)
  local list = {}
  for name, value in pairs(all) do
    list[#list + 1] = not value and name or nil
  end
  table.sort(list)
  return list
end

local function print_names(plan, list, text)
  for i = 1, math.min(#list, SHOWN) do
    plan.print(text .. list[i])
  end
  if #list > SHOWN then
    plan.print(("  and %d more"):format(#list - SHOWN))
  end
end

-- The text of a failure's parameters, or nil.
local function varied(failure)
  return failure.vary and words.text(failure.vary)
end

-- The line that replays a failure of a plan.
function report.replay(plan, failure)
  return failure.replay
    or replay.command { seed = failure.seed, vary = varied(failure), name = plan.name, env = plan.env,
      words = plan.words }
end

local function print_failures(plan, failed)
  local differ <const> = plan.machines and next(plan.machines, (next(plan.machines)))
  plan.print(("%d of %d seeds failed"):format(#failed, plan.count))
  for i = 1, math.min(#failed, SHOWN) do
    local failure <const>, text = failed[i], varied(failed[i])
    local place <const> = differ and failure.host and " on " .. failure.host or ""
    plan.print(("  seed %s%s%s: %s"):format(failure.seed, place, text and ", " .. text or "", failure.message))
  end
  if #failed > SHOWN then
    plan.print(("  and %d more"):format(#failed - SHOWN))
  end
end

-- Prints the machines that ran shares, if there are any: with a failure, and where they differ.
local function print_machines(plan, failed)
  local lines <const> = {}
  for text, hosts in pairs(plan.machines or {}) do
    local names <const> = {}
    for name in pairs(hosts) do
      names[#names + 1] = name
    end
    table.sort(names)
    local more <const> = #names > SHOWN and (" and %d more"):format(#names - SHOWN) or ""
    lines[#lines + 1] = ("%s: %s%s"):format(text, table.concat(names, ", ", 1, math.min(#names, SHOWN)), more)
  end
  table.sort(lines)
  if lines[2] then
    plan.print("the machines differ:\n  " .. table.concat(lines, "\n  "))
  elseif failed[1] and lines[1] then
    plan.print(lines[1])
  end
end

-- Prints the failures of a sweep, the names that no seed has seen, and the replay of the failure with the fewest events.
function report.print(plan, failed)
  print_failures(plan, failed)
  print_names(plan, plan.scenario and vary.strangers(plan.vary) or {}, "set by MCAST_VARY, but not in vary: ")
  print_names(plan, report.missing(plan.touched), "touched no copy in any seed: ")
  print_names(plan, report.missing(plan.seen), report.NEVER)
  if plan.lost then
    plan.print(plan.lost)
  end
  print_machines(plan, failed)
  if failed[1] then
    local best <const> = report.shortest(failed)
    if #failed > 1 and best.events then
      plan.print(("seed %s fails with the fewest events, %d"):format(best.seed, best.events))
    end
    plan.print(report.replay(plan, best))
  end
end

return report
