-- mcast send: datagrams to a group: a message, the lines of stdin, or numbered ones.
local clock <const> = require "mcast.clock"
local group <const> = require "mcast.cli.group"
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"
local numbered <const> = require "mcast.cli.numbered"
local sender <const> = require "mcast.cli.sender"
local value <const> = require "mcast.cli.value"

local send = {
  summary = "Sends datagrams to a group",
  description = "Sends datagrams to a group: a message; or with --count or --size, numbered datagrams, whose losses `mcast "
    .. "listen` and `iperf -s -u` report; or else the lines of stdin, each a datagram.",
  example = "mcast send 239.1.2.3:10000 hello --ttl 1",
}

local RATE <const>, SIZE <const> = 10, 64

function send.options(parser)
  parser:argument("group", ("GROUP[:PORT][%%IF]; port %d by default."):format(group.PORT)):convert(group.parse)
  parser:argument("message", "The datagram; without it, lines of stdin."):args "?"
  parser:option("--count", "How many datagrams."):convert(value.integer(1))
  parser:option("--rate", ("Datagrams per second; default: %d, lines of stdin as they come."):format(RATE))
    :convert(value.positive())
  parser:option("--size", ("Bytes of each numbered datagram; default: %d."):format(SIZE))
    :convert(value.integer(numbered.HEADER, 65527))
  sender.options(parser)
end

-- Functions that return the next datagram, or nil at the end.

local function message(args)
  local left = args.count or 1
  return function()
    left = left - 1
    return left >= 0 and args.message or nil
  end
end

local function numbers(args)
  local number, fill <const> = 0, ("\0"):rep((args.size or SIZE) - numbered.HEADER)
  return function()
    number = number + 1
    return number <= (args.count or math.huge) and numbered.pack(number, clock() / 1e9) .. fill or nil
  end
end

local function lines()
  return io.stdin:read "l"
end

local function source(args)
  if args.message then
    return message(args), args.rate or RATE
  elseif args.count or args.size then
    return numbers(args), args.rate or RATE
  end
  return lines, args.rate
end

-- Sends all; counts in `sent`.
local function run(args, sock, address, sent)
  local next_datagram <const>, rate <const> = source(args)
  local wait <const> = sender.pace()
  while true do
    if rate then
      wait(sent.count / rate)
    end
    local data <const> = next_datagram()
    if not data then
      return
    end
    local bytes <const>, failure <const> = sock:sendto(data, address)
    if not bytes then
      return failure
    end
    sent.first, sent.last = sent.first or mcast.now(), mcast.now()
    sent.count, sent.bytes = sent.count + 1, sent.bytes + bytes
  end
end

function send.run(args, out)
  local to <const> = args.group
  if args.message and args.size or to.source then
    error({ status = 2, message = to.source and "GROUP[:PORT][%IF] expected: a sender needs no source"
      or "--size is for numbered datagrams, without a message" }, 0)
  end
  local sock <close>, failed <const> = sender.open(args, to.family, to.interface)
  if not sock then
    return 1, failed
  end
  local address <const> = assert(mcast.address(to.group, to.port or group.PORT))
  local sent <const> = { count = 0, bytes = 0 }
  local _, failure <const> = interrupt.run(run, args, sock, address, sent)
  if failure and sent.count == 0 then
    return 1, failure
  end
  local seconds <const> = sent.first and sent.last - sent.first or 0
  out:record({ event = "summary", group = address.host, port = address.port, datagrams = sent.count, bytes = sent.bytes,
    seconds = seconds }, ("sent %d datagram%s, %d bytes, to %s%s"):format(sent.count, sent.count == 1 and "" or "s", sent.bytes,
    tostring(address), sent.count > 1 and (" in %.3f s"):format(seconds) or ""),
    { "event", "group", "port", "datagrams", "bytes", "seconds" })
  return failure and 1 or 0, failure
end

return send
