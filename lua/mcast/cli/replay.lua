-- mcast replay: sends the datagrams of a capture again, at the times that they were captured.
local group <const> = require "mcast.cli.group"
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"
local pcapng <const> = require "mcast.pcapng"
local progress <const> = require "mcast.progress"
local sender <const> = require "mcast.cli.sender"
local term <const> = require "term"
local udp <const> = require "mcast.pcapng.udp"
local value <const> = require "mcast.cli.value"

local replay = {
  summary = "Sends the datagrams of a capture again, at their times",
  description = "Sends the datagrams to groups in a capture (pcapng or pcap, such as tcpdump's) again, at their times from the "
    .. "first one on. They come from this host, and with TTL 1 unless --ttl is given.",
  example = "mcast replay run.pcapng --to 239.1.2.3:10000 --speed 2",
}

local KEYS <const> = { "event", "file", "datagrams", "bytes", "seconds", "failed", "skipped" }

function replay.options(parser)
  parser:argument("file", "The capture; - for stdin.")
  parser:option("--to", "The destination of all datagrams, GROUP[:PORT][%IF]; also of those to single hosts.")
    :convert(group.parse)
  parser:option("--speed", "How many times as fast as it was captured; default: 1."):convert(value.positive())
  parser:option("--loop", "Begin again at the end, so many times in all; without a number, for ever."):args "?"
    :convert(value.integer(1))
  sender.options(parser)
end

local function skip(self, reason)
  self.skipped[reason] = (self.skipped[reason] or 0) + 1
end

-- The address that a datagram goes to; nil and a reason for none.
local function destination(self, to)
  local forced <const> = self.args.to
  if forced then
    return assert(mcast.address(forced.group, forced.port or to.port))
  end
  local address <const> = mcast.address(to.host, to.port)
  if address and address.multicast and to.port > 0 then
    return address
  end
  return nil, "not to a group"
end

-- The socket of a family, which is opened when it is needed first.
local function socket_of(self, family)
  local sock = self.sockets[family]
  if not sock then
    local message
    sock, message = sender.open(self.args, family, self.args.to and self.args.to.interface)
    if not sock then
      error({ status = 1, message = message }, 0)
    end
    self.sockets[family] = sock
  end
  return sock
end

-- Sends a datagram of the capture; the first failure is reported at once, and all of them at the end.
local function send(self, datagram, address)
  local bytes <const>, message <const> = socket_of(self, address.family):sendto(datagram.data, address)
  if bytes then
    self.count, self.bytes = self.count + 1, self.bytes + bytes
    return
  elseif self.failed == 0 then
    self.report(nil)
    io.stderr:write("mcast: ", message, "\n")
  end
  self.failed = self.failed + 1
end

-- Sends the datagrams of a capture, the first one at once; returns the seconds that they took, and their mean distance.
local function play(self, reader, wait, began)
  local first, last, latest, count = nil, nil, nil, 0
  for packet in function() return reader:packet() end do
    local datagram, reason = udp.decode(packet)
    local address
    if datagram then
      address, reason = destination(self, datagram.to)
    end
    if address then
      last = packet.time or last or 0
      first, latest = first or last, math.max(latest or last, last)
      wait(began + (last - first) / 1e9 / self.speed)
      send(self, datagram, address)
      count = count + 1
    else
      skip(self, reason)
    end
    self.report(self.size and reader.offset / self.size or false, ("%d datagrams"):format(self.count))
  end
  local seconds <const> = first and (latest - first) / 1e9 / self.speed or 0
  return seconds, count > 1 and seconds / (count - 1) or 0, select(2, reader:packet())
end

local function open(path)
  local source <const> = path == "-" and io.stdin or path
  local reader <const>, message <const> = pcapng.reader(source)
  if not reader then
    error({ status = 1, message = message }, 0)
  end
  return reader
end

-- The size of a file, for the progress bar; nil for a pipe.
local function size_of(path)
  local file <close> = path ~= "-" and io.open(path, "rb") or nil
  return file and file:seek "end"
end

local LEAST <const> = 0.001 -- seconds between two rounds

-- Plays it so many times; the next round begins after the mean distance of datagrams. Returns a message where the capture is
-- broken.
local function run(self, rounds)
  local wait <const>, began = sender.pace(), 0
  for round = 1, rounds do
    local reader <close> = open(self.args.file)
    local before <const> = self.count + self.failed
    local seconds <const>, distance <const>, message <const> = play(self, reader, wait, began)
    if message then
      return message
    elseif self.count + self.failed == before then
      return "no datagrams to groups"
    elseif round < rounds then
      began = began + seconds + (seconds > 0 and math.max(distance, LEAST) or 1)
    end
  end
end

local function rounds_of(args)
  local rounds <const> = args.loop and (args.loop[1] or math.huge) or 1
  if rounds > 1 and args.file == "-" then
    error({ status = 2, message = "--loop needs a file: stdin is read once" }, 0)
  elseif args.to and args.to.source then
    error({ status = 2, message = "GROUP[:PORT][%IF] expected: a sender needs no source" }, 0)
  end
  return rounds
end

local function summarize(self, out, seconds)
  local parts <const> = { ("sent %d datagram%s, %d bytes, in %.3f s"):format(self.count, self.count == 1 and "" or "s",
    self.bytes, seconds) }
  local reasons <const> = {}
  for reason in pairs(self.skipped) do
    reasons[#reasons + 1] = reason
  end
  table.sort(reasons)
  for _, reason in ipairs(reasons) do
    parts[#parts + 1] = ("skipped %d: %s"):format(self.skipped[reason], reason)
  end
  if self.failed > 0 then
    parts[#parts + 1] = ("%d failed"):format(self.failed)
  end
  out:record({ event = "summary", file = self.args.file, datagrams = self.count, bytes = self.bytes, seconds = seconds,
    failed = self.failed, skipped = self.skipped }, table.concat(parts, "; "), KEYS)
end

function replay.run(args, out)
  local rounds <const> = rounds_of(args)
  local self <const> = { args = args, speed = args.speed or 1, size = size_of(args.file), sockets = {}, count = 0, bytes = 0,
    failed = 0, skipped = setmetatable({}, { __jsontype = "object" }),
    report = progress.new("replaying", 0, mcast.now, term.isatty(io.stderr)) }
  local began <const> = mcast.now()
  local _, message <const> = interrupt.run(run, self, rounds)
  self.report(nil)
  summarize(self, out, mcast.now() - began)
  return (message or self.failed > 0) and 1 or 0, message
end

return replay
