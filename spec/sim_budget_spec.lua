-- The budget of a node, and the signal of its ticks: SIGVTALRM has a handler within net:run only.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"

helper.describe("the budget of a node", function()
  it("lets 300,000 rounds of string.format and match run", function()
    local printed = play { function()
      local n = 0
      for i = 1, 300000 do
        n = n + #("%d:%d"):format(i, i * 2):match "(%d+):"
      end
      print(n)
    end }
    assert.same({ "1688895" }, printed.n1)
  end)

  local loops <const> = {
    ["alone"] = "\nwhile true do end",
    ["in a coroutine"] = "local function loop()\nwhile true do end end coroutine.wrap(loop)()",
    ["in pcall"] = "local function loop()\nwhile true do end end while true do pcall(loop) end",
    ["in a __close"] = "do local _ <close> = setmetatable({}, { __close = function()\nwhile true do end end }) end",
    ["in a __close of coroutine.close"] = [[local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end)
      coroutine.resume(co) coroutine.close(co)]],
    ["in an __index"] = "return table.unpack(setmetatable({}, { __index = function()\nwhile true do end end }), 1, 1)",
  }
  for where, script in pairs(loops) do
    it("reports the line of a loop " .. where, function()
      local _, net = play({ load(script, "=script") }, { budget = 0.05, failures = "keep" })
      assert.matches("^script:2: ran 0.05 s without waiting %(endless loop%?%)\nstack traceback:", net.nodes[1].error)
    end)
  end

  it("counts anew after each start", function()
    local _, net = play({ function() while true do end end, function() require "mcast".sleep(1) while true do end end },
      { budget = 0.05, failures = "keep" })
    assert.same({ 0, 1 }, { net.failures[1].time, net.failures[2].time })
  end)

  it("changes no run that keeps to it", function()
    local function run(budget)
      local clock <const>, lines = os.clock, {}
      local _, net = play({ function()
        local mcast = require "mcast"
        local sock = mcast.socket { port = 5000 }
        sock:join "239.1.2.3"
        for _ = 1, 5 do
          sock:sendto(tostring(math.random(1000)), "239.1.2.3", 5000)
          local till = clock() + 0.02 -- some ticks
          while clock() < till do end
          for data in sock:datagrams(0.01) do print(data) end
        end
      end }, { budget = budget, loss = 0.3, seed = 5 })
      for i = 1, #net.trace do
        lines[i] = ("%s %a %s"):format(net.trace[i].kind, net.trace[i].time, net.trace[i].text)
      end
      return lines
    end
    assert.same(run(1000), run(10))
  end)
end)

helper.describe("a run with a node that loops", function()
  it("ends by Ctrl-C", function()
    local output <const>, pid = helper.start("timeout 20 " .. helper.lua .. " " .. helper.script [[
      local net, write = require "mcast.sim".new { budget = 1000 }, function(...) io.stdout:write(...):flush() end
      net:node("n", function() write "loops\n" while true do end end)
      net:run(1)
    ]])
    assert.equal("loops", output:read "l")
    helper.check("kill -INT " .. pid)
    assert.matches("interrupted!", output:read "a")
  end)

  it("ends by os.exit that closes the state", function()
    local script <const> = helper.script [[
      local exit, net, many = os.exit, require "mcast.sim".new(), {}
      for i = 1, 1000000 do many[i] = {} end -- closing them takes longer than a tick
      net:at(1, function() exit(3, true) end)
      net:run(2)
    ]]
    assert.equal(3, (select(2, helper.run(helper.lua .. " " .. script))))
  end)

  it("ends where the timer of ticks cannot be set", function()
    if not helper.private or not helper.has "strace" then
      pending "needs strace"
      return
    end
    local script <const> = helper.script [[
      local net = require "mcast.sim".new { budget = 0.05, failures = "keep", output = function() end }
      local node = net:node("n", function() while true do end end)
      net:run(1)
      print(node.error:match "ran [^\n]*")
    ]]
    local inject <const> = "strace -qq -o /dev/null -e trace=setitimer -e inject=setitimer:error=EINVAL "
    assert.equal("ran 0.05 s without waiting (endless loop?)\n", helper.check(inject .. helper.lua .. " " .. script))
  end)
end)

-- The folder of spec/support/host.c, a module.
local folder

-- Runs a script with it; returns what it prints.
local function run(script)
  folder = folder or helper.compile("spec/support/host.c", "build/host")
  local path <const> = helper.script([[
    local host, sim = require "host", require "mcast.sim"
    local function run(script, budget)
      local net = sim.new { budget = budget or 0.05, failures = "keep", output = function() end }
      local node = net:node("n", script)
      local ok, message = pcall(net.run, net, 10)
      return node.error and node.error:match "[^\n]*" or ok and "ended" or message
    end
    local function loop() while true do end end
  ]] .. script)
  return helper.check(("LUA_CPATH='%s/?.so;'\"$LUA_CPATH\" %s %s 2>&1"):format(folder, helper.lua, path))
end

helper.describe("the signal SIGVTALRM", function()
  if not helper.has(os.getenv "CC" or "cc") then
    pending "needs a compiler"
    return
  end

  it("has a handler and a timer within a run only", function()
    assert.equal("other\ttrue\ndefault\t0.0\t0\n", run [[
      local handler, seconds
      run(function() handler, seconds = host.state() end)
      print(handler, seconds > 0)
      print(host.state())
    ]])
  end)

  for how, script in pairs {
    ["an error of the scenario"] = "pcall(function() local net = sim.new() net:at(1, function() error 'x' end) net:run(2) end)",
    ["a loop without end"] = "run(loop)",
    ["a run within a run"] = "local net = sim.new() net:at(1, function() run(function() end) end) net:run(2)",
  } do
    it("is as it was after " .. how, function()
      assert.equal("default\t0.0\t0\n", run(script .. " print(host.state())"))
    end)
  end

  it("has its handler until the outer run of two returns", function()
    assert.equal("other\n", run [[
      local net = sim.new()
      net:at(1, function() run(function() end) end)
      net:at(2, function() print((host.state())) end)
      net:run(3)
    ]])
  end)

  for how, case in pairs {
    ["handles"] = { "handle", "own\t0.0\t1" },
    ["ignores"] = { "ignore", "ignored\t0.0\t0" },
    ["blocks"] = { "block", "default\t0.0\t0" },
  } do
    it("stays that of a program that " .. how .. " it", function()
      assert.equal("ran 0.05 s without waiting (endless loop?)\n" .. case[2] .. "\n", run(([[
        host.%s()
        print(run(function() host.send() while true do end end):match "ran .*")
        print(host.state())
      ]]):format(case[1])))
    end)
  end

  it("keeps the timer that a program has set", function()
    assert.matches("^ended\ndefault\t%d+%.%d+\t0\n$", run [[
      host.arm(1000)
      print(run(function() end))
      print(host.state())
    ]])
  end)

  for how, case in pairs {
    ["a net"] = { "net", 1 },
    ["nets in several threads"] = { "net, net, net, net", 4 },
    ["a net beside busy threads"] = { "busy, busy, net", 1 },
  } do
    it("ends the loop of " .. how, function()
      assert.equal(("true\n"):rep(case[2]), run(([[
        local busy = "local till = os.clock() + 0.6 while os.clock() < till do end return ''"
        local net = [=[
          local net = require "mcast.sim".new { budget = 0.1, failures = "keep", output = function() end }
          local node = net:node("n", function() while true do end end)
          net:run(1)
          return node.error
        ]=]
        for _, message in ipairs { host.threads(%s) } do
          if message ~= "" then print(message:find "ran 0.1 s without waiting" ~= nil) end
        end
      ]]):format(case[1])))
    end)
  end
end)
