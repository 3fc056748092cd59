-- Quantiles, which subcommands share.
local helper <const> = require "spec.support.helper"

helper.long("mcast.cli.figures", function()
  local figures <const> = require "mcast.cli.figures"

  local function of(first, last)
    local values <const> = figures.new()
    for i = last, first, -1 do
      values:add(i)
    end
    return values
  end

  it("returns the least value that is not below a share", function()
    assert.same({ least = 1, median = 50, p90 = 90, p99 = 99, most = 100 }, of(1, 100):summary())
  end)

  it("returns one value for all shares where there is one", function()
    assert.same({ least = 7, median = 7, p90 = 7, p99 = 7, most = 7 }, of(7, 7):summary())
  end)

  it("is empty without values", function()
    assert.same({}, figures.new():summary())
  end)

  it("counts a value that comes after a summary", function()
    local values <const> = of(2, 3)
    values:summary()
    values:add(1)
    assert.equal(1, values:quantile(0.1))
  end)

  it("keeps a sample of many values, with exact extremes", function()
    local values <const> = of(1, 150000)
    assert.equal(100000, #values.sample)
    local summary <const> = values:summary()
    assert.equal(1, summary.least)
    assert.equal(150000, summary.most)
    assert.near(75000, summary.median, 2000) -- ten standard deviations are 1,400
  end)
end)
