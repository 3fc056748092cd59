-- The nodes of an option that names those that faults may hit.
local check <const> = require "mcast.check"

-- The nodes in a list of nodes and of their names.
return function(net, list)
  local nodes = {}
  for i, entry in ipairs(check.tolist(list)) do
    local one <const> = net.byname[entry] or entry
    local known <const> = type(one) == "table" and net.byname[one.name] == one
    nodes[i] = check.expect(known and one, "no node %s", check.quoted(entry))
  end
  return nodes
end
