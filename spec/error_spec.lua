-- Errors of the modules in Lua name the line of the script that called them.
local pcapng <const> = require "mcast.pcapng"
local sim <const> = require "mcast.sim"
local timeline <const> = require "mcast.timeline"

local file <const> = debug.getinfo(1, "S").short_src

local function quiet(options)
  options = options or {}
  options.output = function() end
  return sim.new(options)
end

local net <const> = quiet()
local node <const> = net:node("a", function() require "mcast".sleep(10) end)
local function nothing() end
local writer <const> = assert(pcapng.writer "/dev/null")
local eth0 <const> = assert(writer:interface { name = "eth0" })

-- Part of the message, and the call.
local calls <const> = {
  { "unknown option 'los'", function() sim.new { los = 1 } end },
  { "table of options expected, got 5", function() sim.new(5) end },
  { "bad option 'seed' (integer", function() sim.new { seed = "x" } end },
  { "bad option 'mtu' (integer of 68 to 65536 expected, got 20)", function() sim.new { mtu = 20 } end },
  { "bad option 'rcvbuf'", function() sim.new { rcvbuf = 0 } end },
  { "bad option 'budget'", function() sim.new { budget = 0 } end },
  { "bad option 'output' (function expected, got \"x\")", function() sim.new { output = "x" } end },
  { "bad option 'modules' (table expected, got true)", function() sim.new { modules = true } end },
  { "bad option 'delay' (seconds of 0 or more", function() sim.new { delay = -1 } end },
  { "bad option 'loss' (probability of 0 to 1 or {to_bad =, to_good = (0.001 or more), good =, bad =} expected, got nan)",
    function() sim.new { loss = math.abs(0 / 0) } end },
  { "missing option 'scenario'", function() sim.sweep { seeds = { 1, 2 } } end },
  { "bad option 'seeds' ({first, last} expected, got table)", function() sim.sweep { seeds = {} } end },
  { "bad argument #1 to 'lan' (name expected, got nil)", function() net:lan() end },
  { "the net has a LAN 'lan' already", function() net:lan "lan" end },
  { "bad option 'prefix' (prefix such as", function() net:lan("b", { prefix = "10.0.0.0" }) end },
  { "bad option 'prefix6'", function() net:lan("b", { prefix6 = "fd00::" }) end },
  { "10.9.0.0/31 has no room for another host", function()
    net:lan("tiny", { prefix = "10.9.0.0/31" })
    for i = 1, 2 do net:host("t" .. i, { lans = { "tiny" } }) end
  end },
  { "bad option 'queue'", function() net.lans.lan:set { queue = -1 } end },
  { "unknown option 'mtu'", function() net.lans.lan:set { mtu = 100 } end },
  { "bad argument #1 to 'host'", function() net:host {} end },
  { "no LAN 'far'", function() net:host("h", { lans = { "far" } }) end },
  { "no LAN 'mcast.sim.Lan", function() net:host("h", { lans = { quiet().lans.lan } }) end },
  { "'x' is not a numeric address", function() net:host("h", { addresses = { "x" } }) end },
  { "bad option 'boundary'", function() net:router("r", { "lan", net:lan "two" }, { boundary = { "239.0.0.0" } }) end },
  { "bad option 'boundary'", function() net:router("q", { "lan", "two" }, { boundary = { "239.0.0.0/64" } }) end },
  { "bad argument #2 to 'router' (two LANs or more expected, got 1)", function() net:router("r", "lan") end },
  { "no interface 'eth7' on a", function() net.hosts.a:setinterface("eth7", false) end },
  { "bad argument #1 to 'node'", function() net:node(5, nothing) end },
  { "bad argument #2 to 'node' (path or function expected, got nil)", function() net:node "b" end },
  { "bad argument #3 to 'node' (list expected, got table)", function() net:node("b", nothing, { port = 5 }) end },
  { "bad argument of the script 2 (string or number expected, got table)", function() net:node("b", "x.lua", { 1, {} }) end },
  { "bad variable of option 'env': X (string or number", function() net:node("b", nothing, {}, { env = { X = {} } }) end },
  { "bad argument #1 to 'node' (name expected, got \"\")", function() net:node("", nothing) end },
  { "the net has a host or router 'double' already", function() net:host "double" net:host "double" end },
  { "the net has a host or router 'twin' already", function()
    net:router("twin", { "lan", net:lan "twin" })
    net:router("twin", { "lan", "twin" })
  end },
  { "the net has a host or router 'place' already", function() net:host "place" net:node("place", nothing) end },
  { "the net has another host 'here' already", function() net:host "here" net:node("here", nothing, {}, { host = "a" }) end },
  { "the net has a node 'guest' already", function() net:node("guest", nothing, {}, { host = "a" }) net:host "guest" end },
  { "options 'lans', 'addresses', 'files', 'up', 'down' and 'queue' are",
    function() net:node("b", nothing, {}, { host = "a", lans = "lan" }) end },
  { "bad argument #1 to 'partition' (list expected, got nil)", function() net:partition() end },
  { "bad argument #2 to 'partition' (list expected, got table)", function() net:partition("a", { b = true }) end },
  { "bad option 'oneway' (boolean expected, got \"no\")", function() net:partition("a", "a", { oneway = "no" }) end },
  { "bad option 'trace' (boolean expected, got \"no\")", function() sim.new { trace = "no" } end },
  { "bad option 'failures' (\"raise\" or \"keep\" expected", function() sim.new { failures = true } end },
  { "bad argument #2 to 'setinterface' (boolean", function() net.hosts.a:setinterface "eth0" end },
  { "no interface 'eth7' on a", function() net.hosts.a:setaddress("eth7", "10.0.0.9", true) end },
  { "bad argument #2 to 'setaddress' (string", function() net.hosts.a:setaddress("eth0", nil, true) end },
  { "bad argument #3 to 'setaddress' (boolean", function() net.hosts.a:setaddress("eth0", "10.0.0.9") end },
  { "'fe80::9%eth0' is not a numeric address", function() net.hosts.a:setaddress("eth0", "fe80::9%eth0", true) end },
  { "address of a on eth0: not that of a host", function() net.hosts.a:setaddress("eth0", "239.1.2.3", true) end },
  { "address of a on eth0: other on eth0 has it already", function()
    net.hosts.a:setaddress("eth0", net:host("other").address, true)
  end },
  { "bad option 'nodes' (one or more expected)", function() net:chaos { nodes = {} } end },
  { "bad option 'kinds' (one or more expected)", function() net:chaos { kinds = {} } end },
  { "bad option 'till' (more than 5 expected", function() net:chaos { from = 5, till = 5 } end },
  { "no node 'nobody'", function() net:chaos { nodes = { "nobody" } } end },
  { "the net has a node 'a' already", function() net:node("a", nothing) end },
  { "unknown option 'evn'", function() net:node("b", nothing, nil, { evn = {} }) end },
  { "bad option 'start'", function() net:node("b", nothing, nil, { start = -1 }) end },
  { "bad option 'drift' (-0.5 to 1 expected, got 2)", function() net:node("b", nothing, nil, { drift = 2 }) end },
  { "no node, host or router 'nobody'", function() net:node("b", nothing, nil, { host = "nobody" }) end },
  { "bad option 'skew'", function() node:clock { skew = "x" } end },
  { "bad option 'reorder'", function() net:set { reorder = 2 } end },
  { "no node, host or router 'nobody'", function() net:link("a", "nobody", { loss = 1 }) end },
  { "bad option 'duplicate'", function() net:link("a", "a", { duplicate = true }) end },
  { "bad argument #1 to 'rule' (function expected, got false)", function() net:rule(false) end },
  { "no node, host or router 'nobody'", function() net:partition({ "nobody" }, { "a" }) end },
  { "unknown option 'oneway_'", function() net:partition("a", "a", { oneway_ = true }) end },
  { "too many partitions at a time", function()
    net:host "cut"
    for _ = 1, 33 do net:partition("a", "cut") end
  end },
  { "no node, host or router nil", function() net:isolate() end },
  { "unknown kind of chaos 'fire' (available: clock, crash, disk, partition, pause, swizzle)",
    function() net:chaos { kinds = { "fire" } } end },
  { "bad option 'every' (seconds above 0 expected, got 0)", function() net:chaos { every = 0 } end },
  { "bad argument #1 to 'at' (seconds of 0 or more expected, got -1)", function() net:at(-1, nothing) end },
  { "bad argument #2 to 'at'", function() net:at(1) end },
  { "bad argument #1 to 'after'", function() net:after("1", nothing) end },
  { "bad argument #2 to 'after'", function() net:after(1, "x") end },
  { "bad argument #1 to 'always'", function() net:always(true) end },
  { "bad argument #1 to 'run'", function() net:run(-1) end },
  { "bad argument #1 to 'run_until'", function() net:run_until(5) end },
  { "the net keeps no trace", function() quiet { trace = false }:write_pcapng "/dev/null" end },
  { "the net keeps no trace", function() quiet { trace = false }:write_timeline "/dev/null" end },
  { "the net keeps no trace", function() quiet { trace = false }:write_svg "/dev/null" end },
  { "the net keeps no trace", function() quiet { trace = false }:stats() end },
  { "unknown option 'titel'", function() net:write_timeline("/dev/null", { titel = "x" }) end },
  { "unknown option 'hight'", function() net:write_svg("/dev/null", { hight = 5 }) end },
  { "bad argument #1 to 'of'", function() require "mcast.sim.export.stats".of() end },
  { "bad argument #1 to 'write'", function() require "mcast.sim.export.capture".write(nil, "/dev/null") end },
  { "bad argument #1 to 'write' (trace expected, got nil)", function() timeline.write(nil, "/dev/null") end },
  { "bad argument #2 to 'write' (string expected, got nil)", function() timeline.write {} end },
  { "bad argument #2 to 'svg'", function() timeline.svg({}, 5) end },
  { "bad option 'width' (integer of 200 to 100000 expected, got 5)", function()
    timeline.svg({}, "/dev/null", { width = 5 })
  end },
  { "bad argument #2 to 'compare'", function() timeline.compare({}, nil, "/dev/null") end },
  { "bad option 'titles'", function() timeline.compare({}, {}, "/dev/null", { titles = { "one" } }) end },
  { "bad argument #1 to 'writer' (path or file expected, got nil)", function() pcapng.writer() end },
  { "bad option 'comment'", function() pcapng.writer("/dev/null", { comment = 5 }) end },
  { "name or comment of 70000 bytes (at most 65535)", function()
    pcapng.writer("/dev/null", { comment = ("x"):rep(70000) })
  end },
  { "bad option 'link'", function() writer:interface { link = -1 } end },
  { "no interface 1", function() writer:packet(1, 0, "x") end },
  { "no interface nil", function() writer:packet() end },
  { "bad argument #2 to 'packet' (integer expected, got 1.5)", function() writer:packet(eth0, 1.5, "x") end },
  { "bad argument #3 to 'packet' (string expected, got nil)", function() writer:packet(eth0, 1) end },
  { "bad option 'direction' (\"in\" or \"out\" expected, got \"up\")", function()
    writer:packet(eth0, 1, "x", { direction = "up" })
  end },
  { "bad argument #1 to 'reader'", function() pcapng.reader(5) end },
}

describe("errors of modules in Lua", function()
  for _, case in ipairs(calls) do
    local text <const>, call <const> = case[1], case[2]
    local line <const> = debug.getinfo(call, "S").linedefined
    it("names the line: " .. text, function()
      local ok, message = pcall(call)
      assert.is_false(ok)
      local at, rest = message:match("^" .. file:gsub("%p", "%%%0") .. ":(%d+): (.*)")
      assert.is_truthy(at, message)
      assert.is_true(line <= tonumber(at) and tonumber(at) <= line + 3, message)
      assert.equal(text, rest:sub(1, #text))
    end)
  end

  it("names the line of a function that the net calls", function()
    local late = quiet()
    late:at(1, function() late:isolate "nobody" end)
    local line <const> = debug.getinfo(1, "l").currentline - 1
    local ok, message = pcall(late.run, late, 2)
    assert.same({ false, ("%s:%d: no node, host or router 'nobody'"):format(file, line) }, { ok, message })
  end)

  it("names the line of a run within a run", function()
    local nested = quiet()
    nested:at(1, function() nested:run(5) end)
    local _, message = pcall(nested.run, nested, 2)
    assert.matches("^" .. file:gsub("%p", "%%%0") .. ":%d+: a net runs already", message)
  end)

  it("names the line of a node that crashes itself", function()
    local one = quiet { failures = "keep" }
    local own
    own = one:node("b", function() own:crash() end)
    one:run(1)
    assert.matches("^" .. file:gsub("%p", "%%%0") .. ":%d+: crash b: a node cannot crash itself", own.error)
  end)
end)
