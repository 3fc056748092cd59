-- The sender of mcast bench: numbered datagrams at a rate, each with the time of its sending.
local clock <const> = require "mcast.clock"
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"
local numbered <const> = require "mcast.cli.numbered"
local sender <const> = require "mcast.cli.sender"

local sending = {}

-- Sends one datagram; the last one has a negative number, as iperf's.
local function send(state, last)
  local number <const> = state.count + 1
  local bytes <const>, failure <const> = state.sock:sendto(numbered.pack(last and -number or number, clock() / 1e9)
    .. state.fill, state.address)
  if not bytes then
    error({ status = 1, message = failure }, 0)
  end
  state.count, state.bytes = number, state.bytes + bytes
end

local function loop(state, args)
  local wait <const> = sender.pace()
  local due = 0
  while due < args.seconds and mcast.now() - state.start < args.seconds do
    wait(due)
    send(state)
    due = state.count / args.rate
  end
  wait(math.min(due, args.seconds))
end

-- Sends for args.seconds, or until Ctrl-C; returns a record of it, or nil and a message.
function sending.run(where, args)
  local sock <close>, failure <const> = sender.open(args, where.family, where.interface)
  if not sock then
    return nil, failure
  end
  local state <const> = { sock = sock, address = mcast.address(where.group, where.port), count = 0, bytes = 0,
    fill = ("\0"):rep(args.size - numbered.HEADER), start = mcast.now() }
  interrupt.run(loop, state, args)
  send(state, true)
  local seconds <const> = mcast.now() - state.start
  return { event = "sender", group = where.group, port = where.port, interface = where.interface, datagrams = state.count,
    bytes = state.bytes, seconds = seconds, rate = state.count / seconds }
end

return sending
