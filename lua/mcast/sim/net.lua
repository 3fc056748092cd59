--- A net: LANs, hosts and routers, the nodes that run on them, and their faults.
--
-- `mcast.sim.new` makes one. Methods of a net are called by the scenario: before the net runs, or while it runs from functions
-- given to `Net:at`, `Net:after` and `Net:always`. Wherever a node, a host or a router is expected, its name is accepted.
-- @classmod Net
local capture <const> = require "mcast.sim.export.capture"
local chaos <const> = require "mcast.sim.chaos"
local check <const> = require "mcast.check"
local fault <const> = require "mcast.sim.fault"
local host <const> = require "mcast.sim.host"
local lan <const> = require "mcast.sim.lan"
local node <const> = require "mcast.sim.node"
local partition <const> = require "mcast.sim.partition"
local rule <const> = require "mcast.sim.rule"
local run <const> = require "mcast.sim.run"
local stats <const> = require "mcast.sim.export.stats"
local timeline <const> = require "mcast.timeline"
local why <const> = require "mcast.sim.export.why"
local touch <const> = require "mcast.sim.touch"

local Net = {}

--- LANs by name; `lans.lan` is the first one.
-- @tfield table lans

--- Hosts and routers by name.
-- @tfield table hosts

--- Nodes, in the order of their creation.
-- @tfield {Node,...} nodes

--- Nodes by name.
-- @tfield table byname

--- Events, as `mcast.sim.trace` describes them; nil where the net was made with `trace = false`.
-- @tfield ?table trace

--- Nodes that failed: a list of `{node =, time =, error =}`, with their names.
-- @tfield table failures

--- The seed of the run.
-- @tfield integer seed

--- Build
-- @section build

--- Adds a LAN.
-- @tparam string name a name that no other LAN has
-- @tparam[opt] table options
-- @tparam[opt] string options.prefix IPv4 prefix of its hosts' addresses; default 10.0.0.0/8 for the first LAN, then
-- 172.16.0.0/16, 172.17.0.0/16 ...
-- @tparam[opt] string options.prefix6 IPv6 prefix of its hosts' addresses; default fd00::/64, then fd00:0:0:1::/64 ...
-- @tparam[opt=1500] integer options.mtu bytes of an IP packet, 68 to 65536; hosts have no IPv6 on a LAN of less than 1280
-- @tparam[opt=0] number options.bandwidth bits a second that all hosts on the LAN share, 0 or more; 0 is unlimited. All bytes
-- count: headers of UDP (8) and of IP (20, or 40 with IPv6), those of each fragment, and `overhead`
-- @tparam[opt] number options.queue bytes that wait for the bandwidth, 0 or more; a datagram that has no room is dropped, with
-- the reason "queue". One that finds nothing waiting always goes. Default: a datagram that would wait for more than 0.1 s is
-- dropped
-- @tparam[opt] integer options.overhead bytes of each frame beside its IP packet, 0 to 65535. Default: those of Ethernet (IEEE
-- 802.3), which are 38 (preamble 8, header 14, check sequence 4, gap 12), and IP packets of less than 46 bytes count as 46
-- @param[opt] options.delay as for `Net:set`; default: the net's
-- @param[opt] options.loss as for `Net:set`; default: the net's
-- @tparam[opt] number options.duplicate probability, 0 to 1; default: the net's
-- @param[opt] options.reorder as for `Net:set`; default: the net's
-- @treturn Lan
-- @usage local slow = net:lan("slow", { delay = 0.02 })
function Net:lan(name, options)
  return lan.new(self, name, options)
end

local host_options <const> = { lans = check.many, addresses = check.many, files = host.files_kind }
for name, kind in pairs(host.bandwidths) do
  host_options[name] = kind
end

--- Adds a host, on which several nodes can run.
-- @tparam string name
-- @tparam[opt] table options
-- @tparam[opt] {Lan,...} options.lans LANs that it is on, or their names; default `{ net.lans.lan }`
-- @tparam[opt] {string,...} options.addresses further addresses of its first interface
-- @tparam[opt] string options.files as for `mcast.sim.new`, for this host
-- @tparam[opt=0] number options.up bits a second that it sends by all its interfaces, 0 or more; 0 is unlimited. A datagram
-- passes it before the LAN's bandwidth; bytes count as there
-- @tparam[opt=0] number options.down bits a second that it receives, 0 or more; 0 is unlimited. A copy passes it on arrival
-- @tparam[opt] number options.queue bytes that wait for `up`, and for `down`, as a LAN's; default: for at most 0.1 s
-- @treturn Host
-- @usage local host = net:host("server", { lans = { "lan", "far" } })
function Net:host(name, options)
  check.argument(1, "host", name, check.name)
  return host.new(self, name, check.options(options, host_options))
end

--- Adds a router. It forwards between its LANs, subtracts one from the TTL, and forwards a group only towards members.
-- @tparam string name
-- @tparam {Lan,...} lans LANs that it connects, or their names
-- @tparam[opt] table options
-- @tparam[opt] {string,...} options.boundary prefixes of groups that it does not forward, such as "239.255.0.0/16"
-- @tparam[opt=false] boolean options.flood it forwards groups to LANs without members, too
-- @treturn Host
-- @usage net:router("gate", { net.lans.lan, far })
function Net:router(name, lans, options)
  check.argument(1, "router", name, check.name)
  lans = check.tolist(check.argument(2, "router", lans, check.many))
  check.expect(#lans > 1, "bad argument #2 to 'router' (two LANs or more expected, got %d)", #lans)
  options = check.options(options, { boundary = check.many, flood = check.boolean })
  return host.new(self, name, { lans = lans, boundary = options.boundary, flood = options.flood, router = true })
end

--- Adds a node, which begins at once or at a time.
-- @tparam string name a name that no other node has
-- @tparam string|function script path of a script, or a function
-- @tparam[opt] {string,...} arguments of the script
-- @tparam[opt] table options
-- @param[opt] options.host the host to run on, or a node that runs there; default: a host of its own, of the same name
-- @tparam[opt] {Lan,...} options.lans as for `Net:host`
-- @tparam[opt] {string,...} options.addresses as for `Net:host`
-- @tparam[opt] string options.files as for `Net:host`
-- @tparam[opt=0] number options.up as for `Net:host`
-- @tparam[opt=0] number options.down as for `Net:host`
-- @tparam[opt] number options.queue as for `Net:host`
-- @tparam[opt] number options.start virtual seconds, 0 or more; default: now
-- @tparam[opt] table options.env environment variables: text by name; default: none
-- @tparam[opt=""] string options.stdin text that the script reads from standard input
-- @tparam[opt] table options.modules as for `mcast.sim.new`, for this node alone
-- @tparam[opt=0] number options.skew as for `Node:clock`
-- @tparam[opt=0] number options.drift as for `Node:clock`
-- @treturn Node
-- @usage net:node("receiver", "examples/receiver.lua", { "--port", "10000" })
function Net:node(name, script, arguments, options)
  return node.new(self, name, script, arguments, options)
end

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
-- same.
-- @param from node, host, router, or its name
-- @param to node, host, router, or its name
-- @tparam table options as for `Net:set`
-- @usage net:link("sender", "receiver-1", { loss = 1 })
function Net:link(from, to, options)
  options = check.options(options, fault.kinds)
  fault.set(self, { host.find(self, from).id, host.find(self, to).id, touch.place(self) }, options)
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

--- Run
-- @section run

--- Returns the virtual time.
-- @treturn number seconds since the start
-- @usage print(net:now())
function Net:now()
  return self.core:now()
end

--- Calls a function at a time.
-- @tparam number time virtual seconds; a time that is past raises
-- @tparam function f
-- @usage net:at(1.5, function() net:heal() end)
function Net:at(time, f)
  run.checktime(self, "at", check.argument(1, "at", time, check.seconds))
  self.core:call(time, check.argument(2, "at", f, check.func))
end

--- Calls a function after some time.
-- @tparam number seconds from now, 0 or more
-- @tparam function f
-- @usage net:after(1, function() print(net:now()) end)
function Net:after(seconds, f)
  check.argument(1, "after", seconds, check.seconds)
  self.core:call(self:now() + seconds, check.argument(2, "after", f, check.func))
end

--- Adds an invariant: a function called after each event. The run fails if it returns false or raises; a second result
-- of it is added to the error, which has the virtual time, the seed and the command that replays the run.
-- @tparam function holds
-- @tparam[opt="an invariant"] string name
-- @usage net:always(function() return leaders() <= 1 end, "at most one leader")
function Net:always(holds, name)
  check.argument(1, "always", holds, check.callable)
  table.insert(self.invariants, { holds = holds, name = check.argument(2, "always", name or "an invariant", check.text) })
end

--- Draws a random number of the scenario from the seed; arguments and results are those of `math.random`, without
-- `math.random(0)`. (`math.random` in a scenario is the process's: the first run of a net seeds it with the net's seed.)
-- @tparam[opt] integer m
-- @tparam[opt] integer n
-- @treturn number
-- @usage net:at(net:random() * 5, function() net.nodes[net:random(#net.nodes)]:crash() end)
function Net:random(m, n)
  check.argument(1, "random", m or 1, check.integer())
  check.argument(2, "random", n or 1, check.integer())
  local low <const>, high <const> = n and m or 1, n or m
  check.expect(not m or low <= high, "bad argument #%d to 'random' (interval is empty)", n and 2 or 1)
  self.source = self.source or self.core:stream(0)
  local drawn <const> = self.source()
  return not m and drawn or low + math.floor(drawn * (high - low + 1))
end

--- Runs until a time, or until no event is left.
-- @tparam[opt] number till virtual seconds, 0 or more; default: no limit
-- @raise where a node fails, an invariant does not hold, a function of the scenario raises, memory runs out, or a bound of
-- `mcast.sim.new` is exceeded. The error of a node or an invariant has the virtual time, the seed, the traceback and the
-- command that replays the run
-- @usage net:run(10)
function Net:run(till)
  till = check.argument(1, "run", till or math.huge, check.seconds)
  run.checktime(self, "run", till)
  run.run(self, till)
end

--- Runs until a function returns true.
-- @tparam function enough called before the first and after each event
-- @tparam[opt] number limit virtual seconds, 0 or more; default: no limit
-- @treturn boolean did it return true?
-- @usage assert(net:run_until(function() return node.status == "ended" end, 10))
function Net:run_until(enough, limit)
  check.argument(1, "run_until", enough, check.callable)
  limit = check.argument(2, "run_until", limit or math.huge, check.seconds)
  run.checktime(self, "run_until", limit)
  return run.run(self, limit, enough)
end

local function kept(net)
  return check.expect(net.trace, "the net keeps no trace (trace = false)")
end

--- Results
-- @section results

--- Writes the trace as a capture, for Wireshark: see `mcast.sim.export.capture`.
-- @tparam string path
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_pcapng "build/run.pcapng")
function Net:write_pcapng(path)
  return capture.write(kept(self), path)
end

--- Counts the datagrams of the trace by node and group: see `mcast.sim.export.stats`. The result has a field `untouched`, too:
-- the partitions, links and rules of the scenario that touched no copy, as texts with their lines. A link touches the copies
-- that go by it, a partition those that it drops, and a rule those on which it decides. `tostring` adds them to the table.
-- @treturn table `sent`, `delivered`, `lost`, `duplicated`, `drops` by reason, and `latency`, of each group of each node
-- @usage print(net:stats())
function Net:stats()
  return stats.of(kept(self), touch.none(self))
end

--- Returns in a sentence whether a node received a datagram, and if not, why: where a copy was dropped and by which reason,
-- or that the node was no member of the group at that time, bound to another port, on another LAN, or not running.
-- @param event an event of the datagram in `net.trace`, or its number (`event.packet`)
-- @param entry node, or its name
-- @treturn string
-- @usage for _, event in ipairs(net.trace) do if event.kind == "send" then print(net:why(event, net.nodes[1])) end end
function Net:why(event, entry)
  local one <const> = type(entry) == "table" and entry or self.byname[entry]
  check.expect(one and self.byname[one.name] == one, "bad argument #2 to 'why' (node expected, got %s)",
    check.quoted(entry))
  return why.of(kept(self), event, one)
end

--- Writes the trace as a space-time diagram: one HTML file, in which one can zoom, pan and filter.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_timeline("build/run.html", { title = "A run" }))
function Net:write_timeline(path, options)
  return timeline.write(kept(self), path, options)
end

--- Writes a picture of the same diagram as SVG, for papers and READMEs.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_svg("build/run.svg", { width = 720 }))
function Net:write_svg(path, options)
  return timeline.svg(kept(self), path, options)
end

return Net
