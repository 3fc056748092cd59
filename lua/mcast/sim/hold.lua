--- A hold: it holds copies of datagrams back, and lets them go in any order.
--
-- `Net:hold` makes one. A copy that is let go arrives at once. One that is still held when a run ends has not arrived:
-- `Net:stats` counts it, and `Net:why` says so.
-- @classmod Hold
local check <const> = require "mcast.check"
local rule <const> = require "mcast.sim.rule"

local Hold = {}

--- Copies that are held, in the order of their times: the tables that the filter was called with. (Releasing makes a new list.)
-- @tfield {table,...} copies

local metatable <const> = { __index = Hold, __name = "mcast.sim.Hold" }

local hold = { methods = Hold }

-- Records that a copy is held, or let go; the receiver's line has it.
local function record(net, kind, copy)
  net.core:record(nil, { kind = kind, node = copy.receiver, host = copy.receiver, lan = copy.lan, sender = copy.sender,
    datagram = copy.packet, from = copy.from, to = copy.to, data = copy.data, ttl = copy.ttl })
end

function hold.new(net, filter)
  local self = setmetatable({ net = net, copies = {}, held = {} }, metatable)
  self.rule = rule.new(net, filter, function(copy, held)
    table.insert(self.copies, copy)
    self.held[copy] = held
    record(net, "hold", copy)
  end)
  table.insert(net.holds, self)
  return self
end

-- The copies that an argument of release names.
local function choose(self, which)
  if which == nil then
    return self.copies
  elseif type(which) == "number" then
    check.argument(1, "release", which, check.integer(0, math.maxinteger))
    return table.move(self.copies, 1, math.min(which, #self.copies), 1, {})
  end
  check.argument(1, "release", which, check.table)
  return self.held[which] and { which } or which
end

--- Lets copies go: they arrive now, in this order.
-- @param[opt] which a number: so many, the first ones; a copy of `copies`, or a list of some in any order; default: all
-- @treturn integer how many
-- @usage local held = net:hold(function(p) return p.receiver == "receiver-1" end)
-- net:at(2, function() held:release { held.copies[2], held.copies[1] } end)
function Hold:release(which)
  local list <const>, chosen, rest = choose(self, which), {}, {}
  for i, copy in ipairs(list) do
    check.expect(self.held[copy] and not chosen[copy], "release: copy %d is not held", i)
    chosen[copy] = true
  end
  for _, copy in ipairs(self.copies) do
    rest[#rest + 1] = not chosen[copy] and copy or nil
  end
  self.copies = rest
  for _, copy in ipairs(list) do
    record(self.net, "release", copy)
    self.net.core:letgo(self.held[copy])
    self.held[copy] = nil
  end
  return #list
end

--- Lets all copies go, and holds no more; removing it again does nothing.
-- @usage net:hold(function() return true end):remove()
function Hold:remove()
  self.rule:remove()
  self:release()
end

-- Ends all holds of a net.
function hold.calm(net)
  for _, self in ipairs(net.holds) do
    self:remove()
  end
  net.holds = {}
end

return hold
