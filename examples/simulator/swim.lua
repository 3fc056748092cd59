-- SWIM in a sweep: members crash, pause, leave and come back, copies are lost, doubled and late; in the end all agree.
-- usage: lua5.4 swim.lua [seeds] [picture.svg]
-- A crashed member is known to have failed within a bound, and a life that is over never goes on.
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/swim.lua"

-- Periods: until each member was pinged (section 4.3), until the end of that period, of the suspicion, and of one begun.
local function bound(n) return (2 * n - 1) + 1 + 3 * math.ceil(math.log(n + 1, 2)) + 1 end

-- Follows what nodes print: a view has the node's address and life, and for each other address whether it lives, in which
-- life, and since when.
local function follow(views)
  return function(node, line)
    local event <const>, address <const>, life <const> = line:match "^(%l+)\t(%S+)\tlife (%d+)$"
    local now <const> = node.net:now()
    if event == "begins" then views[node.name] = { address = address, since = now, others = {}, over = {} } end
    local view <const>, lives <const> = views[node.name], event ~= "failed" and event ~= "left"
    if address == view.address then
      view.life = life
    else
      local before <const>, name <const> = view.others[address], address .. " in life " .. life
      view.broken = view.broken or lives and view.over[name] and ("%s: %s %s"):format(node.name, event, name)
      view.over[name] = not lives or nil
      view.others[address] = { lives = lives, life = life, since = event == "suspected" and before.since or now }
    end
    node.net:reached(event)
    node.net:reached(life == "1" and "a first life" or "another life")
  end
end

-- Calls a function with each node that runs, and each other one: its view, and what it says of the other one, if anything.
local function each_pair(net, views, check)
  for _, node in ipairs(net.nodes) do
    local view <const> = views[node.name]
    for _, other in ipairs(net.nodes) do
      local theirs <const> = views[other.name]
      if view and theirs and node ~= other and node.status == "running" then
        local holds <const> = check(view, view.others[theirs.address], other, theirs)
        if not holds then return false, ("%s of %s"):format(node.name, other.name) end
      end
    end
  end
  return true
end

local function scenario(seed, p)
  local views <const>, stopped <const> = {}, {}
  local net <const> = sim.new { seed = seed, delay = { 0.001, 0.05 }, loss = p.loss, duplicate = p.duplicate,
    reorder = { p.reorder, 3 }, output = follow(views) }
  for i = 1, p.members do
    net:node("member-" .. i, script, { "--own", "7000", table.unpack(i == 1 and p.leaves and { "--stay", "15" } or {}) })
  end
  net:chaos { kinds = p.faults, every = 4, length = 15 }
  net:always(function()
    for _, view in pairs(views) do
      if view.broken then return false, view.broken end
    end
    return true
  end, "a life that is over does not go on")
  net:always(function()
    for _, node in ipairs(net.nodes) do
      local view <const> = views[node.name]
      stopped[node] = node.status ~= "running" and (stopped[node] or net:now()) or nil
      if stopped[node] and view then view.others = {} end
      if node.paused and view then view.since = net:now() end
    end
    return each_pair(net, views, function(view, seen, other)
      return not seen or not seen.lives or not stopped[other]
        or net:now() <= math.max(stopped[other], view.since, seen.since) + bound(p.members)
    end)
  end, "a member that has crashed has failed in time")
  net:eventually(function()
    return each_pair(net, views, function(_, seen, other, theirs)
      if stopped[other] then return not seen or not seen.lives end
      return seen and seen.lives and seen.life == theirs.life
    end)
  end, "all agree", { after = 30, within = 20 })
  for _, event in ipairs { "suspected", "trusted", "failed", "left", "refutes", "another life" } do net:sometimes(event) end
  net:run(50)
end

local function describe(data)
  local kind <const>, news <const> = data:match "^(%l+)(.*)$"
  return news:find "suspected" and kind .. ", suspected" or news:find "failed" and kind .. ", failed" or kind, kind
end

local function draw(path)
  local net <const> = sim.new { seed = 1, delay = { 0.01, 0.04 }, output = function() end }
  for i = 1, 4 do net:node("member " .. i, script, { "--own", "7000" }) end
  net:at(3.8, function() net.nodes[3]:pause() end)
  net:at(5.5, function() net.nodes[3]:resume() end)
  net:run(7)
  assert(net:write_svg(path, { title = "Member 3 is stopped, suspected after a ping and two requests, and refutes it",
    width = 720, letters = 17, describe = describe, state = "10.0.0.3:7000", from = 3.7, till = 6.2 }))
end

sim.sweep { seeds = { 1, tonumber(arg[1] or 1000) }, shrink = true, reach = true, vary = {
  members = { 2, 5 }, loss = { 0, 0.3 }, duplicate = { 0, 0.3 }, reorder = { 0, 0.3 }, leaves = { false, true },
  faults = { some = { "crash", "pause", "partition" } },
}, scenario = scenario }
if arg[2] then draw(arg[2]) end
