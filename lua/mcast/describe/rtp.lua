-- RTP and RTCP: RFC 3550, RFC 3551 and RFC 5761.

-- Static payload types (RFC 3551, 6).
local types <const> = { [0] = "PCMU", [3] = "GSM", [4] = "G723", [5] = "DVI4", [6] = "DVI4", [7] = "LPC", [8] = "PCMA",
  [9] = "G722", [10] = "L16", [11] = "L16", [12] = "QCELP", [13] = "CN", [14] = "MPA", [15] = "G728", [16] = "DVI4",
  [17] = "DVI4", [18] = "G729", [25] = "CelB", [26] = "JPEG", [28] = "nv", [31] = "H261", [32] = "MPV", [33] = "MP2T",
  [34] = "H263" }

local reports <const> = { [200] = "sender report", [201] = "receiver report", [202] = "source description", [203] = "bye",
  [204] = "application", [205] = "feedback", [206] = "feedback", [207] = "extended report" }

-- A compound packet: its lengths add up to that of the datagram (RFC 3550, A.2).
local function control(data)
  local at, words = 1, {}
  while at + 3 <= #data do
    local first <const>, kind <const>, length <const> = (">BBI2"):unpack(data, at)
    if first >> 6 ~= 2 or not reports[kind] then
      return nil
    end
    words[#words + 1] = #words < 4 and reports[kind] or nil
    at = at + 4 * (length + 1)
  end
  if at == #data + 1 then
    return "RTCP " .. table.concat(words, ", "), "RTCP"
  end
end

-- The bytes of the payload, nil where the header or the padding does not fit (RFC 3550, 5.1).
local function payload(data, first)
  local size = #data - 12 - 4 * (first & 15)
  if first & 16 ~= 0 then
    size = size - 4
    size = size >= 0 and size - 4 * (">I2"):unpack(data, #data - size - 1) or -1
  end
  if first & 32 ~= 0 then
    local padding <const> = data:byte(-1)
    size = padding > 0 and size - padding or -1
  end
  return size >= 0 and size or nil
end

return function(data)
  if #data < 4 or data:byte() >> 6 ~= 2 then
    return nil
  end
  local first <const>, second <const> = data:byte(1, 2)
  if second >= 192 and second <= 223 then
    return control(data)
  end
  local size <const> = #data >= 12 and payload(data, first)
  if size then
    local number <const>, time <const> = (">I2I4"):unpack(data, 3)
    local name <const> = types[second & 127] or ("%d"):format(second & 127)
    return ("RTP %s seq=%d time=%d%s, %d bytes"):format(name, number, time, second > 127 and " mark" or "", size),
      "RTP " .. name
  end
end
