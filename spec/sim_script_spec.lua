-- The simulator: scripts in the environment of a node.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

describe("scripts", function()
  it("runs alike whenever memory is collected", function()
    local script = helper.script [[
      local pause = ...
      require "spec.support.incremental"(math.tointeger(pause), 400, 1)
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

  it("keeps changes of the strings' metatable to its node", function()
    local before = getmetatable "".__index
    local printed = play { function()
      local mcast = require "mcast"
      print(getmetatable "".__index == string)
      getmetatable "".__mod = function(form, value) return form:format(value) end
      getmetatable "".__index = function(text, i) return string[i] or text:sub(i, i) end
      mcast.sleep(1)
      print("%d" % 5, ("abc")[2], ("abc"):upper(), "10" + 5)
    end, function()
      local mcast = require "mcast"
      mcast.sleep(0.5)
      print(pcall(function() return "%d" % 5 end))
      print(("abc")[2], ("abc"):upper(), getmetatable "".__mod == nil)
      mcast.sleep(1)
      function string.shout(text) return text:upper() .. "!" end
      print(("abc"):shout(), ("abc")[2])
    end }
    assert.same({ "true", "5\tb\tABC\t15" }, printed.n1)
    assert.matches("^false\t", printed.n2[1])
    assert.same({ "nil\tABC\tfalse", "ABC!\tnil" }, table.move(printed.n2, 2, 3, 1, {}))
    assert.equal(before, getmetatable "".__index)
    assert.is_nil(string.shout)
  end)

  it("raises for a metatable of numbers", function()
    local printed = play { function() print(pcall(debug.setmetatable, 5, {})) end }
    assert.matches("all nodes share it", printed.n1[1])
  end)

  it("prints files by number, not by their place in memory", function()
    local printed = play { function()
      local file = io.open("/dev/null")
      print(file, tostring(file), ("%s"):format(file))
      file:close()
      print(file)
    end }
    assert.matches("^file %(0x0000000(%d)%)\tfile %(0x0000000%1%)\tfile %(0x0000000%1%)$", printed.n1[1])
    assert.equal("file (closed)", printed.n1[2])
  end)

  it("raises the messages of string.format in the caller's line", function()
    local form <const> = function(...) return select(2, pcall(string.format, ...)) end
    local real = { form "%s", form("%d", "x"), form("%z", 1), form "%",
      form(nil), form {}, form(5), form("%5s|%q", nil, 1 / 3),
      form("%s %%", 1, {}), form("%5.2s|%-5s|%i", "abc", true, 3) }
    local printed = play { function()
      local function test(...)
        return (select(2, pcall(function(...) return (string.format(...)) end, ...)))
      end
      for _, case in ipairs { { "%s", n = 1 }, { "%d", "x", n = 2 }, { "%z", 1, n = 2 }, { "%", n = 1 },
        { nil, n = 1 }, { {}, n = 1 },
        { 5, n = 1 }, { "%5s|%q", nil, 1 / 3, n = 3 },
        { "%s %%", 1, {}, n = 3 }, { "%5.2s|%-5s|%i", "abc", true, 3, n = 4 } } do
        print(test(table.unpack(case, 1, case.n)))
      end
    end }
    for i, text in ipairs(printed.n1) do
      local message, count = text:gsub("^spec/sim_script_spec.lua:%d+: ", "")
      assert.equal(real[i]:gsub("'[%w.]*format'", "'format'"), message)
      assert.equal(i <= 6 and 1 or 0, count)
    end
    assert.equal(10, #printed.n1)
  end)

  it("prints to the node's output whatever io.output is", function()
    local printed, net = play { function()
      io.output "path"
      print "printed"
      io.stdout:write "out\n"
      io.write "written"
      io.close()
    end }
    assert.same({ "printed", "out" }, printed.n1)
    assert.equal("written", net.hosts.n1:file "path")
  end)

  it("restarts from the function that receives its last output", function()
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

  it("accepts a byte order mark and a first line with #", function()
    local net = sim.new { output = function() end }
    local node = net:node("n", helper.script "\xef\xbb\xbf#!/usr/bin/env lua5.4\nassert(debug.getinfo(1).currentline == 2)")
    net:run()
    assert.same({ "ended" }, { node.status, node.error })
  end)

  it("raises for debug functions that would change C values", function()
    local printed, net = play { function()
      local mcast = require "mcast"
      local sock, resume = mcast.socket(), coroutine.wrap(function() return "resumed" end)
      print(pcall(debug.setupvalue, resume, 1, 5))
      print(pcall(debug.setuservalue, sock, 5, 1))
      print(pcall(debug.setmetatable, mcast.address("10.0.0.1", 5), getmetatable(sock)))
      sock:sendto("x", "10.0.0.1", sock:getsockname().port)
      print((sock:recvfrom(1)), resume())
    end }
    assert.is_nil(net.nodes[1].error)
    for i = 1, 3 do
      assert.matches("^false\t.*is not available in the simulator", printed.n1[i])
    end
    assert.equal("x\tresumed", printed.n1[4])
  end)

  it("sets the upvalues of its functions by debug", function()
    local printed = play { function()
      local x = 1
      print(debug.setupvalue(function() return x end, 1, 2), x)
    end }
    assert.same({ "x\t2" }, printed.n1)
  end)

  local closing <const> = "local x <close> = setmetatable({}, { __close = function() %s end })\n"
  local ways <const> = {
    ["a failed coroutine"] = "pcall(coroutine.wrap(function() X error 'e' end))",
    ["coroutine.close"] = [[
      local co = coroutine.create(function() X coroutine.yield() end)
      coroutine.resume(co)
      pcall(coroutine.close, co)
    ]],
  }
  for way, script in pairs(ways) do
    local function run(text)
      return play({ load(script:gsub("X", (closing:format(text))) .. " print 'goes on'") },
        { budget = 0.05, failures = "keep" })
    end

    it("exits from a variable that is closed by " .. way, function()
      local printed, net = run "os.exit(4)"
      assert.equal("exit code 4", net.nodes[1].error)
      assert.same({ "exit code 4" }, printed.n1)
    end)

    it("fails where a variable closed by " .. way .. " loops", function()
      local printed, net = run "while true do end"
      assert.matches("ran 0.05 s without waiting", net.nodes[1].error)
      assert.not_matches("goes on", table.concat(printed.n1))
    end)
  end

  it("normalizes the table that is passed to os.time", function()
    local printed = play { function()
      local date = { year = 2026, month = 11, day = 24 + 40, hour = 25 }
      local time = os.time(date)
      print(date.year, date.month, date.day, date.hour, date.wday, os.time(date) == time)
    end }
    assert.same({ "2027\t1\t4\t1\t2\ttrue" }, printed.n1)
  end)
end)
