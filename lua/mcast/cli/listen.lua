-- mcast listen: the datagrams of groups, a line each; figures at the end.
local flow <const> = require "mcast.cli.flow"
local live <const> = require "mcast.cli.live"
local numbered <const> = require "mcast.cli.numbered"
local output <const> = require "mcast.cli.output"
local receiver <const> = require "mcast.cli.receiver"
local value <const> = require "mcast.cli.value"
local words <const> = require "mcast.cli.words"

local listen = {
  summary = "Prints the datagrams of groups, and their rates and losses at the end",
  description = "Prints the datagrams of groups, and at the end rates, gaps and losses by group and sender. Losses are those "
    .. "that the kernel counts, and the missing numbers of senders that number as `mcast send --count` and iperf 2 do.",
  example = "mcast listen 239.1.2.3:10000 232.1.2.3:10000 --for 10 --expect 100",
}

local SENDERS <const> = 1000 -- that have figures of their own: others may be forged
local DATAGRAM <const> = { "event", "time", "group", "port", "interface", "ttl", "source", "source_port", "size", "text",
  "hex", "number", "words", "kind" }
local FIGURES <const> = { "event", "group", "port", "source", "source_port", "datagrams", "bytes", "seconds", "rate", "gap",
  "lost", "late", "repeated" }
local SUMMARY <const> = { "event", "datagrams", "bytes", "dropped" }

function listen.options(parser)
  receiver.options(parser)
  parser:option("--expect", "Exit with 1 where fewer datagrams come."):convert(value.integer(0))
  parser:option("--decode", "A file whose function words datagrams, or dns, rtp, coap or text: see docs/listen.md.")
    :convert(words.decoder)
  parser:option("--live", "Serve the picture while it grows, on loopback unless a host is named."):argname "[HOST:]PORT"
    :convert(live.parse)
end

-- A time as JSON has it, with its nanoseconds, which a float does not have.
local function exact(nanoseconds)
  local text <const> = ("%d.%09d"):format(nanoseconds // 1000000000, nanoseconds % 1000000000)
  return setmetatable({}, { __tojson = function() return text end })
end

local function clock(nanoseconds)
  return ("%s.%06d"):format(os.date("%H:%M:%S", nanoseconds // 1000000000), nanoseconds % 1000000000 // 1000)
end

local COLOURS <const> = { "green", "yellow", "magenta", "blue" }

-- The colour of a kind: the next one for each new kind, the last one for all beyond a bound.
local function colour_of(self, kind)
  local kinds <const> = self.kinds
  if not kinds[kind] and #kinds < SENDERS then
    kinds[#kinds + 1] = kind
    kinds[kind] = COLOURS[(#kinds - 1) % #COLOURS + 1]
  end
  return kinds[kind] or COLOURS[#COLOURS]
end

local function line(self, msg)
  local out <const> = self.out
  local text <const>, kind <const> = words.of(msg.data, self.decode, (numbered.unpack(msg.data, msg.time)))
  local colour <const> = kind and colour_of(self, kind)
  return table.concat({ out:colour("dim", clock(msg.nanoseconds)), out:colour("cyan", tostring(msg.from)), ">",
    msg.at.name, output.printable(msg.interface or "?"), msg.ttl and "ttl " .. msg.ttl or "ttl ?", #msg.data .. " bytes",
    colour and out:colour(colour, text) or text }, " ")
end

local function record(self, msg)
  local fields <const> = { event = "datagram", time = exact(msg.nanoseconds), group = msg.at.group, port = msg.at.port,
    interface = msg.interface, ttl = msg.ttl, source = msg.from.host, source_port = msg.from.port, size = #msg.data }
  words.fields(fields, msg.data)
  fields.number = numbered.unpack(msg.data, msg.time)
  if self.decode then
    fields.words, fields.kind = words.of(msg.data, self.decode, fields.number)
  end
  return fields
end

-- The figures of a datagram's sender and group.
local function find(self, msg)
  local key <const> = msg.at.name .. " " .. tostring(msg.from)
  local one = self.flows[key]
  if not one and #self.list < SENDERS then
    one = flow.new()
    one.at, one.from = msg.at, msg.from
    self.flows[key] = one
    self.list[#self.list + 1] = one
  end
  return one or self.others
end

local function report_drops(self, msg)
  local dropped <const> = msg.dropped or 0
  local new <const> = dropped - msg.at.dropped
  if new > 0 then
    msg.at.dropped = dropped
    self.out:record({ event = "dropped", group = msg.at.group, port = msg.at.port, datagrams = new },
      ("%s dropped %d datagrams: the receive buffer was full"):format(msg.at.name, new))
  end
end

local function accept(self, msg)
  report_drops(self, msg)
  local one <const> = find(self, msg)
  one:add(#msg.data, msg.nanoseconds, one ~= self.others and numbered.unpack(msg.data, msg.time) or nil)
  self.total = self.total + 1
  self.bytes = self.bytes + #msg.data
  if self.out.json then
    self.out:record(record(self, msg), nil, DATAGRAM)
  else
    self.out:line("%s", line(self, msg))
  end
end

local function seconds(nanoseconds)
  return ("%.6g s"):format(nanoseconds / 1e9)
end

local function row(one)
  local rate <const> = one:rate()
  return { one.at and one.at.name or "all", one.from and tostring(one.from) or "others", tostring(one.count),
    tostring(one.bytes), ("%.1f s"):format(one:seconds()), rate and ("%.1f/s"):format(rate) or "-",
    one.count > 1 and seconds(one.gap) or "-", one.lost and tostring(one.lost) or "-", one.late and tostring(one.late) or "-",
    one.repeated and tostring(one.repeated) or "-" }
end

local function summarize(self, dropped)
  local rows <const> = {}
  if self.others.count > 0 then
    self.list[#self.list + 1] = self.others
  end
  for i, one in ipairs(self.list) do
    rows[i] = row(one)
    if self.out.json then
      self.out:record({ event = "figures", group = one.at and one.at.group, port = one.at and one.at.port,
        source = one.from and one.from.host, source_port = one.from and one.from.port, datagrams = one.count,
        bytes = one.bytes, seconds = one:seconds(), rate = one:rate(), gap = one.count > 1 and one.gap / 1e9 or nil,
        lost = one.lost, late = one.late, repeated = one.repeated }, nil, FIGURES)
    end
  end
  if #rows > 0 then
    self.out:table({ "GROUP", "SOURCE", "DATAGRAMS", "BYTES", "DURATION", "RATE", "LONGEST GAP", "LOST", "LATE", "REPEATED" },
      rows)
  end
  self.out:record({ event = "summary", datagrams = self.total, bytes = self.bytes, dropped = dropped },
    ("%d datagrams, %d bytes; the kernel dropped %d"):format(self.total, self.bytes, dropped), SUMMARY)
end

function listen.run(args, out)
  local _ <close> = args.live and live.record(args.live, "mcast listen") or nil
  local list <close> = receiver.open(args)
  local self <const> = { out = out, decode = args.decode, flows = {}, list = {}, others = flow.new(), total = 0, bytes = 0,
    kinds = {} }
  receiver.run(list, args, function(msg) accept(self, msg) end)
  summarize(self, receiver.dropped(list))
  if self.total < (args.expect or 0) then
    return 1, ("expected %d datagrams, got %d"):format(args.expect, self.total)
  end
end

return listen
