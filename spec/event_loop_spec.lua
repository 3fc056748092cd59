-- Event loops that wait for sockets beside other things.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local family <const> = helper.families[1]

-- A test of a module and a pair of sockets, pending where the module is not installed.
local function loop(module, test)
  return function()
    local ok, library = pcall(require, module)
    if not ok then
      pending("needs the rock " .. module)
      return
    end
    test(library, helper.pair(family))
  end
end

-- A test of a module and a monitor, with a function that adds an address to lo.
local function watch(module, test)
  return loop(module, function(library)
    local monitor <close> = assert(mcast.monitor())
    helper.defer(function() helper.run "ip addr del 10.8.9.9/32 dev lo" end)
    test(library, monitor, function() helper.setaddress("lo", "10.8.9.9", true) end)
  end)
end

local added <const> = { { kind = "address added", interface = "lo", address = "10.8.9.9" } }

helper.network("event loops of monitors", function()
  it("waits for a monitor in LuaSocket's select", watch("socket", function(socket, monitor, add)
    assert.equal(0, #socket.select({ monitor }, nil, 0))
    add()
    local ready
    repeat ready = socket.select({ monitor }, nil, helper.portable and 0.05 or 5) until ready[1]
    assert.is_true(rawequal(monitor, ready[1]))
    assert.same(added, monitor:read(0))
  end))

  it("waits for a monitor in cqueues", watch("cqueues", function(cqueues, monitor, add)
    local got
    local queue = cqueues.new()
    queue:wrap(function()
      repeat
        assert(cqueues.poll(monitor, 5))
        got = monitor:read(0)
      until got
    end)
    queue:wrap(add)
    assert(queue:loop(10))
    assert.same(added, got)
  end))

  it("waits for a monitor in luv", watch("luv", function(luv, monitor, add)
    if helper.portable then
      pending "the descriptor shows no changes on the portable path"
      return
    end
    local got
    local poll = assert(luv.new_poll(monitor:getfd()))
    poll:start("r", function()
      got = monitor:read(0)
      poll:stop()
      poll:close()
    end)
    add()
    luv.run()
    assert.same(added, got)
  end))
end)

helper.network("event loops", function()
  it("waits for a socket in LuaSocket's select", loop("socket", function(socket, receiver, sender, to)
    assert.is_false(receiver:dirty())
    assert.equal(0, #socket.select({ receiver }, nil, 0))
    assert(sender:sendto("hello", to))
    local ready = socket.select({ receiver }, nil, 5)
    assert.is_true(rawequal(receiver, ready[1]))
    assert.equal("hello", (receiver:recvfrom(0)))
  end))

  it("waits for a socket in cqueues", loop("cqueues", function(cqueues, receiver, sender, to)
    assert.same({ receiver:getfd(), "r" }, { receiver:pollfd(), receiver:events() })
    assert.is_nil(receiver:timeout())
    local got
    local queue = cqueues.new()
    queue:wrap(function()
      assert.is_true(rawequal(receiver, (cqueues.poll(receiver, 5))))
      got = receiver:recvfrom(0)
    end)
    queue:wrap(function()
      cqueues.sleep(0.01)
      assert(sender:sendto("hello", to))
    end)
    assert(queue:loop(10))
    assert.equal("hello", got)
  end))

  it("waits for a socket in luv", loop("luv", function(luv, receiver, sender, to)
    local got = {}
    local poll = assert(luv.new_poll(receiver:getfd()))
    poll:start("r", function()
      for data in receiver:datagrams(0) do -- until "timeout", at each wake-up
        got[#got + 1] = data
      end
      poll:stop()
      poll:close()
    end)
    assert.equal(2, sender:sendmany({ "one", "two" }, to))
    luv.run()
    assert.same({ "one", "two" }, got)
  end))

  it("receives all in luv by one call a wake-up", loop("luv", function(luv, receiver, sender, to)
    local list, got = {}, {}
    for i = 1, 200 do
      list[i] = ("%03d"):format(i)
    end
    local poll, limit = assert(luv.new_poll(receiver:getfd())), luv.new_timer()
    local function finish()
      poll:close()
      limit:close()
    end
    limit:start(5000, 0, finish)
    poll:start("r", function()
      got[#got + 1] = assert(receiver:recvfrom(0))
      if #got == 200 then -- it knows by now that these come in a row
        assert.equal(200, sender:sendmany(list, to))
      elseif #got == 400 then
        finish()
      end
    end)
    assert.equal(200, sender:sendmany(list, to))
    luv.run()
    assert.same(table.move(list, 1, 200, 201), got)
  end))
end)
