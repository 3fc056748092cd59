--- A net: LANs, hosts and routers, the nodes that run on them, and their faults.
--
-- `mcast.sim.new` makes one. Methods of a net are called by the scenario: before the net runs, or while it runs from functions
-- given to `Net:at`, `Net:after` and `Net:always`. Wherever a node, a host or a router is expected, its name is accepted.
-- @classmod Net
local check <const> = require "mcast.check"
local checks <const> = require "mcast.sim.net.checks"
local faults <const> = require "mcast.sim.net.faults"
local host <const> = require "mcast.sim.host"
local lan <const> = require "mcast.sim.lan"
local node <const> = require "mcast.sim.node"
local results <const> = require "mcast.sim.net.results"
local run <const> = require "mcast.sim.run"
local topologies <const> = require "mcast.sim.net.topologies"

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

--- Adds a router. It forwards between its LANs, subtracts one from the TTL, and forwards a group only towards members whose
-- filters accept the source.
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
  local seen <const> = {}
  for _, entry in ipairs(lans) do
    local one <const> = self.lans[entry] or entry
    check.expect(not seen[one], "bad argument #2 to 'router' (LAN %s is doubled)", check.quoted(one.name or one))
    seen[one] = true
  end
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

for _, methods in ipairs { faults, checks, results, topologies } do
  for name, method in pairs(methods) do
    Net[name] = method
  end
end

return Net
