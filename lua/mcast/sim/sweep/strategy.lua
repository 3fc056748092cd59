-- Strategies of a sweep: which run comes next. A strategy's method `seed` returns the integer or the text of a run by its
-- number, from 1 on. Where it learns from runs, it has a `window` and a method `report`: all runs until so many before a run
-- have been reported when that run is asked for.
local check <const> = require "mcast.check"
local novelty <const> = require "mcast.sim.sweep.novelty"
local seeds <const> = require "mcast.sim.seed"

local strategy = {}

local strategies <const> = { novelty = novelty.new }

function strategies.random(first)
  return { seed = function(_, run) return first + run - 1 end }
end

function strategies.priorities(first)
  return { seed = function(_, run) return seeds.prioritized(first + run - 1) end }
end

strategy.kind = check.kind('"random", "priorities" or "novelty"', function(name)
  return strategies[name] ~= nil
end)

-- A new strategy by its name, of a sweep from a first seed on.
function strategy.new(name, first)
  return strategies[name or "random"](first)
end

return strategy
