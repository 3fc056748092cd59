-- The simulator: what hostile scripts and odd scenarios may not break.
local core <const> = require "mcast.sim.core"
local helper <const> = require "spec.helper"
local sim <const> = require "mcast.sim"

-- Runs functions as nodes n1, n2 ... until a time; what they printed, by name, and the net.
local function play(scripts, options, till)
  local printed = {}
  options = options or {}
  options.output = options.output or function(node, line)
    printed[node.name] = printed[node.name] or {}
    table.insert(printed[node.name], line)
  end
  local net = sim.new(options)
  for i, script in ipairs(scripts) do
    net:node("n" .. i, script)
  end
  net:run(till or 100)
  return printed, net
end

describe("a net", function()
  it("is collected with all that it holds, and its place is another one's", function()
    local seen = setmetatable({}, { __mode = "k" })
    for i = 1, 2100 do -- more than there can be at a time
      local _, net = play({ function()
        local mcast = require "mcast"
        local sock = assert(mcast.socket { port = 5000 })
        sock:join "239.1.2.3"
        sock:sendto("x", "239.1.2.3", 5000)
        mcast.sleep(10)
      end }, { delay = function() return 0.001 end }, 1)
      net:at(5, function() net:heal() end)
      net:rule(function() return net and nil end)
      net:link("n1", "n1", { delay = function() return net and 1 end })
      seen[net] = i
    end
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.is_nil(next(seen))
  end)
end)

describe("a node", function()
  it("that cannot wait is told so however deep it is", function()
    local printed = play { function()
      local mcast = require "mcast"
      local function dive(n)
        if n == 0 then
          mcast.sleep(1)
        end
        dive(n - 1)
        return n
      end
      print(pcall(string.gsub, "x", "x", function() dive(10000) end))
    end }
    assert.matches("sleep cannot wait within a callback of string.gsub", printed.n1[1])
  end)

  it("that raises what cannot be told fails, and the run goes on", function()
    local function raise(tostring)
      return load(("error(setmetatable({}, { __tostring = %s }))"):format(tostring))
    end
    local _, net = play({ raise "function() error 'no' end", raise "function() return {} end",
      raise "function() while true do end end", raise "function() require 'mcast'.sleep(1) end",
      raise "function() os.exit(3) end", raise "function() return 'told' end", raise "5", function() error(5) end,
      function() require "mcast".sleep(1) end }, { budget = 10000 })
    for i = 1, 8 do
      assert.equal("failed", net.nodes[i].status)
      assert.matches(({ [6] = "^told\n", [8] = "^5\n" })[i] or "^%(error object is a table value%)\nstack traceback:",
        net.nodes[i].error)
    end
    assert.equal("ended", net.nodes[9].status)
  end)

  it("has no use of a socket of another net", function()
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

  it("whose finalizers close sockets in the midst of their calls is told so", function()
    local script = helper.script [[
      local setmetatable = setmetatable
      collectgarbage("incremental", 1, 10000, 1) -- at once, as far as that goes
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

  it("goes by next through what is in a table now, not when it last did", function()
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

  it("that is paused before it begins begins once it goes on, and is paused but once", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", function() require "mcast".sleep(1) print(require "mcast".now()) end)
    node:pause()
    node:pause()
    net:at(5, function() node:resume() node:resume() end)
    net:run(10)
    node:pause()
    node:resume()
    local told = {}
    for i = 1, #net.trace do
      told[i] = ("%g %s %s"):format(net.trace[i].time, net.trace[i].kind, net.trace[i].text)
    end
    assert.same({ "0 pause nil", "5 resume nil", "5 start nil", "6 log 6.0", "6 end nil" }, told)
  end)

  it("whose time or network has no end comes to the end of time, not to a wrong one", function()
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

  it("shares a port between devices, and each hears what came by its own", function()
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

  it("may not broadcast", function()
    local printed = play { function()
      print(select(3, require "mcast".socket():sendto("x", "255.255.255.255", 5)))
    end }
    assert.equal(tostring(core.module.errno.EACCES), printed.n1[1])
  end)

  it("does not see when memory is collected", function()
    local script = helper.script [[
      local pause = ...
      collectgarbage("incremental", math.tointeger(pause), 400, 1)
      local net = require "mcast.sim".new { output = function(_, line) print(line) end }
      net:node("drops", function()
        local mcast = require "mcast"
        for i = 1, 3000 do
          local sock = assert(mcast.socket { port = 5000 })
          assert(sock:join "239.1.2.3")
          sock:sendto(tostring(i), "10.0.0.2", 5000)
          setmetatable({}, { __gc = function() print("collected", mcast.now()) end })
          mcast.sleep(0.001)
        end
      end)
      net:node("hears", function()
        local sock = require "mcast".socket { port = 5000 }
        for data, from in sock:datagrams(1) do print(data, from, setmetatable({}, { __gc = print })) end
      end)
      net:run()
      print(net.nodes[1].error)
      for i = 1, #net.trace do
        local e = net.trace[i]
        if e.kind == "leave" then print(e.time, e.node) end
      end
    ]]
    local first = helper.check(helper.lua .. " " .. script .. " 10 2>&1")
    assert.matches("\nnil\n", first)
    assert.equal(first, helper.check(helper.lua .. " " .. script .. " 1000 2>&1"))
  end)

  it("has a metatable of strings of its own, and cannot change those of numbers", function()
    local before = getmetatable "".__index
    local printed = play { function()
      local mcast = require "mcast"
      print(getmetatable "".__index == string)
      getmetatable "".__mod = function(form, value) return form:format(value) end
      getmetatable "".__index = function(text, i) return string[i] or text:sub(i, i) end
      mcast.sleep(1)
      print("%d" % 5, ("abc")[2], ("abc"):upper(), "10" + 5)
      print(pcall(debug.setmetatable, 5, {}))
    end, function()
      local mcast = require "mcast"
      mcast.sleep(0.5)
      print(pcall(function() return "%d" % 5 end))
      print(("abc")[2], ("abc"):upper(), getmetatable "".__mod == nil)
      mcast.sleep(1)
      function string.shout(text) return text:upper() .. "!" end
      print(("abc"):shout(), ("abc")[2])
    end }
    assert.same({ "true", "5\tb\tABC\t15" }, table.move(printed.n1, 1, 2, 1, {}))
    assert.matches("all nodes have the same one", printed.n1[3])
    assert.matches("^false\t", printed.n2[1])
    assert.same({ "nil\tABC\tfalse", "ABC!\tnil" }, table.move(printed.n2, 2, 3, 1, {}))
    assert.equal(before, getmetatable "".__index)
    assert.is_nil(string.shout)
  end)

  it("is told of files without where they lie", function()
    local printed = play { function()
      local file = io.open("/dev/null")
      print(file, tostring(file), ("%s"):format(file))
      file:close()
      print(file)
    end }
    assert.matches("^file %(0x0000000(%d)%)\tfile %(0x0000000%1%)\tfile %(0x0000000%1%)$", printed.n1[1])
    assert.equal("file (closed)", printed.n1[2])
  end)

  it("hears of a bad string.format in its own line, and of a value that is missing", function()
    local form <const> = function(...) return select(2, pcall(string.format, ...)) end
    local real = { form "%s", form("%d", "x"), form("%z", 1), form "%", form(nil), form {}, form(5), form("%5s|%q", nil, 1 / 3),
      form("%s %%", 1, {}), form("%5.2s|%-5s|%i", "abc", true, 3) }
    local printed = play { function()
      local function test(...)
        return (select(2, pcall(function(...) return (string.format(...)) end, ...)))
      end
      for _, case in ipairs { { "%s", n = 1 }, { "%d", "x", n = 2 }, { "%z", 1, n = 2 }, { "%", n = 1 }, { nil, n = 1 }, { {}, n = 1 },
        { 5, n = 1 }, { "%5s|%q", nil, 1 / 3, n = 3 }, { "%s %%", 1, {}, n = 3 }, { "%5.2s|%-5s|%i", "abc", true, 3, n = 4 } } do
        print(test(table.unpack(case, 1, case.n)))
      end
    end }
    for i, text in ipairs(printed.n1) do
      local told, count = text:gsub("^spec/sim_abuse_spec.lua:%d+: ", "")
      assert.equal(real[i]:gsub("'[%w.]*format'", "'format'"):gsub("got nil", "got no value"), told)
      assert.equal(i <= 6 and 1 or 0, count)
    end
    assert.equal(10, #printed.n1)
  end)

  it("prints what it prints, wherever io.output is", function()
    local path = os.tmpname()
    helper.defer(function() os.remove(path) end)
    local printed = play { load(("local path = %q\n"):format(path) .. [[
      io.output(path)
      print "printed"
      io.stdout:write "out\n"
      io.write "written"
      io.close()
    ]]) }
    assert.same({ "printed", "out" }, printed.n1)
    local file <close> = assert(io.open(path))
    assert.equal("written", file:read "a")
  end)

  it("may be started anew by the one who hears its last words", function()
    local begun = 0
    local _, net = play({ function()
      io.write "last words"
    end }, { output = function(node)
      begun = begun + 1
      assert(node.status == "ended")
      if begun < 3 then
        node:restart()
      end
    end })
    local kinds = {}
    for i = 1, #net.trace do
      kinds[i] = net.trace[i].kind
    end
    assert.equal("start log end restart log end restart log end", table.concat(kinds, " "))
    assert.equal("ended", net.nodes[1].status)
  end)

  it("begins with a byte order mark and a line for the shell, as lua takes them", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", helper.script "\xef\xbb\xbf#!/usr/bin/env lua5.4\nassert(debug.getinfo(1).currentline == 2)")
    net:run()
    assert.same({ "ended" }, { node.status, node.error })
  end)

  it("cannot reach by debug into what is C", function()
    local printed, net = play { function()
      local mcast = require "mcast"
      local sock, resume = mcast.socket(), coroutine.wrap(function() return "resumed" end)
      print(pcall(debug.setupvalue, resume, 1, 5))
      print(pcall(debug.setuservalue, sock, 5, 1))
      print(pcall(debug.setmetatable, mcast.address("10.0.0.1", 5), getmetatable(sock)))
      sock:sendto("x", "10.0.0.1", sock:getsockname().port)
      print((sock:recvfrom(1)), resume())
      local x = 1
      print(debug.setupvalue(function() return x end, 1, 2), x)
    end }
    assert.is_nil(net.nodes[1].error)
    for i = 1, 3 do
      assert.matches("^false\t.*is not there in the simulator", printed.n1[i])
    end
    assert.same({ "x\tresumed", "x\t2" }, table.move(printed.n1, 4, 5, 1, {}))
  end)

  it("exits also while a coroutine is closed", function()
    local closing <const> = "local x <close> = setmetatable({}, { __close = function() %s end })\n"
    for text, message in pairs { ["os.exit(4)"] = "exit code 4", ["while true do end"] = "no wait in 10000 instructions" } do
      for _, way in ipairs { "pcall(coroutine.wrap(function() X error 'e' end))", [[
        local co = coroutine.create(function() X coroutine.yield() end)
        coroutine.resume(co)
        pcall(coroutine.close, co)
      ]] } do
        local script = way:gsub("X", (closing:format(text)))
        local printed, net = play({ load(script .. " print 'goes on'") }, { budget = 10000 })
        assert.matches(message, net.nodes[1].error)
        assert.is_nil(printed.n1)
      end
    end
  end)

  it("has a date put right by os.time", function()
    local printed = play { function()
      local date = { year = 2026, month = 11, day = 24 + 40, hour = 25 }
      local time = os.time(date)
      print(date.year, date.month, date.day, date.hour, date.wday, os.time(date) == time)
    end }
    assert.same({ "2027\t1\t4\t1\t2\ttrue" }, printed.n1)
  end)
end)
