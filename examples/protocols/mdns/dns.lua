-- Messages of DNS (RFC 1035, section 4) as multicast DNS has them (RFC 6762, section 18), for mdns.lua.
-- usage: local dns <const> = dofile "mdns/dns.lua"; local records, isresponse = dns.read(data)
-- A name is kept as on the wire, but not compressed: labels, each after its length, the last one empty.
local wire <const> = require "mcast.wire"
local dns <const> = { A = 1, PTR = 12, TXT = 16, AAAA = 28, SRV = 33, ANY = 255, QUERY = 0, RESPONSE = 0x8400 }
local IN <const>, FLUSH <const>, QR <const>, OPCODE_RCODE <const> = 1, 0x8000, 0x8000, 0x780f
local MOST <const> = 9000 -- bytes of a message: RFC 6762, section 17

function dns.name(...) return (("s1"):rep(select("#", ...)) .. "x"):pack(...) end

function dns.parse(text) -- the first label of a service may have dots: "Mr. X._http._tcp"
  local instance <const>, kind <const> = text:match "^(.-)%.?(_[%w-]+%._%l+)"
  local labels <const> = { kind and instance ~= "" and instance or nil }
  for label in (kind or text:gsub("%.local%.?$", "")):gmatch "[^.]+" do labels[#labels + 1] = label end
  labels[#labels + 1] = "local"
  return dns.name(table.unpack(labels))
end

function dns.printable(text) return (text:gsub("\xc2[\x80-\x9f]", "?"):gsub("%c", "?")) end -- nothing that a terminal obeys

function dns.text(name)
  local labels <const> = {}
  for label in wire.each("s1", name) do labels[#labels + 1] = label end
  return dns.printable(table.concat(labels, ".", 1, #labels - 1))
end

-- A record. `key` and `set` (with class and type) are compared; `rank` where two hosts propose records (section 8.2).
function dns.record(name, kind, ttl, data, unique, class)
  local key <const>, head <const> = name:lower(), (">I2I2"):pack((class or IN) & ~FLUSH, kind)
  local set <const>, rank <const> = key .. head, head .. data
  return { name = name, kind = kind, ttl = ttl, data = data, unique = unique, key = key, set = set, rank = rank }
end

-- A name at a place, and the place after it. A pointer leads to a label before its own part of the name: there is no circle.
local function read_name(data, at)
  local name, start, after = "", at, nil
  while true do
    local length <const> = data:byte(at) or 64
    if length >= 192 and at < #data then
      local target <const> = ((">I2"):unpack(data, at) & 0x3fff) + 1
      if target >= start or data:byte(target) > 63 then return nil end
      at, start, after = target, target, after or at + 2
    elseif length > 63 or at + length > #data or #name + length > 254 then
      return nil
    else
      name, at = name .. data:sub(at, at + length), at + length + 1
      if length == 0 then return name, after or at end
    end
  end
end

local function read_question(data, at)
  local name <const>, after <const> = read_name(data, at)
  local kind <const>, _, next_one <const> = wire.unpack(">I2I2", data, after or #data + 1)
  return next_one and { key = name:lower(), kind = kind }, next_one
end

local name_after <const> = { [dns.PTR] = 0, [dns.SRV] = 6 } -- bytes of data before a name, which may be compressed

local function read_record(data, at)
  local name <const>, start <const> = read_name(data, at)
  local kind <const>, class <const>, ttl <const>, value, after <const> = wire.unpack(">I2I2I4s2", data, start or #data + 1)
  local head <const> = after and name_after[kind]
  if head then
    local target <const>, stop <const> = read_name(data, start + 10 + head)
    value = stop == after and value:sub(1, head) .. target
  end
  return value and dns.record(name, kind, ttl, value, nil, class), after
end

-- The questions (section 1) and records (sections 2 to 4) of a message, and whether it responds; none where it is wrong.
function dns.read(data)
  local _, flags <const>, questions <const>, answers <const>, authorities <const>, others = wire.unpack(">I2I2I2I2I2I2", data)
  local list <const>, at, entry = {}, 13
  local isright <const> = others and flags & OPCODE_RCODE == 0 and #data <= MOST
  for section, count in ipairs(isright and { questions, answers, authorities, others } or {}) do
    for _ = 1, count do
      entry, at = (section == 1 and read_question or read_record)(data, at)
      if not entry then return {} end
      entry.section, list[#list + 1] = section, entry
    end
  end
  return list, others and flags & QR ~= 0
end

-- A message of lists of questions, answers, authorities and additional records.
function dns.pack(flags, ...)
  local counts <const>, parts <const> = { 0, 0, 0, 0 }, {}
  for section, list in ipairs { ... } do
    counts[section] = #list
    for _, entry in ipairs(list) do
      local class <const> = entry.unique and flags == dns.RESPONSE and IN | FLUSH or IN
      parts[#parts + 1] = entry.name .. (section == 1 and (">I2I2"):pack(entry.kind, IN)
        or (">I2I2I4s2"):pack(entry.kind, class, entry.ttl, entry.data))
    end
  end
  return (">I2I2I2I2I2I2"):pack(0, flags, table.unpack(counts)) .. table.concat(parts)
end

return dns
