-- Partitions, links and rules of a scenario that touched no copy: a fault with a wrong name or time has no effect.
local check <const> = require "mcast.check"

local getinfo <const> = debug.getinfo

local touch = {}

-- Notes a fault: its name, and a function that returns whether it has touched a copy.
function touch.watch(net, name, touched)
  table.insert(net.watched, { name = ("%s (%s)"):format(name, check.caller()), touched = touched })
end

local function number_of(net, place)
  if not net.places[place] then
    table.insert(net.places, place)
    net.places[place] = #net.places
  end
  return net.places[place]
end

-- By function: the numbers of its lines that have set links.
local function lines_of(net, f)
  net.linkers[f] = net.linkers[f] or {}
  return net.linkers[f]
end

-- The number of the line that calls Net:link, by which the core knows the place of a link. There may be millions of links,
-- so the texts of lines are made once. A C function, such as pcall, has no line.
function touch.place(net)
  local info <const> = getinfo(3, "fl")
  if info.currentline < 0 then
    return number_of(net, check.caller())
  end
  local lines <const>, line <const> = lines_of(net, info.func), info.currentline
  lines[line] = lines[line] or number_of(net, check.caller())
  return lines[line]
end

-- Goes through the names of all links, with whether they have touched a copy.
local function links(net)
  local i = 0
  return function()
    i = i + 1
    local from, to, place, touched = net.core:link(i)
    if from then
      return ("link %s -> %s (%s)"):format(from, to, net.places[place]), touched
    end
  end
end

-- By name, whether one of the faults of that name has touched a copy; and the names, in their order: links come last.
function touch.read(net)
  local results, names = {}, {}
  local function add(name, touched)
    if results[name] == nil then
      names[#names + 1] = name
    end
    results[name] = results[name] or touched
  end
  for _, fault in ipairs(net.watched) do
    add(fault.name, fault.touched())
  end
  for name, touched in links(net) do
    add(name, touched)
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
