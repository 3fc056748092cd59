--- A rule: a function that decides on copies of datagrams: lost, delayed, duplicated or left alone.
--
-- `Net:rule` adds one; the first rule that does not return nil decides.
-- @classmod Rule
local touch <const> = require "mcast.sim.touch"

local Rule = {}
local metatable <const> = { __index = Rule, __name = "mcast.sim.Rule" }

local rule = { methods = Rule }

-- Returns the results of the first rule that decides; nil and a function have the core hold the copy.
local function decide(rules, packet, random)
  for _, self in ipairs(rules) do
    local results = table.pack(self.decide(packet, random))
    if self.keep and results[1] then
      self.touched = true
      return nil, function(held) self.keep(packet, held) end
    elseif not self.keep and results[1] ~= nil then
      self.touched = true
      return table.unpack(results, 1, results.n)
    end
  end
end

local function apply(net)
  local rules <const> = net.rules
  net.core:rules(#rules > 0 and function(packet, random) return decide(rules, packet, random) end or nil)
end

-- A rule; with `keep`, a hold: this is called with each copy for which f returns true, and the core's object for it.
function rule.new(net, f, keep)
  local self = setmetatable({ net = net, decide = f, keep = keep }, metatable)
  table.insert(net.rules, self)
  touch.watch(net, keep and "hold" or "rule", function() return self.touched == true end)
  apply(net)
  return self
end

-- Removes all rules.
function rule.clear(net)
  net.rules = {}
  apply(net)
end

--- Removes the rule from its net; removing it again does nothing.
-- @usage net:rule(function() return false end):remove()
function Rule:remove()
  for i, other in ipairs(self.net.rules) do
    if other == self then
      table.remove(self.net.rules, i)
      break
    end
  end
  apply(self.net)
end

return rule
