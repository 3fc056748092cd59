--- Captures that Wireshark opens: writes pcapng, and reads it and classic pcap.
--
-- Both stream: what they hold does not grow with the file. It needs no socket, and no simulator.
-- Times are integers of nanoseconds since 1970; a packet is a string, of an Ethernet frame unless its interface has
-- another link type. What depends on the system or on a file gives nil, message and errno (where it is the system's).
-- @module mcast.pcapng
-- @usage local writer <close> = assert(pcapng.writer(path))
-- local eth0 = writer:interface { name = "eth0" }
-- assert(writer:packet(eth0, 1500000000, frame, { comment = "the first one" }))
local checkoptions <const> = require "mcast.check".options
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
  assert(#value <= 65535, "a name or comment has 65535 bytes at the most")
  return string.pack("<I2s2", code, value) .. padding[#value & 3]
end

-- Options end by one of no code, if there are any.
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

--- Starts a capture.
-- @param target path, or a file that is open for writing, which stays open
-- @tparam ?table options `application`: the program that writes; `comment`: on the whole
-- @treturn[1] writer
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage local writer = assert(pcapng.writer(path, { application = "my-protocol" }))
function pcapng.writer(target, options)
  options = checkoptions(options, { application = true, comment = true })
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

--- Adds an interface, at any time before its first packet.
-- @function writer:interface
-- @tparam ?table options `name`; `description`; `link`: its LINKTYPE (1: Ethernet)
-- @treturn[1] integer its number, for `packet`
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage local eth0 = assert(writer:interface { name = "eth0", description = "to the left" })
function Writer:interface(options)
  options = checkoptions(options, { name = true, description = true, link = true })
  local ok, message, errno = written(self.file:write(block(INTERFACE, string.pack("<I2I2I4", options.link or 1, 0, 0)
    .. ended(option(NAME, options.name) .. option(DESCRIPTION, options.description) .. option(RESOLUTION, "\9")))))
  if not ok then
    return nil, message, errno
  end
  self.interfaces = self.interfaces + 1
  return self.interfaces - 1
end

local directions <const> = { ["in"] = option(FLAGS, string.pack("<I4", 1)), out = option(FLAGS, string.pack("<I4", 2)) }
local packet_options <const> = { comment = true, direction = true, length = true }

-- What most packets have, made once.
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
-- @tparam integer interface
-- @tparam integer time nanoseconds since 1970
-- @tparam string data
-- @tparam ?table options `comment`; `direction`: "in" or "out"; `length`: bytes that it had on the wire, if `data` are fewer
-- @treturn[1] boolean true: the system may still tell of a full disk in `close`
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(writer:packet(eth0, 1500000000, frame, { comment = "dropped: loss" }))
function Writer:packet(interface, time, data, options)
  if not (0 <= interface and interface < self.interfaces) then
    error(("no interface %s"):format(tostring(interface)), 2)
  end
  checkoptions(options, packet_options)
  local fill <const>, tail <const> = padding[#data & 3], trailing(options)
  local total <const> = 32 + #data + #fill + #tail
  return written(self.file:write(string.pack("<I4I4I4I4I4I4I4", PACKET, total, interface, time >> 32, time & 0xffffffff,
    #data, options and options.length or #data), data, fill, tail, string.pack("<I4", total)))
end

--- Ends the capture. It may be called twice, and is what `<close>` calls.
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

--- Opens a capture: pcapng of either byte order, or classic pcap.
-- @function reader
-- @param source path, or a file that is open for reading, a pipe too, which stays open
-- @treturn[1] reader
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] ?integer errno
-- @usage local reader = assert(pcapng.reader(path))
pcapng.reader = reader.open

--- Reads the next packet. Blocks and options of other kinds are skipped. After an error it gives the same again.
-- @function reader:packet
-- @treturn[1] table `{time, data, length, interface, comment, direction}`: `length` is what it had on the wire; `interface` is
-- `{number, name, description, link, snaplen}`; several comments are lines; there is no `time` in a Simple Packet Block
-- @treturn[2] nil at the end
-- @treturn[3] nil
-- @treturn[3] string message: where the file is broken, and how
-- @treturn[3] ?integer errno
-- @usage local packet = assert(reader:packet())
-- print(packet.time, #packet.data, packet.interface.name)

--- An iterator of packets, which raises on error.
-- @function reader:packets
-- @usage for packet in reader:packets() do print(packet.time, packet.comment) end

--- Closes what was opened by its path.
-- @function reader:close
-- @usage reader:close()

return pcapng
