-- Reads captures; mcast.pcapng documents it. No length in a file is trusted: each is compared with the bytes that follow
-- before it is used.
local check <const> = require "mcast.check"
local clock <const> = require "mcast.pcapng.clock"
local input <const> = require "mcast.pcapng.input"

local expect <const>, read <const> = input.expect, input.read

local reader = {}

local Reader = {}
Reader.__index = Reader
Reader.__name = "mcast.pcapng.reader"

local SECTION <const> = "\x0a\x0d\x0d\x0a" -- the same in either byte order
local LARGEST <const> = 1 << 24 -- bytes of a block, as for Wireshark
local HELD <const> = 1 << 26 -- bytes of a section's interfaces
local INTERFACE <const> = 640 -- bytes of one, without its texts

-- Calls f for each option of a block's body, from a position on.
local function options(self, body, at, f)
  local header <const> = self.order .. "I2I2"
  while at + 4 <= #body + 1 do
    local code, length = string.unpack(header, body, at)
    if code == 0 then
      return
    end
    expect(at + 4 + length <= #body + 1, "option %d of %d bytes, with %d left", code, length, #body + 1 - at - 4)
    f(code, body:sub(at + 4, at + 3 + length))
    at = at + 4 + (length + 3 & ~3)
  end
end

--
-- pcapng: functions by type of block.
--

local blocks = {}

local function section(self)
  local length, magic = read(self, 4, "a section's header"), read(self, 4, "a section's header")
  self.order = magic == "\x4d\x3c\x2b\x1a" and "<" or magic == "\x1a\x2b\x3c\x4d" and ">" or nil
  expect(self.order, "no section's header")
  self.interfaces, self.count, self.held = {}, 0, 0
  return string.unpack(self.order .. "I4", length), magic
end

blocks[0x0a0d0d0a] = function(self, body)
  expect(#body >= 16, "a section's header of %d bytes", #body)
  local major = string.unpack(self.order .. "I2", body, 5)
  expect(major == 1, "version %d of the format (1 expected)", major)
end

blocks[1] = function(self, body)
  expect(#body >= 8, "an interface's description of %d bytes", #body)
  local link, _, snaplen = string.unpack(self.order .. "I2I2I4", body)
  local interface, resolution, offset = { number = self.count, link = link, snaplen = snaplen }, 6, 0
  options(self, body, 9, function(code, value)
    if code == 2 then
      interface.name = value
    elseif code == 3 then
      interface.description = value
    elseif code == 9 and #value == 1 then
      resolution = value:byte()
    elseif code == 14 and #value == 8 then
      offset = string.unpack(self.order .. "i8", value)
    end
  end)
  self.held = self.held + INTERFACE + #(interface.name or "") + #(interface.description or "")
  expect(self.held <= HELD, "more than %d interfaces, or too long names", self.count)
  self.interfaces[self.count] = { interface, clock(resolution), offset * 1000000000 }
  self.count = self.count + 1
end

local function find(self, number)
  local found = self.interfaces[number]
  expect(found, "a packet of interface %d, of %d", number, self.count)
  return table.unpack(found)
end

local directions <const> = { "in", "out" }

-- Adds a comment to a list, whose items are joined in time, so that a block of empty comments needs no list of its length.
local function comment(list, text)
  list.open[#list.open + 1] = text
  if #list.open == 4096 then
    list[#list + 1], list.open = table.concat(list.open, "\n"), {}
  end
  return list
end

local function joined(list)
  table.move(list.open, 1, #list.open, #list + 1, list)
  return table.concat(list, "\n")
end

blocks[6] = function(self, body)
  expect(#body >= 20, "a packet's block of %d bytes", #body)
  local number, high, low, captured, length = string.unpack(self.order .. "I4I4I4I4I4", body)
  expect(captured <= #body - 20, "a packet of %d bytes, with %d left", captured, #body - 20)
  local interface, nanoseconds, offset = find(self, number)
  local packet = { interface = interface, time = nanoseconds(high << 32 | low) + offset,
    data = body:sub(21, 20 + captured), length = length }
  local comments
  options(self, body, 21 + (captured + 3 & ~3), function(code, value)
    if code == 1 then
      comments = comment(comments or { open = {} }, value)
    elseif code == 2 and #value == 4 then
      packet.direction = directions[string.unpack(self.order .. "I4", value) & 3]
    end
  end)
  packet.comment = comments and joined(comments)
  return packet
end

blocks[3] = function(self, body)
  expect(#body >= 4, "a packet's block of %d bytes", #body)
  local length = string.unpack(self.order .. "I4", body)
  local interface = find(self, 0)
  local captured = interface.snaplen > 0 and math.min(length, interface.snaplen) or length
  expect(captured <= #body - 4, "a packet of %d bytes, with %d left", captured, #body - 4)
  return { interface = interface, data = body:sub(5, 4 + captured), length = length }
end

-- The type and the body of a block whose first four bytes are read.
local function rest(self, kind)
  local total, start
  if kind == SECTION then
    total, start = section(self)
  else
    total, start = string.unpack(self.order .. "I4", read(self, 4, "a block")), ""
  end
  expect(total >= 12 + #start and total & 3 == 0 and total <= LARGEST, "a block of %d bytes", total)
  local body = start .. read(self, total - 12 - #start, "a block")
  local again = string.unpack(self.order .. "I4", read(self, 4, "a block"))
  expect(again == total, "a block of %d bytes that ends as one of %d", total, again)
  return string.unpack(self.order .. "I4", kind), body
end

-- The next packet; nil at the end.
local function pcapng(self)
  local kind = read(self, 4)
  while kind do
    local number, body = rest(self, kind)
    local packet = blocks[number] and blocks[number](self, body)
    if packet then
      return packet
    end
    kind = read(self, 4)
  end
end

--
-- Classic pcap: by magic number, the byte order and the nanoseconds in a unit of time.
--

local magics <const> = { ["\xd4\xc3\xb2\xa1"] = { "<", 1000 }, ["\xa1\xb2\xc3\xd4"] = { ">", 1000 },
  ["\x4d\x3c\xb2\xa1"] = { "<", 1 }, ["\xa1\xb2\x3c\x4d"] = { ">", 1 } }

local function pcap(self)
  local header = read(self, 4)
  if not header then
    return nil
  end
  header = header .. read(self, 12, "a packet's header")
  local seconds, units, captured, length = string.unpack(self.order .. "I4I4I4I4", header)
  expect(captured <= LARGEST, "a packet of %d bytes", captured)
  return { interface = self.interface, time = seconds * 1000000000 + units * self.unit,
    data = read(self, captured, "a packet"), length = length }
end

local function startpcap(self, magic)
  self.order, self.unit = table.unpack(magic)
  self.format = pcap
  local major, _, _, _, snaplen, link = string.unpack(self.order .. "I2I2i4I4I4I4", read(self, 20, "the header"))
  expect(major == 2, "version %d of the format (2 expected)", major)
  self.interface = { number = 0, link = link & 0xfffffff, snaplen = snaplen }
end

local function start(self)
  local magic = read(self, 4, "the header")
  if magics[magic] then
    return startpcap(self, magics[magic])
  end
  expect(magic == SECTION, "neither pcapng nor pcap")
  self.format = pcapng
  local number, body = rest(self, magic)
  blocks[number](self, body)
end

-- Returns the result of f; nil, message and errno once it has raised an error of this file.
local function try(self, f, ...)
  if self.broken then
    return nil, self.broken.message, self.broken.errno
  end
  local ok, result = pcall(f, self, ...)
  if ok then
    return result
  elseif type(result) ~= "table" then
    error(result, 0)
  end
  self.interfaces = nil
  self.broken = { message = ("%s: at byte %d: %s"):format(self.name, self.offset, result.message), errno = result.errno }
  return nil, self.broken.message, self.broken.errno
end

local source_kind <const> = check.kind("path or file", function(value)
  return type(value) == "string" or type(value) == "userdata" or type(value) == "table"
end)

function reader.open(source)
  check.argument(1, "reader", source, source_kind)
  local file, message, errno = source, nil, nil
  if type(source) == "string" then
    file, message, errno = io.open(source, "rb")
  end
  if not file then
    return nil, message, errno
  end
  local self = setmetatable({ file = file, own = file ~= source, offset = 0,
    name = type(source) == "string" and source or "capture" }, Reader)
  try(self, start)
  if self.broken then
    self:close()
    return try(self)
  end
  return self
end

function Reader:packet()
  return try(self, self.format)
end

function Reader:packets()
  return function()
    local packet, message = self:packet()
    return packet or message and error(message, 2) or nil
  end
end

function Reader:close()
  if self.own and io.type(self.file) == "file" then
    self.file:close()
  end
end

Reader.__close = Reader.close

return reader
