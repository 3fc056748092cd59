local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

helper.network("sockets", function()
  it("raises for a method without its socket", function()
    local methods = getmetatable(assert(mcast.socket())).__index
    for name, method in pairs(methods) do
      helper.raises(function() method() end, name)
      helper.raises(function() method(io.stdout) end, name)
      helper.raises(function() method(mcast.address "10.0.0.1:5") end, name)
    end
  end)

  it("closes a socket at the end of its block", function()
    local before = helper.ownedsockets()
    do
      local sock <close> = assert(mcast.socket())
      assert.equal(before + 1, helper.sockets())
      assert.matches("^mcast.socket %(%d+%)$", tostring(sock))
    end
    assert.equal(before, helper.sockets())
  end)

  it("closes sockets that are collected", function()
    local before = helper.ownedsockets()
    for _ = 1, 50 do
      assert(mcast.socket())
    end
    assert.equal(before, helper.ownedsockets())
  end)

  it("leaves no descriptor where a socket cannot be made", function()
    local before = helper.ownedsockets()
    for _ = 1, 50 do
      assert.is_nil(mcast.socket { host = "10.99.0.1" })
      assert.is_nil(mcast.socket { interface = "nowhere" })
      assert.is_false(pcall(mcast.socket, { ttl = 256 }))
      mcast.interfaces()
      mcast.address "[fe80::1%nowhere]:5"
    end
    assert.equal(before, helper.sockets())
  end)

  it("keeps its descriptor from programs that are started", function()
    local sock <close> = assert(mcast.socket())
    local seen = helper.run(("test -e /proc/self/fd/%d || echo gone"):format(sock:getfd()))
    assert.equal("gone\n", seen)
  end)

  it("collects dropped sockets when descriptors run out", function()
    local script = helper.script [[
      local mcast = require "mcast"
      collectgarbage "stop"
      for i = 1, 1000 do assert(mcast.socket()) end
      print "made"
    ]]
    assert.equal("made\n", helper.check("ulimit -n 60; " .. helper.lua .. " " .. script))
  end)

  it("returns EMFILE from each call while descriptors are exhausted", function()
    local script = helper.script [[
      local mcast = require "mcast"
      local kept = {}
      repeat
        local sock, message, errno = mcast.socket()
        kept[#kept + 1] = sock
        assert(#kept < 1000)
      until not sock
      local _, _, interfaces = mcast.interfaces()
      local _, _, address = mcast.address "[fe80::1%lo]:5"
      local _, _, join = kept[1]:join("239.1.2.3", { interface = "lo" })
      local _, _, route = kept[1]:join("239.1.2.3")
      local function name(number)
        for k, v in pairs(mcast.errno) do if v == number then return k end end
      end
      print(name(select(3, mcast.socket())), name(interfaces), name(address), name(join), name(route),
        #kept[1]:groups())
      kept = nil
      print(mcast.socket() ~= nil)
    ]]
    assert.equal("EMFILE\tEMFILE\tEMFILE\tEMFILE\tEMFILE\t0\ntrue\n",
      helper.check("ulimit -n 60; " .. helper.lua .. " " .. script))
  end)
end)

describe("the module", function()
  it("keeps equal addresses one object when it is loaded again", function()
    local a = mcast.address "10.0.0.1:5"
    package.loaded.mcast = nil
    local again = require "mcast"
    package.loaded.mcast = mcast
    assert.is_true(rawequal(a, again.address("10.0.0.1", 5)))
    assert.equal("10.0.0.1", a.host)
  end)

  it("accepts notes and does nothing with them", function()
    assert.equal(0, select("#", mcast.note "elected"))
    assert.equal(0, select("#", mcast.note("role", "leader")))
    mcast.note("term", 5)
    mcast.note("alive", true)
  end)

  it("raises for notes of a wrong type", function()
    for _, arguments in ipairs { {}, { {} }, { "role", {} } } do
      helper.raises(function() mcast.note(table.unpack(arguments)) end)
    end
  end)
end)
