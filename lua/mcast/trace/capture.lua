-- Captures as traces; mcast.trace documents it.
local address <const> = require "mcast.trace.address"
local file <const> = require "mcast.trace.file"
local pcapng <const> = require "mcast.pcapng"
local report <const> = require "mcast.trace.report"
local udp <const> = require "mcast.pcapng.udp"

local capture = {}

-- The node of a packet: captures of the simulator name it in their interfaces.
local function nodeof(self, packet)
  return (packet.interface.name or ""):match "^(.+)/" or self.node
end

local function endpoint(one)
  return address.of(one.host, one.port)
end

local function datagram(self, packet, found)
  local lost <const> = packet.comment and packet.comment:match "^dropped: (.*)"
  local kind <const> = (found.direction == "out" or self.own[found.from.host]) and "send" or "deliver"
  return { kind = lost and "drop" or kind, reason = lost or nil, node = nodeof(self, packet), from = endpoint(found.from),
    to = endpoint(found.to), data = found.data, ttl = found.ttl, dscp = found.dscp ~= 0 and found.dscp or nil,
    ecn = found.ecn ~= 0 and found.ecn or nil, interface = packet.interface.name, host = self.host, socket = 0 }
end

-- Adds an event at the time of a packet, which counts from the first one.
local function add(self, packet, event)
  local list <const> = self.list
  list.header.epoch = list.header.epoch or packet.time
  event.time = (packet.time - list.header.epoch) / 1e9
  list[#list + 1] = event
end

local function skip(self, reason)
  local skipped <const> = self.list.header.skipped
  skipped[reason] = (skipped[reason] or 0) + 1
end

local function read(self, packet)
  local found <const>, reason <const> = udp.decode(packet)
  if not packet.time then
    return skip(self, "no time")
  elseif found then
    return add(self, packet, datagram(self, packet, found))
  elseif reason ~= "no UDP" then
    return skip(self, reason)
  end
  local protocol <const>, at <const>, ip <const> = udp.open(packet)
  for _, event in ipairs(protocol and report.read(protocol, packet.data, at) or {}) do
    event.node = (packet.interface.name or ""):match "^(.+)/" or self.own[ip.from] and self.node or ip.from
    event.address, event.interface, event.host = ip.from, packet.interface.name, event.node
    add(self, packet, event)
  end
end

function capture.read(path, options)
  local reader <close>, message <const>, errno <const> = pcapng.reader(path)
  if not reader then
    return nil, message, errno
  end
  local node <const> = options.node or path:match("([^/]*)$"):gsub("%.[^.]*$", "")
  local self <const> = { node = node, host = node, own = {},
    list = { header = { node = node, host = node, capture = true, skipped = {}, addresses = options.addresses or {} } } }
  for _, own in ipairs(options.addresses or {}) do
    self.own[own] = true
  end
  local packet, failure, code = reader:packet()
  while packet do
    read(self, packet)
    packet, failure, code = reader:packet()
  end
  if failure then
    return nil, failure, code
  end
  self.list.header.epoch = self.list.header.epoch or 0
  return file.sort(self.list)
end

return capture
