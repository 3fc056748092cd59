-- Messages of ssmping 0.9.1 (draft-ietf-mboned-ssmping, later RFC 6450): a byte, "Q" for a query or "A" for an answer,
-- then options of a type and a length of 2 bytes each, big-endian, and a value.
local mcast <const> = require "mcast"
local wire <const> = require "mcast.wire"

local message = { PORT = 4321, TTL = 64 } -- TTL: of multicast answers, where the answer does not name it

message.groups = { inet = "232.43.211.234", inet6 = "ff3e::4321:1234" } -- where a query names none

-- Is it a group that is set apart for these messages?
function message.of_protocol(host)
  return host:find "::4321:1234$" ~= nil or host:find "%.234$" ~= nil and not host:find "^224%.0%.0%."
end

local CLIENT <const>, SEQUENCE <const>, TIME <const>, GROUP <const>, REQUEST <const>, TTL <const> = 1, 2, 3, 4, 5, 9

local function option(kind, value)
  return string.pack(">I2s2", kind, value)
end

local function unpack(bytes)
  local address <const> = wire.ntop(bytes) and mcast.address(wire.ntop(bytes), 0)
  return address and address.multicast and address.host or nil
end

-- Each option of a message that is whole: its type, its value, and the place where the next one begins.
local function options(data)
  return wire.each(">I2s2", data, 2)
end

-- A query of a client (4 bytes) for answers to a group; it asks for their TTL, too.
function message.query(client, sequence, time, group)
  local seconds <const> = math.floor(time)
  return "Q" .. option(CLIENT, client) .. option(SEQUENCE, string.pack(">I4", sequence & 0xffffffff))
    .. option(TIME, string.pack(">I4I4", seconds & 0xffffffff, math.floor((time - seconds) * 1e6)))
    .. option(GROUP, (group:find ":" and "\2" or "\1") .. wire.pton(group)) .. option(REQUEST, string.pack(">I2", TTL))
end

local readers <const> = {
  [CLIENT] = function(result, value) result.client = value end,
  [SEQUENCE] = function(result, value) result.sequence = #value == 4 and string.unpack(">I4", value) or nil end,
  [GROUP] = function(result, value)
    result.named = true
    result.group = unpack(value:sub(2))
  end,
  [TTL] = function(result, value) result.ttl = #value == 1 and value:byte() or nil end,
}

-- Parses a message. Returns {query =, client =, sequence =, group =, named =, ttl =}, without the parts that are missing or
-- malformed (`named`: a group is named, be it one or not); nil where it is neither a query nor an answer.
function message.parse(data)
  local kind <const> = data:sub(1, 1)
  if kind ~= "Q" and kind ~= "A" then
    return nil
  end
  local result <const> = { query = kind == "Q" }
  for option_kind, value in options(data) do
    local reader <const> = readers[option_kind]
    if reader then
      reader(result, value)
    end
  end
  return result
end

-- Does the value of a request list the TTL?
local function wants_ttl(value)
  for place = 1, #value - 1, 2 do
    if string.unpack(">I2", value, place) == TTL then
      return true
    end
  end
  return false
end

-- The answer to a query: its options, as they came, but the TTL in place of a request for it. So no answer is longer than
-- its query.
function message.answer(data, ttl)
  local parts <const>, copied = { "A" }, 2
  for kind, value, after in options(data) do
    if kind == REQUEST and wants_ttl(value) then
      parts[#parts + 1] = data:sub(copied, after - #option(kind, value) - 1) .. option(TTL, string.char(ttl))
      copied = after
      break
    end
  end
  parts[#parts + 1] = data:sub(copied)
  return table.concat(parts)
end

return message
