--- The faults of a net.
-- @classmod Net
local chaos <const> = require "mcast.sim.chaos"
local check <const> = require "mcast.check"
local churn <const> = require "mcast.sim.churn"
local fault <const> = require "mcast.sim.fault"
local hold <const> = require "mcast.sim.hold"
local host <const> = require "mcast.sim.host"
local partition <const> = require "mcast.sim.partition"
local rule <const> = require "mcast.sim.rule"
local touch <const> = require "mcast.sim.touch"

local Net = {}

--- Faults
-- @section faults

--- Sets the faults of all copies in the net. Options that are absent keep their values. A fault of a pair of hosts
-- (`Net:link`) replaces that of a LAN (`Lan:set`), which replaces the net's.
-- @tparam table options
-- @param[opt=0.0001] options.delay seconds, 0 or more; `{least, most}`; `{mean =, deviation =}`: a normal distribution, but
-- numbers below 0 are drawn anew; `{exponential =, least =}`: `least` (default: 0) and an exponential distribution of mean
-- `exponential`; or a function that returns seconds: its argument is a function that draws a number from 0 to 1
-- @param[opt] options.latency delays from host to host, in place of `delay` and of the delays of LANs: a list of rows, which
-- are lists of seconds of 0 to 4. Row i is from the i-th host of the net (routers do not count), column k to the k-th one;
-- for a pair without a number, `delay` holds. The net keeps 4 bytes a pair. Or a function of the names of two hosts, and
-- of a function that draws a number from 0 to 1, which is called for each copy and returns seconds, or nil: `delay` holds
-- @param[opt=0] options.loss probability, 0 to 1; or in bursts, by a good and a bad state (Gilbert and Elliott):
-- `{good =, bad =, to_bad =, to_good =}` are the probabilities of loss in the two states (default: 0 and 1), and those that
-- a datagram of a flow (a sending port to a group, or to a host) begins and ends the bad state for a receiver; `to_good`
-- is 0.001 or more
-- @tparam[opt=0] number options.duplicate probability, 0 to 1
-- @param[opt=0] options.reorder probability, 0 to 1, that a copy is held back; or `{probability, seconds}`: held back by at
-- most so long, default 0.01 s
-- @usage net:set { loss = 0.1, delay = { exponential = 0.002, least = 0.001 } }
function Net:set(options)
  fault.set_net(self, check.options(options, fault.net_kinds))
end

--- Sets the faults of copies from one host to another: from that which sends a datagram to that which receives it, also
-- across routers. They replace those of the LANs on the way; the LANs' bandwidth and queues act on the datagram all the
-- same. Faults from or to a router replace those of a LAN that both hosts are on, also for datagrams that the router forwards.
-- @param from node, host, router, or its name
-- @param to node, host, router, or its name
-- @tparam table options as for `Net:set`
-- @usage net:link("sender", "receiver-1", { loss = 1 })
function Net:link(from, to, options)
  options = check.options(options, fault.kinds)
  local sender <const>, receiver <const> = host.find(self, from), host.find(self, to)
  check.expect(sender ~= receiver, "link: %s is at both ends", sender.name)
  fault.set(self, { sender.id, receiver.id, touch.place(self) }, options)
end

--- Adds a rule that decides on each copy. The first rule that does not return nil decides.
-- @tparam function decide its argument is a table: `packet` (number of the datagram), `sender` and `receiver` (names of
-- hosts on this LAN: across routers, a rule decides on each LAN), `lan` (name), `from` and `to` (addresses), `data`, `ttl`,
-- `time` (virtual seconds). It returns nil (no decision), false (the copy is lost), or the delays of one or more copies in
-- seconds. Its second argument is a function that returns a number from 0 to 1, drawn from the seed for this copy
-- @treturn Rule
-- @usage net:rule(function(p, random) if p.data:find "nack" and random() < 0.5 then return false end end)
function Net:rule(decide)
  return rule.new(self, check.argument(1, "rule", decide, check.callable))
end

--- Holds copies back until they are let go, in any order. A hold is a rule: among rules and holds, the first that decides on a
-- copy does. Loss, duplication and delays do not act on a copy that is held, but partitions do: at its time, and when it is
-- let go.
-- @tparam function filter its argument is as that of a rule: it returns true for a copy that is to be held
-- @treturn Hold
-- @usage local votes = net:hold(function(p) return p.data:find "vote" end)
-- net:at(2, function() votes:release() end)
function Net:hold(filter)
  return hold.new(self, check.argument(1, "hold", filter, check.callable))
end

--- Separates some hosts from others, also across routers: a datagram of one side does not arrive at the other. A router
-- that is on a side also does not pass on to, or accept from, the other side on its LANs. At most 64 directions can be cut
-- at a time, so 32 partitions, or 64 of one way.
-- @param from list of nodes, hosts, routers, or their names; or one of them
-- @param to list as `from`
-- @tparam[opt] table options
-- @tparam[opt=false] boolean options.oneway datagrams of `to` still arrive at `from`
-- @treturn Partition
-- @usage net:partition({ "sender" }, { "receiver-1" })
function Net:partition(from, to, options)
  check.argument(1, "partition", from, check.many)
  check.argument(2, "partition", to, check.many)
  options = check.options(options, { oneway = check.boolean })
  partition.checksides(self, from, to)
  return partition.watched(check.expect(partition.new(self, from, to, options.oneway),
    "too many partitions at a time (at most 32, or 64 of one way)"))
end

--- Separates a host from all others.
-- @param entry node, host, router, or its name
-- @treturn Partition
-- @usage net:isolate "receiver-1"
function Net:isolate(entry)
  return partition.watched(partition.isolate(self, entry))
end

--- Heals all partitions.
-- @usage net:heal()
function Net:heal()
  for _, cut in ipairs(self.partitions) do
    cut:heal()
  end
  self.partitions = {}
end

--- Injects random faults, reproducible from the seed.
-- @tparam[opt] table options
-- @tparam[opt] {string,...} options.kinds of `"partition"`, `"crash"`, `"pause"`, `"swizzle"` (some nodes are isolated one by
-- one and come back in another order), `"disk"` (a crash that keeps a part of the last write to a file) and `"clock"` (a node's
-- clock is wrong by up to a minute, and runs by up to 1 % faster or slower); default: all
-- @tparam[opt] {Node,...} options.nodes nodes that faults may hit, or their names; a single one is partitioned from all others;
-- default: all
-- @tparam[opt=1] number options.every seconds between two faults on average, above 0
-- @tparam[opt] number options.length seconds that a fault lasts at most; default: `every`
-- @tparam[opt] number options.from virtual seconds before the first fault; default: now
-- @tparam[opt] number options.till virtual seconds after which no fault begins; default: none
-- @usage net:chaos { every = 0.5, kinds = { "crash", "swizzle" }, till = 20 }
function Net:chaos(options)
  chaos.start(self, options)
end

--- Has nodes leave and come back, reproducibly from the seed: each leaves by a crash after a session, and is restarted after an
-- absence. The times of a node depend on the seed and its name alone. A node that has ended, or failed, stays so.
--
-- In place of distributions, a trace has the times of each node, as those of SPLAY (Leonini, Riviere and Felber, NSDI 2009):
-- a line has the seconds, in ascending order, at which the node comes, leaves, comes ... So a line that begins with 0 is of a
-- node that is there from the start; another node begins at its first time.
-- @tparam table options
-- @param[opt] options.session seconds that a node stays: a number, `{least, most}`, a distribution or a function, as `delay` of
-- `Net:set`; for all nodes anew each time
-- @param[opt] options.away seconds that it is away, likewise
-- @param[opt] options.trace path of a file with a line for each node, or a list of lines, or of lists of times
-- @tparam[opt] {Node,...} options.nodes nodes, or their names; default: all that the net has
-- @tparam[opt] number options.from virtual seconds at which the first session begins, and those that a trace counts from;
-- default: now
-- @tparam[opt] number options.till virtual seconds after which no node leaves; default: none
-- @usage net:churn { session = { exponential = 60 }, away = { 1, 5 }, nodes = { "receiver-1" } }
function Net:churn(options)
  churn.start(self, options)
end

return Net
