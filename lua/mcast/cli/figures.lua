-- The least, the greatest and the quantiles of values as they come. The memory is bounded: of more than 100,000 values the
-- quantiles are those of a random sample of 100,000 (Vitter's reservoir); count, least and greatest are exact.
local figures = {}
figures.__index = figures

local SAMPLE <const> = 100000

function figures.new()
  return setmetatable({ count = 0, sample = {} }, figures)
end

function figures:add(value)
  local count <const>, sample <const> = self.count + 1, self.sample
  self.count = count
  self.least = math.min(self.least or value, value)
  self.most = math.max(self.most or value, value)
  local place <const> = count <= SAMPLE and count or math.random(count)
  if place <= SAMPLE then
    sample[place] = value
    self.sorted = false
  end
end

-- The least value that is not below a share of 0 to 1 of all; nil where there are none.
function figures:quantile(share)
  if not self.sorted then
    table.sort(self.sample)
    self.sorted = true
  end
  return self.sample[math.max(1, math.ceil(share * #self.sample))]
end

-- {least =, median =, p90 =, p99 =, most =}; empty where there are no values.
function figures:summary()
  return { least = self.least, median = self:quantile(0.5), p90 = self:quantile(0.9), p99 = self:quantile(0.99),
    most = self.most }
end

return figures
