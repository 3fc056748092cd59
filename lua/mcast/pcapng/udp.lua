-- Packets of captures to UDP datagrams: Ethernet (with VLAN tags), Linux's cooked captures, loopback of the BSDs and raw IP;
-- IPv4 and IPv6. Checksums are not verified: those of a sender's own packets are often filled in by its interface, later.
local wire <const> = require "mcast.wire"

local udp = {}

local unpack <const>, ntop <const> = string.unpack, wire.ntop

local IP4 <const>, IP6 <const> = 0x0800, 0x86dd
local UDP <const> = 17
local tags <const> = { [0x8100] = true, [0x88a8] = true, [0x9100] = true } -- of VLANs: IEEE 802.1Q

--
-- Link types: functions that return the position of the IP header; nil for another protocol. See
-- https://www.tcpdump.org/linktypes.html
--

-- The position after a type of Ethernet, and after VLAN tags.
local function after(data, at)
  while #data >= at + 1 do
    local kind <const> = unpack(">I2", data, at)
    if kind == IP4 or kind == IP6 then
      return at + 2
    elseif not tags[kind] then
      return nil
    end
    at = at + 4
  end
end

local function ethernet(data)
  return after(data, 13)
end

-- SLL2 has the type in front.
local function cooked2(data)
  local kind <const> = #data >= 20 and unpack(">I2", data)
  if kind == IP4 or kind == IP6 then
    return 21
  end
  return tags[kind] and after(data, 23) or nil
end

local function cooked(data)
  return after(data, 15)
end

local function raw()
  return 1
end

local function family() -- four bytes, which differ between systems; the version in the IP header does not
  return 5
end

local links <const> = { [0] = family, [1] = ethernet, [12] = raw, [14] = raw, [101] = raw, [108] = family, [113] = cooked,
  [228] = raw, [229] = raw, [276] = cooked2 }

-- The packet types of Linux: 4 is outgoing.
local function outgoing(link, data)
  return link == 113 and data:byte(2) == 4 or link == 276 and data:byte(11) == 4
end

--
-- IP: functions that return the protocol, the positions of its header and of the end, and a table of the other values; nil
-- and a reason.
--

local function ip4(data, at)
  if #data < at + 19 then
    return nil, "truncated"
  end
  local head <const>, class <const>, length <const>, _, offset <const>, ttl <const>, protocol <const> =
    unpack(">BBI2I2I2BB", data, at)
  local size <const> = (head & 15) * 4
  if size < 20 or length ~= 0 and length < size then
    return nil, "malformed"
  elseif offset & 0x3fff ~= 0 then
    return nil, "fragment"
  end
  return protocol, at + size, { ttl = ttl, class = class, from = ntop(data:sub(at + 12, at + 15)),
    to = ntop(data:sub(at + 16, at + 19)) }
end

-- The headers between IPv6's and UDP's, and the unit and the least of their length: RFC 8200, section 4; AH: RFC 4302.
local extensions <const> = { [0] = { 8, 1 }, [43] = { 8, 1 }, [60] = { 8, 1 }, [51] = { 4, 2 } }
local FRAGMENT <const> = 44

-- The protocol and the position behind extension headers.
local function skip(data, at, protocol)
  while protocol == FRAGMENT or extensions[protocol] do
    if #data < at + 7 then
      return nil, "truncated"
    end
    local following <const>, length <const>, offset <const> = unpack(">BBI2", data, at)
    if protocol == FRAGMENT then
      if offset & 0xfff9 ~= 0 then
        return nil, "fragment"
      end
      at = at + 8
    else
      local unit <const>, least <const> = extensions[protocol][1], extensions[protocol][2]
      at = at + (length + least) * unit
    end
    protocol = following
  end
  return protocol, at
end

local function ip6(data, at)
  if #data < at + 39 then
    return nil, "truncated"
  end
  local head <const>, _, protocol <const>, ttl <const> = unpack(">I4I2BB", data, at)
  local following <const>, position <const> = skip(data, at + 40, protocol)
  if not following then
    return nil, position
  end
  return following, position, { ttl = ttl, class = head >> 20 & 255, from = ntop(data:sub(at + 8, at + 23)),
    to = ntop(data:sub(at + 24, at + 39)) }
end

local versions <const> = { [4] = ip4, [6] = ip6 }

local function datagram(data, at, ip)
  if #data < at + 7 then
    return nil, "truncated"
  end
  local from <const>, to <const>, length <const> = unpack(">I2I2I2", data, at)
  if length < 8 then
    return nil, "malformed"
  elseif #data < at + length - 1 then
    return nil, "truncated"
  end
  return { from = { host = ip.from, port = from }, to = { host = ip.to, port = to }, ttl = ip.ttl, dscp = ip.class >> 2,
    ecn = ip.class & 3, data = data:sub(at + 8, at + length - 1) }
end

-- Opens the IP packet in a packet of a reader: the protocol, the position of its header, and the other values; nil and a
-- reason.
function udp.open(packet)
  local data <const>, link <const> = packet.data, packet.interface.link
  if not links[link] then
    return nil, ("link type %d"):format(link)
  end
  local at <const> = links[link](data)
  local version <const> = at and #data >= at and versions[data:byte(at) >> 4]
  if not version then
    return nil, "no UDP"
  end
  return version(data, at)
end

--- Returns the UDP datagram in a packet of a reader: `{from, to, ttl, dscp, ecn, data, time, interface, direction}`; `from`
-- and `to` are `{host, port}`. Otherwise nil and the reason: "fragment", "truncated" (the capture or the packet ends before
-- the datagram), "malformed", "no UDP" or "link type N".
function udp.decode(packet)
  local data <const>, link <const> = packet.data, packet.interface.link
  local protocol <const>, position <const>, ip <const> = udp.open(packet)
  if not protocol then
    return nil, position
  elseif protocol ~= UDP then
    return nil, "no UDP"
  end
  local found <const>, reason <const> = datagram(data, position, ip)
  if not found then
    return nil, reason
  end
  found.time, found.interface = packet.time, packet.interface
  found.direction = packet.direction or outgoing(link, data) and "out" or nil
  return found
end

return udp
