-- Membership reports in captures: IGMPv1 to 3 (RFC 1112, 2236, 3376), MLDv1 and 2 (RFC 2710, 3810).
local wire <const> = require "mcast.wire"

local report = {}

local unpack <const> = string.unpack

-- The kinds of records: is it a join, and the mode of the filter. 5 and 6 allow and block sources of a membership.
local kinds <const> = { { true, "include" }, { true, "exclude" }, { true, "include" }, { true, "exclude" },
  { true, "include" }, { true, "exclude" } }

local function record(kind, group, sources)
  local join <const>, mode <const> = table.unpack(kinds[kind])
  local left <const> = mode == "include" and #sources == 0
  return { kind = join and not left and "join" or "leave", group = wire.ntop(group), mode = mode, sources = sources }
end

-- The records of a report of version 3 of IGMP, or 2 of MLD, from a position on; size is that of an address.
local function records(data, at, count, size)
  local list = {}
  for _ = 1, count do
    if #data < at + 3 + size then
      break
    end
    local kind <const>, auxiliary <const>, n <const> = unpack(">BBI2", data, at)
    local group <const>, first <const> = data:sub(at + 4, at + 3 + size), at + 4 + size
    local sources = {}
    for i = 1, math.min(n, (#data - first + 1) // size) do
      sources[i] = wire.ntop(data:sub(first + (i - 1) * size, first + i * size - 1))
    end
    if kinds[kind] then
      list[#list + 1] = record(kind, group, sources)
    end
    at = first + n * size + auxiliary * 4
  end
  return list
end

local function igmp(data, at)
  local kind <const> = data:byte(at)
  if kind == 0x22 and #data >= at + 7 then
    return records(data, at + 8, unpack(">I2", data, at + 6), 4)
  elseif (kind == 0x12 or kind == 0x16 or kind == 0x17) and #data >= at + 7 then
    return { record(kind == 0x17 and 3 or 4, data:sub(at + 4, at + 7), {}) }
  end
  return {}
end

local function mld(data, at)
  local kind <const> = data:byte(at)
  if kind == 143 and #data >= at + 7 then
    return records(data, at + 8, unpack(">I2", data, at + 6), 16)
  elseif (kind == 131 or kind == 132) and #data >= at + 23 then
    return { record(kind == 132 and 3 or 4, data:sub(at + 8, at + 23), {}) }
  end
  return {}
end

local protocols <const> = { [2] = igmp, [58] = mld }

-- The joins and leaves of a packet, whose protocol's header is at a position.
function report.read(protocol, data, at)
  return protocols[protocol] and protocols[protocol](data, at) or {}
end

return report
