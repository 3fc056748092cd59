---@meta mcast.sim
-- Definitions for editors that support LuaCATS.

---@class mcast.sim
local sim = {}

---Seconds; {least, most}; a distribution; or a function that returns seconds and may draw numbers from 0 to 1.
---@alias mcast.sim.delay
---| number
---| number[]
---| { mean: number, deviation: number }
---| { exponential: number, least: number? }
---| fun(random: fun(): number): number

---@class mcast.sim.faults
---@field delay? mcast.sim.delay seconds, 0 or more
---@field loss? number|mcast.sim.bursts probability, 0 to 1, or in bursts
---@field duplicate? number probability, 0 to 1
---@field reorder? number|number[] probability, or {probability, seconds that a copy is held back at most}

---Probabilities of loss in a good and a bad state, and those to begin and to end the bad one.
---@alias mcast.sim.bursts { good: number?, bad: number?, to_bad: number, to_good: number }

---@class mcast.sim.net_faults: mcast.sim.faults
---@field latency? number[][]|fun(from: string, to: string, random: fun(): number): number? seconds from host to host

---@class mcast.sim.options: mcast.sim.net_faults
---@field seed? integer|string an integer, or the text of a run; default: the sweep's, else that of MCAST_SEED, else 1
---@field mtu? integer bytes, 68 to 65536; default 1500
---@field rcvbuf? integer bytes of a socket's receive buffer
---@field trace? boolean keep events; default true
---@field output? fun(node: mcast.sim.Node, line: string) default: prints name, virtual time and line
---@field budget? number seconds of processor time between two waits, above 0; default 10
---@field modules? table<string, any> C modules that nodes may require
---@field files? "own"|"real" do nodes write in memory, or real files? default "own"
---@field in_flight? integer events in flight at most; default 5000000
---@field kept? integer events of the trace at most; default 10000000
---@field payload? integer bytes of datagrams at most; default 1000000000
---@field failures? "raise"|"keep" does a node that fails end the run? default "raise"

---@class mcast.sim.lan_options: mcast.sim.faults
---@field bandwidth? number bits a second; default 0, unlimited
---@field queue? number bytes that wait for the bandwidth; default: those of 0.1 s
---@field overhead? integer bytes of each frame beside its IP packet; default: Ethernet's

---@class mcast.sim.new_lan_options: mcast.sim.lan_options
---@field prefix? string IPv4 prefix of its hosts' addresses, such as "10.1.0.0/16"
---@field prefix6? string IPv6 prefix of its hosts' addresses, such as "fd01::/64"
---@field mtu? integer bytes, 68 to 65536

---@class mcast.sim.clock_options
---@field skew? number seconds by which the time of day is ahead
---@field drift? number -0.5 to 1: how much faster all clocks run

---@class mcast.sim.bandwidths
---@field up? number bits a second that it sends; default 0, unlimited
---@field down? number bits a second that it receives; default 0, unlimited
---@field queue? number bytes that wait for each; default: those of 0.1 s

---@class mcast.sim.host_options: mcast.sim.bandwidths
---@field lans? (mcast.sim.Lan|string)[]
---@field addresses? string[]
---@field files? "own"|"real" do nodes write in memory, or real files? default: the net's

---@class mcast.sim.node_options: mcast.sim.clock_options, mcast.sim.bandwidths
---@field host? mcast.sim.Host|mcast.sim.Node|string default: a host of its own
---@field lans? (mcast.sim.Lan|string)[] LANs of its own host
---@field addresses? string[] further addresses of its own host
---@field files? "own"|"real" the file system of its own host
---@field env? table<string, string> environment variables
---@field stdin? string standard input
---@field start? number virtual seconds; default: now
---@field modules? table<string, any> C modules that it may require

---@class mcast.sim.packet
---@field packet integer number of the datagram
---@field sender string host
---@field receiver string host
---@field lan string
---@field from mcast.address
---@field to mcast.address
---@field data string
---@field ttl integer
---@field time number virtual seconds

---@param options? mcast.sim.options
---@return mcast.sim.Net net
function sim.new(options) end

---@alias mcast.sim.value string|number|boolean

---A range {least, most}, which may be logarithmic; a list to draw one of; or one to draw some of.
---@alias mcast.sim.form mcast.sim.value[]|{ log: true }|{ some: mcast.sim.value[] }

---@class mcast.sim.sweep_options
---@field seeds integer[] the first and the last one
---@field scenario fun(seed: integer, p: table<string, mcast.sim.value|mcast.sim.value[]>) raises where the run is wrong
---@field vary? table<string, mcast.sim.form> forms of the parameters p, by name
---@field reach? true|string|string[] situations that a seed has to see: all that are named, or these
---@field strategy? "random"|"priorities"|"novelty" how runs are chosen; default "random"
---@field jobs? integer workers at a time; default: one a core, and one in a share
---@field launch? string command that runs shares, shell commands in a line each
---@field shares? integer number of shares; default: as many as each has seeds
---@field timeout? number seconds of real time that a seed may take
---@field failures? integer after so many failures it ends; default: all runs
---@field shrink? boolean|number shrink the failure with the fewest events, in so many seconds
---@field env? string[] names of environment variables that the replay sets

---@class mcast.sim.sweep_failure
---@field run? integer from 1 on
---@field seed? integer|string
---@field message string
---@field events? integer
---@field vary? table parameters
---@field story? mcast.sim.Story
---@field host? string that ran its share
---@field machine? string versions of mcast, Lua and the C library there

---@param options mcast.sim.sweep_options
---@return mcast.sim.sweep_failure[] failed
function sim.sweep(options) end

---@param files string[] paths of outputs of shares
---@return mcast.sim.sweep_failure[] failed
function sim.merge(files) end

---@param scenario fun(seed: integer, p: table?) raises where the run is wrong
---@param seed integer|string one that fails, or the text of a run
---@param options? { seconds: number?, jobs: integer?, vary: table<string,? }
---@return mcast.sim.Story story
function sim.shrink(scenario, seed, options) end

---@class mcast.sim.replay_options
---@field vary? table<string, mcast.sim.form>
---@field p? table<string, mcast.sim.value|mcast.sim.value[]> parameters in place of those that vary draws
---@field without? string[] names of nodes that do not start
---@field till? number virtual seconds at which the run ends at the latest
---@field usual? "mean" the usual delay of copies is the mean one
---@field arg? string[] arguments of the program, in place of its own

---@param scenario fun(seed: integer, p: table?)|string
---@param seed integer|string
---@param faults string[] sentences
---@param options? mcast.sim.replay_options
---@return string[] absent those that did not happen
function sim.replay(scenario, seed, faults, options) end

---@alias mcast.sim.place mcast.sim.Node|mcast.sim.Host|string

---@class mcast.sim.Net
---@field lans table<string, mcast.sim.Lan> by name
---@field hosts table<string, mcast.sim.Host> hosts and routers by name
---@field nodes mcast.sim.Node[] in the order of their creation
---@field byname table<string, mcast.sim.Node>
---@field failures { node: string, time: number, error: string }[] nodes that failed
---@field trace? mcast.event[] nil where the net was made with trace = false
---@field seed integer
---@field seen table<string, boolean> by name, was a situation seen that sometimes, reached or a sweep's reach names?
local Net = {}

---@param name string
---@param options? mcast.sim.new_lan_options
---@return mcast.sim.Lan lan
function Net:lan(name, options) end

---@param name string
---@param options? mcast.sim.host_options
---@return mcast.sim.Host host
function Net:host(name, options) end

---@param name string
---@param lans (mcast.sim.Lan|string)[]
---@param options? { boundary: string[]?, flood: boolean? }
---@return mcast.sim.Host router
function Net:router(name, lans, options) end

---Places: LANs with a host on each, and routers between them.
---@class mcast.sim.topology
---@field hosts mcast.sim.Host[] by place
---@field lans mcast.sim.Lan[] by place
---@field routers mcast.sim.Host[]
---@field points? number[][] of a random geometric topology: {x, y}, by place

---@class mcast.sim.topology_options: mcast.sim.lan_options
---@field name? string that the names begin with; default: the kind
---@field mtu? integer bytes, 68 to 65536

---@class mcast.sim.matrix_options: mcast.sim.topology_options
---@field unit? number seconds of one number of a file, one way

---@param places integer
---@param options? mcast.sim.topology_options
---@return mcast.sim.topology topology
function Net:star(places, options) end

---@param places integer
---@param options? mcast.sim.topology_options
---@return mcast.sim.topology topology
function Net:chain(places, options) end

---@param fanout integer number of children of a place
---@param depth integer number of levels below the root
---@param options? mcast.sim.topology_options
---@return mcast.sim.topology topology
function Net:tree(fanout, depth, options) end

---@param columns integer
---@param rows integer
---@param options? mcast.sim.topology_options
---@return mcast.sim.topology topology
function Net:grid(columns, rows, options) end

---@param places integer
---@param radius number
---@param options? mcast.sim.topology_options
---@return mcast.sim.topology topology
function Net:geometric(places, radius, options) end

---@param latencies number[][]|string rows of seconds, or the path of a file
---@param options? mcast.sim.matrix_options
---@return mcast.sim.topology topology
function Net:matrix(latencies, options) end

---@param name string
---@param script string|function path, or function
---@param arguments? string[]
---@param options? mcast.sim.node_options
---@return mcast.sim.Node node
function Net:node(name, script, arguments, options) end

---@param options mcast.sim.net_faults
function Net:set(options) end

---@param from mcast.sim.place
---@param to mcast.sim.place
---@param options mcast.sim.faults
function Net:link(from, to, options) end

---@param decide fun(packet: mcast.sim.packet): false|number|nil, number? nil: no decision; false: lost; delays of copies
---@return mcast.sim.Rule rule
function Net:rule(decide) end

---@param from mcast.sim.place|mcast.sim.place[]
---@param to mcast.sim.place|mcast.sim.place[]
---@param options? { oneway: boolean? }
---@return mcast.sim.Partition partition
function Net:partition(from, to, options) end

---@param filter fun(packet: mcast.sim.packet): boolean? true: the copy is held
---@return mcast.sim.Hold hold
function Net:hold(filter) end

---@param entry mcast.sim.place
---@return mcast.sim.Partition partition
function Net:isolate(entry) end

function Net:heal() end

---@class mcast.sim.chaos
---@field kinds? ("partition"|"crash"|"pause"|"swizzle"|"disk"|"clock")[] default: all
---@field nodes? (mcast.sim.Node|string)[] default: all
---@field every? number seconds between two faults on average; default 1
---@field length? number seconds that a fault lasts at most; default: every
---@field from? number virtual seconds before the first fault
---@field till? number virtual seconds after which no fault begins

---@param options? mcast.sim.chaos
function Net:chaos(options) end

---@class mcast.sim.churn
---@field session? mcast.sim.delay seconds that a node stays
---@field away? mcast.sim.delay seconds that it is away
---@field trace? string|(string|number[])[] path, or lines, or times: in place of session and away
---@field nodes? (mcast.sim.Node|string)[] default: all
---@field from? number virtual seconds at which the first session begins
---@field till? number virtual seconds after which no node leaves

---@param options mcast.sim.churn
function Net:churn(options) end

---@return number seconds virtual
function Net:now() end

---@param time number virtual seconds
---@param f fun()
function Net:at(time, f) end

---@param seconds number
---@param f fun()
function Net:after(seconds, f) end

---@param holds fun(): boolean?, string?
---@param name? string
function Net:always(holds, name) end

---@param holds fun(): boolean?, string?
---@param name string
---@param options { after: number, within: number } virtual seconds at which all faults end, and seconds from then
function Net:eventually(holds, name, options) end

---@param holds fun(): boolean?
---@param name string
---@overload fun(self: mcast.sim.Net, name: string)
function Net:sometimes(holds, name) end

---@param name string
function Net:reached(name) end

---Draws a random number of the scenario, as math.random does.
---@param m? integer
---@param n? integer
---@return number
function Net:random(m, n) end

---@param till? number virtual seconds
function Net:run(till) end

---@param enough fun(): boolean?
---@param limit? number virtual seconds
---@return boolean met
function Net:run_until(enough, limit) end

---@param path string
---@return true? ok
---@return string? message
---@return integer? errno
function Net:write_pcapng(path) end

---@class mcast.sim.figures
---@field sent integer
---@field delivered integer
---@field lost integer
---@field duplicated integer
---@field drops table<string, integer> by reason
---@field held integer copies that are still held
---@field latency? { least: number, p50: number, p90: number, p99: number, most: number, mean: number } seconds

---@return table<string, table<string, mcast.sim.figures>> figures by node and group; their `untouched` is a list of faults
function Net:stats() end

---@param event mcast.event|integer of a datagram, or its number
---@param entry mcast.sim.Node|string
---@return string sentence
function Net:why(event, entry) end

---@return mcast.sim.History history of the operations that nodes report by notes
function Net:history() end

---@param path string
---@param options? mcast.timeline.page
---@return true? ok
---@return string? message
---@return integer? errno
function Net:write_timeline(path, options) end

---@param path string
---@param options? mcast.timeline.still
---@return true? ok
---@return string? message
---@return integer? errno
function Net:write_svg(path, options) end

---@class mcast.sim.operation
---@field node string
---@field number integer
---@field method string
---@field object string
---@field arguments string[]
---@field kind? "ok"|"fail"|"unknown" nil while it is open
---@field result? string
---@field from number virtual seconds of its invocation
---@field to? number virtual seconds of its end

---@alias mcast.sim.object "register"|"set"|"queue"

---@class mcast.sim.Story
---@field seed integer|string
---@field message string the error with these faults
---@field events integer
---@field faults string[] sentences
---@field before integer number of all faults of the seed
---@field options mcast.sim.replay_options
---@field nodes string[] names of all nodes
---@field complete boolean was there time for all of them?
---@field runs integer number of runs that it took
local Story = {}

---@param path string
---@return true? ok
---@return string? message
---@return integer? errno
function Story:write_lua(path) end

---@param path string
---@param options? mcast.timeline.still
---@return true? ok
---@return string? message
---@return integer? errno
function Story:write_svg(path, options) end

---@param path string
---@param options? mcast.timeline.page
---@return true? ok
---@return string? message
---@return integer? errno
function Story:write_timeline(path, options) end

---@class mcast.sim.History
local History = {}

---@return mcast.sim.operation[] operations in the order of their invocations
function History:operations() end

---@param kinds mcast.sim.object|table<string, mcast.sim.object> of all objects, or by name
---@param options? { steps: integer? }
---@return boolean|"undecided" verdict
---@return string? why the operation that fits no order
function History:linearizable(kinds, options) end

---@class mcast.sim.Lan
---@field name string
local Lan = {}

---@param options mcast.sim.lan_options
function Lan:set(options) end

---@class mcast.sim.Host
---@field name string
---@field address string
local Host = {}

---@param options mcast.sim.bandwidths
function Host:set(options) end

---@param name string "lo", "eth0" ...
---@param up boolean
function Host:setinterface(name, up) end

---@param name string "lo", "eth0" ...
---@param address string
---@param present boolean true adds it, false removes it
function Host:setaddress(name, address, present) end

---@param path string
---@return string? text
---@return string? message
---@return integer? errno
function Host:file(path) end

---@class mcast.sim.Node
---@field name string
---@field host string first address of its host
---@field status "running"|"ended"|"failed"|"crashed"
---@field error? string
---@field notes table<string, string|boolean> the last value of each key
---@field paused boolean
local Node = {}

---@param options? { torn: number? }
function Node:crash(options) end

function Node:restart() end

function Node:pause() end

function Node:resume() end

---@param options mcast.sim.clock_options
function Node:clock(options) end

---@class mcast.sim.Rule
local Rule = {}

function Rule:remove() end

---@class mcast.sim.Hold
---@field copies mcast.sim.packet[] that are held, in the order of their times
local Hold = {}

---@param which? integer|mcast.sim.packet|mcast.sim.packet[] so many, a copy, or a list in any order; default: all
---@return integer count
function Hold:release(which) end

function Hold:remove() end

---@class mcast.sim.Partition
local Partition = {}

function Partition:heal() end

return sim
