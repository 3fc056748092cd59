-- Routers of RIP (../protocols/rip.lua) in four topologies. Router 1 leaves; the others crash, pause and lose datagrams before.
-- usage: lua5.4 rip.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/rip.lua"
local update <const>, timeout <const>, latest <const>, over <const> = 1, 6, 0.03, 12 -- faults end at second 12
local step <const>, round <const> = update / 6 + latest, update * 7 / 6 + latest -- until neighbours know a change, and all routes

-- LANs, and the routers on each.
local shapes <const> = {
  chain = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 } },
  ring = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 }, { 5, 6 }, { 6, 1 } },
  triangle = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 2 } },
  lan = { { 1, 2 }, { 2, 3, 4 }, { 4, 5 }, { 5, 3 } },
}

local function prefix(i) return ("10.0.%d.0/24"):format(i) end

-- Makes the routers; on[i] is the list of LANs of router i.
local function build(net, lans, seconds)
  local on <const> = {}
  for number, members in ipairs(lans) do
    local lan <const> = net:lan("lan-" .. number)
    for _, i in ipairs(members) do
      on[i] = on[i] or {}
      table.insert(on[i], lan)
    end
  end
  for i, list in ipairs(on) do
    net:node("r" .. i, script, { "--interface", ("eth0,eth1,eth2"):sub(1, 5 * #list - 1), "--announce", prefix(i), "--update",
      tostring(update), "--timeout", tostring(timeout), "--garbage", "4", "--seconds", i == 1 and seconds or "1000" }, { lans = list })
  end
end

-- The right metrics at a router, with routers from `first` on alone, and the largest one.
local function right(lans, from, first)
  local metric <const>, queue <const> = { [from] = 1 }, { from }
  for _, at in ipairs(queue) do
    for _, members in ipairs(lans) do
      for _, i in ipairs((table.concat(members, " "):find(at)) and members or {}) do
        if i >= first and not metric[i] then
          metric[i], queue[#queue + 1] = metric[at] + 1, i
        end
      end
    end
  end
  return metric, metric[queue[#queue]]
end

-- Has each of the routers left this metric, or a function's, of each one's prefix?
local function scenario(seed, p)
  local net <const> = sim.new { seed = seed, loss = p.loss, duplicate = p.duplicate, delay = { 0.001, latest },
    output = function() end }
  local lans <const>, first <const> = shapes[p.shape], p.leaves == "late" and 1 or 2
  local lost = over + timeout + latest + 14 * step
  local settled <const> = lost + 4 * round
  local seconds = p.seconds
  if p.leaves == "late" then
    seconds = settled + 1 + p.seconds / 10
    lost = seconds + (p.shape == "chain" and 4 or 14) * step
  end
  build(net, lans, tostring(seconds))
  local others <const> = { table.unpack(net.nodes, 2) }
  net:chaos { kinds = p.faults, nodes = others, length = 3 }
  net:sometimes(function()
    for _, node in ipairs(others) do
      local metric <const> = tonumber(node.notes[prefix(1)])
      if metric and metric > 7 and metric < 16 then return true end
    end
  end, "counting to infinity")
  net:always(function()
    if net:now() < lost then return true end
    for _, node in ipairs(others) do
      if (node.notes[prefix(1)] or "16") ~= "16" then return false, node.name end
    end
    return true
  end, "a lost prefix is unreachable")
  net:eventually(function()
    for i = first, #net.nodes do
      for k, metric in pairs(right(lans, i, first)) do
        if net.nodes[i].notes[prefix(k)] ~= tostring(metric) then return false, ("r%d for r%d"):format(i, k) end
      end
    end
    return true
  end, "all metrics are right", { after = over, within = settled - over })
  net:run(math.max(lost, settled) + 1)
end

sim.sweep { seeds = { 1, tonumber(arg[1] or 1000) }, reach = true, scenario = scenario, shrink = true, vary = {
  shape = { "chain", "lan", "ring", "triangle" }, leaves = { "early", "late" }, seconds = { 4, 12.0 }, loss = { 0, 0.5 },
  duplicate = { 0, 0.3 }, faults = { some = { "crash", "partition", "pause" } } } }
