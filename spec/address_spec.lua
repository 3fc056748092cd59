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

  it("equals the one that a finalizer brings back", function()
    local saved
    setmetatable({ address = mcast.address("10.1.2.3", 4), other = mcast.address("fe80::1%1", 4) },
      { __gc = function(object) saved = object end })
    collectgarbage()
    collectgarbage()
    assert.is_true(saved.address == mcast.address("10.1.2.3", 4) and saved.other == mcast.address("fe80::1%1", 4))
    assert.is_false(saved.address == mcast.address("10.1.2.3", 5) or saved.address == saved.other)
  end)
end)
