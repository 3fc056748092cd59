--- A partition: some hosts receive nothing from some others, until it is healed.
--
-- `Net:partition` and `Net:isolate` make one.
-- @classmod Partition
local check <const> = require "mcast.check"
local host <const> = require "mcast.sim.host"
local sieve <const> = require "mcast.sim.sieve"
local touch <const> = require "mcast.sim.touch"

local Partition = {}
local metatable <const> = { __index = Partition, __name = "mcast.sim.Partition" }

local partition = { methods = Partition }

-- The numbers and names of the hosts in a list, or of the one that is given.
local function hosts(net, list)
  local ids, names = {}, {}
  for i, entry in ipairs(check.tolist(list)) do
    local one = host.find(net, entry)
    ids[i], names[i] = one.id, one.name
  end
  return ids, names
end

-- undo ends it; touched returns whether it has lost a copy; the fault has passed the sieve.
local function new(net, fault, from, to, oneway, undo, touched)
  local self = setmetatable({ net = net, fault = fault, from = from, to = to, undo = undo, touched = touched }, metatable)
  net.partitions[#net.partitions + 1] = self
  net.core:record(nil, { kind = "partition", from = from, to = to, oneway = oneway })
  sieve.begin(net, fault, function() self:heal() end)
  return self
end

-- Raises where a host is on both sides. (Nodes on one host may be, in a partition by chaos.)
function partition.checksides(net, from, to)
  local a <const> = hosts(net, from)
  local b <const>, names <const> = hosts(net, to)
  for _, one in ipairs(a) do
    for i, other in ipairs(b) do
      check.expect(one ~= other, "partition: %s is on both sides", names[i])
    end
  end
end

-- A partition that the sieve holds back.
local function idle(net, from, to)
  return setmetatable({ net = net, from = from, to = to, touched = function() return false end }, metatable)
end

-- Nothing that the hosts of `from` send reaches those of `to`, nor back unless oneway is set. Nil where there are too
-- many partitions.
function partition.new(net, from, to, oneway)
  local a, from_names = hosts(net, from)
  local b, to_names = hosts(net, to)
  local core <const> = net.core
  local kind <const> = oneway and "one-way partition" or "partition"
  local fault <const> = sieve.passes(net, "%s of %s from %s", kind, from_names, to_names)
  if not fault then
    return idle(net, from_names, to_names)
  end
  local one = core:sever(a, b)
  local other = one and not oneway and core:sever(b, a)
  if not one or other == nil then
    return one and core:heal(one)
  end
  return new(net, fault, from_names, to_names, oneway, function()
    core:heal(one)
    if other then
      core:heal(other)
    end
  end, function() return core:severed(one) or other and core:severed(other) end)
end

-- Cuts a host off from all others.
function partition.isolate(net, entry)
  local one = host.find(net, entry)
  local fault <const> = sieve.passes(net, "isolation of " .. one.name)
  if not fault then
    return idle(net, { one.name }, { "*" })
  end
  net.core:isolate(one.id, true)
  return new(net, fault, { one.name }, { "*" }, nil, function() net.core:isolate(one.id, false) end,
    function() return net.core:cut(one.id) end)
end

-- Reports it where it touches no copy.
function partition.watched(self)
  touch.watch(self.net, ("partition %s | %s"):format(table.concat(self.from, ", "), table.concat(self.to, ", ")),
    function() return self.touched() end)
  return self
end

--- Ends the partition; ending it again does nothing.
-- @usage net:isolate("receiver-1"):heal()
function Partition:heal()
  if self.undo then
    local result <const> = self.touched()
    self.touched = function() return result end
    self.undo()
    self.undo = nil
    sieve.over(self.fault)
    self.net.core:record(nil, { kind = "heal", from = self.from, to = self.to })
  end
end

return partition
