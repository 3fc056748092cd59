--- A host: a place on one or more LANs, on which nodes run. A router is a host that forwards between its LANs.
--
-- `Net:host` and `Net:router` make one; `Net:node` makes one for each node without the option `host`.
-- @classmod Host
local check <const> = require "mcast.check"
local disk <const> = require "mcast.sim.sandbox.disk"
local lan <const> = require "mcast.sim.lan"
local sieve <const> = require "mcast.sim.sieve"

local Host = {}

--- The host's name.
-- @tfield string name

--- Its first address, as numeric text.
-- @tfield string address

local metatable <const> = { __name = "mcast.sim.Host" }

-- The address is asked for where it is needed, and the disk is made then.
function metatable.__index(self, key)
  if key == "address" then
    return self.net.core:address(self.id)
  elseif key == "disk" then
    self.disk = disk.new(self.files or self.net.options.files)
    return self.disk
  end
  return Host[key]
end

local host = { methods = Host }

-- Kinds of file systems.
host.files_kind = check.kind('"own" or "real"', function(value) return value == "own" or value == "real" end)

local bandwidth <const> = check.number("bits a second, 0 or more", 0, math.huge)

host.bandwidths = { up = bandwidth, down = bandwidth, queue = check.number("bytes of 0 or more", 0, math.huge) }

-- Attaches the host to a LAN; further addresses follow those of the LAN.
local function attach(self, one, addresses)
  local core <const>, name <const> = self.net.core, "eth" .. self.count
  if #addresses == 0 then
    check.call(core.attach, core, self.id, one.id, name, one.mtu, lan.addresses(one))
  else
    local list <const> = { lan.addresses(one) }
    table.move(addresses, 1, #addresses, #list + 1, list)
    check.call(core.attach, core, self.id, one.id, name, one.mtu, table.unpack(list))
  end
  self.count = self.count + 1
end

local function setboundary(self, prefixes)
  local core <const> = self.net.core
  for _, prefix in ipairs(prefixes) do
    local base, bits = tostring(prefix):match "^(.+)/(%d+)$"
    local most <const> = base and base:find ":" and 128 or 32
    local first <const> = base and (base:match "^%d+%." or base:match "^%x+:" or "")
    local groups <const> = base and (first:lower():find "^ff%x%x:$" or first:find "^22[4-9]%.$" or first:find "^23%d%.$")
    check.expect(base and tonumber(bits) <= most and (groups or tonumber(bits) == 0),
      "bad option 'boundary' (prefix of groups such as \"239.255.0.0/16\" expected, got '%s')", tostring(prefix))
    check.call(core.boundary, core, self.id, base, tonumber(bits))
  end
end

local none <const> = {}

-- A host on LANs, by eth0, eth1 ...; further addresses are those of its first interface, or of lo where it is on no LAN.
function host.new(net, name, options)
  local lans <const>, addresses <const> = check.tolist(options.lans or net.lans.lan), check.tolist(options.addresses or none)
  check.expect(not net.hosts[name], "the net has a host or router '%s' already", name)
  check.expect(not net.byname[name], "the net has a node '%s' already", name)
  for _, entry in ipairs(lans) do
    lan.find(net, entry)
  end
  local core <const> = net.core
  local id <const> = core:host(name, options.router, options.flood)
  local self = setmetatable({ net = net, name = name, count = 0, id = id }, metatable)
  if options.router or options.files then
    self.router, self.files = options.router, options.files
  end
  check.call(core.attach, core, self.id, nil, "lo", 65536, "127.0.0.1", "::1", table.unpack(#lans == 0 and addresses or none))
  for i, entry in ipairs(lans) do
    attach(self, lan.find(net, entry), i == 1 and addresses or none)
  end
  setboundary(self, check.tolist(options.boundary or none))
  if options.up or options.down or options.queue then
    host.change(self, options)
  end
  net.hosts[name] = self
  return self
end

-- Changes the host's own bandwidth; absent options keep their values.
function host.change(self, options)
  for name in pairs(host.bandwidths) do
    self[name] = options[name] or self[name]
  end
  self.net.core:sethost(self.id, self.up or 0, self.down or 0, self.queue or -1)
end

local function ishost(value)
  return getmetatable(value) == metatable and value
end

-- The host of a net that an entry names or is, or that it runs on, where it is a node.
function host.find(net, entry)
  local named = net.byname[entry] and net.byname[entry].on or net.hosts[entry]
  local self = named or ishost(entry) or type(entry) == "table" and ishost(entry.on)
  if not self or self.net ~= net then
    check.fail("no node, host or router %s", check.quoted(entry))
  end
  return self
end

--- Changes the host's own bandwidth. Options that are absent keep their values.
-- @tparam table options
-- @tparam[opt] number options.up as for `Net:host`
-- @tparam[opt] number options.down as for `Net:host`
-- @tparam[opt] number options.queue as for `Net:host`
-- @usage net.hosts.receiver:set { down = 1e6 }
function Host:set(options)
  host.change(self, check.options(options, host.bandwidths))
end

local function findindex(self, name)
  for i = 0, self.count - 1 do
    if name == "eth" .. i then
      return i + 2
    end
  end
  return check.expect(name == "lo" and 1, "no interface %s on %s", check.quoted(name), self.name)
end

-- Records a change; the host's line in pictures has it.
local function record(self, name, change, address)
  self.net.core:record(nil, { kind = "interface", node = self.name, host = self.name, interface = name, change = change,
    address = address, text = ("%s %s%s"):format(name, change, address and " " .. address or "") })
end

-- Changes something of a host, if act does: a fault of this name, which may not happen. Without a name, or where it undoes
-- another one, it is none.
local function change(self, key, state, name, act, undo)
  local changes <const> = self.changes or {}
  local before <const> = changes[key]
  local undoes <const> = before ~= nil and before.state ~= state
  local fault <const> = undoes or not name or sieve.passes(self.net, name)
  if not fault or not act() then
    return
  end
  local new <const> = not undoes and { state = state, fault = fault } or nil
  sieve.over(undoes and before.fault)
  self.changes, changes[key] = changes, new
  sieve.begin(self.net, fault, function()
    if changes[key] == new then
      undo()
    end
  end)
end

--- Sets one of the host's interfaces down or up.
-- @tparam string name `"lo"`, `"eth0"`, `"eth1"` ...
-- @tparam boolean up
-- @usage net:at(1, function() net.hosts.receiver:setinterface("eth0", false) end)
function Host:setinterface(name, up)
  check.argument(2, "setinterface", up, check.boolean)
  local core <const>, index <const> = self.net.core, findindex(self, name)
  change(self, name, up, not up and ("outage of %s of %s"):format(name, self.name), function()
    local changes <const> = core:setinterface(self.id, index, up)
    if changes then
      record(self, name, up and "up" or "down")
    end
    return changes
  end, function() self:setinterface(name, true) end)
end

-- All interfaces are up.
function host.calm(self)
  local names <const> = { "lo" }
  for i = 0, self.count - 1 do
    names[i + 2] = "eth" .. i
  end
  table.sort(names)
  for _, name in ipairs(names) do
    self:setinterface(name, true)
  end
end

local function setaddress(self, index, name, address, present)
  local core <const> = self.net.core
  local changes <const> = check.call(core.setaddress, core, self.id, index, address, present)
  if changes then
    record(self, name, present and "address added" or "address removed", address)
  end
  return changes
end

--- Adds an address to one of the host's interfaces, or removes it; one that is there, or gone, already changes nothing. Sockets
-- bound to a removed address remain. The interface's IPv4 routes go with its last IPv4 address, and come back with the next
-- one; its memberships stay.
-- @tparam string name `"lo"`, `"eth0"`, `"eth1"` ...
-- @tparam string address numeric, without a zone
-- @tparam boolean present true adds it, false removes it
-- @usage net:at(1, function() net.hosts.receiver:setaddress("eth0", "10.0.0.77", true) end)
function Host:setaddress(name, address, present)
  check.argument(2, "setaddress", address, check.text)
  check.argument(3, "setaddress", present, check.boolean)
  local index <const> = findindex(self, name)
  local form <const> = present and "addition of %s to %s of %s" or "removal of %s from %s of %s"
  change(self, name .. " " .. address, present, form:format(address, name, self.name), function()
    return setaddress(self, index, name, address, present)
  end, function() self:setaddress(name, address, not present) end)
end

--- Reads a file as the host's nodes see it: their flushed writes, else the real file.
-- @tparam string path
-- @treturn string all of it; or nil, a message and an errno
-- @usage print(net.hosts.receiver:file "state.txt")
function Host:file(path)
  return self.disk:read(check.argument(1, "file", path, check.text))
end

return host
