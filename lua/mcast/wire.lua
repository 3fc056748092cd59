--- Bytes of protocols: reading data of strangers without errors, and addresses and names as bytes.
--
-- A packet may have any bytes, and end anywhere:
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

--- Reads values as `string.unpack` does, but returns nothing where the data end too early.
-- It returns nothing, too, where a number does not fit into an integer of Lua.
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

--- Reads records of one format, one after the other: options, entries, lists of names.
-- It ends before the first record that is not whole.
-- @function each
-- @string format of a record
-- @string data
-- @tparam ?integer first the position of the first record; 1 by default
-- @tparam ?integer last the position of the last byte of the records, none where it is below `first`; that of the
-- data by default
-- @treturn function an iterator of a record's values and the position after it
-- @raise if the format is wrong or of no bytes, or another argument is wrong
-- @usage for family, tag, prefix, mask, hop, metric in wire.each(">I2I2c4c4c4I4", data, 5) do
--   print(family, wire.ntop(prefix), metric)
-- end
function wire.each(format, data, first, last)
  local at = first or 1
  if last then
    last = math.max(0, check.argument(4, "each", last, check.integer()))
    data = check.argument(2, "each", data, check.text):sub(1, last)
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

-- The module is loaded where it is needed: captures and the simulator work without it.
local function address(text)
  return require "mcast".address(text, 0)
end

--- The text of an address, as `mcast.address` writes it: see inet_ntop(3).
-- @function ntop
-- @string bytes 4 (IPv4) or 16 (IPv6) of them, in network byte order
-- @treturn ?string such as `224.3.29.71` or `ff02::1`; nil for another number of bytes
-- @usage print(wire.ntop(data:sub(5, 8)))
function wire.ntop(bytes)
  check.argument(1, "ntop", bytes, check.text)
  if #bytes == 4 then
    return ("%d.%d.%d.%d"):format(bytes:byte(1, 4))
  elseif #bytes == 16 then
    return address(("%x:%x:%x:%x:%x:%x:%x:%x"):format(string.unpack(">I2I2I2I2I2I2I2I2", bytes))).host
  end
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
  local found <const> = address(check.argument(1, "pton", text, check.text))
  if not found or found.interface then
    return nil
  elseif found.family == "inet" then
    return string.char(found.host:match "(%d+)%.(%d+)%.(%d+)%.(%d+)")
  end
  local head <const>, tail <const> = found.host:match "^(.-)::(.*)$"
  local first <const>, last <const> = words(head or found.host), words(tail or "")
  return first .. ("\0"):rep(16 - #first - #last) .. last
end

local MOST <const> = 254 -- pointers and labels of a name: so the work is bounded

--- Reads a name of DNS: RFC 1035, section 4.1.4.
-- A name ends with an empty label, or with a pointer to the rest of it. Each pointer has to lead before its own part of the
-- name, so there is no circle.
-- @function name
-- @string data a message from its first byte on, since pointers count from there
-- @tparam ?integer position of the name's first byte, 1 or more; 1 by default
-- @treturn string the name without pointers, of at most 255 bytes: labels, each after its length, the last one empty;
-- nothing where the bytes are no name
-- @treturn integer the position after the name
-- @raise if an argument is wrong
-- @usage local name <const>, after <const> = wire.name(data, 13)
-- for label in wire.each("s1", name or "") do print(label) end
function wire.name(data, position)
  check.argument(1, "name", data, check.text)
  local at = check.argument(2, "name", position or 1, a_place)
  local name, start, after = "", at, nil
  for _ = 1, MOST do
    local length <const> = data:byte(at) or 64 -- which is wrong
    if length >= 192 and at < #data then
      local target <const> = ((">I2"):unpack(data, at) & 0x3fff) + 1
      if target >= start then
        return
      end
      at, start, after = target, target, after or at + 2
    elseif length < 64 and at + length <= #data and #name + length < 255 then
      name, at = name .. data:sub(at, at + length), at + length + 1
      if length == 0 then
        return name, after or at
      end
    else
      return
    end
  end
end

return wire
