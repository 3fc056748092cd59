-- recvmany, where a finalizer uses the same socket while the list is made.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

-- `pair` returns a receiver, and a function that sends to it; `receive` calls recvmany while each allocation runs a
-- finalizer, which calls `act`.
local prelude <const> = [[
  local function numbered(n)
    local list = {}
    for i = 1, n do list[i] = ("%03d"):format(i) .. ("x"):rep(800) end
    return list
  end
  local function pair()
    local receiver <const> = assert(mcast.socket { rcvbuf = 4 << 20 })
    local sender <const>, to <const> = assert(mcast.socket()), receiver:getsockname().port
    assert(sender:sendmany(numbered(64), "127.0.0.1", to))
    while receiver:recvmany(0) do end
    return receiver, function(n) assert(n == sender:sendmany(numbered(n), "127.0.0.1", to)) end
  end
  local act
  local function finalize()
    setmetatable({}, { __gc = function()
      if act then act() end
      finalize()
    end })
  end
  finalize()
  -- A whole collection at each allocation, or few.
  local function collect(pause, multiplier, size)
    if _VERSION == "Lua 5.4" then
      collectgarbage("incremental", pause, multiplier, size)
    else
      collectgarbage("param", "pause", pause)
      collectgarbage("param", "stepmul", pause == 1 and 0 or multiplier)
    end
    collectgarbage "restart"
  end
  local function receive(sock, each)
    collect(1, 1000, 30)
    act = each
    local ok <const>, list <const> = pcall(sock.recvmany, sock, 0)
    act = nil
    collect(200, 100, 13)
    return ok, list
  end
]]

local scripts <const> = {
  ["receives datagrams of the list"] = [[
    local receiver <const>, send <const> = pair()
    local calls, taken = 0, 0
    for round = 1, 20 do
      local n <const>, got = 4 * round - 3, {}
      local function take()
        calls = calls + 1
        if calls % every == round % every then
          got[#got + 1] = receiver:recvfrom(0)
          taken = taken + 1
        end
      end
      send(n)
      while #got < n do
        local _ <const>, list <const> = receive(receiver, take)
        assert(list or #got == n, "a datagram is lost")
        table.move(list or {}, 1, list and #list or 0, #got + 1, got)
      end
      table.sort(got)
      assert(#got == n, "a datagram is doubled")
      for i, data in ipairs(numbered(n)) do assert(got[i] == data) end
    end
    assert(taken > 0)
  ]],
  ["closes the socket"] = [[
    local closed = 0
    for round = 1, 80 do
      local receiver <const>, send <const> = pair()
      local calls = 0
      send(64)
      local ok <const>, list <const> = receive(receiver, function()
        calls = calls + 1
        if calls == round then receiver:close() end
      end)
      assert(ok and #list[1] == 803 or not ok and list:find "closed socket", list)
      closed = closed + (tostring(receiver):find "closed" and 1 or 0)
      receiver:close()
    end
    assert(closed > 0)
  ]],
}

helper.network("recvmany", function()
  for name, script in pairs(scripts) do
    it("survives a finalizer that " .. name, function()
      local real <const> = helper.script('local mcast <const>, every <const> = require "mcast", 50\n' .. prelude .. script)
      assert.equal("", helper.check(helper.lua .. " " .. real))
    end)

    it("survives in the simulator a finalizer that " .. name, function()
      local simulated <const> = helper.script([[
        local mcast <const>, every <const> = require "mcast.sim.core".module, 2
        local setmetatable <const>, collectgarbage <const> = setmetatable, collectgarbage -- a node's own run no finalizer
        local net <const> = require "mcast.sim".new { trace = false, budget = 1000000000 }
        net:node("host", function()
      ]] .. prelude .. script .. [[
        end)
        net:run(100)
      ]])
      assert.equal("", helper.check(helper.lua .. " " .. simulated))
    end)
  end
end)

helper.describe("recvmany in the simulator", function()
  -- The lengths of the lists that a receiver gets of what `send` sends, with two sockets, to two groups.
  local function lengths(send)
    local net <const>, found = sim.new { trace = false }, {}
    net:node("receiver", function()
      local mcast <const> = require "mcast"
      local sock <const> = assert(mcast.socket { port = 5000, rcvbuf = 1 << 20 })
      assert(sock:join "239.1.2.3" and sock:join "239.1.2.4")
      mcast.sleep(1)
      repeat
        local list <const> = sock:recvmany(0)
        found[#found + 1] = list and #list
      until not list
    end)
    net:node("sender", function()
      local mcast <const> = require "mcast"
      send(assert(mcast.socket()), assert(mcast.socket()))
    end)
    net:run(2)
    return found
  end

  local function times(n, size)
    local list = {}
    for i = 1, n do list[i] = ("x"):rep(size) end
    return list
  end

  it("returns trains of up to 64 datagrams, the last one maybe shorter", function()
    assert.same({ 64, 64, 3, 1, 1, 2 }, lengths(function(one)
      local list = times(130, 64)
      table.move({ "short", "x", "", "long", "x" }, 1, 5, 131, list)
      assert(one:sendmany(list, "239.1.2.3", 5000))
    end))
  end)

  it("returns trains of up to 65,507 bytes", function()
    assert.same({ 46, 14 }, lengths(function(one) assert(one:sendmany(times(60, 1400), "239.1.2.3", 5000)) end))
  end)

  it("separates trains by sender, group, TTL and DSCP", function()
    assert.same({ 2, 2, 2, 2, 2 }, lengths(function(one, two)
      assert(one:sendmany({ "a", "b" }, "239.1.2.3", 5000))
      assert(two:sendmany({ "c", "d" }, "239.1.2.3", 5000))
      assert(two:sendmany({ "e", "f" }, "239.1.2.4", 5000))
      assert(two:sendmany({ "g", "h" }, "239.1.2.4", 5000, { ttl = 2 }))
      assert(two:setoption("dscp", 9))
      assert(two:sendmany({ "i", "j" }, "239.1.2.4", 5000, { ttl = 2 }))
    end))
  end)
end)
