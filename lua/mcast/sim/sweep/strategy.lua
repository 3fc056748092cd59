-- Strategies of a sweep: which run comes next. A strategy is a function of the plan and the number of a run, from 1 on, that
-- returns an integer or the text of a run.
local check <const> = require "mcast.check"
local seeds <const> = require "mcast.sim.seed"

local strategy = {}

local strategies = {}

function strategies.random(plan, run)
  return plan.first + run - 1
end

function strategies.priorities(plan, run)
  return seeds.prioritized(plan.first + run - 1)
end

strategy.kind = check.kind('"random" or "priorities"', function(name)
  return strategies[name] ~= nil
end)

-- The strategy of a name; the default one of nil.
function strategy.named(name)
  return strategies[name or "random"]
end

return strategy
