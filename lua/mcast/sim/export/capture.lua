--- The trace of a net as a capture: what went by each node's interface on each LAN.
--
-- The capture has an interface for each node and LAN, "receiver-1/lan", and "receiver-1/lo". What a node sends is one
-- packet; each copy that comes to a node is one, whichever of its sockets hear it (a copy to the sender itself is not
-- told twice); a copy that was lost is one where it was lost, with "dropped: " and the reason as its comment. A change
-- of what a host has joined on a LAN is an IGMPv3 or MLDv2 report, sent once, where real hosts repeat it. Datagrams above
-- the MTU are one frame. MACs are made of addresses: 02:00:00 and the last three bytes. Time 0 is the start of 1970.
-- @module mcast.sim.export.capture
local frame <const> = require "mcast.sim.export.frame"
local pcapng <const> = require "mcast.pcapng"
local progress <const> = require "mcast.progress"
local report <const> = require "mcast.sim.export.report"

local capture = {}

local REMEMBERED <const> = 64 -- frames of which copies may still come

-- The capture's interface for an event: {number, and the copy that it saw last}.
local function find(self, event)
  local lan = event.lan or event.interface
  local own = self.interfaces[event.node]
  if not own then
    own = {}
    self.interfaces[event.node] = own
  end
  local interface = own[lan]
  if not interface then
    local number, message, errno = self.writer:interface { name = event.node .. "/" .. lan,
      description = ("%s of %s"):format(event.interface, event.host) }
    if not number then
      error { message = message, errno = errno }
    end
    interface = { number = number }
    own[lan] = interface
  end
  return interface
end

local function write(self, interface, event, data, options)
  local ok, message, errno = self.writer:packet(interface.number, math.floor(event.time * 1e9 + 0.5), data, options)
  if not ok then
    error { message = message, errno = errno }
  end
end

-- The frame of an event; those of one datagram and TTL are the same.
local function datagram(self, event)
  local id <const> = event.packet
  local known = self.frames[id]
  if known and known.ttl == event.ttl then
    return known.data
  end
  local from <const>, to <const> = event.from, event.to
  local data = frame.datagram(frame.bytes(from.host), from.port, frame.bytes(to.host), to.port, event.data, event.ttl, id,
    not event.lan)
  if not known and self.remembered == REMEMBERED then
    self.frames, self.remembered = {}, 0
  end
  self.remembered = self.remembered + (known and 0 or 1)
  self.frames[id] = { ttl = event.ttl, data = data }
  return data
end

local outgoing <const>, incoming <const> = { direction = "out" }, { direction = "in" }

local kinds = {}

function kinds.send(self, event)
  local interface = find(self, event)
  interface.packet, interface.time, interface.socket = event.packet, event.time, nil
  write(self, interface, event, datagram(self, event), outgoing)
end

-- Further sockets of a node hear the same copy, and a sender its own; of another
-- copy the first socket hears again.
function kinds.deliver(self, event)
  local interface = find(self, event)
  if interface.packet == event.packet and interface.time == event.time and interface.socket ~= event.socket then
    return
  end
  interface.packet, interface.time, interface.socket = event.packet, event.time, event.socket
  write(self, interface, event, datagram(self, event), incoming)
end

function kinds.drop(self, event)
  write(self, find(self, event), event, datagram(self, event), { comment = "dropped: " .. event.reason })
end

local function membership(self, event)
  local records = report.change(self.memberships, event)
  if records then
    write(self, find(self, event), event, frame.report(event.address, records), outgoing)
  end
end
kinds.join, kinds.leave = membership, membership

local function events(self, trace, tell)
  local n <const> = #trace
  for i = 1, n do
    local event = trace[i]
    local kind = kinds[event.kind]
    if kind then
      kind(self, event)
    end
    if i & 1023 == 0 then
      tell(i / n)
    end
  end
end

--- Writes a trace as a capture. It takes no memory that grows with the trace.
-- @param trace list of events, as `net.trace` is
-- @param target path, or a file that is open for writing
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(require "mcast.sim.export.capture".write(net.trace, "build/run.pcapng"))
function capture.write(trace, target)
  assert(trace, "the net keeps no trace (trace = false)")
  local writer <close>, message, errno = pcapng.writer(target, { application = "mcast.sim" })
  if not writer then
    return nil, message, errno
  end
  local self = { writer = writer, interfaces = {}, frames = {}, remembered = 0, memberships = {} }
  local tell <const> = progress.new "capture"
  local ok, failure = pcall(events, self, trace, tell)
  tell(nil)
  if ok then
    return writer:close()
  elseif type(failure) ~= "table" then
    error(failure, 0)
  end
  return nil, failure.message, failure.errno
end

return capture
