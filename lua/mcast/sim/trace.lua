--- The trace of a net: its events, in order.
-- @module mcast.sim.trace

--- The list `net.trace`: `#net.trace` is the number of events, `net.trace[i]` is an event. Each read of an event can return
-- another table, so compare the fields of events, not the tables. All events have `time` (virtual seconds) and `kind`; all but
-- those of the whole net have `node` (name of a node).
--
-- - `"send"`: a datagram was sent; `"deliver"`: a copy arrived in a socket's receive buffer; `"drop"`: a copy was lost, with
--   its `reason`: `"loss"`, `"partition"`, `"rule"`, `"buffer"`, `"filter"` (the socket joined the group without this source,
--   or on another interface, or has left it; or a router has members behind it, and none of them accepts the source),
--   `"ttl"`, `"scope"` and `"boundary"` (a router stops a group that has members behind it), `"mtu"` (a router may not cut
--   it), `"queue"` (of a bandwidth), `"down"`, `"no route"` or `"no socket"`. They have `packet` (number of the datagram, the
--   same for all its copies), `from` and `to` (addresses), `data`, `ttl`, `dscp` and `ecn` (where one is not 0), `host`,
--   `interface`, `lan` (names), and `socket`: descriptor of the socket that sent it, received it, or lost it. (An IPv6 socket
--   may receive a copy after a drop by `"filter"`, if it joins the group on that interface before it reads)
-- - `"forward"`: a router forwarded a datagram; the same fields, of the interface by which it leaves, without `socket`, and
--   `from_lan`: name of the LAN that it came from. `node` is the router's name
-- - `"join"`, `"leave"`: `group`, `mode` and `sources` (the socket's filter after the event; mode `"include"` without sources:
--   left), `port` (that the socket is bound to), `socket`, `host`, `interface`, `lan`, `address` (that of the host, from which
--   it reports memberships)
-- - `"log"`: `text`, a line that the node printed
-- - `"note"`: `text`, or `key` and `value`, of `mcast.note`
-- - `"start"`, `"restart"`, `"end"`, `"fail"` (`reason`: the error), `"crash"`, `"pause"`, `"resume"`
-- - `"clock"`: `skew` and `drift` of the node's clocks from now on
-- - `"interface"`: one of a host's interfaces changed by `Host:setinterface` or `Host:setaddress`: `change` (`"up"`, `"down"`,
--   `"address added"` or `"address removed"`), `interface`, `host`, `address`, and `text`, which says it; `node` is the host's
--   name
-- - `"partition"`, `"heal"`: `from` and `to` (lists of hosts' names; `"*"` is all others), `oneway`
-- - `"hold"`, `"release"`: a `Hold` holds a copy, or lets it go: `datagram` (its number), `from`, `to`, `data`, `ttl`, `lan`,
--   `sender` and `host` (names of the hosts on this LAN); `node` is the receiving host's name
-- - `"violation"`: `text`, the name of the invariant that does not hold
-- - `"fault"`: `text`, a fault of a story, in its pictures alone: on the line of a copy's receiver, or of the node that it hits
-- @table trace
-- @usage for _, event in ipairs(net.trace) do if event.kind == "drop" then print(event.time, event.reason) end end
return function(core)
  return setmetatable({}, {
    __index = function(_, i) return math.type(i) == "integer" and core:event(i) or nil end,
    __len = function() return core:count() end,
  })
end
