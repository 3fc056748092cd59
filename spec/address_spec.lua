local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

helper.describe("addresses", function()
  it("serves as a key across a collection", function()
    local seen = { [mcast.address "10.0.0.1:5"] = "yes" }
    collectgarbage()
    assert.equal("yes", seen[mcast.address("10.0.0.1", 5)])
  end)

  it("is collected once nothing refers to it", function()
    local weak = setmetatable({ mcast.address("10.7.7.7", 7) }, { __mode = "v" })
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  -- Objects that a finalizer brings back, with two addresses each.
  local function resurrect(count)
    local saved = {}
    for i = 1, count do
      setmetatable({ address = mcast.address("10.1.2.3", i), other = mcast.address("fe80::1%1", i) },
        { __gc = function(object) saved[i] = object end })
    end
    collectgarbage()
    return saved
  end

  it("is the object that a finalizer brings back", function()
    local saved <const> = resurrect(1)[1]
    assert.is_true(rawequal(saved.address, mcast.address("10.1.2.3", 1)))
    assert.is_true(rawequal(saved.other, mcast.address("fe80::1%1", 1)))
  end)

  it("finds a key that a finalizer brings back", function()
    for _ = 1, 3 do
      local seen <const> = {}
      for i, object in ipairs(resurrect(100)) do
        seen[object.address], seen[object.other] = i, -i
      end
      collectgarbage()
      for i = 1, 100 do
        assert.equal(i, seen[mcast.address("10.1.2.3", i)])
        assert.equal(-i, seen[mcast.address("fe80::1%1", i)])
      end
    end
  end)

  it("is one object within the finalizer that brings it back", function()
    local same
    setmetatable({ address = mcast.address("10.1.2.3", 4) },
      { __gc = function(object) same = rawequal(object.address, mcast.address("10.1.2.3", 4)) end })
    collectgarbage()
    assert.is_true(same)
  end)

  it("is one object in generational collections", function()
    local before <const> = collectgarbage "generational"
    local seen <const> = {}
    for round = 1, 200 do
      local address = mcast.address("10.1.2.3", round % 10)
      seen[address], seen[round] = true, setmetatable({ address }, { __gc = function(object) seen[1] = object[1] end })
      seen[round] = nil
      collectgarbage "step"
    end
    collectgarbage(before)
    local count = 0
    for key in pairs(seen) do
      count = count + (type(key) == "userdata" and 1 or 0)
    end
    assert.equal(10, count)
  end)
end)
