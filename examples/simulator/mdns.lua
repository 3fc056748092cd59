-- Hosts that all want one name: in the end each has a name of its own, whatever was lost, late, doubled or cut off.
-- usage: lua5.4 mdns.lua [seeds] [picture.svg]
-- With MCAST_SEED it runs that seed alone and prints who has which name; with MCAST_VARY="hosts=200" too, for 200 hosts.
local describe <const> = require "mcast.describe"
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/mdns.lua"
local CALM <const>, WITHIN <const>, END <const> = 12, 12, 26 -- seconds: no more faults; until all have names; the end
local LIMIT <const> = 10 -- seconds that two hosts may hold one name, while they hear each other, and somebody asks for it
local ASKED <const> = 10 -- names a second

-- The holders of each name, and a list of the names: those of several hosts first.
local function held(hosts)
  local holders <const>, list <const> = {}, {}
  for _, node in ipairs(hosts) do
    local name <const> = node.status == "running" and node.notes.name
    if name and name ~= "probing" then
      if not holders[name] then
        holders[name], list[#list + 1] = {}, name
      elseif #holders[name] == 1 then
        table.insert(list, 1, name)
      end
      table.insert(holders[name], node)
    end
  end
  return list, holders
end

-- Asks for names that hosts hold, once a second: when two answer, they hear of each other.
local function ask(hosts)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = 5353, ttl = 255 })
  while true do
    mcast.sleep(1)
    local list <const> = held(hosts)
    for i = 1, math.min(#list, ASKED) do
      local label <const> = list[i]:match "^[^.]+"
      local query <const> = (">I2I2I2I2I2I2s1s1xI2I2"):pack(0, 0, 1, 0, 0, 0, label, "local", 255, 1)
      assert(sock:sendto(query, "224.0.0.251", 5353))
    end
  end
end

-- Cuts the hosts in two for some time; returns a function: does a host hear another one?
local function cut(net, hosts)
  local sides <const>, side <const>, partition = { {}, {} }, {}, nil
  for _, node in ipairs(hosts) do
    side[node] = net:random(2)
    table.insert(sides[side[node]], node)
  end
  local from <const> = net:random() * 6
  net:at(from, function() partition = #sides[1] * #sides[2] > 0 and net:partition(sides[1], sides[2]) end)
  net:at(from + 1 + net:random() * 5, function() partition = partition and partition:heal() end)
  return function(one, other) return not partition or side[one] == side[other] end
end

-- A function: do no two hosts hold one name for longer than a limit, while they hear each other?
local function apart(net, hosts, hears, limit)
  local since, checked = {}, 0
  net:sometimes(function() return next(since) end, "one name twice")
  return function()
    if net:now() - checked < 0.01 then return true end
    local before <const> = since
    since, checked = {}, net:now()
    for name, nodes in pairs(select(2, held(hosts))) do
      for i = 2, #nodes do
        for k = 1, i - 1 do
          local key <const> = ("%s: %s, %s"):format(name, nodes[k].name, nodes[i].name)
          since[key] = hears(nodes[k], nodes[i]) and (before[key] or net:now()) or nil
          if since[key] and net:now() - since[key] >= limit() then return false, key end
        end
      end
    end
    return true
  end
end

-- Ports are equal or not, and in the opposite order of addresses: two hosts may each come later by one name.
local function words(command, i)
  return command == "host" and { "host", "printer" } or { "serve", "printer", "_ipp._tcp", tostring(640 - i // 2) }
end

sim.sweep {
  seeds = { 1, tonumber(arg[1]) or 1000 },
  vary = { hosts = { 2, 6 }, loss = { 0, 0.3 }, duplicate = { 0, 0.2 }, delay = { 0.001, 0.1, log = true },
    together = { true, false }, command = { "host", "serve" }, faults = { false, true } },
  shrink = true,
  reach = true,
  scenario = function(seed, p)
    local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, duplicate = p.duplicate,
      loss = p.faults and p.loss or 0 }
    local hosts <const> = {}
    for i = 1, p.hosts do
      hosts[i] = net:node("host-" .. i, script, words(p.command, i), { start = p.together and 0 or net:random() * 3 })
    end
    net:node("asker", ask, { hosts })
    if p.faults then net:chaos { kinds = { "crash", "pause" }, nodes = hosts, every = 4, length = 2, till = CALM } end
    local hears <const> = p.faults and cut(net, hosts) or function() return true end
    net:always(apart(net, hosts, hears, function()
      return p.faults and net:now() < CALM + LIMIT and LIMIT or 0
    end), "no two hosts keep one name")
    net:eventually(function() return #held(hosts) == #hosts end, "each host has a name of its own",
      { after = CALM, within = WITHIN })
    net:sometimes "defers"
    net:sometimes "conflict"
    net:run(END)
  end,
}

if arg[2] then -- two hosts that are cut off from each other announce one name
  local net <const> = sim.new { seed = 1, delay = { 0.01, 0.03 }, output = function() end }
  local hosts <const> = { net:node("host-1", script, words "host"), net:node("host-2", script, words "host") }
  net:node("asker", ask, { hosts }, { start = 1 })
  local partition <const> = net:partition("host-1", "host-2")
  net:at(2.5, function() partition:heal() end)
  net:run(6)
  assert(net:write_svg(arg[2], { title = "Two hosts with one name find each other when somebody asks for it",
    describe = describe.dns, width = 720, letters = 17, from = 2.3, till = 5.2 }))
end
