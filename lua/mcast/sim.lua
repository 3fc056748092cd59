--- The simulator: scripts that speak `mcast` as nodes of a virtual network.
--
-- A script runs unchanged: `require "mcast"` gives it the same functions, results and errors, its waits cost no
-- time, and a run depends on its seed and on nothing else. A net has LANs, hosts that are on them, routers between them,
-- and nodes, which are scripts on a host. `print`, `io`, `os`, `math.random`, `arg`, `require` and the order of `pairs` are the
-- node's own. Lines that nodes print are told with name and time, or go to a function.
--
-- Where it differs from the real network, and why: a poll (timeout 0) takes a microsecond, so that a loop that polls until a
-- time comes ends. Sends never wait, as a LAN's queue drops what it does not take. `io.popen`, `os.execute` and modules that
-- are not Lua would reach out of the simulation (`modules` lends one). `pairs` and `next` go by booleans, numbers, strings,
-- addresses, sockets; keys that are tables or functions have no order that a run could fix, and come last. Finalizers (`__gc`)
-- of nodes are not called, and a socket that is dropped stays open until its node needs descriptors, as a run cannot depend
-- on when memory is collected: close what matters (weak tables still show it). A day begins at 2000-01-01 00:00:00 UTC. What
-- cannot yield (a callback of `string.gsub`, `__close` after an error) cannot wait, and says so. Functions that a script has
-- as upvalues keep the scenario's globals.
-- @module mcast.sim
local checkoptions <const> = require "mcast.options".check
local core <const> = require "mcast.sim.core"
local environment <const> = require "mcast.sim.sandbox.environment"
local fault <const> = require "mcast.sim.fault"
local Node <const> = require "mcast.sim.node"
local output <const> = require "mcast.sim.export.save"
local sweep <const> = require "mcast.sim.sweep"
local topology <const> = require "mcast.sim.topology"
local trace <const> = require "mcast.sim.trace"

local sim = {}

--- Runs a scenario for many seeds, on all cores.
-- With MCAST_SEED in the environment only that one is run, and its error is raised.
-- @function sweep
-- @tparam table options `seeds`: { first, last }; `scenario`: a function of a seed, which raises where something is wrong;
-- `jobs`: processes (one a core)
-- @treturn table list of `{seed, message}` that failed; it prints them and the command that replays the first
-- @usage sim.sweep { seeds = { 1, 100 }, scenario = function(seed) sim.new { seed = seed }:run(10) end }
sim.sweep = sweep

local Net = {}
Net.__index = Net

local net_options <const> = { seed = true, delay = true, loss = true, duplicate = true, reorder = true, mtu = true,
  rcvbuf = true, trace = true, output = true, budget = true, modules = true }

local function print_line(node, line)
  io.stdout:write(("%-12s %11.6f  %s\n"):format(node.name, node.net:now(), line))
end

--- Makes a net with one LAN, `net.lans.lan`.
-- @tparam ?table options `seed`: integer (MCAST_SEED of the process's environment, else 1); `delay`, `loss`, `duplicate`,
-- `reorder`: as for `Net:set`; `mtu`: bytes (1500); `rcvbuf`: bytes of a socket's receive buffer; `trace`: keep
-- events (true); `output`: function of node and line (prints name, time and line); `budget`: instructions that a
-- node may take between two waits (10,000,000); `modules`: what `require` gives to nodes beside modules in Lua
-- @treturn Net
-- @usage local net = sim.new { seed = 7, delay = { 0.001, 0.004 }, loss = 0.05 }
function sim.new(options)
  options = options or {}
  checkoptions(options, net_options)
  local seed = options.seed or math.tointeger(tonumber(os.getenv "MCAST_SEED" or "1"))
  assert(math.type(seed) == "integer", "a seed is an integer")
  local objects = {}
  local net = setmetatable({
    options = options, seed = seed, output = options.output or print_line, nodes = {}, byname = {}, lans = {},
    hosts = {}, rules = {}, partitions = {}, invariants = {}, chaoses = 0, attached = 0,
    numbers = setmetatable({ count = 0 }, { __mode = "k" }),
  }, Net)
  objects.began = Node.began
  objects.ended = Node.ended
  objects.strings = { [0] = environment.strings }
  net.objects = objects
  net.core = core.new(seed, options.trace ~= false, options.budget or 10000000, objects)
  net.trace = options.trace ~= false and trace(net.core) or nil
  if options.rcvbuf then
    net.core:setrcvbuf(options.rcvbuf)
  end
  net:set { delay = options.delay, loss = options.loss, duplicate = options.duplicate, reorder = options.reorder }
  net:lan "lan"
  return net
end

--- Adds a LAN.
-- @tparam string name
-- @tparam ?table options `prefix`, `prefix6`: from which its hosts have addresses; `mtu`: bytes; `bandwidth`: bits a
-- second, and `queue`: bytes that may wait for it (no limits); `delay`, `loss`, `duplicate`, `reorder`
-- @return the LAN, which has `:set(options)`
-- @usage local slow = net:lan("slow", { delay = 0.02 })
function Net:lan(name, options)
  return topology.lan(self, name, options)
end

--- Adds a host, on which several nodes can be.
-- @tparam string name
-- @tparam ?table options `lans`: list of LANs that it is on ({ net.lans.lan }); `addresses`: further ones
-- @return the host, which has `:setinterface(name, up)`
-- @usage local host = net:host("server", { lans = { "lan", "far" } })
function Net:host(name, options)
  local host = topology.host(self, name, options or {})
  self.hosts[name] = host
  return host
end

--- Adds a router, which forwards between LANs and takes one from TTL.
-- @tparam string name
-- @tparam {LAN,...} lans
-- @tparam ?table options `boundary`: list of prefixes of groups that stay on either side, "239.255.0.0/16"
-- @usage net:router("gate", { net.lans.lan, far })
function Net:router(name, lans, options)
  options = options or {}
  checkoptions(options, { boundary = true })
  return self:host(name, { lans = lans, boundary = options.boundary, router = true })
end

local none <const> = {}

local node_options <const> = { host = true, lans = true, addresses = true, env = true, stdin = true, start = true,
  modules = true, skew = true, drift = true }

--- Adds a node.
-- @tparam string name
-- @param script path of a script, or a function
-- @tparam ?{string,...} arguments
-- @tparam ?table options `host`: host, or node whose host it shares; `lans`, `addresses`: as for `Net:host`; `start`:
-- time; `env`: what os.getenv gives; `stdin`: text; `modules`: as for `sim.new`; `skew`, `drift`: see `Node:clock`
-- @treturn Node `.name`, `.host` (its first address), `.status` ("running", "ended", "failed", "crashed"), `.error`
-- @usage net:node("receiver", "examples/receiver.lua", { "--port", "10000" })
function Net:node(name, script, arguments, options)
  options = options or none
  checkoptions(options, node_options)
  assert(type(name) == "string" and not self.byname[name], "a node needs a name that no other one has")
  assert(type(script) == "string" or type(script) == "function", "a script is a path or a function")
  local host = options.host or self:host(name, { lans = options.lans, addresses = options.addresses })
  host = getmetatable(host) == Node and host.on or host
  local node = setmetatable({ net = self, name = name, script = script, options = options,
    arguments = arguments or none, on = host, host = host.address }, Node)
  node.id = self.core:node(host.id, name)
  self.objects[node.id] = node
  self.nodes[#self.nodes + 1] = node
  self.byname[name] = node
  node:clock(options)
  node:launch(options.start or self:now())
  return node
end

-- The host that a name, a node or a host means.
function Net:findhost(entry)
  local node = self.byname[entry] or getmetatable(entry) == Node and entry
  local host = node and node.on or self.hosts[entry] or getmetatable(entry) == topology.Host and entry
  return host or error(("no node, host or router '%s'"):format(tostring(entry)), 3)
end

-- The faults of where: nil is the net.
function Net:faults(where, options)
  self.core:faults(where, fault.read(options))
end

--- Sets the net's faults; a part that is not given stays.
-- @tparam table options `delay`: seconds; { least, most }; { mean =, deviation = }; { exponential =, least = }; or a
-- function, which is given one that draws a number of 0 to 1. `loss`, `duplicate`: probabilities. `reorder`: probability, or
-- { probability, seconds } that a copy is held back at the most (0.01)
-- @usage net:set { loss = 0.1, delay = { exponential = 0.002, least = 0.001 } }
function Net:set(options)
  checkoptions(options, { delay = true, loss = true, duplicate = true, reorder = true })
  self:faults(nil, options)
end

--- Sets the faults of what goes from one host to another, as `Net:set` does.
-- @param from node, host, or name
-- @param to
-- @tparam table options
-- @usage net:link("sender", "receiver-1", { loss = 1 })
function Net:link(from, to, options)
  checkoptions(options, { delay = true, loss = true, duplicate = true, reorder = true })
  self:faults({ self:findhost(from).id, self:findhost(to).id }, options)
end

--- Adds a rule that decides on copies: the first whose answer is not nil wins.
-- @tparam function decide of a packet: `{packet, sender, receiver, lan, from, to, data, ttl, time}`; it gives nil,
-- false (lost), or the delays of one or more copies
-- @return the rule, which has `:remove()`
-- @usage net:rule(function(p) if p.data:find "nack" then return false end end)
function Net:rule(decide)
  return fault.rule(self, decide)
end

--- Cuts the net in two, or a part of it.
-- @tparam table from list of nodes, hosts, or names
-- @tparam table to
-- @tparam ?table options `oneway`: what `to` sends still arrives
-- @return the partition, which has `:heal()`
-- @usage net:partition({ "sender" }, { "receiver-1" })
function Net:partition(from, to, options)
  return fault.partition(self, from, to, options) or error("too many partitions at a time (32, or 64 of one way)", 2)
end

--- Cuts a host off from everyone else.
-- @param host node, host, or name
-- @return the partition, which has `:heal()`
-- @usage net:isolate "receiver-1"
function Net:isolate(host)
  return fault.isolate(self, host)
end

--- Heals all partitions.
-- @usage net:heal()
function Net:heal()
  for _, partition in ipairs(self.partitions) do
    partition:heal()
  end
  self.partitions = {}
end

--- Lets things go wrong at random, by the seed.
-- @tparam ?table options `kinds`: list of "partition", "crash", "pause", "swizzle" (all); `nodes`: whom it may hit
-- (all); `every`: seconds between two on average (1); `length`: seconds that each lasts at the most; `from`, `till`
-- @usage net:chaos { every = 0.5, kinds = { "crash", "swizzle" }, till = 20 }
function Net:chaos(options)
  fault.chaos(self, options or {})
end

--- Virtual seconds since the start.
-- @treturn number
-- @usage print(net:now())
function Net:now()
  return self.core:now()
end

--- Calls a function at a time.
-- @tparam number time seconds
-- @tparam function f
-- @usage net:at(1.5, function() net:heal() end)
function Net:at(time, f)
  self.core:call(time, f)
end

--- Calls a function some time from now.
-- @tparam number seconds
-- @tparam function f
-- @usage net:after(1, function() print(net:now()) end)
function Net:after(seconds, f)
  self.core:call(self:now() + seconds, f)
end

--- Adds an invariant: a function that is called after each event and shall not give false nor raise.
-- @tparam function holds
-- @tparam ?string name
-- @usage net:always(function() return leaders() <= 1 end, "one leader at the most")
function Net:always(holds, name)
  table.insert(self.invariants, { holds = holds, name = name or "an invariant" })
end

local function check(net)
  for _, invariant in ipairs(net.invariants) do
    local ok, holds, why = pcall(invariant.holds)
    if not ok or holds == false then
      net.core:record(nil, { kind = "violation", text = invariant.name })
      error(("%s does not hold at %.6f s with seed %d%s\n%s"):format(invariant.name, net:now(), net.seed,
        not ok and ": " .. tostring(holds) or why and ": " .. tostring(why) or "", sweep.replay(net.seed)), 0)
    end
  end
end

-- Strings are the nodes' while it runs.
local function run(net, till, enough)
  local watcher = enough
  if #net.invariants > 0 then
    watcher = function()
      check(net)
      return enough and enough()
    end
  end
  local own = getmetatable ""
  debug.setmetatable("", environment.strings)
  local ok, result = pcall(net.core.run, net.core, till, watcher)
  debug.setmetatable("", own)
  return ok and result or not ok and error(result, 0)
end

--- Runs until a time, or until nothing is left to be done.
-- @tparam ?number till virtual seconds (for ever)
-- @raise where an invariant does not hold, or a function of the scenario raises
-- @usage net:run(10)
function Net:run(till)
  run(self, till or math.huge)
end

--- Runs until a function gives true.
-- @tparam function enough
-- @tparam ?number limit virtual seconds
-- @treturn boolean did it?
-- @usage assert(net:run_until(function() return node.status == "ended" end, 10))
function Net:run_until(enough, limit)
  return run(self, limit or math.huge, enough)
end

for name, method in pairs(output) do
  Net[name] = method
end

return sim
