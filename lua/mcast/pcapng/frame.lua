-- Frames as they are on a wire: Ethernet (RFC 1112, RFC 2464), IPv4, IPv6, UDP, and membership reports, IGMPv3 (RFC 3376)
-- and MLDv2 (RFC 3810).
local frame = {}

local pack <const>, unpack <const> = string.pack, string.unpack

--
-- Checksums: modulo 65535, the sum of words of 48 bits equals that of words of 16 bits.
--

local WORD <const>, WORDS <const> = 6, 16
local STEP <const> = WORD * WORDS
local words <const> = ">" .. ("I6"):rep(WORDS)

local function sum(text)
  local total, at, n = 0, 1, #text
  while at + STEP <= n + 1 do
    local a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q = unpack(words, text, at)
    total = total + a + b + c + d + e + f + g + h + i + j + k + l + m + o + p + q
    at = at + STEP
  end
  if at <= n then
    local rest = text:sub(at)
    rest = rest .. ("\0"):rep(-#rest % WORD)
    for k = 1, #rest, WORD do
      total = total + unpack(">I6", rest, k)
    end
  end
  return total
end

local function complement(total)
  return (65535 - total % 65535) % 65535
end

--
-- Addresses: text to bytes.
--

local function parts(text)
  local bytes = {}
  for part in text:gmatch "[^:]+" do
    bytes[#bytes + 1] = pack(">I2", tonumber(part, 16))
  end
  return table.concat(bytes)
end

-- An IPv4 address at the end of an IPv6 address, as two parts.
local function hexadecimal(a, b, c, d)
  return ("%x%02x:%x%02x"):format(tonumber(a), tonumber(b), tonumber(c), tonumber(d))
end

local function parse(host)
  if not host:find(":", 1, true) then
    return pack("BBBB", host:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  end
  host = host:gsub("%%.*", ""):gsub("(%d+)%.(%d+)%.(%d+)%.(%d+)$", hexadecimal)
  local left, right = host:match "^(.-)::(.*)$"
  if not left then
    return parts(host)
  end
  left, right = parts(left), parts(right)
  return left .. ("\0"):rep(16 - #left - #right) .. right
end

local KNOWN <const> = 65536

local known, count = {}, 0 -- by text

-- The bytes of an address, 4 or 16.
function frame.bytes(host)
  local bytes = known[host]
  if not bytes then
    if count == KNOWN then -- strangers may send from any address
      known, count = {}, 0
    end
    bytes = parse(host)
    known[host], count = bytes, count + 1
  end
  return bytes
end

local function ismulticast(bytes)
  return #bytes == 4 and bytes:byte() >> 4 == 14 or #bytes == 16 and bytes:byte() == 255
end

-- A host's MAC address is made from its IP address, so a capture needs no ARP.
local function mac(bytes)
  if bytes == "\255\255\255\255" then
    return "\255\255" .. bytes
  end
  if not ismulticast(bytes) then
    return "\2\0\0" .. bytes:sub(-3)
  elseif #bytes == 16 then
    return "\x33\x33" .. bytes:sub(-4)
  end
  return pack(">I3B", 0x01005e, bytes:byte(2) & 127) .. bytes:sub(3)
end

local nobody <const> = ("\0"):rep(12)

local function ethernet(from, to, lo)
  return (lo and nobody or mac(to) .. mac(from)) .. (#to == 4 and "\x08\x00" or "\x86\xdd")
end

--
-- IP.
--

local function ip4(from, to, protocol, ttl, id, length, tos, options)
  local words4 = 5 + #options // 4
  local rest = pack(">BBI2I2I2BB", 0x40 | words4, tos, words4 * 4 + length, id, 0x4000, ttl, protocol)
  local total = sum(rest .. from .. to .. options)
  return rest .. pack(">I2", complement(total)) .. from .. to .. options
end

local function ip6(from, to, protocol, ttl, length, class)
  return pack(">I4I2BB", 0x60000000 | class << 20, length, protocol, ttl) .. from .. to
end

-- The sum of the pseudo header: RFC 768, and RFC 8200, section 8.1.
local function pseudo(from, to, protocol, length)
  return sum(from .. to) + protocol + length
end

-- The IP packet of a datagram; from and to are bytes, id is IPv4's identification, class the traffic class. A
-- datagram above the MTU is one packet, as in captures on an interface whose hardware fragments.
function frame.packet(from, from_port, to, to_port, data, ttl, class, id)
  local length = 8 + #data
  local total = pseudo(from, to, 17, length) + from_port + to_port + length + sum(data)
  local checksum = 65535 - total % 65535 -- 0 would mean no checksum
  local udp = pack(">I2I2I2I2", from_port, to_port, length, checksum)
  local ip = #to == 4 and ip4(from, to, 17, ttl, id & 0xffff, length, class, "")
    or ip6(from, to, 17, ttl, length, class)
  return ip .. udp .. data
end

-- The Ethernet frame of a datagram.
function frame.datagram(from, from_port, to, to_port, data, ttl, class, id, lo)
  return ethernet(from, to, lo) .. frame.packet(from, from_port, to, to_port, data, ttl, class, id)
end

--
-- Reports.
--

local types <const> = { include = 3, exclude = 4, allow = 5, block = 6 }

local function records(list)
  local texts = {}
  for i, record in ipairs(list) do
    local sources = {}
    for k, source in ipairs(record.sources) do
      sources[k] = frame.bytes(source)
    end
    texts[i] = pack(">BBI2", types[record.kind], 0, #sources) .. frame.bytes(record.group) .. table.concat(sources)
  end
  return table.concat(texts)
end

local function igmp(from, list)
  local to = frame.bytes "224.0.0.22"
  local text = pack(">I2I2", 0, #list) .. records(list)
  local message = pack(">BBI2", 0x22, 0, complement(0x2200 + sum(text))) .. text
  return ethernet(from, to) .. ip4(from, to, 2, 1, 0, #message, 0xc0, "\x94\4\0\0") .. message
end

-- Hop-by-hop options: router alert of MLD, and padding.
local alert <const> = "\x3a\0\5\2\0\0\1\0"

local function mld(from, list)
  local to = frame.bytes "ff02::16"
  local text = pack(">I2I2", 0, #list) .. records(list)
  local length = 4 + #text
  local message = pack(">BBI2", 143, 0, complement(pseudo(from, to, 58, length) + 0x8f00 + sum(text))) .. text
  return ethernet(from, to) .. ip6(from, to, 0, 1, #alert + length, 0) .. alert .. message
end

-- The frame of a membership report from a host's address (nil where it has none). A record has kind ("include", "exclude":
-- the filter's new mode; "allow", "block": sources that it now accepts or refuses), group and sources.
function frame.report(from, list)
  if #frame.bytes(list[1].group) == 4 then
    return igmp(frame.bytes(from or "0.0.0.0"), list)
  end
  return mld(frame.bytes(from or "::"), list)
end

return frame
