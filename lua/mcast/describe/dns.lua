-- DNS: RFC 1035, section 4; multicast DNS: RFC 6762.

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

-- Reads a name; returns its text and the place after it. Each pointer leads back before where its part begins, so there is
-- no circle.
local function name(data, at)
  local labels, size, after, start = {}, 0, nil, at
  while true do
    local length <const> = data:byte(at)
    if not length then
      return nil
    elseif length == 0 then
      return #labels > 0 and table.concat(labels, ".") or ".", after or at + 1
    elseif length >= 192 and at < #data then
      local target <const> = ((">I2"):unpack(data, at) & 0x3fff) + 1
      if target >= start then
        return nil
      end
      at, start, after = target, target, after or at + 2
    elseif length < 64 and at + length <= #data and size + length < 254 then
      labels[#labels + 1] = shown(data:sub(at + 1, at + length))
      size, at = size + length + 1, at + length + 1
    else
      return nil
    end
  end
end

-- By type, the text of a record's data, which is within the message.
local values <const> = {
  A = function(data, at, length) return length == 4 and ("%d.%d.%d.%d"):format(data:byte(at, at + 3)) end,
  AAAA = function(data, at, length)
    return length == 16 and (("%x:"):rep(8):sub(1, -2):format((">I2I2I2I2I2I2I2I2"):unpack(data, at)))
  end,
  SRV = function(data, at, length)
    local target <const> = length > 6 and name(data, at + 6)
    return target and ("%s:%d"):format(target, (">I2"):unpack(data, at + 4))
  end,
  TXT = function(data, at, length)
    local size <const> = data:byte(at) or 0
    return size > 0 and size < length and data:sub(at + 1, at + size)
  end,
}
values.PTR = function(data, at) return (name(data, at)) end
values.CNAME, values.NS = values.PTR, values.PTR

-- Reads a question, or a record; returns its words and the place after it.
local function entry(data, at, isrecord)
  local owner <const>, after = name(data, at)
  local head <const> = isrecord and 10 or 4
  if not owner or after + head - 1 > #data then
    return nil
  end
  local number <const>, class <const> = (">I2I2"):unpack(data, after)
  if not classes[class & 0x7fff] and number ~= OPT then -- the top bit: unicast response, flush (RFC 6762, 18.12, 18.13)
    return nil
  end
  local kind <const> = types[number] or ("TYPE%d"):format(number) -- RFC 3597
  local words <const> = kind .. " " .. owner
  if not isrecord then
    return words, after + head
  end
  local length <const> = (">I2"):unpack(data, after + 8)
  if after + head + length - 1 > #data then
    return nil
  end
  local value <const> = values[kind] and values[kind](data, after + head, length)
  return value and words .. " " .. value or words, after + head + length
end

-- The words of all entries: questions, then records; nil where they are not exactly the rest of the message.
local function entries(data, counts)
  local list, at = {}, 13
  for section, count in ipairs(counts) do
    for _ = 1, count do
      local words
      words, at = entry(data, at, section > 1)
      if not words then
        return nil
      end
      list[#list + 1] = words
    end
  end
  return at == #data + 1 and list
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
  local list <const> = entries(data, { questions, answers, authorities, others })
  if not list then
    return nil
  end
  local first <const> = isresponse and answers > 0 and questions + 1 or 1
  local more <const> = isresponse and answers > 0 and answers - 1 or math.max(0, questions - 1)
  local word <const> = isresponse and "response" or opcode
  return ("%s %s%s%s"):format(word, rcode > 0 and rcodes[rcode] .. " " or "", list[first], more > 0 and " +" .. more or ""),
    "DNS " .. word
end
