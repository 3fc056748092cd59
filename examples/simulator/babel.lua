-- Babel routers on a ring or a grid, with loss, duplicates, reordering, partitions and crashes: is there ever a loop?
-- usage: lua5.4 babel.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"

local folder <const> = arg[0]:match "^.*/" or "./"
local script <const> = os.getenv "BABEL" or folder .. "../protocols/babel.lua"
local shapes <const> = { -- pairs of routers that share a LAN
  ring = { "12", "23", "34", "45", "51" },
  grid = { "12", "23", "45", "56", "14", "25", "36" },
}

-- Each LAN of a shape has two routers, and each router announces a prefix. Returns the owners of addresses.
local function build(net, shape)
  local lans <const>, owners <const>, attached = {}, {}, 0
  for _, pair in ipairs(shapes[shape]) do
    local lan <const> = net:lan(pair)
    for i in pair:gmatch "%d" do
      lans[tonumber(i)] = lans[tonumber(i)] or {}
      table.insert(lans[tonumber(i)], lan)
    end
  end
  for i, list in ipairs(lans) do
    local names <const> = {}
    for k in ipairs(list) do
      attached = attached + 1
      owners[("fe80::%x"):format(attached)] = "r" .. i
      names[k] = "eth" .. k - 1
    end
    net:node("r" .. i, script, { "--hello", "1", "--interface", table.concat(names, ","), "--announce",
      ("2001:db8:%d::/48"):format(i) }, { lans = list })
  end
  return owners
end

-- The way from a router to a prefix, a list of names; where it ends in a loop, that has the last router twice.
local function way(net, owners, router, prefix)
  local list <const>, seen <const> = {}, {}
  repeat
    list[#list + 1] = router
    if seen[router] then return list, true end
    seen[router] = true
    local node <const> = net.byname[router]
    router = node.status == "running" and owners[(node.notes[prefix] or ""):match "via (%S+)"]
  until not router
  return list, false
end

local function scenario(seed, p)
  local changed = false
  local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    reorder = p.reorder, output = function() changed = true end }
  local owners <const> = build(net, p.shape)
  net:chaos { kinds = p.faults, every = 2, length = 8, till = 30 }
  net:always(function()
    if not changed then return true end
    changed = false
    for i = 1, #net.nodes do
      for _, node in ipairs(net.nodes) do
        local prefix <const> = ("2001:db8:%d::/48"):format(i)
        local list <const>, loops <const> = way(net, owners, node.name, prefix)
        if loops then return false, prefix .. ": " .. table.concat(list, " > ") end
      end
    end
    return true
  end, "no loop")
  net:eventually(function()
    for i, last in ipairs(net.nodes) do
      for _, node in ipairs(net.nodes) do
        local list <const> = way(net, owners, node.name, ("2001:db8:%d::/48"):format(i))
        if list[#list] ~= last.name then return false, ("%s has no way to %s"):format(node.name, last.name) end
      end
    end
    return true
  end, "each has a way to each", { after = 30, within = 15 })
  net:run(46)
end

sim.sweep {
  seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) },
  vary = { shape = { "ring", "grid" }, loss = { 0, 0.3 }, duplicate = { 0, 0.2 }, reorder = { 0, 0.2 }, delay = { 0.002, 0.1 },
    faults = { some = { "partition", "crash" } } },
  shrink = true,
  scenario = scenario,
}
