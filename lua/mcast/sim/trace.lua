--- Events: what happened, in order.
-- @module mcast.sim.trace

--- The list of events, `net.trace`. `#net.trace` is their number; each is a table that is made when it is looked at, so
-- keep what you compare. All have `time` (virtual seconds), `kind` and, but for those of the whole net, `node` (a name).
--
-- - `"send"`, `"deliver"` (into a socket's receive buffer), `"drop"` (of a copy; `reason`: `"loss"`, `"partition"`,
--   `"rule"`, `"buffer"`, `"ttl"`, `"queue"`, `"down"`, `"no route"`, `"no socket"`, `"memory"`): `packet`, one number for
--   a send and all its copies; `from`, `to` (addresses), `data`, `ttl`, `host`, `interface`, `lan`; `socket`: the
--   descriptor of the one that sent it, has it, or had no room for it
-- - `"join"`, `"leave"`: `group`, `mode`, `sources` (the socket's filter after it, which is to include none once the group is
--   left), `socket`, `host`, `interface`, `lan`, `address` (the host's, of which reports come)
-- - `"log"`: `text`, a line that the node printed
-- - `"note"`: `text`, or `key` and `value`, of `mcast.note`
-- - `"start"`, `"restart"`, `"end"`, `"fail"` (`reason`: the error), `"crash"`, `"pause"`, `"resume"`
-- - `"partition"`, `"heal"`: `from`, `to` (lists of hosts' names, `"*"` is everyone else), `oneway`
-- - `"violation"`: `text`, the name of an invariant that does not hold
-- @table trace
-- @usage for _, event in ipairs(net.trace) do if event.kind == "drop" then print(event.time, event.reason) end end
return function(core)
  return setmetatable({}, {
    __index = function(_, i) return math.type(i) == "integer" and core:event(i) or nil end,
    __len = function() return core:count() end,
  })
end
