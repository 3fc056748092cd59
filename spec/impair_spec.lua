-- mcast.impair, preloaded into scripts that know nothing of it.
local helper <const> = require "spec.support.helper"

-- Runs a script over a receiver `r` of a group, which is `to`, and a sender `s`; returns its output.
local function run(settings, script, metadata)
  return helper.run(("MCAST_IMPAIR=%s %s -l mcast.impair %s"):format(helper.quote(settings), helper.lua, helper.script(([[
    local mcast = require "mcast"
    local r = assert(mcast.socket { metadata = %s })
    assert(r:join "239.1.2.3")
    local s = assert(mcast.socket())
    local to = assert(mcast.address("239.1.2.3", r:getsockname().port))
    local function send(from, till)
      for i = from, till do assert(s:sendto(tostring(i), to)) end
    end
  ]]):format(metadata) .. script)))
end

local function check(settings, script, metadata)
  local output <const>, status <const> = run(settings, script, metadata)
  assert(status == 0, output)
  return output
end

-- Receives 1,000 datagrams in bursts that a receive buffer has room for; prints the numbers of those that arrive.
local bursts <const> = [[
  for first = 1, 1000, 50 do
    send(first, first + 49)
    for data in r:datagrams(0.02) do io.write(data, " ") end
  end
]]

local function count(text)
  return select(2, text:gsub("%d+", ""))
end

helper.once("mcast.impair", function()
  it("loses the share of datagrams that it is set to", function()
    local n <const> = count(check("loss=0.3", bursts))
    assert.is_true(n > 650 and n < 750, n)
    assert.equal(1000, count(check("loss=0", bursts)))
  end)

  it("loses the same datagrams with the same seed only", function()
    local output <const> = check("loss=0.3,seed=7", bursts)
    assert.equal(output, check("seed=7,loss=0.3", bursts))
    assert.not_equal(output, check("loss=0.3,seed=8", bursts))
  end)

  it("loses the same datagrams with other keys as without", function()
    local output <const> = check("loss=0.3,seed=7", bursts)
    assert.equal(output, check("loss=0.3,seed=7,delay=0.001", bursts))
    local doubled <const> = check("loss=0.3,seed=7,duplicate=0.5", bursts)
    assert.equal(output, (doubled:gsub("(%d+ )%1", "%1")))
    assert.is_true(#doubled > #output)
  end)

  it("draws for each socket on its own", function()
    local script <const> = [[
      local other = assert(mcast.socket())
      send(1, 50)
      for data in r:datagrams(0) do io.write(data, " ") end
      print()
      for i = 1, 50 do assert(s:sendto(i .. "", "127.0.0.1", other:getsockname().port)) end
      for data in other:datagrams(0) do io.write(data, " ") end
    ]]
    local one <const>, two <const> = check("loss=0.5", script):match "^(.*)\n(.*)$"
    assert.is_true(count(one) > 0 and count(two) > 0)
    assert.not_equal(one, two)
  end)

  it("leaves the script's random numbers as they are", function()
    local script <const> = "math.randomseed(5) send(1, 50) r:recvfrom(0) print(math.random())"
    assert.equal(check("seed=1", script), check("loss=0.5,delay=0.01,seed=2", script))
  end)

  for name, receive in pairs { recvfrom = "return r:recvfrom(timeout)", datagrams = "return r:datagrams(timeout)()",
    recvmany = "local list, from = r:recvmany(timeout) return list and list[1], from",
    recvmsg = "local msg, message = r:recvmsg(timeout) return msg and msg.data, msg and msg.from or message",
    poll = "mcast.poll({ r }, timeout) return r:recvfrom(0)" } do
    it("delays each datagram for " .. name, function()
      local output <const> = check("delay=0.5", ([[
        local function receive(timeout) %s end
        local sent = mcast.now()
        send(1, 3)
        assert(receive(0) == nil)
        assert(receive(0.02) == nil and mcast.now() - sent >= 0.02)
        for i = 1, 3 do
          local data, from = receive(5)
          assert(data == tostring(i) and from.port == s:getsockname().port)
          assert(mcast.now() - sent >= 0.5)
        end
        assert(mcast.now() - sent < 5)
        print((receive(0.01)))
      ]]):format(receive), name == "recvmsg")
      assert.equal("nil\n", output)
    end)
  end

  it("puts a delay into the time of the metadata", function()
    assert.equal("true\n", check("delay=0.2", [[
      local clock = require "mcast.clock"
      local before = clock()
      send(1, 1)
      local msg = assert(r:recvmsg(5))
      local late = msg.nanoseconds - before
      print(late >= 200000000 and late < 2000000000 and math.abs(msg.time - msg.nanoseconds / 1e9) < 1e-3)
    ]], true))
  end)

  it("counts a delay from the arrival while the script sleeps", function()
    assert.equal("1\t1\n", check("delay=0.1", [[
      send(1, 1)
      mcast.sleep(0.5)
      print(#assert(mcast.poll({ r }, 0)), (r:recvfrom(0)))
    ]]))
  end)

  it("counts a delay from the arrival while another socket waits", function()
    assert.equal("nil\n1\n", check("delay=0.1", [[
      send(1, 1)
      print((s:recvfrom(0.5)))
      print((r:recvfrom(0)))
    ]]))
  end)

  it("keeps the order with one delay", function()
    assert.equal("1 2 3 4 5 6 7 8 9 ", check("delay=0.01",
      "send(1, 9) for data in r:datagrams(0.1) do io.write(data, ' ') end"))
  end)

  it("reorders by a range of delays", function()
    local output <const> = check("delay=0..0.1", "send(1, 9) for data in r:datagrams(0.2) do io.write(data, ' ') end")
    assert.equal(9, count(output))
    assert.not_equal("1 2 3 4 5 6 7 8 9 ", output)
  end)

  it("doubles datagrams that are not lost", function()
    local output <const> = check("duplicate=1", "send(1, 3) for data in r:datagrams(0) do io.write(data, ' ') end")
    assert.equal("1 1 2 2 3 3 ", output)
    assert.equal("", check("duplicate=1,loss=1", "send(1, 3) for data in r:datagrams(0) do io.write(data, ' ') end"))
  end)

  it("returns the metadata of a doubled datagram in a table each", function()
    assert.equal("false\t1\t1\t239.1.2.3\n", check("duplicate=1", [[
      send(1, 1)
      local one, two = assert(r:recvmsg(1)), assert(r:recvmsg(1))
      print(one == two, one.data, two.data, two.group)
    ]], true))
  end)

  it("reports no lost datagram in poll, for the whole timeout", function()
    assert.equal("nil\ttimeout\ttrue\n", check("loss=1", [[
      send(1, 3)
      local began = mcast.now()
      local ready, message = mcast.poll({ r, s }, 0.1)
      print(ready, message, mcast.now() - began >= 0.1)
    ]]))
  end)

  it("reports writers and monitors beside delayed datagrams", function()
    helper.defer(function() helper.run "ip addr del 10.8.9.9/32 dev lo" end)
    assert.equal("0\t1\ntrue\ntrue\n", check("delay=1", [[
      local monitor = assert(mcast.monitor())
      send(1, 1)
      local ready, writable = mcast.poll({ r }, 1, { s })
      print(#ready, #writable)
      os.execute "ip addr add 10.8.9.9/32 dev lo"
      print(mcast.poll({ r, monitor }, 5)[1] == monitor)
      while monitor:read(0) do end
      print(mcast.poll({ r, monitor }, 5)[1] == r)
    ]]))
  end)

  it("counts received and dropped datagrams as the script sees them", function()
    assert.equal("0\n", check("loss=1", "send(1, 9) r:recvfrom(0.01) print(r:stats().received)"))
    assert.equal("500\t500\ttrue\n", check("delay=0.3", [[
      for first = 1, 1500, 50 do
        send(first, first + 49)
        r:recvfrom(0)
      end
      local n = 0
      for _ = 1, 500 do n = n + (r:recvfrom(1) and 1 or 0) end
      local stats = r:stats()
      print(n, stats.received, (stats.dropped or 500) == 500) -- nil on the portable path
    ]]))
  end)

  it("waits where other sockets have been collected", function()
    assert.equal("waited\n", check("delay=0.01", [[
      for i = 1, 20 do
        assert(mcast.socket())
        if i % 5 == 0 then collectgarbage() end
        mcast.sleep(0.001)
      end
      print "waited"]]))
  end)

  it("closes a socket with datagrams on their way", function()
    assert.matches("^false\t[^\n]*closed socket\n$", check("delay=0.1", [[
      do
        local closing <close> = r
        send(1, 3)
        assert(not r:recvfrom(0))
      end
      mcast.sleep(0.2)
      print(pcall(r.recvfrom, r, 0))
    ]]))
  end)

  it("replaces each method that receives", function()
    assert.equal("recvfrom recvmany recvmsg ", helper.check(([[MCAST_IMPAIR=loss=1 %s -e '
      local mcast = require "mcast"
      local methods, before = getmetatable(assert(mcast.socket())).__index, {}
      for name, method in pairs(methods) do before[name] = method end
      require "mcast.impair"
      local names = {}
      for name, method in pairs(before) do
        if name:find "^recv" then
          assert(methods[name] ~= method, name)
          names[#names + 1] = name .. " "
        end
      end
      table.sort(names)
      io.write(table.concat(names))
    ']]):format(helper.lua)))
  end)

  it("keeps the contract where it is set to nothing", function()
    local output, status = helper.run(("MCAST_IMPAIR=delay=0 %s -l mcast.impair spec/run.lua spec/contract_spec.lua")
      :format(helper.lua))
    assert(status == 0, output)
    assert.is_true(tonumber(output:match "(%d+) successes") > 400)
  end)
end)

-- A script in which an event loop gets a delayed datagram; pending where the loop is not installed.
local function loop(name, module, script)
  it("delays for " .. name, function()
    if not pcall(require, module) then
      return pending("needs the rock " .. module)
    end
    assert.equal("1\ttrue\n", check("delay=0.1", ([[
      local loop = require %q
      local sent = mcast.now()
      send(1, 1)
      local function finish(data) print(data, mcast.now() - sent >= 0.1 and mcast.now() - sent < 5) end
    ]]):format(module) .. script))
  end)
end

helper.once("mcast.impair in event loops", function()
  loop("cqueues", "cqueues", [[
    local queue = loop.new()
    queue:wrap(function()
      local data
      repeat
        loop.poll(r, 5)
        data = r:recvfrom(0)
      until data
      finish(data)
    end)
    assert(queue:loop(10))
  ]])

  loop("LuaSocket's select", "socket", [[
    local data
    repeat
      assert(loop.select({ r }, nil, 5)[r])
      data = r:recvfrom(0)
    until data
    finish(data)
  ]])

  it("raises where a loop in luv would miss a delayed datagram", function()
    if not package.searchpath("luv", package.cpath) then -- not loaded here: see spec/wait_spec.lua
      return pending "needs the rock luv"
    end
    local output = run("delay=0.1", [[
      local uv = require "luv"
      local poll = uv.new_poll(r:getfd())
      poll:start("r", function() r:recvfrom(0) poll:stop() end)
      send(1, 1)
      uv.run()
    ]])
    assert.matches("MCAST_IMPAIR: a delay needs an event loop", output)
  end)
end)

describe("MCAST_IMPAIR", function()
  for text, expected in pairs {
    ["los=0.1"] = "unknown key 'los'", ["loss"] = "unknown key 'loss'", [""] = "unknown key ''",
    ["loss=0.1,"] = "unknown key ''",
    ["loss=0.1,loss=0.2"] = "loss is set twice", ["loss=1.1"] = "bad loss %(probability of 0 to 1 expected, got '1.1'%)",
    ["loss=-0.1"] = "bad loss", ["loss=nan"] = "bad loss", ["loss=0x1"] = "bad loss", ["loss="] = "bad loss",
    [" loss=0.1"] = "unknown key ' loss'", ["duplicate=2"] = "bad duplicate", ["delay=1e999"] = "bad delay",
    ["delay=0.2..0.1"] = "bad delay", ["delay=0.1.."] = "bad delay", ["delay=0.1-0.2"] = "bad delay",
    ["seed=1.5"] = "bad seed", ["seed=99999999999999999999"] = "bad seed", ["seed=seven"] = "bad seed",
  } do
    it("refuses " .. text, function()
      local output, status = helper.run(("MCAST_IMPAIR=%s %s -l mcast.impair -e ''"):format(helper.quote(text), helper.lua))
      assert.matches("MCAST_IMPAIR: " .. expected, output)
      assert.not_equal(0, status)
    end)
  end

  it("refuses to be unset", function()
    local output, status = helper.run(("%s -l mcast.impair -e ''"):format(helper.lua))
    assert.matches("MCAST_IMPAIR: it is not set", output)
    assert.not_equal(0, status)
  end)

  it("accepts decimals, ranges and negative seeds", function()
    local script <const> = [[local s = require "mcast.impair"
      print(s.loss, s.duplicate, s.delay[1], s.delay[2], s.seed)]]
    assert.equal("0.5\t0\t0.001\t0.02\t-3\n", helper.check(("MCAST_IMPAIR=loss=.5,delay=0.001..0.02,seed=-3 %s -e %s"):format(
      helper.lua, helper.quote(script))))
  end)
end)
