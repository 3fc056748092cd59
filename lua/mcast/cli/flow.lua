-- The figures of one sender's datagrams to one group: rate, the longest gap in time, and losses where they are numbered.
local flow = {}
flow.__index = flow

local REMEMBERED <const> = 1000 -- missing numbers that may still come

function flow.new()
  return setmetatable({ count = 0, bytes = 0, gap = 0, missing = {}, remembered = 0 }, flow)
end

-- Counts the numbers between the highest one and another as lost; the last ones are remembered.
local function skip(self, number)
  self.lost = self.lost + number - self.highest - 1
  for n = math.max(self.highest + 1, number - REMEMBERED), number - 1 do
    if self.remembered == REMEMBERED then
      self.missing, self.remembered = {}, 0
    end
    self.missing[n], self.remembered = true, self.remembered + 1
  end
  self.highest = number
end

-- Adds the number of a datagram; one that is negative ends a sequence, and is sent several times.
local function add_number(self, number)
  if not self.highest then
    self.highest, self.lost, self.late, self.repeated = math.abs(number) - 1, 0, 0, 0
  end
  if number < 0 then
    if -number > self.highest then
      skip(self, -number)
    end
  elseif number > self.highest then
    skip(self, number)
  elseif self.missing[number] then
    self.missing[number], self.remembered = nil, self.remembered - 1
    self.lost, self.late = self.lost - 1, self.late + 1
  else
    self.repeated = self.repeated + 1
  end
end

-- Adds a datagram of so many bytes, received at a time in nanoseconds; with its number, if it has one.
function flow:add(bytes, time, number)
  if self.last then
    self.gap = math.max(self.gap, time - self.last)
  end
  self.first, self.last = self.first or time, time
  self.count, self.bytes = self.count + 1, self.bytes + bytes
  if number then
    add_number(self, number)
  end
end

-- Datagrams a second, between the first and the last; nil for less than two.
function flow:rate()
  return self.count > 1 and self.last > self.first and (self.count - 1) / self:seconds() or nil
end

function flow:seconds()
  return self.first and (self.last - self.first) / 1e9 or 0
end

return flow
