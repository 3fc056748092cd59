-- Partitions, links and rules of a scenario that touched no copy: a fault with a wrong name or time has no effect.
local check <const> = require "mcast.check"

local touch = {}

-- Notes a fault: its name, and a function that returns whether it has touched a copy.
function touch.watch(net, name, touched)
  table.insert(net.watched, { name = ("%s (%s)"):format(name, check.caller()), touched = touched })
end

-- By name, whether one of the faults of that name has touched a copy; and the names, in the order of their first use.
function touch.read(net)
  local results, names = {}, {}
  for _, fault in ipairs(net.watched) do
    if results[fault.name] == nil then
      names[#names + 1] = fault.name
    end
    results[fault.name] = results[fault.name] or fault.touched()
  end
  return results, names
end

-- The names of those that touched none.
function touch.none(net)
  local results <const>, names = touch.read(net)
  local list = {}
  for _, name in ipairs(names) do
    list[#list + 1] = not results[name] and name or nil
  end
  return list
end

return touch
