-- The simulator: nodes, their environment, and what a script may do wrong.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

local function one(script, options)
  local printed, net = play({ script }, options)
  return printed.n1, net.nodes[1], net
end

describe("a node", function()
  it("runs a script unchanged: the examples, a thousand receivers", function()
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

  it("waits in coroutines of its own, in pcall and in iterators", function()
    local printed = one(function()
      local mcast = require "mcast"
      local a, b = assert(mcast.socket()), assert(mcast.socket())
      local port = a:getsockname().port
      local co = coroutine.wrap(function()
        while true do
          coroutine.yield((a:recvfrom(1)))
        end
      end)
      b:sendto("one", "10.0.0.1", port)
      print(co())
      print(pcall(function() return (select(2, a:recvfrom(0.5))) end))
      print(coroutine.resume(coroutine.create(function(x) mcast.sleep(0.25) error(x .. "!", 0) end), "why"))
      for line in coroutine.wrap(function() mcast.sleep(1) coroutine.yield "line" end) do
        print(line, mcast.now())
      end
      b:sendto("two", "10.0.0.1", port)
      for data in a:datagrams(0.1) do
        print(data)
      end
      local inner = coroutine.create(function() local _ <close> = setmetatable({}, { __close = function() print "closed" end })
        coroutine.yield() end)
      coroutine.resume(inner)
      print(coroutine.status(inner), coroutine.close(inner), coroutine.status(inner), coroutine.resume(inner))
      print(select(2, coroutine.running()), coroutine.isyieldable(), pcall(coroutine.yield))
      print(pcall(coroutine.wrap(function() mcast.sleep(0.1) local x = nil; x() end)))
    end)
    assert.same({ "one", "true\ttimeout", "false\twhy!", "line\t1.75", "two", "closed", "suspended\ttrue\tdead\tfalse\t"
      .. "cannot resume dead coroutine", "true\tfalse\tfalse\tattempt to yield from outside a coroutine" },
      table.move(printed, 1, 8, 1, {}))
    assert.matches("^false\t.*attempt to call a nil value %(local 'x'%)", printed[9])
  end)

  it("has clocks, random numbers, arguments and output of its own", function()
    local net
    local printed = {}
    net = sim.new { seed = 5, output = function(node, line) table.insert(printed, node.name .. ": " .. line) end }
    net:node("a", function(...)
      local mcast = require "mcast"
      print(arg[0], #arg, ...)
      mcast.sleep(1.5)
      print(mcast.now(), os.clock(), os.time(), os.date("%Y-%m-%d %H:%M:%S"))
      print(os.time { year = 2026, month = 11, day = 24, hour = 1 }, os.date("!%H", 3600), os.getenv "HOME", os.getenv "X")
      math.randomseed(42)
      io.write(math.random(1000), " ", math.random(1000), "\n")
      io.stdout:write("x", 5, "y")
      io.stderr:write " z\nlast"
      print(io.read "l", io.read "n", io.read "a", io.read "l")
    end, { "one", "two" }, { env = { X = "set" }, stdin = "first\n 42 rest" })
    net:run()
    math.randomseed(42)
    assert.same({ "a: a\t2\tone\ttwo", "a: 1.5\t1.5\t946684801\t2000-01-01 00:00:01",
      "a: 1795482000\t01\tnil\tset", ("a: %d %d"):format(math.random(1000), math.random(1000)), "a: x5y z",
      "a: lastfirst\t42\t rest\tnil" }, printed)
  end)

  it("tells name and virtual time before each line", function()
    local script = helper.script [[
      local net = require "mcast.sim".new()
      net:node("talker", function() require "mcast".sleep(1.5) print("a\nb", 5) io.write "c" end)
      net:run()
    ]]
    assert.equal("talker          1.500000  a\ntalker          1.500000  b\t5\ntalker          1.500000  c\n",
      helper.check(helper.lua .. " " .. script))
  end)

  it("changes nothing that another node sees", function()
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

  it("requires modules of its own", function()
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
      print(pcall(require, "no.such.module"))
    ]]):format(name, name)), load(("print(require '%s'.loaded)"):format(name)) })
    package.path = before
    assert.equal(("0.25\t%s\ttrue\t1"):format(name), printed.n1[1])
    assert.matches("module 'no.such.module' not found:$", printed.n1[2])
    assert.matches("^\tno file '", printed.n1[3])
    assert.same({ "0.25" }, printed.n2)
  end)

  it("goes through tables in an order that depends on the run alone #slow", function()
    local script = helper.script [[
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
        for i = 2, #list do assert(list[i - 1].key < list[i].key or list[i - 1].i < list[i].i) end
      end)
      net:run()
      assert(net.nodes[1].status == "ended", net.nodes[1].error)
    ]]
    local first = helper.check(helper.lua .. " " .. script)
    assert.matches("^false=2 true=1 0.5=1 1=2 1.5=3 ", first)
    assert.matches("10=20 key1=1 key10=10 key11=11 ", first)
    assert.matches("key9=9 10.0.0.1:5=1 10.0.0.2:5=2 .* %[::1%]:5=3 mcast.socket %(0%)=1 mcast.socket %(1%)=2 ", first)
    for _ = 1, 5 do
      assert.equal(first, helper.check(helper.lua .. " " .. script))
    end
  end)

  it("that does not parse, is not there, or raises is a failed node", function()
    local bad = helper.script "local x = = 5"
    local raises = helper.script "local function f() error 'oh' end\nf()"
    local net = sim.new { output = function() end }
    local nodes = { net:node("bad", bad), net:node("missing", "no/such/file.lua"), net:node("raises", raises),
      net:node("table", function() error { 5 } end), net:node("fine", function() require "mcast".sleep(1) end) }
    net:run()
    assert.matches("^" .. bad:gsub("%p", "%%%0") .. ":1: unexpected symbol near '='", nodes[1].error)
    assert.matches("No such file", nodes[2].error)
    assert.matches("%d: oh\nstack traceback:\n.*in local 'f'", nodes[3].error)
    assert.matches("error object is a table value", nodes[4].error)
    for i, node in ipairs(nodes) do
      assert.equal(i < 5 and "failed" or "ended", node.status)
    end
  end)

  it("that loops without waiting fails, whatever it catches", function()
    for _, script in ipairs {
      function() while true do end end,
      function() while true do pcall(function() while true do end end) end end,
      function() coroutine.wrap(function() while true do end end)() end,
      function() while true do pcall(coroutine.wrap(function() while true do end end)) end end,
      function() ("x"):gsub("x", function() while true do pcall(function() while true do end end) end end) end,
      function() local mcast = require "mcast" while mcast.now() < 1 do end end,
      function() setmetatable({}, { __gc = function() end }) repeat local t = {} until t == nil end,
    } do
      local _, node = one(script, { budget = 100000 })
      assert.equal("failed", node.status)
      assert.matches("no wait in 100000 instructions", node.error)
    end
    local printed, node = one(function() -- many, with waits between
      for _ = 1, 100 do
        for _ = 1, 2000 do end
        require "mcast".sleep(0.01)
      end
      print "done"
    end, { budget = 10000 })
    assert.same({ "ended", "done" }, { node.status, printed[1] })
  end)

  it("polls, which takes time, so that a loop until a time ends", function()
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

  it("exits, at once and with its code", function()
    local printed, node = one(function() pcall(function() pcall(os.exit) print "no" end) print "no" end)
    assert.same({ nil, "ended", nil }, { printed, node.status, node.error })
    _, node = one(function() coroutine.wrap(function() os.exit(false) end)() end)
    assert.same({ "failed", "exit code 1" }, { node.status, node.error })
    _, node = one(function() ("x"):gsub("x", function() os.exit(7) end) end)
    assert.same({ "failed", "exit code 7" }, { node.status, node.error })
  end)

  it("cannot wait within a callback of C, and is told of which", function()
    local printed = one(function()
      local mcast = require "mcast"
      print(pcall(string.gsub, "x", "x", function() mcast.sleep(1) end))
      print(pcall(string.gsub, "x", "x", coroutine.wrap(function() mcast.sleep(1) end)))
      table.sort({ 3, 2, 1 }, function(a, b) mcast.sleep(0.25) return a < b end)
      print(mcast.now() > 0)
    end)
    assert.matches("sleep cannot wait within a callback of string.gsub", printed[1])
    assert.matches("cannot wait within a callback", printed[2])
    assert.equal("true", printed[3])
  end)

  it("closes twice, and what it leaves open is closed", function()
    local printed, net = play {
      function() local s = require "mcast".socket() s:close() s:close() print(pcall(s.getsockname, s)) end,
      function()
        local mcast = require "mcast"
        SOCK = assert(mcast.socket { port = 5000, host = "10.0.0.2" })
      end,
    }
    assert.matches("^false\tattempt to use a closed socket", printed.n1[1])
    assert.equal("ended", net.nodes[1].status)
  end)

  it("yields by itself in vain", function()
    local _, node = one(function() coroutine.yield() end)
    assert.equal("failed", node.status)
    assert.matches("attempt to yield from outside a coroutine", node.error)
  end)

  it("gets what is not simulated refused", function()
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
