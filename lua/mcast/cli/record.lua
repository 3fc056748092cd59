-- mcast record: the datagrams of groups, as a capture.
local frame <const> = require "mcast.pcapng.frame"
local mcast <const> = require "mcast"
local pcapng <const> = require "mcast.pcapng"
local progress <const> = require "mcast.progress"
local receiver <const> = require "mcast.cli.receiver"
local term <const> = require "term"

local record = {
  summary = "Records the datagrams of groups into a capture",
  description = "Records the datagrams of groups as pcapng, with the kernel's times in nanoseconds, until Ctrl-C, --count "
    .. "or --for.",
  example = "mcast record - 239.1.2.3:10000 | tshark -r -",
}

local RAW <const> = 101 -- LINKTYPE_RAW: packets begin with the IP header
local FLUSHED <const> = 1 -- seconds between two flushes of a file
local EPIPE <const> = 32
local KEYS <const> = { "event", "file", "datagrams", "bytes", "dropped" }

function record.options(parser)
  parser:argument("file", "The capture; - for stdout.")
  receiver.options(parser)
end

-- Ends the command; well, where the reader of a pipe went away.
local function fail(message, errno)
  error({ status = errno == EPIPE and 0 or 1, message = errno ~= EPIPE and message or nil }, 0)
end

local function checked(result, message, errno)
  return result or fail(message, errno)
end

-- The capture's number for an interface of this host.
local function find(self, name)
  local number = self.interfaces[name]
  if not number then
    number = checked(self.writer:interface { name = name, link = RAW })
    self.interfaces[name] = number
  end
  return number
end

-- The datagrams that were dropped since the last one, as a comment.
local function comment(msg)
  local lost <const> = (msg.dropped or 0) - msg.at.dropped
  msg.at.dropped = msg.dropped or 0
  return lost > 0 and { comment = ("dropped before: %d datagrams, as the receive buffer was full"):format(lost) } or nil
end

local function accept(self, msg)
  local packet <const> = frame.packet(frame.bytes(msg.from.host), msg.from.port, frame.bytes(msg.group or msg.at.group),
    msg.at.port, msg.data, msg.ttl or 1, (msg.dscp or 0) << 2 | (msg.ecn or 0), self.count)
  checked(self.writer:packet(find(self, msg.interface or "unknown"), msg.nanoseconds, packet, comment(msg)))
  self.count, self.bytes = self.count + 1, self.bytes + #msg.data
end

local function flush(self)
  local ok <const>, message <const>, errno <const> = self.file:flush()
  return ok or fail("write: " .. message, errno)
end

-- Flushes at once where a reader of a pipe waits, and once a second for a file.
local function settle(self, args)
  local now <const> = mcast.now()
  if self.pipe or now - self.flushed > FLUSHED then
    self.flushed = now
    flush(self)
  end
  local share <const> = args.count and self.count / args.count or args.seconds and (now - self.began) / args.seconds or false
  self.report(share and math.min(share, 1), ("%d datagrams, %d bytes"):format(self.count, self.bytes))
end

local function open(path)
  if path ~= "-" then
    return checked(io.open(path, "wb"))
  elseif term.isatty(io.stdout) then
    fail "stdout is a terminal: name a file, or a program behind a pipe"
  end
  return io.stdout
end

local function summarize(self, args, out, dropped)
  local text <const> = ("%d datagrams, %d bytes; the kernel dropped %d"):format(self.count, self.bytes, dropped)
  if self.pipe then
    io.stderr:write("mcast: ", text, "\n")
    return
  end
  out:record({ event = "summary", file = args.file, datagrams = self.count, bytes = self.bytes, dropped = dropped }, text,
    KEYS)
end

function record.run(args, out)
  local file <const> = open(args.file)
  local writer <const> = checked(pcapng.writer(file, { application = "mcast" }))
  local self <const> = { file = file, pipe = file == io.stdout, writer = writer, interfaces = {}, count = 0, bytes = 0,
    began = mcast.now(), flushed = mcast.now(), report = progress.new("recording", 0, mcast.now, term.isatty(io.stderr)) }
  flush(self) -- readers of a pipe wait for the header
  local list <close> = receiver.open(args)
  receiver.run(list, args, function(msg) accept(self, msg) end, function() settle(self, args) end)
  self.report(nil)
  checked(self.writer:close())
  summarize(self, args, out, receiver.dropped(list))
end

return record
