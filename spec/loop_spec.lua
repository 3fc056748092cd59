-- Timers and sockets in one loop: in virtual time, which shows each turn, and on the real network.
local helper <const> = require "spec.support.helper"
local loop <const> = require "mcast.loop"
local play <const> = require "spec.support.play"

-- The output of a script of a node, whose prelude makes a loop.
local function printed(body)
  local prelude <const> = [[
    local mcast <const> = require "mcast"
    local loop <const> = require "mcast.loop".new()
    local function show(text) print(("%.1f %s"):format(mcast.now() - mcast.started, text)) end
    mcast.started = mcast.now()
  ]]
  return table.concat(play({ assert(load(prelude .. body)) }).n1 or {}, "\n")
end

helper.in_lua("a loop of timers and sockets", function()
  it("runs timers by time, and equal ones in order", function()
    assert.equal("0.0 d\n0.1 b\n0.1 c\n0.2 a", printed [[
      loop:after(0.2, function() show "a" end)
      loop:after(0.1, function() show "b" end)
      loop:after(0.1, function() show "c" end)
      loop:after(0, function() show "d" end)
      loop:run()]])
  end)

  it("repeats a timer after the seconds that it returns", function()
    assert.equal("0.1 1\n0.3 2\n0.6 3", printed [[
      local n = 0
      loop:after(0.1, function()
        n = n + 1
        show(n)
        return n < 3 and (n + 1) / 10
      end)
      loop:run()]])
  end)

  it("counts from when a timer was due, and leaves missed turns out", function()
    assert.equal("1.0 turn\n1.5 turn\n5.5 turn\n6.5 turn", printed [[
      local waits <const> = { 0, 4 }
      loop:after(1, function()
        show "turn"
        mcast.sleep(table.remove(waits, 1) and (#waits == 1 and 0.3 or 4) or 0)
        return #waits == 1 and 0.5 or 1
      end)
      loop:run(7)]])
  end)

  it("leaves sockets their turn beside a timer of 0 seconds", function()
    assert.equal("stopped by hello", printed [[
      local sock <close> = assert(mcast.socket { port = 10000 })
      assert(sock:sendto("hello", "127.0.0.1", 10000))
      loop:after(0, function() return 0 end)
      loop:receive(sock, function(data)
        print("stopped by " .. data)
        loop:stop()
      end)
      loop:run()]])
  end)

  it("cancels a timer before its turn, and within it", function()
    assert.equal("0.1 once", printed [[
      local late <const>, again = loop:after(0.2, function() show "late" end)
      again = loop:after(0.1, function()
        show "once"
        late:cancel()
        again:cancel()
        return 0.1
      end)
      loop:run()
      late:cancel()]])
  end)

  it("ends after a time, when stopped, and when nothing is left", function()
    assert.equal("2.0 time\n2.5 stopped\n2.5 nothing left", printed [[
      local sock <close> = assert(mcast.socket())
      loop:receive(sock, print)
      loop:run(2)
      show "time"
      loop:after(0.5, function() loop:stop() end)
      loop:run()
      show "stopped"
      loop:receive(sock)
      loop:run(1)
      show "nothing left"]])
  end)

  it("calls each socket's action with a datagram, or a message with metadata", function()
    assert.equal("plain\t10.0.0.1\nwhole\t10.0.0.1\tnil", printed [[
      local plain <close> = assert(mcast.socket { port = 10000 })
      local whole <close> = assert(mcast.socket { port = 10001, metadata = true })
      loop:receive(plain, function(data, from) print(data, from.host) end)
      loop:receive(whole, function(msg, ...) print(msg.data, msg.from.host, (...)) loop:stop() end)
      assert(plain:sendto("plain", "10.0.0.1", 10000))
      assert(plain:sendto("whole", "10.0.0.1", 10001))
      loop:run()]])
  end)

  it("goes on after an error of an action", function()
    assert.equal("false\tno\n0.2 next\n0.3 again", printed [[
      loop:after(0.1, function() error("no", 0) end)
      loop:after(0.2, function() show "next" end)
      loop:after(0.3, function() show "again" end)
      print(pcall(loop.run, loop))
      loop:run()]])
  end)

  it("ends the inner run alone when an action runs it", function()
    assert.equal("0.2 inner\n0.3 outer", printed [[
      loop:after(0.1, function()
        loop:after(0.1, function() loop:stop() end)
        loop:run()
        show "inner"
      end)
      loop:after(0.3, function() show "outer" end)
      loop:run()]])
  end)

  it("runs one turn where the time is 0", function()
    assert.equal("0.0 first", printed [[
      loop:after(0, function()
        show "first"
        loop:after(0, function() show "second" end)
      end)
      loop:run(0)]])
  end)

  it("takes off a socket that is closed", function()
    assert.equal("false\n0.0 end", printed [[
      local sock <const> = assert(mcast.socket { port = 10000 })
      loop:receive(sock, print)
      sock:close()
      print((pcall(loop.receive, loop, sock, print)))
      loop:receive(sock, nil)
      loop:run()
      show "end"]])
  end)

  it("names a value of an action that is no time", function()
    for value, shown in pairs { ["true"] = "true", ["'5'"] = "5", ["0 / 0"] = "%-?nan", ["math.huge"] = "inf" } do
      assert.matches("a timer's action returned " .. shown .. " %(seconds, or nothing, expected%)", printed([[
        loop:after(0, function() return ]] .. value .. [[ end)
        print(select(2, pcall(loop.run, loop)))]]))
    end
  end)

  it("names a wrong argument", function()
    local made <const> = loop.new()
    local function fails(pattern, method, ...)
      local ok <const>, message <const> = pcall(made[method], made, ...)
      assert.is_false(ok)
      assert.matches(pattern, message)
    end
    for _, seconds in ipairs { -1, 0 / 0, math.huge } do
      fails("bad argument #1 to 'after' %(number of 0 or more, and finite expected", "after", seconds, print)
      fails("bad argument #1 to 'run' %(number of 0 or more, and finite expected", "run", seconds)
    end
    fails("bad argument #2 to 'after' %(function expected, got nil%)", "after", 1)
    fails("bad argument #1 to 'receive' %(socket expected, got table%)", "receive", {}, print)
  end)
end)

helper.each_family(function(family)
  it("serves sockets and timers on the real network", function()
    local receiver <const>, sender <const>, to <const> = helper.pair(family, { family = family.name })
    local made <const>, got = loop.new(), {}
    made:receive(receiver, function(data, from)
      got[#got + 1] = data .. " " .. from.port
      if #got == 2 then made:stop() end
    end)
    made:after(0.01, function()
      assert(sender:sendto("beat", to))
      return 0.01
    end)
    made:run(10)
    assert.same({ "beat " .. sender:getsockname().port, "beat " .. sender:getsockname().port }, got)
  end)
end)
