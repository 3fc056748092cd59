-- Babel routers on a ring or a grid, with loss, duplicates, reordering, partitions and crashes: is there ever a loop?
-- usage: lua5.4 babel.lua [seeds] [picture.svg]
-- Where the environment variable BABEL names another script than ../protocols/babel.lua, that one is tried.
local sim <const>, wire <const> = require "mcast.sim", require "mcast.wire"

local script <const> = os.getenv "BABEL" or (arg[0]:match "^.*/" or "./") .. "../protocols/babel.lua"
local shapes <const> = { -- pairs of routers: each has a LAN
  triangle = { "12", "23", "31" },
  ring = { "12", "23", "34", "45", "51" },
  grid = { "12", "23", "45", "56", "14", "25", "36" },
}

-- Adds the LANs and routers of a shape. Router i announces 2001:db8:i::/48. Returns the routers of addresses, by name.
local function build(net, shape)
  local lans <const>, routers <const>, addresses = {}, {}, 0
  for _, pair in ipairs(shapes[shape]) do
    local lan <const> = net:lan(pair)
    for i in pair:gmatch "%d" do
      lans[tonumber(i)] = lans[tonumber(i)] or {}
      table.insert(lans[tonumber(i)], lan)
    end
  end
  for i, list in ipairs(lans) do
    local interfaces <const> = {}
    for k in ipairs(list) do
      addresses, interfaces[k] = addresses + 1, "eth" .. k - 1
      routers[("fe80::%x"):format(addresses)] = "r" .. i
    end
    net:node("r" .. i, script, { "--hello", "1", "--interface", table.concat(interfaces, ","), "--announce",
      (shape ~= "triangle" or i == 1) and ("2001:db8:%d::/48"):format(i) or "" }, { lans = list, start = net:random() })
  end
  return routers
end

-- The routers on the way from one to the prefix of another, and whether it goes in a circle.
local function follow(net, routers, from, to)
  local way <const>, seen <const>, prefix <const> = {}, {}, ("2001:db8:%s::/48"):format(to:sub(2))
  local router = from
  while router and not seen[router] do
    way[#way + 1], seen[router] = router, true
    local node <const> = net.byname[router]
    router = node.status == "running" and routers[(node.notes[prefix] or ""):match "^via (%S+)"]
  end
  return way, router
end

local function scenario(seed, p)
  local changed, unfit = false, false -- since a way changed: is the invariant to be looked at, has the end failed?
  local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    reorder = p.reorder, output = function() changed, unfit = true, false end }
  local routers <const> = build(net, p.shape)
  local function each(check)
    for _, from in ipairs(net.nodes) do
      for _, to in ipairs(net.nodes) do
        local failure <const> = check(to.name, follow(net, routers, from.name, to.name))
        if failure then return false, failure end
      end
    end
    return true
  end
  net:chaos { kinds = p.faults, every = 2, length = p.length, till = 12 }
  net:always(function()
    if not changed then return true end
    changed = false
    return each(function(to, way, circle)
      return circle and ("to %s: %s > %s"):format(to, table.concat(way, " > "), circle)
    end)
  end, "no loop")
  net:eventually(function()
    if net:now() < 16 then return false, "too early" end -- neighbours on the LAN that is cut notice it by then
    local function lacks(to, way) return way[#way] ~= to and ("%s has no way to %s"):format(way[1], to) end
    unfit = unfit or select(2, each(lacks))
    return not unfit, unfit
  end, "each has a way to each", { after = 12, within = 16 })
  local cut <const> = shapes[p.shape][net:random(#shapes[p.shape])]
  net:at(12, function() net:partition("r" .. cut:sub(1, 1), "r" .. cut:sub(2)) end) -- for good: other ways have to do
  net:sometimes "asks for a newer number"
  net:run(29)
end

-- Words for the picture: those of a packet about the one prefix.
local function describe(data)
  for kind, value in wire.each(">Bs1", data, 5) do
    local seqno <const>, metric <const> = wire.unpack(">I2I2", value, 7)
    if kind == 8 then return metric < 0xffff and ("seqno %d metric %d"):format(seqno, metric) or "retraction", "update" end
    if kind == 10 then return "seqno " .. wire.unpack(">I2", value, 3) .. "?", "seqno request" end
  end
  return "", "Hello"
end

sim.sweep {
  seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) },
  vary = { shape = { "ring", "grid" }, loss = { 0, 0.3 }, duplicate = { 0, 0.2 }, reorder = { 0, 0.2 }, delay = { 0.002, 0.1 },
    faults = { some = { "partition", "crash" } }, length = { 1, 8 } },
  shrink = true,
  scenario = scenario,
}

if arg[2] then -- a triangle: router 2 loses its neighbour, and its way by router 3 is unfeasible
  local net <const> = sim.new { seed = 1, delay = 0.05, output = function() end }
  build(net, "triangle")
  net:at(4, function() net:partition("r1", "r2") end)
  net:run(12)
  local title <const> = "Router 2 may not use router 3, until router 1 has a newer number"
  assert(net:write_svg(arg[2], { title = title, width = 720, letters = 17, from = 6.2, till = 9.2, describe = describe }))
end
