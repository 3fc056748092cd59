---@meta mcast.sim
-- Definitions for editors that support LuaCATS.

---@class mcast.sim
local sim = {}

---@alias mcast.sim.delay
---| number
---| number[]
---| { mean: number, deviation: number }
---| { exponential: number, least: number? }
---| fun(random: fun(): number): number

---@class mcast.sim.faults
---@field delay? mcast.sim.delay
---@field loss? number
---@field duplicate? number
---@field reorder? number|number[]

---@class mcast.sim.options: mcast.sim.faults
---@field seed? integer
---@field mtu? integer
---@field rcvbuf? integer
---@field trace? boolean
---@field output? fun(node: mcast.sim.Node, line: string)
---@field budget? integer
---@field modules? table<string, any>

---@class mcast.sim.lan_options: mcast.sim.faults
---@field prefix? string
---@field prefix6? string
---@field mtu? integer
---@field bandwidth? number
---@field queue? number

---@class mcast.sim.node_options
---@field host? mcast.sim.Host|mcast.sim.Node
---@field lans? (mcast.sim.Lan|string)[]
---@field addresses? string[]
---@field env? table<string, string>
---@field stdin? string
---@field start? number
---@field modules? table<string, any>
---@field skew? number
---@field drift? number

---@class mcast.sim.packet
---@field packet integer
---@field sender string
---@field receiver string
---@field lan string
---@field from mcast.address
---@field to mcast.address
---@field data string
---@field ttl integer
---@field time number

---@class mcast.sim.Rule
---@field remove fun(rule: mcast.sim.Rule)

---@class mcast.sim.Partition
---@field heal fun(partition: mcast.sim.Partition)

---@param options? mcast.sim.options
---@return mcast.sim.Net net
function sim.new(options) end

---@param options { seeds: integer[], scenario: fun(seed: integer), jobs: integer? }
---@return { seed: integer, message: string }[] failed
function sim.sweep(options) end

---@class mcast.sim.Net
---@field lans table<string, mcast.sim.Lan>
---@field hosts table<string, mcast.sim.Host>
---@field nodes mcast.sim.Node[]
---@field byname table<string, mcast.sim.Node>
---@field trace mcast.event[]
---@field seed integer
local Net = {}

---@param name string
---@param options? mcast.sim.lan_options
---@return mcast.sim.Lan lan
function Net:lan(name, options) end

---@param name string
---@param options? { lans: (mcast.sim.Lan|string)[]?, addresses: string[]? }
---@return mcast.sim.Host host
function Net:host(name, options) end

---@param name string
---@param lans (mcast.sim.Lan|string)[]
---@param options? { boundary: string[]? }
---@return mcast.sim.Host router
function Net:router(name, lans, options) end

---@param name string
---@param script string|function
---@param arguments? string[]
---@param options? mcast.sim.node_options
---@return mcast.sim.Node node
function Net:node(name, script, arguments, options) end

---@param options mcast.sim.faults
function Net:set(options) end

---@param from mcast.sim.Node|mcast.sim.Host|string
---@param to mcast.sim.Node|mcast.sim.Host|string
---@param options mcast.sim.faults
function Net:link(from, to, options) end

---@param decide fun(packet: mcast.sim.packet): false|number|nil, number?
---@return mcast.sim.Rule rule
function Net:rule(decide) end

---@param from (mcast.sim.Node|mcast.sim.Host|string)[]
---@param to (mcast.sim.Node|mcast.sim.Host|string)[]
---@param options? { oneway: boolean? }
---@return mcast.sim.Partition partition
function Net:partition(from, to, options) end

---@param host mcast.sim.Node|mcast.sim.Host|string
---@return mcast.sim.Partition partition
function Net:isolate(host) end

function Net:heal() end

---@class mcast.sim.chaos
---@field kinds? ("partition"|"crash"|"pause"|"swizzle")[]
---@field nodes? (mcast.sim.Node|string)[]
---@field every? number
---@field length? number
---@field from? number
---@field till? number

---@param options? mcast.sim.chaos
function Net:chaos(options) end

---@return number seconds
function Net:now() end

---@param time number
---@param f fun()
function Net:at(time, f) end

---@param seconds number
---@param f fun()
function Net:after(seconds, f) end

---@param holds fun(): boolean?, string?
---@param name? string
function Net:always(holds, name) end

---@param till? number
function Net:run(till) end

---@param enough fun(): boolean?
---@param limit? number
---@return boolean met
function Net:run_until(enough, limit) end

---@param path string
---@return true? ok, string? message, integer? errno
function Net:write_pcapng(path) end

---@class mcast.sim.figures
---@field sent integer
---@field delivered integer
---@field lost integer
---@field duplicated integer
---@field drops table<string, integer>
---@field latency? { least: number, p50: number, p90: number, p99: number, most: number, mean: number }

---@return table<string, table<string, mcast.sim.figures>> figures by node and group
function Net:stats() end

---@param path string
---@param options? { title: string?, bytes: integer? }
---@return true? ok
---@return string? message
---@return integer? errno
function Net:write_timeline(path, options) end

---@param path string
---@param options? { width: integer?, title: string? }
---@return true? ok
---@return string? message
---@return integer? errno
function Net:write_svg(path, options) end

---@class mcast.sim.Lan
---@field name string
local Lan = {}

---@param options mcast.sim.lan_options
function Lan:set(options) end

---@class mcast.sim.Host
---@field name string
---@field address string
local Host = {}

---@param name string
---@param up boolean
function Host:setinterface(name, up) end

---@class mcast.sim.Node
---@field name string
---@field host string
---@field status "running"|"ended"|"failed"|"crashed"
---@field error? string
local Node = {}

function Node:crash() end

function Node:restart() end

function Node:pause() end

function Node:resume() end

---@param options { skew: number?, drift: number? }
function Node:clock(options) end

return sim
