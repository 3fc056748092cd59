-- Routers of RIP (../protocols/rip.lua) in four topologies: one leaves for good while the others crash, pause, and lose datagrams.
-- usage: lua5.4 rip.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/rip.lua"
local update <const>, timeout <const>, latest <const>, over <const> = 1, 6, 0.03, 12
-- After this time a prefix without its router is unreachable everywhere: no router that has ended is anybody's gateway, and each
-- triggered update makes the least metric larger by one, from 2 to 16.
local lost <const> = timeout + latest + 14 * (update / 6 + latest)
-- Then no metric is too small, and each update brings the right one a hop further.
local function converged(hops) return lost + hops * (update * 7 / 6 + latest) end

local shapes <const> = {
  chain = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 } },
  ring = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 5 }, { 5, 6 }, { 6, 1 } },
  triangle = { { 1, 2 }, { 2, 3 }, { 3, 4 }, { 4, 2 } },
  lan = { { 1, 2 }, { 2, 3, 4 }, { 4, 5 }, { 5, 3 } },
}

local function prefix(i) return ("10.0.%d.0/24"):format(i) end

local function build(net, lans, ...)
  local on <const> = {}
  for number, members in ipairs(lans) do
    local lan <const> = net:lan("lan-" .. number)
    for _, i in ipairs(members) do
      on[i] = on[i] or {}
      table.insert(on[i], lan)
    end
  end
  for i, list in ipairs(on) do
    local interfaces <const> = ("eth0,eth1,eth2,eth3"):sub(1, 5 * #list - 1)
    net:node("r" .. i, script, { "--interface", interfaces, "--announce", prefix(i), "--update", tostring(update), "--timeout",
      tostring(timeout), "--garbage", "4", table.unpack(i == 1 and { ... } or {}) }, { lans = list })
  end
end

-- The right metrics of all prefixes at a router, without router 1.
local function metrics(lans, from)
  local metric <const>, queue <const> = { [from] = 1 }, { from }
  for _, at in ipairs(queue) do
    for _, members in ipairs(lans) do
      for _, i in ipairs(table.concat(members, " "):find(tostring(at)) and members or {}) do
        if i > 1 and not metric[i] then
          metric[i], queue[#queue + 1] = metric[at] + 1, i
        end
      end
    end
  end
  return metric, metric[queue[#queue]] - 1
end

sim.sweep { seeds = { 1, tonumber(arg[1] or 1000) }, reach = true, vary = { shape = { "chain", "lan", "ring", "triangle" },
  loss = { 0, 0.5 }, faults = { some = { "crash", "partition", "pause" } }, seconds = { 4, 12.0 } }, scenario = function(seed, p)
  local net <const> = sim.new { seed = seed, loss = p.loss, duplicate = 0.1, delay = { 0.001, latest }, output = function() end }
  local lans <const> = shapes[p.shape]
  build(net, lans, "--seconds", tostring(p.seconds))
  local others <const>, hops = { table.unpack(net.nodes, 2) }, 0
  for i = 2, #net.nodes do hops = math.max(hops, select(2, metrics(lans, i))) end
  net:chaos { kinds = p.faults, nodes = others, length = 3 }
  net:sometimes(function()
    for _, node in ipairs(others) do
      local metric <const> = tonumber(node.notes[prefix(1)])
      if metric and metric > 7 and metric < 16 then return true end
    end
  end, "counting to infinity")
  net:always(function()
    if net:now() < over + lost then return true end
    for _, node in ipairs(others) do
      if (node.notes[prefix(1)] or "16") ~= "16" then return false, node.name end
    end
    return true
  end, "a lost prefix is unreachable")
  net:eventually(function()
    for i = 2, #net.nodes do
      for k, metric in pairs(metrics(lans, i)) do
        if net.nodes[i].notes[prefix(k)] ~= tostring(metric) then return false, ("r%d for r%d"):format(i, k) end
      end
    end
    return true
  end, "all metrics are right", { after = over, within = converged(hops) })
  net:run(over + converged(hops) + 1)
end }
