--- The checks of a net.
-- @classmod Net
local check <const> = require "mcast.check"
local eventual <const> = require "mcast.sim.eventual"
local invariant <const> = require "mcast.sim.invariant"
local reach <const> = require "mcast.sim.reach"

local Net = {}

local situation <const> = check.kind("function, or a name alone,", check.callable.accepts)

--- By name, whether this net has seen a situation that `Net:sometimes`, `Net:reached` or a sweep's `reach` names.
-- @tfield table seen

--- Checks
-- @section checks

--- Adds an invariant: a function called after each event. The run fails if it returns false or nil, or raises; a second
-- result of it is added to the error, which has the virtual time, the seed and the command that replays the run. A function
-- that returns nothing, but raises, is one, too.
-- @tparam function holds
-- @tparam[opt="an invariant"] string name
-- @usage net:always(function() return leaders() <= 1 end, "at most one leader")
function Net:always(holds, name)
  check.argument(1, "always", holds, check.callable)
  invariant.add(self, { holds = holds, name = check.argument(2, "always", name or "an invariant", check.text) })
end

--- Ends all faults at a time, and fails the run, as `Net:always` does, unless the function then returns true within some
-- seconds. It is called after each event until it does; an error of it counts as false.
--
-- Loss, duplication and reordering become 0. Delays and latencies become those with which the net first ran. Partitions, links,
-- rules and holds end, copies that were held arrive, and chaos and churn end, also those that are to begin later. Interfaces
-- are up, paused nodes run, clocks are as `Net:node` set them, and crashed nodes are restarted. Bandwidths, queues and
-- addresses stay. A fault that the scenario itself begins later acts.
--
-- A run that ends before `after` plus `within` does not judge it; in a sweep, this is a failure of the seed.
-- @tparam function holds
-- @tparam string name
-- @tparam table options
-- @tparam number options.after virtual seconds at which the faults end
-- @tparam number options.within seconds from then
-- @usage net:eventually(function() return leaders() == 1 end, "one leader in the end", { after = 20, within = 5 })
function Net:eventually(holds, name, options)
  check.argument(1, "eventually", holds, check.callable)
  eventual.add(self, holds, check.argument(2, "eventually", name, check.name), options)
end

--- Names a situation that some run of a sweep should see: the sweep's end reports those that no run has seen. With a function,
-- it is seen after an event after which this returns true; it is not called any more then, and its error ends the run. Without
-- one, it is seen by `Net:reached`. Either way, it is also seen where a node calls `mcast.note` with the name, or with a key
-- and a value, where the name is "key value".
-- @tparam[opt] function holds
-- @tparam string name
-- @usage net:sometimes(function() return leaders() == 0 end, "no leader")
-- net:sometimes "role leader"
function Net:sometimes(holds, name)
  if name == nil and type(holds) == "string" then
    reach.declare(self, check.argument(1, "sometimes", holds, check.name))
    return
  end
  check.argument(1, "sometimes", holds, situation)
  reach.add(self, holds, check.argument(2, "sometimes", name, check.name))
end

--- Notes that a situation was seen. Functions of the scenario call it, and those of nodes.
-- @tparam string name
-- @usage net:rule(function(p) if p.data == "resign" then net:reached "a leader resigns" end end)
function Net:reached(name)
  reach.saw(self, check.argument(1, "reached", name, check.name))
end

return Net
