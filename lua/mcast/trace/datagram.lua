-- The events of datagrams that the sockets of this process send and receive.
local mcast <const> = require "mcast"
local record <const> = require "mcast.trace.record"

local datagram = {}

-- Records a send by a call with options or nil.
function datagram.send(line, time, data, to, options)
  options = options or {}
  local own <const> = options.source or line.host or "0.0.0.0"
  local way <const> = options.interface or line.interface
  local host <const> = type(own) == "userdata" and own.host or tostring(own)
  record.put(time, { kind = "send", from = mcast.address(host, line.port), to = to, data = data, socket = line.number,
    ttl = math.tointeger(options.ttl) or to.multicast and line.ttl or line.unicast_ttl, interface = way and tostring(way),
    loopback = line.loopback == false and false or nil })
end

-- The host that a datagram was sent to: known, or that of the only group, or that of the socket.
local function receivinghost(line, msg)
  local first <const>, entry <const> = next(line.groups)
  local only <const> = first and next(line.groups, first) == nil and entry.one.group
  return msg.group or only or line.host or "0.0.0.0"
end

-- Records the delivery of a message of recvmsg: at the kernel's time, where it is known.
function datagram.deliver(line, msg)
  local time <const> = msg.nanoseconds and msg.nanoseconds > 0 and msg.nanoseconds or record.clock()
  local marked <const> = msg.dscp and (msg.dscp ~= 0 or msg.ecn ~= 0)
  record.put(time, { kind = "deliver", from = msg.from, to = mcast.address(receivinghost(line, msg), line.port),
    data = msg.data, ttl = msg.ttl, dscp = marked and msg.dscp or nil, ecn = marked and msg.ecn or nil,
    interface = msg.interface, dropped = (msg.dropped or 0) > 0 and msg.dropped or nil, socket = line.number })
end

return datagram
