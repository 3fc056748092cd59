-- Routers of RIP (../protocols/rip.lua). Router 1 leaves: in time its prefix is unreachable, and all other metrics are right.
-- usage: lua5.4 rip.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"
local timeline <const> = require "mcast.timeline"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/rip.lua"
local update <const>, timeout <const>, latest <const>, over <const> = 1, 6, 0.03, 12 -- seconds; faults end at the last one
local step <const>, round <const> = update / 6 + latest, update * 8 / 6 + latest -- till neighbours know a change, or all

-- A word is a LAN, and its digits are the routers on it.
local shapes <const> = { chain = "12 23 34 45", lan = "12 234 45 35", ring = "12 23 34 45 56 16", triangle = "12 23 34 24" }

local function build(net, shape, seconds)
  for lan in shape:gmatch "%d+" do net:lan(lan) end
  for i = 1, shape:find "6" and 6 or shape:find "5" and 5 or 4 do
    local lans <const> = {}
    for lan in shape:gmatch("%d*" .. i .. "%d*") do lans[#lans + 1] = lan end
    net:node("r" .. i, script, { "--interface", ("eth0,eth1,eth2"):sub(1, 5 * #lans - 1), "--announce", "10." .. i .. ".0.0/16",
      "--update", update, "--timeout", timeout, "--garbage", 4, "--seconds", i == 1 and seconds or 999 }, { lans = lans })
  end
end

local function metric(net, i, k) return tonumber(net.nodes[i].notes["10." .. k .. ".0.0/16"] or 16) end

-- Is each router's metric 1 for its own prefix, and for others' one more than the least of its neighbours?
local function right(net, shape, first)
  for i = first, #net.nodes do
    for k = first, #net.nodes do
      local least = i == k and 0 or 16
      for lan in shape:gmatch("%d*" .. i .. "%d*") do
        for j in lan:gmatch("[" .. first .. "-6]") do
          least = math.min(least, metric(net, math.tointeger(j), k))
        end
      end
      if metric(net, i, k) ~= least + 1 then return false, ("10.%d.0.0/16 at r%d"):format(k, i) end
    end
  end
  return true
end

local function scenario(seed, p)
  local net <const> = sim.new { seed = seed, loss = p.loss, duplicate = p.duplicate, delay = { 0.001, latest } }
  local lost, first, seconds = over + timeout + latest + 14 * step, 2, p.seconds -- docs/rip.md derives these bounds
  local settled <const> = lost + 4 * round
  if p.leaves == "late" then
    first, seconds = 1, settled + p.seconds
    lost = seconds + update / 30 + (p.shape == "chain" and 4 or 14) * step
  end
  build(net, shapes[p.shape], seconds)
  net:chaos { kinds = p.faults, nodes = { table.unpack(net.nodes, 2) }, length = 3 }
  net:sometimes "counting to infinity"
  net:always(function()
    for i = 2, #net.nodes do
      local now <const> = metric(net, i, 1)
      if now > 7 and now < 16 then net:reached "counting to infinity" end
      if now < 16 and net:now() >= lost then return false, "r" .. i end
    end
    return true
  end, "a lost prefix is unreachable")
  net:eventually(function() return right(net, shapes[p.shape], first) end, "all metrics are right",
    { after = over, within = settled - over })
  net:run(math.max(lost, settled) + 1)
end

sim.sweep { seeds = { 1, tonumber(arg[1] or 1000) }, reach = true, shrink = true, scenario = scenario, vary = {
  shape = { "chain", "lan", "ring", "triangle" }, leaves = { "early", "late" }, seconds = { 4, 12.0 }, loss = { 0, 0.5 },
  duplicate = { 0, 0.3 }, faults = { some = { "crash", "partition", "pause" } },
} }

-- The picture: router 1 leaves, and router 4 does not hear of it, so that it offers the others its old route.
local function words(data)
  local now <const> = data:match "\n\1\0\0\xff\xff\0\0\0\0\0\0\0\0\0(.)"
  if now == "\16" then return "unreachable", "unreachable" end
  return now and "metric " .. now:byte() or "", now and "metric"
end

if arg[2] then
  local net <const>, trace <const> = sim.new { seed = 1, delay = { 0.001, latest }, output = function() end }, {}
  build(net, shapes.triangle, 5)
  net:rule(function(packet)
    if packet.time > 5 and packet.time < 5.2 and packet.sender == "r2" and packet.receiver == "r4" then return false end
  end)
  net:run(6)
  for _, event in ipairs(net.trace) do
    if event.kind ~= "log" then trace[#trace + 1] = event end -- lines show the metrics as their states
  end
  assert(timeline.svg(trace, arg[2], { title = "Router 1 leaves: the others count to infinity (16)", describe = words,
    width = 720, letters = 17, from = 5, till = 5.82, state = "10.1.0.0/16" }))
end
