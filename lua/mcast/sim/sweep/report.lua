-- The report of a sweep, by the function `print` of its plan.
local replay <const> = require "mcast.sim.replay"
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

-- Prints the failures of a sweep, the names that no seed has seen, and the replay of the failure with the fewest events.
function report.print(plan, failed)
  plan.print(("%d of %d seeds failed"):format(#failed, plan.count))
  for i = 1, math.min(#failed, SHOWN) do
    local text <const> = varied(failed[i])
    plan.print(("  seed %s%s: %s"):format(failed[i].seed, text and ", " .. text or "", failed[i].message))
  end
  if #failed > SHOWN then
    plan.print(("  and %d more"):format(#failed - SHOWN))
  end
  print_names(plan, report.missing(plan.touched), "touched no copy in any seed: ")
  print_names(plan, report.missing(plan.seen), report.NEVER)
  if failed[1] then
    local best <const> = report.shortest(failed)
    if #failed > 1 and best.events then
      plan.print(("seed %s fails with the fewest events, %d"):format(best.seed, best.events))
    end
    plan.print(replay.command { seed = best.seed, vary = varied(best), name = plan.name, env = plan.env,
      words = plan.words })
  end
end

return report
