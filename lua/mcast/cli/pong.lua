-- mcast pong: answers the queries of mcast ping, ssmping and asmping, as ssmpingd does.
local mcast <const> = require "mcast"
local group <const> = require "mcast.cli.group"
local interrupt <const> = require "mcast.cli.interrupt"
local message <const> = require "mcast.cli.ping.message"
local value <const> = require "mcast.cli.value"

local pong = {
  summary = "Answers mcast ping, ssmping and asmping",
  description = "Answers each query once by unicast and once by multicast, on the interface that it came by. The multicast "
    .. "goes to the query's group, where it is one of the protocol's (it ends in .234 or ::4321:1234) or is named here; "
    .. "queries by multicast are received by the groups that are named.",
  example = "mcast pong 239.1.2.3",
}

local QUERY <const> = { "event", "from", "group", "sequence", "unicast", "multicast" }

function pong.options(parser)
  parser:argument("group", "GROUP[%IF]: answer queries by multicast to it, too."):args "*":convert(group.parse)
  parser:option("--port", "The port of queries."):default(tostring(message.PORT))
    :convert(value.integer(1, 65535))
  parser:option("--interface", "Join groups on this one.")
  parser:option("--ttl", "Hops that an answer by multicast may travel; ssmping and asmping expect 64.")
    :default(tostring(message.TTL)):convert(value.integer(1, 255))
  parser:option("--rate", "Answer so many queries a second, at most."):default "100":convert(value.positive())
  parser:option("--count", "End after so many answered queries."):convert(value.integer(1))
  parser:option("--for", "End after so many seconds."):target "seconds":convert(value.positive "seconds")
end

-- Opens a socket for each family that is available, and joins the groups.
local function open(args)
  local socks <const>, failure = {}, nil
  for _, family in ipairs { "inet", "inet6" } do
    local sock <const>, why <const> = mcast.socket { family = family, port = args.port, reuseaddr = false, metadata = true,
      ttl = args.ttl }
    socks[family] = sock
    socks[#socks + 1] = sock
    failure = failure or why
  end
  if #socks == 0 then
    error({ status = 1, message = failure }, 0)
  end
  for _, one in ipairs(args.group) do
    local sock <const> = socks[one.family]
    local ok, why = nil, failure
    if sock then
      ok, why = sock:join(one.group, { interface = one.interface or args.interface })
    end
    if not ok then
      error({ status = 1, message = why }, 0)
    end
  end
  return socks
end

-- The group that a query's answer goes to; nil where there is none that it may go to.
local function choose(state, query, family)
  local host <const> = not query.named and message.groups[family] or query.group
  if not host or mcast.address(host, 0).family ~= family then
    return nil
  end
  return (state.named[host] or message.of_protocol(host)) and host or nil
end

-- May one more query be answered? The allowance of a second is saved up for a second.
local function allowed(state, now)
  state.allowance = math.min(math.max(state.rate, 1), state.allowance + (now - state.renewed) * state.rate)
  state.renewed = now
  if state.allowance < 1 then
    return false
  end
  state.allowance = state.allowance - 1
  return true
end

-- Sends an answer; returns whether the system accepted it.
local function send(state, sock, answer, address, options)
  local ok <const>, failure <const> = sock:sendto(answer, address, options)
  if not ok then
    io.stderr:write("mcast: ", failure, "\n")
    state.failed = state.failed + 1
  end
  return ok ~= nil
end

local function answer(state, sock, received)
  local query <const> = message.parse(received.data)
  if not query or not query.query then
    state.ignored = state.ignored + 1
  elseif not allowed(state, mcast.now()) then
    state.limited = state.limited + 1
  else
    local from <const> = received.from
    local source <const> = not mcast.address(received.group, 0).multicast and received.group or nil
    local host <const> = choose(state, query, from.family)
    local text <const> = message.answer(received.data, state.ttl)
    local unicast <const> = send(state, sock, text, from, { source = source })
    local multicast <const> = host and send(state, sock, text, mcast.address(host, from.port),
      { source = source, interface = received.interface }) or false
    state.answered = state.answered + 1
    state.out:record({ event = "query", from = tostring(from), group = host, sequence = query.sequence, unicast = unicast,
      multicast = multicast },
      ("%s: %snumber %s"):format(from, host and host .. ", " or "", query.sequence or "?"), QUERY)
  end
end

local function run(state, args)
  local finish <const> = mcast.now() + (args.seconds or math.huge)
  while state.answered < (args.count or math.huge) and mcast.now() < finish do
    local ready <const>, failure <const>, errno <const> = mcast.poll(state.socks, finish - mcast.now())
    if not ready then
      assert(errno == mcast.errno.ETIMEDOUT, failure)
      return
    end
    for _, sock in ipairs(ready) do
      local received <const> = sock:recvmsg(0)
      if received and state.answered < (args.count or math.huge) then
        answer(state, sock, received)
      end
    end
  end
end

function pong.run(args, out)
  local socks <const> = open(args)
  local named <const> = {}
  for _, one in ipairs(args.group) do
    named[one.group] = true
  end
  local state <const> = { socks = socks, out = out, named = named, ttl = args.ttl, rate = args.rate, allowance = args.rate,
    renewed = mcast.now(), answered = 0, limited = 0, ignored = 0, failed = 0 }
  interrupt.run(function()
    out:record({ event = "ready", port = args.port }, "answers at port " .. args.port, { "event", "port" })
    run(state, args)
  end)
  out:record({ event = "summary", answered = state.answered, limited = state.limited, ignored = state.ignored,
    failed = state.failed }, ("answered %d queries; %d above the rate, %d other datagrams, %d failed answers"):format(
      state.answered, state.limited, state.ignored, state.failed),
    { "event", "answered", "limited", "ignored", "failed" })
end

return pong
