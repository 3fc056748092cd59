--- The topologies of a net.
-- @classmod Net
local check <const> = require "mcast.check"
local topology <const> = require "mcast.sim.topology"

local Net = {}

--- Topologies
-- @section topologies

local MOST_POINTS <const> = 2000

local count <const> = check.integer(1, math.maxinteger)

local matrix_kind <const> = check.kind("list of rows or path", function(value)
  return type(value) == "table" or type(value) == "string"
end)

--- Adds a star: places around one router. A topology consists of places: each is a LAN with one host on it. Routers join
-- them, so a datagram from place to place needs a TTL of one more than the number of routers on its way.
--
-- All topologies return the same table, with the lists `hosts`, `lans` and `routers`. The host of place 3 is `hosts[3]`, its
-- LAN `lans[3]`, and both are named "star-3"; the router is "star-centre". (A router between two places, as of a chain, is
-- "chain-2-3".) Nodes run on the hosts (the option `host` of `Net:node`); further hosts may be on the LANs.
-- @tparam integer places 2 to 10,000, as of all topologies
-- @tparam[opt] table options those of `Net:lan` for all LANs, without prefixes, and
-- @tparam[opt="star"] string options.name that the names begin with
-- @treturn table `{hosts =, lans =, routers =}`
-- @usage net:node("member", "examples/receiver.lua", {}, { host = net:star(5, { delay = 0.02 }).hosts[1] })
function Net:star(places, options)
  check.argument(1, "star", places, check.integer(2, math.maxinteger))
  topology.check("star", places)
  local all <const> = { name = "centre" }
  for i = 1, places do
    all[i] = i
  end
  return topology.build(self, "star", places, { all }, options)
end

--- Adds a chain: places in a row, each joined with the next one.
-- @tparam integer places 1 or more
-- @tparam[opt] table options as for `Net:star`
-- @treturn table as of `Net:star`
-- @usage local hosts = net:chain(4).hosts -- a datagram from hosts[1] to hosts[4] needs a TTL of 4
function Net:chain(places, options)
  check.argument(1, "chain", places, count)
  topology.check("chain", places)
  local list = {}
  for i = 1, places - 1 do
    list[i] = { i, i + 1 }
  end
  return topology.build(self, "chain", places, list, options)
end

--- Adds a complete tree. Place 1 is the root, then come its children from left to right, then theirs, level by level.
-- @tparam integer fanout number of children of a place, 1 or more
-- @tparam integer depth number of levels below the root, 0 or more
-- @tparam[opt] table options as for `Net:star`
-- @treturn table as of `Net:star`
-- @usage local root = net:tree(2, 3).hosts[1] -- 15 places, 8 of them leaves
function Net:tree(fanout, depth, options)
  check.argument(1, "tree", fanout, count)
  check.argument(2, "tree", depth, check.integer(0, math.maxinteger))
  local places, level, list = 1, 1, {}
  for _ = 1, depth do
    topology.check("tree", fanout)
    level = level * fanout
    places = places + level
    topology.check("tree", places)
  end
  for i = 2, places do
    list[i - 1] = { (i - 2) // fanout + 1, i }
  end
  return topology.build(self, "tree", places, list, options)
end

--- Adds a grid. Its places are numbered row by row; each is joined with the next one of its row, and of its column.
-- @tparam integer columns 1 or more
-- @tparam integer rows 1 or more
-- @tparam[opt] table options as for `Net:star`
-- @treturn table as of `Net:star`
-- @usage local hosts = net:grid(4, 3).hosts -- hosts[5] is below hosts[1]
function Net:grid(columns, rows, options)
  check.argument(1, "grid", columns, count)
  check.argument(2, "grid", rows, count)
  topology.check("grid", math.max(columns, rows))
  topology.check("grid", columns * rows)
  local list = {}
  for i = 1, columns * rows do
    if i % columns > 0 then
      list[#list + 1] = { i, i + 1 }
    end
    if i <= columns * (rows - 1) then
      list[#list + 1] = { i, i + columns }
    end
  end
  return topology.build(self, "grid", columns * rows, list, options)
end

--- Adds a random geometric topology: points in a square whose sides are 1, drawn from the seed and the option `name`. Two
-- places are joined where their points are within the radius of each other. Where that leaves parts apart, the nearest places
-- of two parts are joined, too.
-- @tparam integer places 1 to 2000
-- @tparam number radius 0 or more
-- @tparam[opt] table options as for `Net:star`
-- @treturn table as of `Net:star`, and `points`: a list of `{x, y}`
-- @usage print(#net:geometric(50, 0.2).routers)
function Net:geometric(places, radius, options)
  check.argument(1, "geometric", places, check.integer(1, MOST_POINTS))
  check.argument(2, "geometric", radius, check.number("number of 0 or more", 0, math.huge))
  local points <const> = topology.points(self, options and options.name or "geometric", places)
  local made <const> = topology.build(self, "geometric", places, topology.near(points, radius), options)
  made.points = points
  return made
end

--- Adds hosts on a LAN of their own, with the latencies of a matrix, as `latency` of `Net:set` has them.
--
-- A file has one of the two formats of the King data set (Gummadi, Saroiu and Gribble, 2002; measurements between name
-- servers). Either a line has a row of round-trip times in microseconds, and a latency is half of one. Or the file is a
-- topology of p2psim: its first line is "topology E2EGraph 1740", and each later one has two nodes and the time one way in
-- microseconds, such as "1,2 49000"; lines such as "node 1" are skipped. In both, a number of 0 or less stands for a pair that
-- was not measured; its latency is the median of the others. Empty lines, and those that begin with `#`, are skipped.
-- @param latencies a list of rows of seconds, or the path of a file
-- @tparam[opt] table options as for `Net:star`, and
-- @tparam[opt] number options.unit of a file: seconds of one number, one way; default: as above. For a topology in
-- milliseconds: 0.001
-- @treturn table as of `Net:star`: hosts "matrix-1", "matrix-2" ..., the LAN "matrix", and no routers
-- @raise where the net has latencies already, or the file cannot be read
-- @usage local hosts = net:matrix("examples/simulator/latencies.txt").hosts
function Net:matrix(latencies, options)
  return topology.matrix(self, check.argument(1, "matrix", latencies, matrix_kind), options)
end

return Net
