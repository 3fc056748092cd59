-- mcast bench: rate, loss and latency from a sender to receivers, each in a process of its own.
local group <const> = require "mcast.cli.group"
local json <const> = require "dkjson"
local mcast <const> = require "mcast"
local numbered <const> = require "mcast.cli.numbered"
local receiving <const> = require "mcast.cli.bench.receiving"
local sender <const> = require "mcast.cli.sender"
local sending <const> = require "mcast.cli.bench.sending"
local value <const> = require "mcast.cli.value"

local bench = {
  summary = "Measures rate, loss and latency",
  description = "Sends numbered datagrams to receivers, each in a process of its own, and prints rate, loss and latency. All "
    .. "stay on the loopback interface, unless another one is named. With --send or --receive it is one side alone; the "
    .. "other may be `mcast bench` elsewhere, or iperf 2: `iperf -s -u -B GROUP`, `iperf -c GROUP -u`.",
  example = "mcast bench --rate 10000 --receivers 3 --for 5",
}

local DEFAULT <const>, PORT <const> = "239.255.50.1", 5001 -- iperf's port
local PATIENCE <const> = 1 -- seconds that receivers wait longer than the sender sends

local RECEIVER <const> = { "event", "receiver", "source", "datagrams", "bytes", "seconds", "rate", "lost", "loss", "late",
  "repeated", "dropped", "others", "clock", "least", "median", "p90", "p99", "most" }
local SENDER <const> = { "event", "group", "port", "interface", "datagrams", "bytes", "seconds", "rate" }

function bench.options(parser)
  parser:argument("group", ("GROUP[:PORT][%%IF] or SOURCE@GROUP[:PORT][%%IF]; default: %s:%d."):format(DEFAULT, PORT))
    :args "?":convert(group.parse)
  parser:mutex(parser:flag("--send", "Only send."), parser:flag("--receive", "Only receive."),
    parser:option("--receivers", "How many receivers; default: 1."):convert(value.integer(1, 1000)))
  parser:option("--rate", "Datagrams per second."):default "1000":convert(value.positive())
  parser:option("--size", "Bytes of a datagram."):default "1470":convert(value.integer(numbered.HEADER, 65527))
  parser:option("--for", "Send, or with --receive receive, for so many seconds; default: 10 to send."):target "seconds"
    :convert(value.positive "seconds")
  parser:option("--max-loss", "Per cent of loss, above which the exit status is 1."):convert(value.number(0, 100))
  parser:option("--rcvbuf", "Bytes of the receive buffer."):convert(value.integer(1, 0x7fffffff))
  sender.options(parser, "loopback")
end

-- The loopback interface: nothing leaves this host by it.
local function loopback()
  for _, one in ipairs(assert(mcast.interfaces())) do
    if one.loopback then
      return one.name
    end
  end
  error({ status = 1, message = "no loopback interface" }, 0)
end

-- The group, with its port and its interface.
local function place(args)
  local where <const> = args.group or assert(group.parse(DEFAULT))
  where.port = where.port or PORT
  where.interface = where.interface or args.interface or loopback()
  return where
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- Starts a receiver; returns {pipe =, pid =}. The pipe has a JSON object a line. It is this command as it was started.
local function start(where, args)
  local first = -1
  while arg[first - 1] do
    first = first - 1
  end
  local words <const> = table.move(arg, first, 0, 1, {})
  table.move({ "bench", (where.source and where.source .. "@" or "") .. mcast.address(where.group, where.port), "--receive",
    "--json", "--interface", where.interface, "--for", tostring(args.seconds + PATIENCE),
    args.rcvbuf and "--rcvbuf=" .. args.rcvbuf }, 1, 9, #words + 1, words)
  for i, word in ipairs(words) do
    words[i] = quote(word)
  end
  local pipe <const> = assert(io.popen("echo $$; exec " .. table.concat(words, " ")))
  return { pipe = pipe, pid = pipe:read "l" }
end

-- A list of receivers; those that are still running when it closes are ended.
local children <const> = { __close = function(list)
  for _, child in ipairs(list) do
    os.execute(("kill %s 2>/dev/null"):format(child.pid))
    child.pipe:close()
  end
end }

-- The next object of a receiver, which reports a failure on stderr by itself.
local function read(child)
  local object <const> = json.decode(child.pipe:read "l" or "")
  return object or error({ status = 1, message = "a receiver failed" }, 0)
end

-- Sends to receivers; returns the records of the sender and of each receiver.
local function measure(where, args)
  local receivers <close> = setmetatable({}, children)
  for i = 1, args.receivers or 1 do
    receivers[i] = start(where, args)
  end
  for _, child in ipairs(receivers) do
    read(child)
  end
  local sent <const>, failure <const> = sending.run(where, args)
  if not sent then
    error({ status = 1, message = failure }, 0)
  end
  local list <const> = {}
  for i, child in ipairs(receivers) do
    local one <const> = read(child)
    one.receiver, one.lost = i, sent.datagrams - one.datagrams + one.repeated
    list[i] = one
  end
  return sent, list
end

local function microseconds(seconds)
  return seconds and ("%.0f"):format(seconds * 1e6) or "-"
end

local HEADERS <const> = { "RECEIVER", "DATAGRAMS", "LOST", "LATE", "REPEATED", "RATE", "MBIT/S", "LEAST", "MEDIAN", "90 %",
  "99 %", "MOST (us)" }

local function row(one)
  local mbits <const> = one.rate and one.rate * one.bytes / one.datagrams * 8 / 1e6
  return { tostring(one.receiver or one.source or "-"), tostring(one.datagrams), ("%d (%.3g %%)"):format(one.lost, one.loss),
    tostring(one.late), tostring(one.repeated), one.rate and ("%.1f/s"):format(one.rate) or "-",
    mbits and ("%.3f"):format(mbits) or "-", microseconds(one.least), microseconds(one.median), microseconds(one.p90),
    microseconds(one.p99), microseconds(one.most) }
end

-- Remarks on a receiver's figures.
local function remark(one, name, out)
  if one.dropped > 0 then
    out:line("%s: the receive buffer was full and lost %d datagrams (see --rcvbuf)", name, one.dropped)
  end
  if one.clock == "other" then
    out:line("%s: the sender is another host, so latencies contain the difference of the two clocks", name)
  end
end

local function name_of(one)
  return one.receiver and "receiver " .. one.receiver or "the receiver"
end

local function report(list, out)
  local rows <const> = {}
  for i, one in ipairs(list) do
    local all <const> = one.datagrams - one.repeated + one.lost
    one.loss = all > 0 and 100 * one.lost / all or 100
    rows[i] = row(one)
    if out.json then
      out:record(one, nil, RECEIVER)
    end
  end
  out:table(HEADERS, rows)
  for _, one in ipairs(list) do
    remark(one, name_of(one), out)
  end
end

-- The exit status, and a message.
local function judge(list, args)
  for _, one in ipairs(list) do
    local name <const> = name_of(one)
    if one.datagrams == 0 then
      return 1, name .. " received nothing"
    elseif args.max_loss and one.loss > args.max_loss then
      return 1, ("%s lost %.3g %% (at most %.3g %% expected)"):format(name, one.loss, args.max_loss)
    end
  end
end

local function report_sender(sent, out)
  out:record(sent, ("sent %d datagrams, %d bytes, to %s on %s in %.3f s: %.1f/s"):format(sent.datagrams, sent.bytes,
    tostring(mcast.address(sent.group, sent.port)), sent.interface, sent.seconds, sent.rate), SENDER)
end

local function receive(where, args, out)
  local one <const>, failure <const> = receiving.run(where, args, function()
    out:record({ event = "joined", group = where.group, port = where.port, interface = where.interface },
      ("joined %s on %s"):format(tostring(mcast.address(where.group, where.port)), where.interface), SENDER)
  end)
  if not one then
    return 1, failure
  end
  report({ one }, out)
  return judge({ one }, args)
end

function bench.run(args, out)
  local where <const> = place(args)
  if args.receive then
    return receive(where, args, out)
  end
  args.seconds = args.seconds or 10
  if args.send then
    local sent <const>, failure <const> = sending.run(where, args)
    if not sent then
      return 1, failure
    end
    return report_sender(sent, out)
  end
  local sent <const>, list <const> = measure(where, args)
  report_sender(sent, out)
  report(list, out)
  return judge(list, args)
end

return bench
