-- Hosts that all want one name, for themselves and for a service: in the end each has names of its own, whatever was lost,
-- late, doubled or cut off.
-- usage: lua5.4 mdns.lua [seeds] [picture.svg]
-- MCAST_SEED=1 MCAST_VARY="hosts=200 loss=0.1" lua5.4 mdns.lua: 200 hosts
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/mdns.lua"
local CALM <const>, END <const> = 15, 40 -- seconds: then no more faults; the end of a run
local LIMIT <const> = 10 -- seconds that two hosts may hold one name, while they hear each other, and somebody asks for it

-- Asks for the names that hosts hold, once a second: when two answer, they hear of each other.
local function ask(names)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = 5353, ttl = 255 })
  while true do
    mcast.sleep(1)
    for _, name in ipairs(names()) do
      local query <const> = (">I2I2I2I2I2I2"):pack(0, 0, 1, 0, 0, 0) .. name .. (">I2I2"):pack(255, 1)
      assert(sock:sendto(query, "224.0.0.251", 5353))
    end
  end
end

local names_of <const> = {
  host = function(name) return ("s1s1x"):pack(name, "local") end,
  service = function(name) return ("s1s1s1s1x"):pack(name, "_ipp", "_tcp", "local") end,
}

-- A list of the names that running hosts hold, as on the wire, and the list of hosts for each.
local function held(hosts)
  local list <const>, holders <const> = {}, {}
  for _, node in ipairs(hosts) do
    for key, pack in pairs(names_of) do
      local label <const> = node.status == "running" and node.notes[key]
      if label and label ~= "probing" then
        local name <const> = pack(label)
        if not holders[name] then
          holders[name], list[#list + 1] = {}, name
        end
        table.insert(holders[name], node)
      end
    end
  end
  return list, holders
end

sim.sweep {
  seeds = { 1, tonumber(arg[1]) or 1000 },
  vary = { hosts = { 2, 6 }, loss = { 0, 0.3 }, duplicate = { 0, 0.2 }, delay = { 0.001, 0.1, log = true },
    together = { true, false }, command = { "host", "serve" }, faults = { true, false } },
  shrink = true,
  scenario = function(seed, p)
    local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, duplicate = p.duplicate,
      loss = p.faults and p.loss or 0, output = function() end }
    local hosts <const>, side <const>, apart = {}, {}, false
    local arguments <const> = p.command == "host" and { "host", "printer" }
      or { "serve", "Printer", "_ipp._tcp", "631", "--host", "printer" }
    for i = 1, p.hosts do
      hosts[i] = net:node("host-" .. i, script, arguments, { start = p.together and 0 or net:random() * 3 })
      side[hosts[i]] = net:random(2)
    end
    net:node("asker", ask, { function() return (held(hosts)) end })
    if p.faults then net:chaos { kinds = { "crash", "pause" }, nodes = hosts, every = 4, length = 2, till = CALM } end
    net:at(net:random() * 6, function()
      local sides <const> = { {}, {} }
      for _, node in ipairs(hosts) do table.insert(sides[side[node]], node) end
      apart = p.faults and #sides[1] > 0 and #sides[2] > 0
      if apart then net:partition(sides[1], sides[2]) end
    end)
    net:at(6 + net:random() * 6, function()
      apart = false
      net:heal()
    end)
    local since, checked = {}, 0
    local function share(limit) -- for how long two hosts have held one name, though they hear each other
      local before <const>, worst = since, -1
      since = {}
      for name, nodes in pairs(select(2, held(hosts))) do
        for i, one in ipairs(nodes) do
          for j = i + 1, #nodes do
            local other = nodes[j]
            if not (apart and side[one] ~= side[other]) then
              local key = name .. one.name .. other.name
              since[key] = before[key] or net:now()
              worst = math.max(worst, net:now() - since[key])
            end
          end
        end
      end
      return worst <= limit
    end
    net:always(function()
      if net:now() < checked + 0.01 then return true end
      checked = net:now()
      return share((not p.faults or net:now() > CALM + LIMIT) and -1 or LIMIT)
    end, "two hosts do not keep one name")
    net:eventually(function()
      local list <const> = held(hosts)
      return #list == #hosts * (p.command == "host" and 1 or 2)
    end, "each host has a name of its own", { after = CALM, within = 15 })
    net:sometimes(function() return next(since) end, "one name twice")
    net:run(END)
  end,
}
