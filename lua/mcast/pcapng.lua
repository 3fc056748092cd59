--- Captures for Wireshark: writes pcapng, and reads pcapng and classic pcap.
--
-- Reader and writer stream: their memory does not grow with the file. The reader keeps a block, of at most 16 MiB, and the
-- interfaces of a section, at most 64 MiB (some 100,000). They need neither a socket nor the simulator.
-- Times are integers of nanoseconds since 1970. A packet is a string: an Ethernet frame, unless its interface has another
-- link type. Failures of the system and broken files return nil, a message and, where the system failed, an errno.
-- @module mcast.pcapng
-- @usage local writer <close> = assert(pcapng.writer(path))
-- local eth0 = writer:interface { name = "eth0" }
-- assert(writer:packet(eth0, 1500000000, frame, { comment = "the first one" }))
local check <const> = require "mcast.check"
local reader <const> = require "mcast.pcapng.reader"

local pcapng = {}

local Writer = {}
Writer.__index = Writer
Writer.__name = "mcast.pcapng.writer"

local SECTION <const>, INTERFACE <const>, PACKET <const> = 0x0a0d0d0a, 1, 6
local COMMENT <const>, FLAGS <const> = 1, 2
local APPLICATION <const> = 4
local NAME <const>, DESCRIPTION <const>, RESOLUTION <const> = 2, 3, 9

local padding <const> = { [0] = "", "\0\0\0", "\0\0", "\0" }

local function option(code, value)
  if not value then
    return ""
  end
  check.expect(#value <= 65535, "name or comment of %d bytes (at most 65535)", #value)
  return string.pack("<I2s2", code, value) .. padding[#value & 3]
end

-- Ends a list of options, unless it is empty.
local function ended(options)
  return options == "" and "" or options .. "\0\0\0\0"
end

local function block(kind, body)
  return string.pack("<I4I4", kind, #body + 12) .. body .. string.pack("<I4", #body + 12)
end

local function written(file, message, errno)
  if file then
    return true
  end
  return nil, "write: " .. message, errno
end

local target_kind <const> = check.kind("path or file", function(value)
  return type(value) == "string" or type(value) == "userdata" or type(value) == "table"
end)

--- Starts a capture.
-- @param target path, or a file that is open for writing; the writer does not close such a file
-- @tparam[opt] table options
-- @tparam[opt] string options.application name of the program that writes, at most 65535 bytes
-- @tparam[opt] string options.comment on the whole capture, at most 65535 bytes
-- @treturn[1] writer
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage local writer = assert(pcapng.writer(path, { application = "my-protocol" }))
function pcapng.writer(target, options)
  check.argument(1, "writer", target, target_kind)
  options = check.options(options, { application = check.text, comment = check.text })
  local own <const> = type(target) == "string"
  local file, failure, code = target, nil, nil
  if own then
    file, failure, code = io.open(target, "wb")
  end
  if not file then
    return nil, failure, code
  elseif own then
    file:setvbuf("full", 1 << 16)
  end
  local header = block(SECTION, string.pack("<I4I2I2i8", 0x1a2b3c4d, 1, 0, -1)
    .. ended(option(COMMENT, options.comment) .. option(APPLICATION, options.application)))
  local ok, message, errno = written(file:write(header))
  if not ok then
    return nil, message, errno
  end
  return setmetatable({ file = file, own = own, interfaces = 0 }, Writer)
end

--- Adds an interface. It must be added before its first packet.
-- @function writer:interface
-- @tparam[opt] table options
-- @tparam[opt] string options.name at most 65535 bytes
-- @tparam[opt] string options.description at most 65535 bytes
-- @tparam[opt=1] integer options.link LINKTYPE, 0 to 65535; 1 is Ethernet
-- @treturn[1] integer number of the interface, for `packet`
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage local eth0 = assert(writer:interface { name = "eth0", description = "to the left" })
function Writer:interface(options)
  options = check.options(options, { name = check.text, description = check.text, link = check.integer(0, 65535) })
  local ok, message, errno = written(self.file:write(block(INTERFACE, string.pack("<I2I2I4", options.link or 1, 0, 0)
    .. ended(option(NAME, options.name) .. option(DESCRIPTION, options.description) .. option(RESOLUTION, "\9")))))
  if not ok then
    return nil, message, errno
  end
  self.interfaces = self.interfaces + 1
  return self.interfaces - 1
end

local directions <const> = { ["in"] = option(FLAGS, string.pack("<I4", 1)), out = option(FLAGS, string.pack("<I4", 2)) }
local integertype <const>, integer <const> = math.type, check.integer()
local packet_options <const> = { comment = check.text, length = check.integer(0, 0xffffffff),
  direction = check.kind('"in" or "out"', function(value) return directions[value] ~= nil end) }

-- The options of most packets, made once.
local ends <const> = { ["in"] = ended(directions["in"]), out = ended(directions.out) }

local function trailing(options)
  if not options then
    return ""
  elseif options.comment == nil then
    return ends[options.direction] or ""
  end
  return ended(option(COMMENT, options.comment) .. (directions[options.direction] or ""))
end

--- Writes a packet.
-- @function writer:packet
-- @tparam integer interface number of the interface
-- @tparam integer time nanoseconds since 1970
-- @tparam string data
-- @tparam[opt] table options
-- @tparam[opt] string options.comment at most 65535 bytes
-- @tparam[opt] string options.direction `"in"` or `"out"`
-- @tparam[opt] integer options.length bytes on the wire, where `data` is only the first part; default `#data`
-- @treturn[1] boolean true; a full disk may be reported only by `close`
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(writer:packet(eth0, 1500000000, frame, { comment = "dropped: loss" }))
function Writer:packet(interface, time, data, options)
  if not (integertype(interface) == "integer" and 0 <= interface and interface < self.interfaces) then
    check.fail("no interface %s", tostring(interface))
  elseif integertype(time) ~= "integer" or type(data) ~= "string" then
    check.argument(2, "packet", time, integer)
    check.argument(3, "packet", data, check.text)
  end
  if options and not (ends[options.direction] and next(options) == "direction" and next(options, "direction") == nil) then
    check.options(options, packet_options) -- not those of most packets
  end
  local fill <const>, tail <const> = padding[#data & 3], trailing(options)
  local total <const> = 32 + #data + #fill + #tail
  return written(self.file:write(string.pack("<I4I4I4I4I4I4I4", PACKET, total, interface, time >> 32, time & 0xffffffff,
    #data, options and options.length or #data), data, fill, tail, string.pack("<I4", total)))
end

--- Ends the capture. `<close>` calls it; a second call does nothing.
-- @function writer:close
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(writer:close())
function Writer:close()
  local file = self.file
  if not file then
    return true
  end
  self.file = nil
  if self.own then
    return written(file:close())
  end
  return written(file:flush())
end

Writer.__close = Writer.close

--- Opens a capture: pcapng or classic pcap, of either byte order.
-- @function reader
-- @param source path, or a file or pipe that is open for reading; the reader does not close such a file
-- @treturn[1] reader
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] ?integer errno
-- @usage local reader = assert(pcapng.reader(path))
pcapng.reader = reader.open

--- Reads the next packet. Blocks and options of other kinds are skipped. After an error, each call returns the same error.
-- @function reader:packet
-- @treturn[1] table `{time, data, length, interface, comment, direction}`: `length` is that on the wire; `interface` is
-- `{number, name, description, link, snaplen}`; several comments are joined by newlines; a Simple Packet Block has no `time`
-- @treturn[2] nil at the end
-- @treturn[3] nil
-- @treturn[3] string message: where the file is broken, and how
-- @treturn[3] ?integer errno
-- @usage local packet = assert(reader:packet())
-- print(packet.time, #packet.data, packet.interface.name)

--- Returns an iterator of packets. It raises on error.
-- @function reader:packets
-- @usage for packet in reader:packets() do print(packet.time, packet.comment) end

--- Closes a file that was opened by its path.
-- @function reader:close
-- @usage reader:close()

return pcapng
