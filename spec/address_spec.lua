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
end)
