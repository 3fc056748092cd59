--- A node: a script that runs on a host of the net.
--
-- `Net:node` makes one. A script is restarted from its beginning; its host and the host's address stay.
-- @classmod Node
local check <const> = require "mcast.check"
local environment <const> = require "mcast.sim.sandbox.environment"
local failure <const> = require "mcast.sim.failure"
local host <const> = require "mcast.sim.host"
local lines <const> = require "mcast.sim.sandbox.lines"
local run <const> = require "mcast.sim.run"
local sieve <const> = require "mcast.sim.sieve"
local stream <const> = require "mcast.sim.sandbox.stream"
local strings <const> = require "mcast.sim.sandbox.strings"

local Node = {}

--- The node's name.
-- @tfield string name

--- The first address of its host, as numeric text.
-- @tfield string host

--- `"running"`, `"ended"`, `"failed"` or `"crashed"`.
-- @tfield string status

--- The error of a failed script, with its traceback. A script fails where it raises, cannot be read or compiled, exits with a
-- status other than 0, or runs without waiting (the option `budget`).
-- @tfield ?string error

--- The last value of each key that its script has noted by `mcast.note(key, value)` since it began. A
-- crashed node keeps them until it is restarted.
-- @tfield table notes

--- Is it paused? (An invariant sees a resumed node after it has run.)
-- @tfield boolean paused

local metatable <const> = { __name = "mcast.sim.Node" }

-- A node has fields of its own for what differs from most nodes.
function metatable.__index(self, key)
  if key == "host" then
    return self.on.address
  elseif key == "notes" then
    self.notes = {}
    return self.notes
  end
  return Node[key]
end

function metatable.__tostring(self)
  return self.name
end

Node.status, Node.paused = "running", false

local node = { methods = Node }

local none <const> = {} -- nodes without arguments or options share it, and have no field of their own for it
Node.arguments, Node.options = none, none

local function orabsent(list)
  return list ~= none and list or nil
end

-- Called by the core when a script begins, and when it has ended.
function node.began(self, _, kind)
  self.net.core:record(self.id, { kind = kind })
end

function node.ended(self, status, message)
  message = self.unreadable or message
  self.status, self.error = status, message
  stream.finish(self)
  lines.finish(self, { kind = status == "failed" and "fail" or "end", reason = message })
  if status == "failed" then
    failure.add(self, message)
  end
end

local function launch(self, time)
  sieve.over(self.crashed)
  self.crashed = nil
  if self.omitted then
    return
  end
  self.status, self.error = nil, nil
  self.stdout, self.stdin, self.standard, self.copies, self.warns, self.collector = nil, nil, nil, nil, nil, nil
  self.notes, self.paused = nil, nil
  lines.reset(self)
  stream.begin(self)
  strings.reset(self)
  self.env, self.package, self.loaded = environment.new(self), nil, nil
  local chunk
  chunk, self.unreadable = environment.chunk(self.script, self.env, self.on)
  self.net.core:start(self.id, time, chunk or error, table.unpack(self.arguments))
end

local clock_options <const> = {
  skew = check.number("number of seconds", -math.huge, math.huge),
  drift = check.number("-0.5 to 1", -0.5, 1),
}

local node_options <const> = { host = true, lans = check.many, addresses = check.many, files = host.files_kind,
  env = check.table, stdin = check.text,
  start = check.seconds, modules = check.table, skew = clock_options.skew, drift = clock_options.drift,
  up = host.bandwidths.up, down = host.bandwidths.down, queue = host.bandwidths.queue }

local script_kind <const> = check.kind("path or function", function(value)
  return type(value) == "string" or type(value) == "function"
end)

local isplain <const> = { string = true, number = true, boolean = true }

-- A value as a shell passes it.
local function totext(value, expected, key)
  check.expect(isplain[type(value)], "bad %s %s (string or number expected, got %s)", expected, key, type(value))
  return tostring(value)
end

-- The arguments of a function are any values, those of a script are text.
local function readarguments(script, arguments)
  if #arguments == 0 then
    return none
  end
  local list = table.move(arguments, 1, #arguments, 1, {})
  for i, value in ipairs(type(script) == "string" and list or {}) do
    list[i] = totext(value, "argument of the script", i)
  end
  return list
end

local function readvariables(given)
  local variables = given and {}
  for name, value in next, given or none do
    check.expect(type(name) == "string", "bad option 'env' (names of variables expected, got %s)", check.quoted(name))
    variables[name] = totext(value, "variable of option 'env':", name)
  end
  return variables
end

-- The host that a node runs on: that of the options, or one of its own.
local function findhost(net, name, options)
  local on <const> = options.host and host.find(net, options.host)
  if not on then
    return host.new(net, name, options)
  end
  check.expect(not (options.lans or options.addresses or options.files or options.up or options.down or options.queue),
    "options 'lans', 'addresses', 'files', 'up', 'down' and 'queue' are those of a host of its own")
  check.expect(net.hosts[name] == nil or net.hosts[name] == on, "the net has another host '%s' already", name)
  return on
end

-- Sets a node's clocks, and records it. Options that are absent keep their values.
function node.setclock(self, options)
  self.skew, self.drift = options.skew or self.skew or 0, options.drift or self.drift or 0
  self.net.core:clock(self.id, self.skew, self.drift)
  self.net.core:record(self.id, { kind = "clock", skew = self.skew, drift = self.drift })
end

function node.new(net, name, script, arguments, options)
  check.argument(1, "node", name, check.name)
  check.argument(2, "node", script, script_kind)
  arguments = arguments and check.tolist(check.argument(3, "node", arguments, check.many)) or none
  options = options and check.options(options, node_options) or none
  check.expect(not net.byname[name], "the net has a node '%s' already", name)
  run.checktime(net, "option 'start'", options.start or net:now())
  arguments = readarguments(script, arguments)
  local variables <const> = readvariables(options.env)
  local on <const> = findhost(net, name, options)
  local self = setmetatable({ net = net, name = name, script = script, options = orabsent(options),
    arguments = orabsent(arguments), variables = variables, on = on }, metatable)
  self.id = net.core:node(on.id, name, self)
  net.nodes[#net.nodes + 1] = self
  net.byname[name] = self
  if options.skew or options.drift then
    node.setclock(self, options)
  end
  self.omitted = sieve.omits(net, name)
  if self.omitted then
    self.status = "ended"
  end
  launch(self, options.start or net:now())
  return self
end

-- Crashes it, and keeps only a part of its last write, where that is given. Returns whether it ran.
local function crash(self, torn)
  local core <const> = self.net.core
  local ran <const> = check.call(core.crash, core, self.id)
  if ran then
    sieve.over(self.pausing)
    self.status, self.paused = "crashed", nil
    local kept, size
    if torn then
      kept, size = self.on.disk:tear(self, torn)
    end
    core:record(self.id, { kind = "crash", reason = kept and ("%d of %d bytes of the last write kept"):format(kept, size) })
  end
  return ran
end

-- The same as a fault, which may not happen; nor may the part of a write.
function node.crash(self, torn)
  local net <const> = self.net
  local fault <const> = sieve.passes(net, "crash of " .. self.name)
  local tears <const> = torn and sieve.passes(net, "torn write of " .. self.name)
  if not fault or not crash(self, tears and torn) then
    return false
  end
  self.crashed = fault
  sieve.begin(net, fault, function()
    if self.crashed == fault then
      launch(self, 0)
    end
  end)
  return true
end

local crash_options <const> = { torn = check.probability }

--- Stops the script as a power cut would: nothing is closed, and what it did not flush is lost. A node cannot crash itself.
-- @tparam[opt] table options
-- @tparam[opt] number options.torn 0 to 1: only this part of the script's last write is kept on its disk
-- @usage net:at(1, function() node:crash() end)
function Node:crash(options)
  node.crash(self, check.options(options, crash_options).torn)
end

function node.restart(self)
  crash(self)
  launch(self, 0)
end

--- Starts the script again from its beginning; a running one is crashed first.
-- @usage net:at(2, function() node:restart() end)
function Node:restart()
  local net <const>, name <const> = self.net, "restart of " .. self.name
  if self.status ~= "running" then
    sieve.skip(net, name)
    node.restart(self)
  elseif sieve.passes(net, name) then
    node.restart(self)
  end
end

--- Stops the script for a time. Its host still receives for it, as long as its buffers have room.
-- @usage net:at(1, function() node:pause() end)
function Node:pause()
  local net <const> = self.net
  local fault <const> = sieve.passes(net, "pause of " .. self.name)
  if fault and net.core:pause(self.id) then
    self.paused, self.pausing = true, fault
    net.core:record(self.id, { kind = "pause" })
    sieve.begin(net, fault, function()
      if self.pausing == fault then
        self:resume()
      end
    end)
  end
end

--- Continues a paused script.
-- @usage net:at(2, function() node:resume() end)
function Node:resume()
  if self.net.core:resume(self.id) then
    sieve.over(self.pausing)
    self.paused, self.pausing = nil, nil
    self.net.core:record(self.id, { kind = "resume" })
  end
end

--- Makes the node's clocks wrong. Options that are absent keep their values.
-- @tparam table options
-- @tparam[opt=0] number options.skew seconds by which `os.time` and the `time` of `recvmsg` are ahead
-- @tparam[opt=0] number options.drift -0.5 to 1: how much faster all its clocks run, that of `mcast.now` too; 0.0001 is
-- 100 parts in a million
-- @usage node:clock { skew = 3600, drift = 0.0001 }
function Node:clock(options)
  options = check.options(options, clock_options)
  if sieve.passes(self.net, "clock of " .. self.name) then
    node.setclock(self, options)
  end
end

-- Ends the faults of a node: its clocks are those of its options, and it runs, unless its script has ended.
function node.calm(self)
  local skew <const>, drift <const> = self.options.skew or 0, self.options.drift or 0
  if (self.skew or 0) ~= skew or (self.drift or 0) ~= drift then
    node.setclock(self, { skew = skew, drift = drift })
  end
  self:resume()
  if self.status == "crashed" then
    node.restart(self)
  end
end

return node
