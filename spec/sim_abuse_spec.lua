-- The simulator under hostile scripts and odd scenarios.
local core <const> = require "mcast.sim.core"
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

describe("nets", function()
  it("collects more nets than can exist at a time", function()
    local seen = setmetatable({}, { __mode = "k" })
    for i = 1, 2100 do -- more than can exist at a time
      local _, net = play({ function()
        local mcast = require "mcast"
        local sock = assert(mcast.socket { port = 5000 })
        sock:join "239.1.2.3"
        sock:sendto("x", "239.1.2.3", 5000)
        mcast.sleep(10)
      end }, { delay = function() return 0.001 end }, 1)
      net:at(5, function() net:heal() end)
      net:rule(function() return net and nil end)
      net:host "other"
      net:link("n1", "other", { delay = function() return net and 1 end })
      seen[net] = i
    end
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.is_nil(next(seen))
  end)
end)

describe("nodes", function()
  it("reports a wait within a callback at any depth of calls", function()
    local printed = play { function()
      local mcast = require "mcast"
      local function dive(n)
        if n == 0 then
          mcast.sleep(1)
        end
        dive(n - 1)
        return n
      end
      print(pcall(table.unpack, setmetatable({}, { __index = function() dive(10000) end }), 1, 1))
    end }
    assert.matches("sleep cannot wait inside a callback of table.unpack", printed.n1[1])
  end)

  local nameless <const> = "^%(error object is a table value%)\nstack traceback:"
  local errors <const> = { -- an error's value, and the message of the node
    ["whose __tostring raises"] = { "setmetatable({}, { __tostring = function() error 'no' end })", nameless },
    ["whose __tostring returns a table"] = { "setmetatable({}, { __tostring = function() return {} end })", nameless },
    ["whose __tostring loops"] = { "setmetatable({}, { __tostring = function() while true do end end })", nameless },
    ["whose __tostring waits"] = { "setmetatable({}, { __tostring = function() require 'mcast'.sleep(1) end })", nameless },
    ["whose __tostring exits"] = { "setmetatable({}, { __tostring = function() os.exit(3) end })", nameless },
    ["whose __tostring is a number"] = { "setmetatable({}, { __tostring = 5 })", nameless },
    ["with a __tostring"] = { "setmetatable({}, { __tostring = function() return 'text' end })", "^text\n" },
    ["that is a table"] = { "{ 5 }", nameless },
    ["that is a number"] = { "5", "^5\n" },
  }
  for name, case in pairs(errors) do
    it("fails, and the run continues, after an error " .. name, function()
      local _, net = play({ load(("error(%s)"):format(case[1])), function() require "mcast".sleep(1) end },
        { budget = 0.05, failures = "keep" })
      assert.same({ "failed", "ended" }, { net.nodes[1].status, net.nodes[2].status })
      assert.matches(case[2], net.nodes[1].error)
    end)
  end

  it("treats a socket of another net as closed", function()
    local sock
    local _, one = play({ function()
      local mcast = require "mcast"
      sock = mcast.socket { port = 5000 }
      mcast.sleep(5)
    end, function()
      local mcast = require "mcast"
      mcast.sleep(2)
      mcast.socket():sendto("x", "10.0.0.1", 5000)
    end }, {}, 1)
    local printed, other = play { function()
      local mcast = require "mcast"
      print(pcall(mcast.poll, { sock, mcast.socket() }))
      print(pcall(sock.sendto, sock, "x", "10.0.0.1", 5000))
      print(sock:join "239.1.2.3")
      print(pcall(sock.recvfrom, sock))
    end }
    one:run(10)
    assert.equal("ended", other.nodes[1].status)
    for _, line in ipairs(printed.n1) do
      assert.matches("closed socket", line:gsub("Bad file descriptor", "closed socket"))
    end
  end)

  it("raises for sockets that a finalizer closes during a call", function()
    local script = helper.script [[
      local setmetatable = setmetatable
      require "spec.support.incremental"(1, 10000, 1) -- as soon as possible
      local function closelater(sock)
        setmetatable({}, { __gc = function() sock:close() end })
      end
      local net = require "mcast.sim".new { output = function(_, line) print(line) end }
      net:node("n", function()
        local mcast = require "mcast"
        local to, closed = mcast.address("fd00::1", 5000), 0
        for i = 1, 300 do
          local one = mcast.socket { port = 5000, family = "inet6", metadata = true }
          local other = mcast.socket { family = "inet6" }
          for _ = 1, 4 do other:sendto("x", to) end
          local ok = pcall(function()
            closelater(one)
            for _ = 1, 2 do if i % 2 == 0 then one:recvmsg(1) else one:recvfrom(1) end end
            closelater(other)
            other:sendmany({ ("x"):rep(100), ("y"):rep(100), ("z"):rep(100), ("x"):rep(100) }, to)
            for _ = 1, 10 do closelater(other) other:sendto("x", to) end
          end)
          closed = closed + (ok and 0 or 1)
          one:close()
          other:close()
        end
        print(closed > 100)
      end)
      net:run()
      print(net.nodes[1].status, net.nodes[1].error)
    ]]
    assert.equal("true\nended\tnil\n", helper.check(helper.lua .. " " .. script .. " 2>&1"))
  end)

  it("traverses by next the entries that a table has now", function()
    local printed = play { function()
      local list = { 1, 2, 3 }
      list[next(list)] = nil
      print(next(list, 1)) -- a traversal that ends here
      list.late = 5
      local keys, k = {}, nil
      repeat
        k = next(list, k)
        keys[#keys + 1] = tostring(k)
      until k == nil
      print(table.concat(keys, " "))
    end }
    assert.same({ "2\t2", "2 3 late nil" }, printed.n1)
  end)

  it("starts once it resumes from a pause before its start", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", function() require "mcast".sleep(1) print(require "mcast".now()) end)
    node:pause()
    node:pause()
    net:at(5, function() node:resume() node:resume() end)
    net:run(10)
    node:pause()
    node:resume()
    local events = {}
    for i = 1, #net.trace do
      events[i] = ("%g %s %s"):format(net.trace[i].time, net.trace[i].kind, net.trace[i].text)
    end
    assert.same({ "0 pause nil", "5 resume nil", "5 start nil", "6 log 6.0", "6 end nil" }, events)
  end)

  it("stops at the end of time, with endless waits and delays", function()
    local net = sim.new { output = function() end }
    net:lan("slow", { bandwidth = 1e-300 })
    local ticks, last = 0, 0
    for i, drift in ipairs { -0.5, 0, 1 } do
      net:node("n" .. i, function()
        local mcast = require "mcast"
        local sock = mcast.socket { port = 5000 }
        sock:join "239.1.2.3"
        for _ = 1, 4 do
          sock:sendto("x", "239.1.2.3", 5000)
        end
        for _ = 1, 100 do
          mcast.sleep(1e8)
          assert(mcast.now() > 0)
          ticks, last = ticks + 1, mcast.now()
        end
        mcast.sleep(1e300)
      end, {}, { drift = drift, lans = { "slow" } })
    end
    for _, time in ipairs { 3e9, 9.1e9, 9.3e18, math.huge } do
      net:run(time)
    end
    assert.same({ 19 + 39 + 79, 8e9 }, { ticks, last + 1e8 })
  end)

  it("delivers by device where sockets share a port", function()
    local net, heard = sim.new { output = function() end }, {}
    net:lan "far"
    net:node("both", function()
      local mcast = require "mcast"
      local near = assert(mcast.socket { port = 5000, device = "eth0" })
      local far = assert(mcast.socket { port = 5000, device = "eth1" })
      local any = assert(mcast.socket { port = 5000 })
      assert(mcast.socket { port = 5001, device = "eth0", reuseaddr = false })
      assert(mcast.socket { port = 5001, device = "eth1", reuseaddr = false })
      heard[1], heard[2], heard[3] = near:recvfrom(1), far:recvfrom(1), any:recvfrom(1) or "nothing"
    end, {}, { lans = { "lan", "far" } })
    net:node("near", function() require "mcast".socket():sendto("near", "10.0.0.1", 5000) end)
    net:node("far", function() require "mcast".socket():sendto("far", "172.16.0.1", 5000) end, {}, { lans = { "far" } })
    net:run(10)
    assert.is_nil(net.nodes[1].error)
    assert.same({ "near", "far", "nothing" }, heard)
  end)

  it("returns EACCES for a broadcast", function()
    local printed = play { function()
      print(select(3, require "mcast".socket():sendto("x", "255.255.255.255", 5)))
    end }
    assert.equal(tostring(core.module.errno.EACCES), printed.n1[1])
  end)
end)

describe("the budget of a node", function()
  local loops <const> = {
    ["that __close runs after an error"] = "local _ <close> = setmetatable({}, { __close = loop }) error 'x'",
    ["that __close runs after the budget"] = "local _ <close> = setmetatable({}, { __close = loop }) loop()",
    ["that __close runs in a wrapped coroutine"] =
      "coroutine.wrap(function() local _ <close> = setmetatable({}, { __close = loop }) loop() end)()",
    ["that coroutine.close runs"] = [[
      local co = coroutine.wrap(function() local _ <close> = setmetatable({}, { __close = loop }) loop() end)
      local _ <close> = setmetatable({}, { __close = co })
      co()]],
    ["in a message handler"] = "xpcall(loop, loop)",
    ["in a message handler of a coroutine"] = "coroutine.wrap(function() xpcall(loop, loop) end)()",
    ["in pcall"] = "while true do pcall(loop) end",
    ["in a callback of string.gsub"] = "string.gsub('a', 'a', loop)",
    ["of string.rep"] = "while true do ('x'):rep(1000000) end",
    ["of load"] = "load(math.random)",
    ["of calls that fail"] = "while true do pcall(error) end",
    ["of calls that fail with a handler"] = "while true do xpcall(error, print) end",
    ["of coroutines that fail"] = "while true do coroutine.resume(coroutine.create(error)) end",
    ["of coroutines in coroutines"] =
      "local function dive(n) while n > 0 do pcall(coroutine.wrap(dive), n - 1) end loop() end dive(20)",
    ["in coroutine.close"] = [[
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = loop })
        coroutine.yield()
      end)
      coroutine.resume(co)
      while true do pcall(coroutine.close, co) end]],
    ["in coroutine.close within another one"] = [[
      local function closing(close)
        local co = coroutine.create(function()
          local _ <close> = setmetatable({}, { __close = close })
          coroutine.yield()
        end)
        coroutine.resume(co)
        return co
      end
      local inner = closing(function() coroutine.wrap(loop)() end)
      local outer = closing(function() pcall(coroutine.close, inner) loop() end)
      while true do pcall(coroutine.close, outer) end]],
      }
  for name, script in pairs(loops) do
    it("stops a loop " .. name, function()
      local _, net = play({ load("local loop = function() while true do end end " .. script) },
        { budget = 0.05, failures = "keep" })
      assert.matches(script:find "error 'x'" and "x\nstack" or ":%d+: ran 0.05 s without waiting", net.nodes[1].error)
    end)
  end

  local ranges <const> = {
    ["table.move"] = "table.move({}, 1, math.maxinteger, 2)",
    ["table.insert"] = "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 5)",
    ["table.remove"] = "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
    ["table.concat"] = "table.concat(setmetatable({}, { __index = type }), '', 1, 1 << 60)",
    ["table.create"] = rawget(table, "create") and "table.create(100000000)", -- since Lua 5.5
  }
  for name, script in pairs(ranges) do
    it("refuses " .. name .. " more elements than a table has", function()
      local _, net = play({ load(script, "=script") }, { failures = "keep" })
      assert.matches("^script:1: too many elements", net.nodes[1].error)
    end)
  end

  it("leaves functions of the library as they are", function()
    local printed = play { function()
      local t = { 1, 2, 3 }
      table.insert(t, 4)
      table.insert(t, 1, 0)
      print(table.concat(t, ","), table.remove(t), table.remove(t, 1), table.concat(t, ",", 2, 3))
      print(table.unpack(table.move(t, 1, 3, 2)))
      print(("ab"):rep(3, "-"), ("x"):rep(-1), ("x"):rep(0), (""):rep(1 << 60))
      print(table.concat(setmetatable({}, { __len = function() return 2 end, __index = function(_, i) return i end }), "+"))
      for _, f in ipairs { function() table.insert({}, 5, 1) end, function() table.insert({ 1 }, 1, 2, 3) end,
        function() table.insert(nil, 1) end, function() table.concat({ {} }) end, function() table.move() end,
        function() ("x"):rep(1 << 40) end } do
        print((select(2, pcall(f)):gsub("^.-:%d+: ", "")))
      end
    end }
    assert.same({ "0,1,2,3,4\t4\t0\t2,3", "1\t1\t2\t3", "ab-ab-ab\t\t\t", "1+2",
      "bad argument #2 to 'insert' (position out of bounds)", "wrong number of arguments to 'insert'",
      "bad argument #1 to 'insert' (table expected, got nil)", "invalid value (table) at index 1 in table for 'concat'",
      "bad argument #2 to 'move' (number expected, got no value)", "resulting string too large" }, printed.n1)
  end)
end)

helper.search("each of a million sockets", function()
  it("counts while it is open", function()
    local _, net = play({ function()
      local mcast = require "mcast"
      for i = 1, (1 << 20) + 10 do
        assert(mcast.socket()):close()
        if i % 1000 == 0 then
          mcast.sleep(0.001)
        end
      end
    end }, { trace = false }, 1000)
    assert.equal("ended", net.nodes[1].status)
  end)
end)

describe("a socket of the simulator", function()
  it("closes where its node ends", function()
    local sock
    local printed, net = play { function() sock = require "mcast".socket() end, function()
      local mcast = require "mcast"
      mcast.sleep(1)
      local own = mcast.socket { port = 5000 }
      print(sock, pcall(sock.recvfrom, sock, 0))
      sock = nil
      collectgarbage()
      print(own:getsockname().port)
    end }
    collectgarbage()
    assert.matches("^mcast.socket %(closed%)\tfalse\tattempt to use a closed socket$", printed.n2[1])
    assert.equal("5000", printed.n2[2])
    assert.equal("ended", net.nodes[2].status)
  end)

  it("wakes each node that waits on it", function()
    local sock
    local printed = play({ function()
      local mcast = require "mcast"
      sock = mcast.socket { port = 5000 }
      print((sock:recvfrom()))
      mcast.sleep(5)
    end, function()
      require "mcast".sleep(0.1)
      print((sock:recvfrom()))
    end, function()
      local mcast = require "mcast"
      local own = mcast.socket()
      mcast.sleep(1)
      own:sendto("first", "10.0.0.1", 5000)
      mcast.sleep(1)
      own:sendto("second", "10.0.0.1", 5000)
    end }, {}, 10)
    assert.same({ "first" }, printed.n1)
    assert.same({ "second" }, printed.n2)
  end)
end)

describe("the core", function()
  it("works when it is loaded a second time", function()
    local net = sim.new()
    local node = net:node("n", function() require "mcast".sleep(1) end)
    package.loaded["mcast.sim.core"] = nil
    local again = require "mcast.sim.core"
    package.loaded["mcast.sim.core"] = core
    assert.not_equal(core, again)
    net:run()
    assert.equal("ended", node.status)
  end)
end)
