-- A receiver of mcast bench: counts the numbered datagrams of one sender, mcast or iperf 2.
local figures <const> = require "mcast.cli.figures"
local flow <const> = require "mcast.cli.flow"
local interrupt <const> = require "mcast.cli.interrupt"
local mcast <const> = require "mcast"
local numbered <const> = require "mcast.cli.numbered"

local receiving = {}

local SILENCE <const> = 2 -- seconds that end a test, where no time is given

-- Opens a socket that joins the group; it is bound to it, so that no unicast arrives.
local function open(where, args)
  local host <const> = mcast.address(where.group .. "%" .. where.interface, where.port) or where.group
  local sock <const>, failure <const> = mcast.socket { host = host, port = where.port, family = where.family,
    interface = where.interface, rcvbuf = args.rcvbuf, metadata = true }
  if not sock then
    return nil, failure
  end
  local joined <const>, why <const> = sock:join(where.group, { source = where.source })
  return joined and sock, why
end

-- Is it an address of this host? Its clock is ours, then.
local function is_own(host)
  for _, interface in ipairs(assert(mcast.interfaces())) do
    for _, address in ipairs(interface.addresses) do
      if address == host then
        return true
      end
    end
  end
  return false
end

-- Counts a datagram of the first sender; returns true after its last one.
local function accept(state, msg)
  local number <const>, sent <const> = numbered.unpack(msg.data, msg.time)
  state.from = state.from or number and msg.from
  if not number or msg.from ~= state.from then
    state.others = state.others + 1
    return false
  end
  state.flow:add(#msg.data, msg.nanoseconds, number)
  state.latency:add(msg.time - sent)
  return number < 0
end

local function receive(sock, state, args)
  local finish <const>, msg = mcast.now() + (args.seconds or math.huge), {}
  while true do
    local left <const> = finish - mcast.now()
    local got <const>, failure <const>, errno <const> =
      sock:recvmsg(not args.seconds and state.from and SILENCE or left, msg)
    if errno == mcast.errno.ETIMEDOUT or got and accept(state, msg) or left <= 0 then
      return
    elseif not got then
      error({ status = 1, message = failure }, 0)
    end
  end
end

-- Receives until the sender's last datagram, for args.seconds, or until a silence. Returns a record of it, or nil and a
-- message; `ready` is called once the group is joined.
function receiving.run(where, args, ready)
  local sock <close>, failure <const> = open(where, args)
  if not sock then
    return nil, failure
  end
  local state <const> = { flow = flow.new(), latency = figures.new(), others = 0 }
  interrupt.run(function()
    ready()
    receive(sock, state, args)
  end)
  local seen <const>, record <const> = state.flow, state.latency:summary()
  record.event, record.source, record.others = "receiver", state.from and tostring(state.from), state.others
  record.datagrams, record.bytes, record.seconds = seen.count, seen.bytes, seen:seconds()
  record.rate = seen:rate()
  record.lost, record.late, record.repeated = seen.lost or 0, seen.late or 0, seen.repeated or 0
  record.dropped = sock:stats().dropped
  record.clock = state.from and (is_own(state.from.host) and "same" or "other") or nil
  return record
end

return receiving
