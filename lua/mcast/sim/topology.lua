--- LANs, hosts and routers, and the addresses they have.
-- @module mcast.sim.topology
local checkoptions <const> = require "mcast.options".check

local topology = {}

local Lan, Host = {}, {}
Lan.__index, Host.__index = Lan, Host
topology.Lan, topology.Host = Lan, Host

-- "10.0.0.0/8" and a number: that host's address.
local function host4(prefix, number)
  local a, b, c, d, bits = prefix:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)/(%d+)$"
  assert(a, ("bad prefix '%s' (as in \"10.1.0.0/16\" expected)"):format(prefix))
  a, b, c, d, bits = tonumber(a), tonumber(b), tonumber(c), tonumber(d), tonumber(bits)
  assert(number < 1 << (32 - bits) - (bits < 32 and 0 or 1), prefix .. " has no room for another host")
  local value = (a << 24) + (b << 16) + (c << 8) + d + number
  return ("%d.%d.%d.%d"):format(value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255)
end

-- "fd00::/64" and a number, of which the last 32 bits of the address are made.
local function host6(prefix, number)
  local base = prefix:match "^([%x:]*::)/%d+$"
  assert(base, ("bad prefix '%s' (as in \"fd01::/64\" expected)"):format(prefix))
  return number > 0xffff and ("%s%x:%x"):format(base, number >> 16, number & 0xffff) or ("%s%x"):format(base, number)
end

local lan_options <const> = { prefix = true, prefix6 = true, mtu = true, bandwidth = true, queue = true, loss = true,
  delay = true, duplicate = true, reorder = true }

function topology.lan(net, name, options)
  options = options or {}
  checkoptions(options, lan_options)
  assert(type(name) == "string" and not net.lans[name], "a LAN needs a name that no other one has")
  local core <const> = net.core
  local id = core:lan(name)
  local lan = setmetatable({ net = net, name = name, id = id, count = 0, mtu = options.mtu or net.options.mtu or 1500,
    prefix = options.prefix or id == 0 and "10.0.0.0/8" or ("172.%d.0.0/16"):format(15 + id),
    prefix6 = options.prefix6 or id == 0 and "fd00::/64" or ("fd00:0:0:%x::/64"):format(id) }, Lan)
  net.lans[name] = lan
  lan:set(options)
  return lan
end

--- Changes a LAN's bandwidth, queue and faults; what is not given stays.
-- @tparam table options `bandwidth`: bits a second; `queue`: bytes; `delay`, `loss`, `duplicate`, `reorder`: as for `Net:set`
-- @usage net.lans.lan:set { bandwidth = 1e6, queue = 20000, loss = 0.1 }
function Lan:set(options)
  checkoptions(options, lan_options)
  self.bandwidth = options.bandwidth or self.bandwidth or 0
  self.queue = options.queue or self.queue or math.huge
  self.net.core:setlan(self.id, self.bandwidth, self.queue)
  self.net:faults(self.id, options)
end

local function attach(host, lan, addresses)
  lan.count = lan.count + 1
  host.net.attached = host.net.attached + 1
  local list = { host4(lan.prefix, lan.count), host6(lan.prefix6, lan.count), host6("fe80::/64", host.net.attached) }
  table.move(addresses, 1, #addresses, #list + 1, list)
  local name = ("eth%d"):format(host.count)
  host.indices[name] = host.net.core:attach(host.id, lan.id, name, lan.mtu, table.unpack(list))
  host.count = host.count + 1
  host.address = host.address or list[1]
end

local host_options <const> = { lans = true, addresses = true, boundary = true, router = true }

-- A host on LANs (eth0, eth1 ...); further addresses are those of its first one, or
-- of lo where it is on none.
function topology.host(net, name, options)
  checkoptions(options, host_options)
  assert(type(name) == "string", "a host needs a name")
  local host = setmetatable({ net = net, name = name, count = 0, indices = { lo = 1 } }, Host)
  host.id = net.core:host(name, options.router)
  local addresses = options.addresses or {}
  local lans = options.lans or { net.lans.lan }
  net.core:attach(host.id, nil, "lo", 65536, "127.0.0.1", "::1", table.unpack(#lans == 0 and addresses or {}))
  for i, lan in ipairs(lans) do
    lan = net.lans[lan] or lan
    assert(getmetatable(lan) == Lan, ("no LAN '%s'"):format(tostring(lan)))
    attach(host, lan, i == 1 and addresses or {})
  end
  host.address = host.address or "127.0.0.1"
  for _, prefix in ipairs(options.boundary or {}) do
    local base, bits = prefix:match "^(.+)/(%d+)$"
    assert(base, ("bad boundary '%s' (as in \"239.255.0.0/16\" expected)"):format(prefix))
    net.core:boundary(host.id, base, tonumber(bits))
  end
  return host
end

--- Takes a host's interface down, or up again.
-- @tparam string name `"eth0"` ...
-- @tparam boolean up
-- @usage net:at(1, function() net.hosts.receiver:setinterface("eth0", false) end)
function Host:setinterface(name, up)
  self.net.core:setinterface(self.id, assert(self.indices[name], "no such interface"), up)
end

return topology
