-- DNS: RFC 1035, section 4; multicast DNS: RFC 6762.
local wire <const> = require "mcast.wire"

local types <const> = { "A", "NS", [5] = "CNAME", [6] = "SOA", [12] = "PTR", [13] = "HINFO", [15] = "MX", [16] = "TXT",
  [28] = "AAAA", [29] = "LOC", [33] = "SRV", [35] = "NAPTR", [39] = "DNAME", [41] = "OPT", [43] = "DS", [46] = "RRSIG",
  [47] = "NSEC", [48] = "DNSKEY", [50] = "NSEC3", [52] = "TLSA", [64] = "SVCB", [65] = "HTTPS", [251] = "IXFR",
  [252] = "AXFR", [255] = "ANY" }

local classes <const> = { [1] = true, [3] = true, [4] = true, [254] = true, [255] = true }
local OPT <const> = 41 -- its class is a size (RFC 6891)

-- By opcode, the word of a message that asks.
local opcodes <const> = { [0] = "query", [4] = "notify", [5] = "update" }
local rcodes <const> = { "FormErr", "ServFail", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet", "NXRRSet", "NotAuth",
  "NotZone" }

-- A label as text (RFC 1035, 5.1); multicast DNS has labels in UTF-8.
local function shown(label)
  local pattern <const> = utf8.len(label) and "[%c.\\]" or "[%c.\\\x80-\xff]"
  return (label:gsub(pattern, function(char)
    return char:find "[.\\]" and "\\" .. char or ("\\%03d"):format(char:byte())
  end))
end

-- The text of a name, nil where it is wrong.
local function name(data, at)
  local labels <const>, bytes <const> = {}, wire.name(data, at)
  for label in wire.each("s1", bytes or "") do
    labels[#labels + 1] = shown(label)
  end
  return bytes and (#labels > 1 and table.concat(labels, ".", 1, #labels - 1) or ".")
end

-- By type, the text of a record's data, which is within the message.
local values <const> = {
  A = function(data, at, length) return length == 4 and wire.ntop(data:sub(at, at + 3)) end,
  AAAA = function(data, at, length) return length == 16 and wire.ntop(data:sub(at, at + 15)) end,
  SRV = function(data, at, length)
    local target <const> = length > 6 and name(data, at + 6)
    return target and ("%s:%d"):format(target, (">I2"):unpack(data, at + 4))
  end,
  TXT = function(data, at, length)
    local size <const> = data:byte(at) or 0
    return size > 0 and size < length and data:sub(at + 1, at + size)
  end,
}
values.PTR = name
values.CNAME, values.NS = values.PTR, values.PTR

-- The words of a question or of a record, which is whole.
local function worded(data, at, after, isrecord)
  local number <const> = (">I2"):unpack(data, after)
  local kind <const> = types[number] or ("TYPE%d"):format(number) -- RFC 3597
  local words <const> = kind .. " " .. name(data, at)
  local value <const> = isrecord and values[kind] and values[kind](data, after + 10, (">I2"):unpack(data, after + 8))
  return value and words .. " " .. value or words
end

-- Passes over a question or a record; returns the places after its name and after all of it.
local function entry(data, at, isrecord)
  local _, after <const> = wire.name(data, at)
  local head <const> = isrecord and 10 or 4
  if not after or after + head - 1 > #data then
    return nil
  end
  local number <const>, class <const> = (">I2I2"):unpack(data, after)
  if not classes[class & 0x7fff] and number ~= OPT then -- the top bit: unicast response, flush (RFC 6762, 18.12, 18.13)
    return nil
  end
  local next_one <const> = after + head + (isrecord and (">I2"):unpack(data, after + 8) or 0)
  if next_one <= #data + 1 then
    return after, next_one
  end
end

-- The words of an entry, by its number, of those of all sections: questions, then records; nil where they are not exactly the
-- rest of the message.
local function find(data, counts, wanted)
  local words, number, at = nil, 0, 13
  for section, count in ipairs(counts) do
    for _ = 1, count do
      local after <const>, next_one <const> = entry(data, at, section > 1)
      if not after then
        return nil
      end
      number = number + 1
      words = number == wanted and worded(data, at, after, section > 1) or words
      at = next_one
    end
  end
  return at == #data + 1 and words
end

return function(data)
  if #data < 12 then
    return nil
  end
  local _, flags <const>, questions <const>, answers <const>, authorities <const>, others <const> =
    (">I2I2I2I2I2I2"):unpack(data)
  local opcode <const>, isresponse <const>, rcode <const> = opcodes[flags >> 11 & 15], flags >> 15 == 1, flags & 15
  if not opcode or flags & 64 ~= 0 or rcode > #rcodes or not isresponse and rcode > 0
    or questions + answers + authorities + others == 0 then
    return nil
  end
  local has_answer <const> = isresponse and answers > 0
  local words <const> = find(data, { questions, answers, authorities, others }, has_answer and questions + 1 or 1)
  if not words then
    return nil
  end
  local more <const> = has_answer and answers - 1 or math.max(0, questions - 1)
  local word <const> = isresponse and "response" or opcode
  return ("%s %s%s%s"):format(word, rcode > 0 and rcodes[rcode] .. " " or "", words, more > 0 and " +" .. more or ""),
    "DNS " .. word
end
