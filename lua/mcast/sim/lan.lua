--- A LAN: a link that connects hosts, with its bandwidth, queue and faults.
--
-- `Net:lan` makes one, and a net has the LAN `net.lans.lan` from the start.
-- @classmod Lan
local check <const> = require "mcast.check"
local fault <const> = require "mcast.sim.fault"

local LEAST_MTU6 <const> = 1280 -- bytes

local Lan = {}

--- The LAN's name.
-- @tfield string name

local metatable <const> = { __index = Lan, __name = "mcast.sim.Lan" }

local lan = {}

local FIRST <const>, SIZE <const> = 172 << 24, 16 -- prefixes of LANs: 172.16.0.0/16, 172.17.0.0/16 ...

-- The value and the length of a prefix such as "10.0.0.0/8"; nil where it is not one.
local function prefix4(text)
  local a, b, c, d, bits = tostring(text):match "^(%d+)%.(%d+)%.(%d+)%.(%d+)/(%d+)$"
  a, b, c, d, bits = tonumber(a), tonumber(b), tonumber(c), tonumber(d), tonumber(bits)
  if a and a < 256 and b < 256 and c < 256 and d < 256 and bits <= 32 then
    return (a << 24) + (b << 16) + (c << 8) + d, bits
  end
end

-- The text before the host's part in a prefix such as "fd00::/64".
local function prefix6(text)
  return tostring(text):match "^([%x:]*::)/%d+$"
end

local function text4(value)
  return ("%d.%d.%d.%d"):format(value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255)
end

local function host4(self, number)
  check.expect(number < self.room, "%s has no room for another host", self.prefix)
  return text4(self.base + number)
end

local function host6(base, number)
  return number > 0xffff and ("%s%x:%x"):format(base, number >> 16, number & 0xffff) or ("%s%x"):format(base, number)
end

local set_options <const> = {
  bandwidth = check.number("bits a second, 0 or more", 0, math.huge),
  queue = check.number("bytes of 0 or more", 0, math.huge),
  overhead = check.integer(0, 65535),
}
for name, kind in pairs(fault.kinds) do
  set_options[name] = kind
end

lan.kinds = {
  prefix = check.kind('prefix such as "10.1.0.0/16"', prefix4),
  prefix6 = check.kind('prefix such as "fd01::/64"', prefix6),
  mtu = check.integer(68, 65536),
}
for name, kind in pairs(set_options) do
  lan.kinds[name] = kind
end

local function change(self, given)
  self.bandwidth = given.bandwidth or self.bandwidth or 0
  self.queue = given.queue or self.queue or -1
  self.overhead = given.overhead or self.overhead or -1
  self.net.core:setlan(self.id, self.bandwidth, self.queue, self.overhead)
  fault.set(self.net, self.id, given)
end

function lan.new(net, name, given)
  given = check.options(given, lan.kinds)
  check.argument(1, "lan", name, check.name)
  check.expect(not net.lans[name], "the net has a LAN '%s' already", name)
  local id <const> = net.core:lan(name)
  local self = setmetatable({ net = net, name = name, id = id, count = 0, mtu = given.mtu or net.options.mtu or 1500,
    prefix = given.prefix or id == 0 and "10.0.0.0/8" or ("%s/%d"):format(text4(FIRST + (15 + id << SIZE)), SIZE),
    prefix6 = given.prefix6 or id == 0 and "fd00::/64" or ("fd00:0:0:%x::/64"):format(id) }, metatable)
  local base <const>, bits = prefix4(self.prefix)
  self.base, self.base6, self.room = base, prefix6(self.prefix6), 1 << (32 - bits) - (bits < 32 and 0 or 1)
  net.lans[name] = self
  change(self, given)
  return self
end

-- The LAN of a net that an entry names or is.
function lan.find(net, entry)
  local self = net.lans[entry] or entry
  return check.expect(getmetatable(self) == metatable and self.net == net and self, "no LAN %s", check.quoted(entry))
end

-- The addresses of one more host: by IPv4, and where the MTU is enough, by IPv6 and of link scope.
function lan.addresses(self)
  self.count = self.count + 1
  self.net.attached = self.net.attached + 1
  if self.mtu < LEAST_MTU6 then
    return host4(self, self.count)
  end
  return host4(self, self.count), host6(self.base6, self.count), host6("fe80::", self.net.attached)
end

--- Changes the LAN's bandwidth, queue and faults. Options that are absent keep their values.
-- @tparam table options
-- @tparam[opt] number options.bandwidth bits a second, 0 or more; 0 is unlimited
-- @tparam[opt] number options.queue as for `Net:lan`
-- @tparam[opt] integer options.overhead as for `Net:lan`
-- @param[opt] options.delay as for `Net:set`
-- @param[opt] options.loss as for `Net:set`
-- @tparam[opt] number options.duplicate probability, 0 to 1
-- @param[opt] options.reorder as for `Net:set`
-- @usage net.lans.lan:set { bandwidth = 1e6, queue = 20000, loss = 0.1 }
function Lan:set(options)
  change(self, check.options(options, set_options))
end

lan.methods = Lan

return lan
