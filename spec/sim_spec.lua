-- The simulator: nodes, their environment, and mistakes of a script.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

-- Runs a function as a node; returns the lines that it printed, and the node.
local function one(script, options)
  local printed, net = play({ script }, options)
  return printed.n1, net.nodes[1]
end

describe("nodes", function()
  it("runs the examples unchanged, with a thousand receivers", function()
    local lines = {}
    local net = sim.new { seed = 7, delay = { 0.001, 0.004 }, output = function(node, line)
      if node.name == "sender" then
        lines[#lines + 1] = line
      end
    end }
    for i = 1, 1000 do
      net:node("receiver-" .. i, "examples/receiver.lua")
    end
    local sender = net:node("sender", "examples/sender.lua", { "very important data" })
    net:run(10)
    assert.equal('sending "very important data"', lines[1])
    local acks = 0
    for _, line in ipairs(lines) do
      acks = acks + (line:match '^received "ack" from 10%.0%.%d+%.%d+:10000$' and 1 or 0)
    end
    assert.equal(1000, acks)
    assert.same({ "ended", "closing socket" }, { sender.status, lines[#lines] })
  end)

  it("waits in a coroutine of the script", function()
    assert.same({ "one" }, (one(function()
      local mcast = require "mcast"
      local a, b = assert(mcast.socket()), assert(mcast.socket())
      local wait = coroutine.wrap(function()
        while true do
          coroutine.yield((a:recvfrom(1)))
        end
      end)
      b:sendto("one", "10.0.0.1", a:getsockname().port)
      print(wait())
    end)))
  end)

  it("waits within pcall", function()
    assert.same({ "true\ttimeout\t0.5" }, (one(function()
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      print(pcall(function() return select(2, sock:recvfrom(0.5)), mcast.now() end))
    end)))
  end)

  it("returns an error that is raised after a wait in a coroutine", function()
    assert.same({ "false\twhy!" }, (one(function()
      local mcast = require "mcast"
      print(coroutine.resume(coroutine.create(function(x) mcast.sleep(0.25) error(x .. "!", 0) end), "why"))
    end)))
  end)

  it("names the variable of an error after a wait in a coroutine", function()
    assert.matches("^false\t.*attempt to call a nil value %(local 'x'%)", one(function()
      local mcast = require "mcast"
      print(pcall(coroutine.wrap(function() mcast.sleep(0.1) local x = nil; x() end)))
    end)[1])
  end)

  it("waits in iterators", function()
    assert.same({ "line\t1.0", "two\t1.0", "1.1" }, (one(function()
      local mcast = require "mcast"
      local a, b = assert(mcast.socket()), assert(mcast.socket())
      for line in coroutine.wrap(function() mcast.sleep(1) coroutine.yield "line" end) do
        print(line, mcast.now())
      end
      b:sendto("two", "10.0.0.1", a:getsockname().port)
      for data in a:datagrams(0.1) do
        print(data, ("%.1f"):format(mcast.now()))
      end
      print(("%.1f"):format(mcast.now()))
    end)))
  end)

  it("closes a suspended coroutine and its variables", function()
    assert.same({ "closed", "suspended\ttrue\tdead\tfalse\tcannot resume dead coroutine" }, (one(function()
      local inner = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = function() print "closed" end })
        coroutine.yield()
      end)
      coroutine.resume(inner)
      print(coroutine.status(inner), coroutine.close(inner), coroutine.status(inner), coroutine.resume(inner))
    end)))
  end)

  it("runs its script as the main coroutine", function()
    assert.same({ "true\tfalse\tfalse\tattempt to yield from outside a coroutine" }, (one(function()
      print(select(2, coroutine.running()), coroutine.isyieldable(), pcall(coroutine.yield))
    end)))
  end)

  -- The lines that a script prints as node "a".
  local function lines(script, arguments, options)
    local printed = {}
    local net = sim.new { seed = 5, output = function(_, line) printed[#printed + 1] = line end }
    net:node("a", script, arguments, options)
    net:run()
    return printed
  end

  it("passes its name and arguments to the script", function()
    assert.same({ "a\t2\tone\ttwo" }, lines(function(...) print(arg[0], #arg, ...) end, { "one", "two" }))
  end)

  it("derives all clocks from the virtual time", function()
    assert.same({ "1.5\t1.5\t946684801\t2000-01-01 00:00:01", "1795482000\t01" }, lines(function()
      local mcast = require "mcast"
      mcast.sleep(1.5)
      print(mcast.now(), os.clock(), os.time(), os.date("%Y-%m-%d %H:%M:%S"))
      print(os.time { year = 2026, month = 11, day = 24, hour = 1 }, os.date("!%H", 3600))
    end))
  end)

  it("reads environment variables from its options only", function()
    assert.same({ "nil\tset" }, lines(function() print(os.getenv "HOME", os.getenv "X") end, {}, { env = { X = "set" } }))
  end)

  it("draws the numbers of a seed as lua does", function()
    math.randomseed(42)
    local expected = ("%d %d"):format(math.random(1000), math.random(1000))
    assert.same({ expected }, lines(function()
      math.randomseed(42)
      io.write(math.random(1000), " ", math.random(1000), "\n")
    end))
  end)

  it("joins parts of a line, of stderr too", function()
    assert.same({ "x5y z", "last" }, lines(function()
      io.stdout:write("x", 5, "y")
      io.stderr:write " z\nlast"
    end))
  end)

  it("reads its standard input from an option", function()
    assert.same({ "first\t42\t rest\tnil" }, lines(function()
      print(io.read "l", io.read "n", io.read "a", io.read "l")
    end, {}, { stdin = "first\n 42 rest" }))
  end)

  it("prints its name and the virtual time before each line", function()
    local script = helper.script [[
      local net = require "mcast.sim".new()
      net:node("talker", function() require "mcast".sleep(1.5) print("a\nb", 5) io.write "c" end)
      net:run()
    ]]
    assert.equal("talker          1.500000  a\ntalker          1.500000  b\t5\ntalker          1.500000  c\n",
      helper.check(helper.lua .. " " .. script))
  end)

  it("keeps changes of globals and libraries to itself", function()
    local printed = play {
      function()
        x = 1
        string.shout = function(s) return s:upper() .. "!" end
        table.insert(package.loaded, 1)
        require "mcast".extra = true
        os.extra = true
        print(("quiet"):shout(), x, _G.x)
        require "mcast".sleep(1)
        print(("again"):shout())
      end,
      function()
        local mcast = require "mcast"
        mcast.sleep(0.5)
        print(x, string.shout, #package.loaded, mcast.extra, os.extra, (pcall(function() return ("x"):shout() end)))
      end,
    }
    assert.same({ n1 = { "QUIET!\t1\t1", "AGAIN!" }, n2 = { "nil\tnil\t0\tnil\tnil\tfalse" } }, printed)
    assert.is_nil(rawget(_G, "x"))
    assert.is_nil(string.shout)
  end)

  it("loads a module once for each node", function()
    local path = helper.script [[
      local mcast = require "mcast"
      mcast.sleep(0.25)
      count = (count or 0) + 1
      return { loaded = mcast.now(), name = ... }
    ]]
    local directory, name = path:match "^(.*)/([^/]+)$"
    os.rename(path, path .. ".lua")
    helper.defer(function() os.remove(path .. ".lua") end)
    local before = package.path
    package.path = directory .. "/?.lua;" .. before
    local printed = play({ load(([[
      package.searched = true
      local m = require "%s"
      print(m.loaded, m.name, m == require "%s", count)
    ]]):format(name, name)), load(("print(require '%s'.loaded)"):format(name)) })
    package.path = before
    assert.same({ ("0.25\t%s\ttrue\t1"):format(name) }, printed.n1)
    assert.same({ "0.25" }, printed.n2)
  end)

  it("lists the files of a module that is not found", function()
    local printed = one(function() print(pcall(require, "no.such.module")) end)
    assert.matches("module 'no.such.module' not found:$", printed[1])
    assert.equal("\tno field package.preload['no.such.module']", printed[2])
    assert.matches("^\tno file '", printed[3])
  end)

  local function ordered()
    return helper.check(helper.lua .. " " .. helper.script [[
      local sim = require "mcast.sim"
      local net = sim.new { output = function(_, line) print(line) end }
      net:node("n", function()
        local mcast = require "mcast"
        local t, sockets = {}, {}
        for i = 1, 20 do
          t["key" .. i], t[i / 2], t[mcast.address("10.0.0." .. i, 5)] = i, i, i
          sockets[i] = mcast.socket()
        end
        t[true], t[false], t[mcast.address("::1", 5)] = 1, 2, 3
        for i = 20, 1, -1 do t[sockets[i] ] = i end
        for k, v in pairs(t) do io.write(tostring(k), "=", v, " ") end
        print()
        local k, v = next(t)
        while k ~= nil do
          io.write(tostring(k), "=", v, " ")
          t[k] = nil
          k, v = next(t, k)
        end
        print(next(t))
        for k, v in pairs(setmetatable({}, { __pairs = function() return ipairs { "by __pairs" } end })) do print(k, v) end
        print({}, print, io.stdout, ("%s %p %d%%"):format({}, {}, 5), tostring(coroutine.create(print)))
        local list = {}
        for i = 1, 500 do list[i] = { key = math.random(50), i = i } end
        table.sort(list, function(a, b) return a.key < b.key end)
        for i = 2, #list do assert(list[i - 1].key <= list[i].key) io.write(list[i].i, " ") end
      end)
      net:run()
      assert(net.nodes[1].status == "ended", net.nodes[1].error)
    ]])
  end

  it("traverses keys by type, value and creation", function()
    local first = ordered()
    assert.matches("^false=2 true=1 0.5=1 1=2 1.5=3 ", first)
    assert.matches("10=20 key1=1 key10=10 key11=11 ", first)
    assert.matches("key9=9 10.0.0.1:5=1 10.0.0.2:5=2 .* %[::1%]:5=3 mcast.socket %(0%)=1 mcast.socket %(1%)=2 ", first)
  end)

  it("traverses, prints and sorts alike in each process #slow", function()
    local first = ordered()
    for _ = 1, 5 do
      assert.equal(first, ordered())
    end
  end)

  it("fails with the message of a script that does not parse", function()
    local bad = helper.script "local x = = 5"
    local _, node = one(bad, { failures = "keep" })
    assert.equal("failed", node.status)
    assert.matches("^" .. bad:gsub("%p", "%%%0") .. ":1: unexpected symbol near '='", node.error)
  end)

  it("fails with the message of a script that is missing", function()
    local _, node = one("no/such/file.lua", { failures = "keep" })
    assert.equal("failed", node.status)
    assert.matches("No such file", node.error)
  end)

  it("fails with the traceback of an error", function()
    local _, node = one(helper.script "local function f() error 'oh' end\nf()", { failures = "keep" })
    assert.equal("failed", node.status)
    assert.matches("%d: oh\nstack traceback:\n.*in local 'f'", node.error)
  end)

  it("leaves other nodes running when it fails", function()
    local _, net = play({ function() error "oh" end, function() require "mcast".sleep(1) end }, { failures = "keep" })
    assert.same({ "failed", "ended" }, { net.nodes[1].status, net.nodes[2].status })
  end)

  for where, script in pairs {
    ["without a wait"] = function() while true do end end,
    ["around pcall"] = function() while true do pcall(function() while true do end end) end end,
    ["in a coroutine"] = function() coroutine.wrap(function() while true do end end)() end,
    ["around coroutines that fail"] = function()
      while true do pcall(coroutine.wrap(function() while true do end end)) end
    end,
    ["in a callback of C"] = function()
      ("x"):gsub("x", function() while true do pcall(function() while true do end end) end end)
    end,
    ["on the clock"] = function() local mcast = require "mcast" while mcast.now() < 1 do end end,
    ["on allocations"] = function() setmetatable({}, { __gc = function() end }) repeat local t = {} until t == nil end,
  } do
    it("fails where it loops " .. where, function()
      local _, node = one(script, { budget = 0.05, failures = "keep" })
      assert.equal("failed", node.status)
      assert.matches("ran 0.05 s without waiting", node.error)
    end)
  end

  it("runs longer than the budget with waits in between", function()
    local clock <const> = os.clock
    local printed, node = one(function()
      for _ = 1, 30 do
        local till = clock() + 0.005
        while clock() < till do end
        require "mcast".sleep(0.01)
      end
      print "done"
    end, { budget = 0.1 })
    assert.same({ "ended", "done" }, { node.status, printed[1] })
  end)

  it("spends a microsecond of virtual time on each poll", function()
    local printed = one(function()
      local mcast = require "mcast"
      local sock, polls = mcast.socket(), 0
      while mcast.now() < 0.01 do
        sock:recvfrom(0)
        polls = polls + 1
      end
      print(polls)
    end)
    assert.same({ "10000" }, printed)
  end)

  it("ends at once on os.exit, past pcall", function()
    local printed, node = one(function() pcall(function() pcall(os.exit) print "no" end) print "no" end)
    assert.same({ nil, "ended", nil }, { printed, node.status, node.error })
  end)

  for where, script in pairs {
    ["in a coroutine"] = function() coroutine.wrap(function() os.exit(7) end)() end,
    ["in a callback of C"] = function() ("x"):gsub("x", function() os.exit(7) end) end,
  } do
    it("fails with the exit code of os.exit " .. where, function()
      local _, node = one(script, { failures = "keep" })
      assert.same({ "failed", "exit code 7" }, { node.status, node.error })
    end)
  end

  it("fails with exit code 1 on os.exit(false)", function()
    local _, node = one(function() os.exit(false) end, { failures = "keep" })
    assert.same({ "failed", "exit code 1" }, { node.status, node.error })
  end)

  it("names the C function whose callback cannot wait", function()
    local printed = one(function()
      local mcast = require "mcast"
      print(pcall(table.unpack, setmetatable({}, { __index = function() mcast.sleep(1) end }), 1, 1))
      print(pcall(table.unpack, setmetatable({}, { __index = coroutine.wrap(function() mcast.sleep(1) end) }), 1, 1))
    end)
    assert.matches("sleep cannot wait inside a callback of table.unpack", printed[1])
    assert.matches("cannot wait inside a callback", printed[2])
  end)

  it("waits in the comparison of table.sort", function()
    assert.same({ "true" }, (one(function()
      local mcast = require "mcast"
      table.sort({ 3, 2, 1 }, function(a, b) mcast.sleep(0.25) return a < b end)
      print(mcast.now() > 0)
    end)))
  end)

  it("accepts a second close of a socket", function()
    local printed, node = one(function()
      local sock = require "mcast".socket()
      sock:close()
      sock:close()
      print(pcall(sock.getsockname, sock))
    end)
    assert.matches("^false\tattempt to use a closed socket", printed[1])
    assert.equal("ended", node.status)
  end)

  it("closes the sockets that a script leaves open", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", function()
      SOCK = assert(require "mcast".socket { port = 5000, reuseaddr = false })
    end)
    net:at(1, function() node:restart() end)
    net:run()
    assert.same({ "ended" }, { node.status, node.error })
  end)

  it("fails where it yields outside a coroutine", function()
    local _, node = one(function() coroutine.yield() end, { failures = "keep" })
    assert.equal("failed", node.status)
    assert.matches("attempt to yield from outside a coroutine", node.error)
  end)

  it("raises for functions that are not simulated", function()
    local printed = one(function()
      print(pcall(io.popen, "ls"))
      print(pcall(os.execute, "ls"))
      print(pcall(debug.sethook))
    end)
    assert.matches("io.popen is not available in the simulator", printed[1])
    assert.matches("os.execute is not available", printed[2])
    assert.matches("debug.sethook is not available", printed[3])
  end)
end)
