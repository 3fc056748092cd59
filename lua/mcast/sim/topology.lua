-- Topologies: places, each of them a LAN with one host, and routers that join them.
local check <const> = require "mcast.check"
local fault <const> = require "mcast.sim.fault"
local host <const> = require "mcast.sim.host"
local king <const> = require "mcast.sim.topology.king"
local lan <const> = require "mcast.sim.lan"

local topology = {}

local MOST <const> = 10000 -- places; a LAN from which datagrams are sent has a table of all LANs

local allowed <const> = { name = check.name }
for option, kind in pairs(lan.kinds) do
  allowed[option] = option ~= "prefix" and option ~= "prefix6" and kind or nil
end

-- The options of LANs among those of a generator, the name, and the unit, which some may have.
local function split(kind, options, unit)
  allowed.unit = unit
  options = check.options(options, allowed)
  local given = {}
  for option, value in pairs(options) do
    given[option] = option ~= "name" and option ~= "unit" and value or nil
  end
  return given, options.name or kind, options.unit
end

-- So many places, at most 10,000.
function topology.check(kind, count)
  check.expect(count <= MOST, "%s: more than %d places", kind, MOST)
end

-- So many places, and a router for each list of places in a list. They are named after the option `name`, else the kind.
function topology.build(net, kind, count, joined, options)
  topology.check(kind, count)
  local given <const>, name <const> = split(kind, options)
  local made <const> = { hosts = {}, lans = {}, routers = {} }
  for i = 1, count do
    local place <const> = ("%s-%d"):format(name, i)
    made.lans[i] = lan.new(net, place, given)
    made.hosts[i] = host.new(net, place, { lans = { made.lans[i] } })
  end
  for i, places in ipairs(joined) do
    local lans = {}
    for k, place in ipairs(places) do
      lans[k] = made.lans[place]
    end
    made.routers[i] = host.new(net, ("%s-%s"):format(name, places.name or table.concat(places, "-")),
      { lans = lans, router = true })
  end
  return made
end

-- Points in the unit square, drawn from the net's seed and a name.
function topology.points(net, name, count)
  local random <const>, points = net.core:stream(name), {}
  for i = 1, count do
    points[i] = { random(), random() }
  end
  return points
end

local function distance(a, b)
  local x <const>, y <const> = a[1] - b[1], a[2] - b[2]
  return math.sqrt(x * x + y * y)
end

-- Adds pairs of points that join parts which are further apart than the radius: those of a minimum spanning tree (Prim, 1957).
local function join(list, points, radius)
  local outside, from, at = table.move(points, 1, #points, 1, {}), {}, 1
  local nearest <const> = {} -- by point outside of the tree: its distance from the tree
  for _ = 2, #points do
    local next
    outside[at] = false
    for k, point in ipairs(outside) do
      local far <const> = point and distance(points[at], point)
      if point and far < (nearest[k] or math.huge) then
        nearest[k], from[k] = far, at
      end
      if point and (not next or nearest[k] < nearest[next]) then
        next = k
      end
    end
    if nearest[next] > radius then
      list[#list + 1] = { math.min(from[next], next), math.max(from[next], next) }
    end
    at = next
  end
end

-- Pairs of points within the radius, and those that join what would be in parts.
function topology.near(points, radius)
  local list = {}
  for i, a in ipairs(points) do
    for k = i + 1, #points do
      if distance(a, points[k]) <= radius then
        list[#list + 1] = { i, k }
      end
    end
  end
  join(list, points, radius)
  return list
end

-- A view of a list, whose entries come after some that are absent.
local function shift(list, by, entry)
  return setmetatable({}, {
    __len = function() return #list + by end,
    __index = function(_, i) return entry(i > by and list[i - by] or nil) end,
  })
end

local function same(value)
  return value
end

-- A view of a matrix in which the hosts that the net has already come first, without latencies.
local function behind(net, rows)
  local before = 0
  for _, one in pairs(net.hosts) do
    before = before + (one.router and 0 or 1)
  end
  return before == 0 and rows or shift(rows, before, function(row)
    return row == nil and {} or type(row) == "table" and shift(row, before, same) or row
  end)
end

-- Hosts on one LAN; row and column i of the matrix, or of the file of this path, are of the i-th of them.
function topology.matrix(net, rows, options)
  local given <const>, name <const>, unit = split("matrix", options, check.seconds)
  rows = type(rows) == "string" and king.read(rows, unit) or rows
  check.expect(not fault.haslatencies(net), "matrix: the net has latencies already")
  fault.set_net(net, { latency = behind(net, rows) })
  local made <const> = { hosts = {}, lans = { lan.new(net, name, given) }, routers = {} }
  for i = 1, #rows do
    made.hosts[i] = host.new(net, ("%s-%d"):format(name, i), { lans = made.lans })
  end
  return made
end

return topology
