--- Bytes of protocols: reading data of strangers without errors, and addresses as bytes.
--
--     local wire <const> = require "mcast.wire"
--     local version, kind = wire.unpack(">BB", data) -- nil, nil where fewer bytes came
--     for kind, value in wire.each(">I2s2", data, 3) do ... end -- options: a type, a length, and so many bytes
--
-- Formats are those of `string.unpack`; `string.pack` writes packets.
-- @module mcast.wire
local check <const> = require "mcast.check"

local wire <const> = {}

local a_place <const> = check.integer(1, math.maxinteger)

-- The values, none where the bytes are at fault; a wrong format raises.
local function read(ok, ...)
  if ok then
    return ...
  end
  local message <const> = ...
  if not message:find "^bad argument #[23]" and not message:find "does not fit" then
    check.fail("%s", message)
  end
end

local function unpack(name, format, data, first)
  check.argument(1, name, format, check.text)
  check.argument(2, name, data, check.text)
  return read(pcall(string.unpack, format, data, check.argument(3, name, first or 1, a_place)))
end

--- Reads values as `string.unpack` does, but returns nothing where the data end too early or a number does not fit.
-- @function unpack
-- @string format
-- @string data
-- @tparam ?integer position of the first byte, 1 or more; 1 by default
-- @return the values, and the position after them
-- @raise if the format is wrong, or another argument
-- @usage local id, text = wire.unpack(">I2s1", data)
function wire.unpack(format, data, position)
  return unpack("unpack", format, data, position)
end

--- Reads records of one format, one after the other: options, entries, lists of names. It ends before the first record that
-- is not whole.
-- @function each
-- @string format of a record
-- @string data
-- @tparam ?integer first the position of the first record; 1 by default
-- @tparam ?integer last the position of the last byte of the records; that of the data by default
-- @treturn function an iterator of a record's values and the position after it
-- @raise if the format is wrong or of no bytes, or another argument is wrong
-- @usage for family, tag, prefix, mask, hop, metric in wire.each(">I2I2c4c4c4I4", data, 5) do
--   print(family, wire.ntop(prefix), metric)
-- end
function wire.each(format, data, first, last)
  local at = first or 1
  if last then
    data = check.argument(2, "each", data, check.text):sub(1, check.argument(4, "each", last, check.integer()))
  end
  local function passed(...)
    local count <const> = select("#", ...)
    if count > 0 then
      local after <const> = select(count, ...)
      check.expect(after > at, "bad argument #1 to 'each' (a format of some bytes expected)")
      at = after
    end
    return ...
  end
  return function()
    return passed(unpack("each", format, data, at))
  end
end

-- The longest run of zeros, of at least two words, in a list: RFC 5952, section 4.2.
local function longest(words)
  local first, length = nil, 1
  local from
  for i = 1, #words + 1 do
    if words[i] == 0 then
      from = from or i
    elseif from then
      if i - from > length then
        first, length = from, i - from
      end
      from = nil
    end
  end
  return first, length
end

local function ipv4(bytes)
  return ("%d.%d.%d.%d"):format(bytes:byte(1, 4))
end

local function ipv6(bytes)
  local words <const> = { string.unpack(">I2I2I2I2I2I2I2I2", bytes) }
  words[9] = nil -- the next position
  local first, length = longest(words)
  if first == 1 and length == 5 and words[6] == 0xffff then
    return "::ffff:" .. ipv4(bytes:sub(13))
  end
  local texts <const> = {}
  for i, word in ipairs(words) do
    texts[i] = ("%x"):format(word)
  end
  if not first then
    return table.concat(texts, ":")
  end
  return table.concat(texts, ":", 1, first - 1) .. "::" .. table.concat(texts, ":", first + length)
end

--- The text of an address, as `mcast.address` writes it: see inet_ntop(3).
-- @function ntop
-- @string bytes 4 (IPv4) or 16 (IPv6) of them, in network byte order
-- @treturn ?string such as `224.3.29.71` or `ff02::1`; nil for another number of bytes
-- @usage print(wire.ntop(data:sub(5, 8)))
function wire.ntop(bytes)
  check.argument(1, "ntop", bytes, check.text)
  return #bytes == 4 and ipv4(bytes) or #bytes == 16 and ipv6(bytes) or nil
end

-- Groups of up to four hexadecimal digits; an address of IPv4 may be the last two.
local function words(text)
  text = text:gsub("(%d+)%.(%d+)%.(%d+)%.(%d+)$", function(...) return ("%02x%02x:%02x%02x"):format(...) end)
  return (text:gsub("(%x+):?", function(word) return string.pack(">I2", tonumber(word, 16)) end))
end

--- The bytes of an address: see inet_pton(3).
-- @function pton
-- @string text of a numeric address, without a zone
-- @treturn ?string 4 bytes (IPv4) or 16 (IPv6), in network byte order; nil where the text is no numeric address
-- @usage local entry <const> = string.pack(">I2I2c4", 2, 0, wire.pton "10.77.0.0")
function wire.pton(text)
  local address <const> = require "mcast".address(check.argument(1, "pton", text, check.text), 0)
  if not address or address.interface then
    return nil
  elseif address.family == "inet" then
    return string.char(address.host:match "(%d+)%.(%d+)%.(%d+)%.(%d+)")
  end
  local head <const>, tail <const> = address.host:match "^(.-)::(.*)$"
  local first <const>, last <const> = words(head or address.host), words(tail or "")
  return first .. ("\0"):rep(16 - #first - #last) .. last
end

return wire
