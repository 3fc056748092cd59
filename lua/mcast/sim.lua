--- The simulator: runs scripts that use `mcast` as nodes of a virtual network.
--
-- A script runs unchanged. `require "mcast"` returns a module with the same functions, results and errors; waiting takes
-- no real time; and a run is reproducible from its seed. A net consists of LANs, hosts on them, routers between them,
-- and nodes: scripts that run on a host. Each node has its own `print`, `io`, `os`, `arg`, `require`, `math.random` and
-- order of `pairs`. The lines that it prints are printed with its name and the virtual time, or passed to a function.
--
-- These differ from the real network and from Lua:
--
-- - A poll (timeout 0) takes one microsecond of virtual time, so a loop that polls until a time ends.
-- - A send never waits: a LAN's queue drops the datagrams that it has no room for.
-- - `io.popen`, `os.execute` and C modules are not available; the option `modules` provides C modules.
-- - `pairs` and `next` visit booleans, numbers, strings, addresses and sockets in this order, each sorted. Keys that are
--   tables or functions come last, in an order that may differ from run to run.
-- - Finalizers (`__gc`) of nodes are not called, and a socket without references stays open until its node needs
--   descriptors: close sockets that matter. Collection is still visible in weak tables.
-- - All nodes are in the C locale, whatever that of the process, and `os.setlocale` knows no other.
-- - The time of day begins at 2000-01-01 00:00:00 UTC.
-- - These cannot wait, and the call raises, since Lua does not let them yield: a message handler of `xpcall`; `__index`,
--   `__newindex` and `__len` that functions of `table` (without `sort`) or `ipairs` call; `__close` that `coroutine.close`
--   calls, or the error of a coroutine.
-- - Functions that are in C in Lua may be in Lua: `debug.getinfo` and `string.dump` show it, and the chunk of a script is a
--   function in their eyes. `package` has three searchers, and `package.loadlib` finds nothing.
-- - A function given as a script keeps its upvalues, also over a crash and a restart; its globals are the node's, and new.
-- - Files are those of the node's host (the option `files`). Of the devices there are `/dev/null`, `/dev/zero`, `/dev/random`
--   and `/dev/urandom`, whose bytes come from the seed.
-- - `^` and functions such as `math.exp` are those of the process's C library, whose last digit may differ from system to
--   system. All else of a run depends on the seed alone, whatever the compiler; an error of a node names the C library.
-- - A node has the library of the Lua that runs it, 5.4 or 5.5. A seed makes the same run in both, unless a script shows the
--   difference: 5.5 prints some floats with more digits (`0.1 + 0.2`).
-- - One call of a function of `table` visits 100,000,000 elements at the most, and a text of `string.rep` has less than 2 GiB.
-- - `load` reads all pieces of a function before it compiles them. Metatables of sockets, addresses and files are copies.
--
-- Scripts are trusted: the simulator keeps them deterministic, not harmless. A script may read all files of the process's user,
-- use up the memory, or end the process by malformed bytecode. The budget, of processor time, ends all loops but these: within
-- one call of a C function (matching a pattern that backtracks, `("a"):rep(30000):find ".-.-.-b"`; a function of a lent
-- module); in a message handler of `xpcall`, which Lua calls again for the error that ends it; in coroutines that it makes by
-- the scenario's `coroutine`. A script that polls in a loop (`recvfrom(0)`) waits a microsecond each time, and so
-- uses no budget: it goes on until the time that `net:run` is given.
--
-- The signal SIGVTALRM makes the budget: within `net:run`, and only there, it has a handler, and its timer runs. Where the
-- program handles or blocks that signal, has set its timer, or runs another net in another thread, both stay as they are; nodes
-- then count instructions to look at the time, and their scripts may take twice as long. On Linux, `os.clock` of the process
-- goes on in steps of some milliseconds while the timer runs.
-- @module mcast.sim
local check <const> = require "mcast.check"
local core <const> = require "mcast.sim.core"
local environment <const> = require "mcast.sim.sandbox.environment"
local fault <const> = require "mcast.sim.fault"
local host <const> = require "mcast.sim.host"
local lan <const> = require "mcast.sim.lan"
local net <const> = require "mcast.sim.net"
local node <const> = require "mcast.sim.node"
local reach <const> = require "mcast.sim.reach"
local replay <const> = require "mcast.sim.replay"
local seeds <const> = require "mcast.sim.seed"
local stream <const> = require "mcast.sim.sandbox.stream"
local trace <const> = require "mcast.sim.trace"

local sim = {} -- sweeps and shrinking are loaded where they are called: few runs need them

local LARGEST <const> = 2 ^ 31 - 1 | 0
local IN_FLIGHT <const>, KEPT <const>, PAYLOAD <const> = 5000000, 10000000, 1000000000

local new_options <const> = {
  seed = seeds.kind,
  mtu = check.integer(68, 65536),
  rcvbuf = check.integer(1, LARGEST),
  budget = check.number("seconds above 0", 1e-9, math.huge),
  trace = check.boolean,
  output = check.callable,
  modules = check.table,
  files = host.files_kind,
  in_flight = check.integer(1, math.maxinteger),
  kept = check.integer(1, math.maxinteger),
  payload = check.integer(1, math.maxinteger),
  failures = check.kind('"raise" or "keep"', function(value) return value == "raise" or value == "keep" end),
}
for name, kind in pairs(fault.net_kinds) do
  new_options[name] = kind
end

local function print_line(from, line)
  io.stdout:write(("%-12s %11.6f  %s\n"):format(from.name, from.net:now(), line))
end

local metatable <const> = { __index = net, __name = "mcast.sim.Net" }

-- The run that a net is of: named by its options, else that of the sweep, else by the environment. Another seed's net within
-- a sweep draws as the run does.
local function choose(given)
  local outer <const>, run = replay.run(), given and seeds.read(given)
  if not run then
    return outer or replay.environment() or seeds.read(1)
  end
  return outer and run.rest == "" and seeds.with(outer, run.first) or run
end

--- Makes a net with one LAN, `net.lans.lan`.
-- @tparam[opt] table options
-- @param[opt] options.seed an integer; or the text of a run, as a sweep names it: `"17,priorities"`, or `"17,3.2:99"`: the run
-- of seed 17, which from virtual second 3.2 on draws as seed 99 does; default: that of the sweep, else the environment variable
-- MCAST_SEED, else 1
-- @param[opt=0.0001] options.delay as for `Net:set`
-- @param[opt] options.latency as for `Net:set`
-- @param[opt=0] options.loss as for `Net:set`
-- @tparam[opt=0] number options.duplicate probability, 0 to 1
-- @param[opt=0] options.reorder as for `Net:set`
-- @tparam[opt=1500] integer options.mtu bytes of an IP packet, 68 to 65536: that of LANs without an own one
-- @tparam[opt] integer options.rcvbuf bytes of a socket's receive buffer, 1 to 2147483647
-- @tparam[opt=true] boolean options.trace keep events in `net.trace`
-- @tparam[opt] function options.output called with the node and each line that it prints; default: prints name, virtual
-- time and line
-- @tparam[opt=10] number options.budget seconds of processor time that a node may use between two waits, above 0; it is seen
-- each 10 ms. A run that keeps to it does not depend on it
-- @tparam[opt] table options.modules C modules that nodes may require, by name
-- @tparam[opt="own"] string options.files `"own"`: each host has a file system of its own. Its nodes read the real files, and
-- their writes stay in memory, are seen on that host alone, and survive a restart. A crash loses data that were neither flushed
-- nor closed. `"real"`: nodes write real files; those
-- that still run when the net is collected, or the process ends, flush them
-- @tparam[opt="raise"] string options.failures `"raise"`: a node that fails ends the run, and `Net:run` raises; `"keep"`: the
-- run goes on, and the error is printed like a line of the node. Crashes by the scenario are no failures
-- @tparam[opt=5000000] integer options.in_flight events in flight: copies, also those of a `Hold`, and calls of the scenario;
-- a run with more raises, with its time and the node that sent most
-- @tparam[opt=10000000] integer options.kept events of the trace; a run with more raises likewise
-- @tparam[opt=1000000000] integer options.payload bytes of datagrams in flight, in receive buffers and in the trace; likewise.
-- A run at all three bounds needs some 3 GB
-- @treturn Net
-- @usage local net = sim.new { seed = 7, delay = { 0.001, 0.004 }, loss = 0.05 }
function sim.new(options)
  options = check.options(options, new_options)
  local run <const> = choose(options.seed)
  local self = setmetatable({
    options = options, seed = run.first, called = seeds.name(run),
    output = options.output or print_line, nodes = {}, byname = {}, lans = {}, hosts = {}, rules = {}, holds = {},
    partitions = {}, watched = {}, places = {}, linkers = setmetatable({}, { __mode = "k" }),
    failures = {}, invariants = {}, goals = {}, seen = {}, chaoses = 0, calms = 0, given = {}, base = {}, attached = 0,
    numbers = setmetatable({ count = 0 }, { __mode = "k" }),
  }, metatable)
  self.core = core.new(self.seed, replay.covers(self) or options.trace ~= false, options.budget or 10, node.began,
    node.ended, environment.strings)
  self.leaving = stream.leave_with(self.nodes)
  self.core:bounds(options.in_flight or IN_FLIGHT, options.kept or KEPT, options.payload or PAYLOAD)
  self.trace = options.trace ~= false and trace(self.core) or nil
  if options.rcvbuf then
    self.core:setrcvbuf(options.rcvbuf)
  end
  for name in pairs(replay.names()) do
    reach.declare(self, name)
  end
  fault.set_net(self, options)
  lan.new(self, "lan")
  replay.sift(self)
  seeds.apply(self, run)
  return self
end

--- Runs a scenario with many seeds, on all cores, and prints the seeds that failed, the partitions, links and rules that
-- touched no copy in any seed, the situations of `Net:sometimes` that no seed has seen, and the command that replays the
-- failure with the fewest events.
--
-- Each seed runs in a worker, a copy of this process (fork): it begins with the state of before the sweep, and changes of
-- that state are not seen after it. Output of a worker is discarded, except for that to stderr. A worker that ends early or
-- late is a failure of its seed.
--
-- With MCAST_SEED in the environment only that seed is run, in this process, and its error is raised. MCAST_SWEEP names one
-- sweep of a process by its line; the others are skipped and return an empty list. The replay of a process's second or later
-- sweep sets it.
--
-- With `launch`, a command such as `parallel --sshlogin one,two --workdir .`, other processes run the seeds, on other
-- machines if need be. The command gets shares of the seeds at its standard input, a shell command in each line, and its
-- standard output is read for their results. Each line starts this process again, with MCAST_SHARE (`1-32`: the first and the
-- last seed), MCAST_SWEEP, MCAST_VARY and the variables of `env`; there the sweep runs these seeds, prints their result as a
-- line, and returns an empty list. A share without a result is run again, as smaller ones, so a seed that ends its process is
-- found.
-- @tparam table options
-- @tparam {integer,integer} options.seeds the first and the last one
-- @tparam function options.scenario called with a seed, and with a table of parameters where there is `vary`; raises where the
-- run is wrong. `sim.new` without a seed takes that seed, and so does `math.random`
-- @tparam[opt] table options.vary forms of parameters by name, which each seed draws: `{ least, most }`, of integers where both
-- are, else of floats of few digits; with `log = true` on a logarithmic scale; `{ "a", "b", "c" }`, a list: one of its values
-- (text, booleans, or numbers other than two); `{ some = { "a", "b", "c" } }`: a list of some of these, at least one. Half of
-- the runs draw 0 from a range that begins at 0, so that they leave that fault out; `{ 0, least, most, log = true }` does the
-- same. A value depends on the seed, its name and its form alone. MCAST_VARY in the environment (`loss=0.2 nodes=5`) sets
-- values in place of those drawn; the replay sets all, so it is the same when `vary` has changed
-- @param[opt] options.reach names of situations, as of `Net:sometimes`: the sweep fails where no seed has seen one of
-- them; or true: of all that the scenario names
-- @tparam[opt="random"] string options.strategy how runs are chosen: `"random"`: one of each seed; `"priorities"`: of each seed
-- that in which links or hosts have priorities, which decide what is late, and lost together; `"novelty"`: also splices of runs
-- that have reached states that few runs reach (docs/sweeps.md). The number of runs is that of the seeds in each case
-- @tparam[opt] integer options.jobs workers at a time, 1 or more; default: one a core, and one in a share
-- @tparam[opt] string options.launch a command that runs shell commands, a line each; MCAST_LAUNCH in the environment is used
-- in its place, also an empty one: all seeds are run here
-- @tparam[opt] integer options.shares number of shares, 1 to 1000000; default: as many as each has seeds
-- @tparam[opt] number options.timeout seconds of real time that a seed may take, above 0; default: no limit
-- @tparam[opt] integer options.failures after so many failures it ends, 1 or more; later runs do not count. Default: all runs
-- @param[opt] options.shrink true, or the seconds that it may take: it shrinks the failure with the fewest events, as
-- `sim.shrink` does, and prints its story
-- @tparam[opt] {string,...} options.env names of environment variables on which the scenario depends: the replay sets them
-- @treturn table list of `{run =, seed =, message =, events =, vary =, story =, host =, machine =}` that failed: `run` counts
-- the runs from 1 on, and `seed` is an integer, or the text of a run as MCAST_SEED, `sim.shrink` and `sim.new` accept it;
-- `events` is nil where the worker ended early, `vary` has the parameters, and `story` is the `Story` that `shrink` has
-- found. A failure of a share has the name of its host, and its machine: the versions of mcast, Lua and the C library. A
-- situation of `reach` that was never seen is a failure without a seed, and so are seeds for which `launch` brought no result
-- @raise where `launch` brings no result at all
-- @usage sim.sweep { seeds = { 1, 100 }, timeout = 60, scenario = function() sim.new():run(10) end }
function sim.sweep(options)
  return require "mcast.sim.sweep".run(options)
end

--- Prints the report of a sweep whose shares ran on their own, with MCAST_SHARE in the environment, and printed their results
-- to files. Lines that are no result are skipped, and a share that ran twice counts once.
-- @tparam {string,...} files their paths
-- @treturn table list of failures as `sim.sweep` returns them; seeds without a result are a failure without a seed
-- @raise where a file cannot be read, or has a result of another sweep
-- @usage if arg[1] then sim.merge(arg) end
function sim.merge(files)
  return require "mcast.sim.sweep.merge".files(files)
end

--- Finds a few faults with which a failing seed still fails in the same way: with the same invariant, or the same error. It
-- runs the seed again and again in workers, with some of its faults alone, by delta debugging (Zeller and Hildebrandt, 2002).
-- Faults are lost, doubled, late and early copies, decisions of rules, partitions, crashes, torn writes, restarts and pauses of
-- running nodes, settings of clocks, outages of interfaces, and added and removed addresses. A copy without a fault has the
-- usual delay: the least one, or the mean of a normal distribution. Latencies and delays by a function stay as they are. The
-- mean one of all distributions is the usual delay where this leaves fewer faults: the rest of the run comes as soon as before,
-- so a fault at a time still hits it. Where more than five are left, lost datagrams are also named by their bytes, as in
-- `lost: node-1's 2nd "ask" to ...`: a repetition that is not needed any more changes the numbers of the next ones. Such a
-- fault happens though the seed does not draw it.
--
-- In this order it tries smaller parameters of `vary` (numbers nearer to the lower limit, an earlier entry of a list, fewer of
-- `some`), fewer faults, fewer nodes, rounder delays, shorter faults, and an earlier end. The run without any fault must not
-- fail in the same way then, which it might do for the lack of a node or of time alone. Where no fault is needed at all, the
-- end stays, and so do the nodes where a run without any of them fails in the same way. An earlier end is that of `Net:run`;
-- `Net:eventually` ends all faults earlier then, and its `within` stays. A run that an invariant ends has no earlier one.
-- @tparam function scenario as for `sim.sweep`
-- @param seed one that fails: an integer, or the text of a run
-- @tparam[opt] table options
-- @tparam[opt=60] number options.seconds real time that it may take, above 0; then the best result so far is returned
-- @tparam[opt] integer options.jobs workers at a time, 1 or more; default: one a core
-- @tparam[opt] table options.vary as for `sim.sweep`
-- @treturn Story
-- @raise where the seed does not fail, or has no end within that time
-- @usage print(sim.shrink(function(seed) sim.new { loss = 0.1 }:run(10) error "bad" end, 7))
function sim.shrink(scenario, seed, options)
  return require "mcast.sim.shrink".run(scenario, seed, options)
end

--- Runs a scenario in this process with some faults alone, those that `sim.shrink` has found.
-- @param scenario called with the seed, and with parameters; or the place, such as "run.lua:7", at which a program calls
-- `sim.sweep` or `sim.shrink`: the program is run up to there, and its scenario is replayed
-- @param seed an integer, or the text of a run
-- @tparam {string,...} faults their sentences
-- @tparam[opt] table options those of the story, `story.options`
-- @tparam[opt] table options.vary as for `sim.sweep`
-- @tparam[opt] table options.p parameters of the scenario, in place of those that `vary` draws
-- @tparam[opt] {string,...} options.without names of nodes that do not start
-- @tparam[opt] number options.till virtual seconds at which the run ends at the latest
-- @tparam[opt] string options.usual `"mean"`: the usual delay of copies is the mean one
-- @tparam[opt] {string,...} options.arg arguments of the program, in place of its own
-- @treturn {string,...} those faults that did not happen, and those nodes that are not in the net
-- @raise where the scenario raises
-- @usage sim.replay(function() sim.new():run(10) end, 7, { "lost: node-1's 1st datagram to 239.1.2.3:5000 at node-2" })
function sim.replay(scenario, seed, faults, options)
  return require "mcast.sim.shrink".replay(scenario, seed, faults, options)
end

return sim
