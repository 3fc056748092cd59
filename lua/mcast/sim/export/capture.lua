--- Writes the trace of a net as a capture, for Wireshark.
--
-- - The capture has one interface for each node and LAN ("receiver-1/lan"), and one for loopback ("receiver-1/lo").
-- - A datagram that a node sends is one packet, and each copy that arrives at a node is one, however many of its sockets
--   receive it. A sender's own copy is not written a second time.
-- - A dropped copy is a packet on the interface where it was dropped, with the comment "dropped: " and the reason.
-- - A change of a host's memberships on a LAN is an IGMPv3 or MLDv2 report. It is sent once; real hosts repeat it.
-- - A datagram above the MTU is one frame.
-- - A MAC address is 02:00:00 and the last three bytes of the IP address.
-- - Virtual time 0 is the start of 1970.
-- @module mcast.sim.export.capture
local check <const> = require "mcast.check"
local frame <const> = require "mcast.pcapng.frame"
local locale <const> = require "mcast.locale"
local pcapng <const> = require "mcast.pcapng"
local progress <const> = require "mcast.progress"
local report <const> = require "mcast.sim.export.report"

local capture = {}

local REMEMBERED <const> = 64 -- frames that are kept for further copies

-- The capture's interface for an event: its number, and the last copy on it.
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

-- The frame of an event; events of one datagram and one TTL share it.
local function datagram(self, event)
  local id <const> = event.packet
  local known = self.frames[id]
  if known and known.ttl == event.ttl then
    return known.data
  end
  local from <const>, to <const> = event.from, event.to
  local data = frame.datagram(frame.bytes(from.host), from.port, frame.bytes(to.host), to.port, event.data, event.ttl,
    (event.dscp or 0) << 2 | (event.ecn or 0), id, not event.lan)
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

-- Several sockets of a node may receive one copy, and a sender its own. A second copy begins with the first socket again.
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

local function write_events(self, trace, report_progress)
  local n <const> = #trace
  for i = 1, n do
    local event = trace[i]
    local kind = kinds[event.kind]
    if kind then
      kind(self, event)
    end
    if i & 1023 == 0 then
      report_progress(i / n)
    end
  end
end

--- Writes a trace as a capture. The memory needed does not grow with the trace.
-- @param trace list of events, such as `net.trace`
-- @param target path, or a file that is open for writing
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(require "mcast.sim.export.capture".write(net.trace, "build/run.pcapng"))
function capture.write(trace, target)
  check.expect(trace, "bad argument #1 to 'write' (trace expected, got nil)")
  local _ <close> = locale.plain()
  local writer <close>, message, errno = pcapng.writer(target, { application = "mcast.sim" })
  if not writer then
    return nil, message, errno
  end
  local self = { writer = writer, interfaces = {}, frames = {}, remembered = 0, memberships = {} }
  local report_progress <const> = progress.new "capture"
  local ok, failure = pcall(write_events, self, trace, report_progress)
  report_progress(nil)
  if ok then
    return writer:close()
  elseif type(failure) ~= "table" then
    error(failure, 0)
  end
  return nil, failure.message, failure.errno
end

return capture
