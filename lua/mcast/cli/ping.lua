-- mcast ping: the round trip to a group's members, by unicast and by multicast.
local mcast <const> = require "mcast"
local clock <const> = require "mcast.clock"
local group <const> = require "mcast.cli.group"
local interrupt <const> = require "mcast.cli.interrupt"
local message <const> = require "mcast.cli.ping.message"
local tally <const> = require "mcast.cli.ping.tally"
local value <const> = require "mcast.cli.value"

local ping = {
  summary = "Measures the round trip by unicast and multicast",
  description = "Asks hosts that run mcast pong, or ssmpingd, for an answer by unicast and one by multicast to the group. "
    .. "Without a host, all that run mcast pong GROUP are asked, by multicast. SOURCE@GROUP asks the source, and joins for "
    .. "it alone.",
  example = "mcast ping 10.0.0.2@232.43.211.234 --count 5",
}

local ANSWER <const> = { "event", "host", "by", "sequence", "hops", "seconds", "duplicate" }
local SUMMARY <const> = { "event", "host", "by", "queries", "since", "received", "duplicates", "lost", "loss", "hops", "least",
  "median", "p90", "p99", "most" }

function ping.options(parser)
  parser:argument("group", "GROUP[:PORT][%IF] or SOURCE@GROUP[:PORT][%IF]; port 4321 by default."):convert(group.parse)
  parser:argument("host", "Numeric addresses to ask, by unicast."):args "*"
  parser:option("--count", "End after so many queries."):convert(value.integer(1))
  parser:option("--interval", "Seconds between queries."):default "1":convert(value.positive())
  parser:option("--for", "Ask for so many seconds."):target "seconds":convert(value.positive "seconds")
  parser:option("--interface", "Join on this one, and send multicast by it.")
  parser:option("--ttl", "Hops that a query by multicast may travel."):default "1":convert(value.integer(0, 255))
  parser:option("--max-loss", "Per cent of loss, above which the exit status is 1."):convert(value.number(0, 100))
end

local function is_ssm(where)
  return where.group:find "^232%." or where.group:find "^ff3%x::?"
end

-- The addresses to ask: of hosts, else the group.
local function targets(args)
  local where <const> = args.group
  local hosts <const> = where.source and { where.source, table.unpack(args.host) } or args.host
  if #hosts == 0 then
    if is_ssm(where) then
      return nil, ("%s is for one source (SOURCE@%s expected)"):format(where.group, where.group)
    end
    hosts[1] = where.group
  end
  local list <const> = {}
  for i, host in ipairs(hosts) do
    local address <const> = mcast.address(host, where.port or message.PORT)
    if not address or address.family ~= where.family then
      return nil, ("'%s' is no numeric address of the group's family"):format(host)
    end
    list[i] = address
  end
  return list
end

-- Opens the socket that asks, and receives both answers at its port.
local function open(args, list)
  local where <const> = args.group
  local sock <const>, failure <const> = mcast.socket { family = where.family, ttl = args.ttl, metadata = true,
    interface = where.interface or args.interface }
  if not sock then
    return nil, failure
  end
  for _, address in ipairs(list) do
    local source <const> = not address.multicast and (where.source or is_ssm(where)) and address.host or nil
    local ok <const>, why <const> = sock:join(where.group, { source = source })
    if not ok then
      return nil, why
    elseif not source then
      break
    end
  end
  return sock
end

-- The hops that an answer travelled: from the TTL that it names, else from the next usual one.
local function hops(answer, ttl, way)
  local initial <const> = way == "multicast" and answer.ttl or ttl <= 64 and 64 or ttl <= 128 and 128 or 255
  return initial >= ttl and initial - ttl or nil
end

local function receive(state, received)
  local answer <const> = message.parse(received.data)
  if not answer or answer.query or answer.client ~= state.client or answer.group ~= state.group then
    return
  end
  local way <const> = mcast.address(received.group, 0).multicast and "multicast" or "unicast"
  local host <const> = tostring(received.from.host)
  local distance <const> = hops(answer, received.ttl, way)
  local seconds <const>, duplicate <const> = state.tally:receive(host, way, answer.sequence, distance, mcast.now())
  if seconds then
    state.out:record({ event = "answer", host = host, by = way, sequence = answer.sequence, hops = distance,
      seconds = seconds, duplicate = duplicate },
      ("%-9s from %s: number %d, hops %s, %.3f ms%s"):format(way, host, answer.sequence, distance or "?", seconds * 1000,
        duplicate and ", duplicate" or ""), ANSWER)
  end
end

local function send(state)
  local sequence <const> = state.tally:send(mcast.now())
  local query <const> = message.query(state.client, sequence, clock() / 1e9, state.group)
  for _, address in ipairs(state.targets) do
    local ok <const>, failure <const> = state.sock:sendto(query, address)
    if not ok then
      io.stderr:write(("mcast: number %d: %s\n"):format(sequence, failure))
    end
  end
end

-- Asks until it is enough, and waits for the answers to the last query.
local function run(state, args)
  local due, last = mcast.now(), nil
  local finish <const> = due + (args.seconds or math.huge)
  while true do
    local now <const> = mcast.now()
    if not last and now >= due then
      send(state)
      due = math.max(due + args.interval, now)
      last = (state.tally.last == args.count or due >= finish) and now + tally.WAIT or nil
    end
    if last and (now >= last or state.tally:complete()) then
      return
    end
    local received <const>, failure <const>, errno <const> = state.sock:recvmsg((last or due) - now)
    if received then
      receive(state, received)
    elseif errno ~= mcast.errno.ETIMEDOUT then
      error({ status = 1, message = failure }, 0)
    end
  end
end

local HEADERS <const> = { "HOST", "BY", "RECEIVED", "DUPLICATES", "LOST", "HOPS", "LEAST", "MEDIAN", "90 %", "99 %",
  "MOST (ms)" }
local QUANTILES <const> = { "least", "median", "p90", "p99", "most" }

local function cells(row)
  local list <const> = { row.host, row.by, tostring(row.received), tostring(row.duplicates),
    ("%d (%.3g %%)"):format(row.lost, row.loss), tostring(row.hops or "-") }
  for _, name in ipairs(QUANTILES) do
    list[#list + 1] = row[name] and ("%.3f"):format(row[name] * 1000) or "-"
  end
  return list
end

local function summarize(state, rows)
  local lines <const>, queries <const> = {}, state.tally.last
  for i, row in ipairs(rows) do
    lines[i] = cells(row)
    row.event, row.queries = "summary", queries
    if state.out.json then
      state.out:record(row, nil, SUMMARY)
    end
  end
  state.out:line("\n%s: %d %s", state.group, queries, queries == 1 and "query" or "queries")
  if #rows > 0 then
    state.out:table(HEADERS, lines)
  end
end

local NO_GROUP <const> = " (ssmpingd answers by multicast only to groups that end in .234 or ::4321:1234)"

-- The exit status, and a message where an answer was asked for and did not come.
local function judge(state, rows, args)
  local received <const> = { unicast = 0, multicast = 0 }
  for _, row in ipairs(rows) do
    if args.max_loss and row.loss > args.max_loss then
      return 1, ("%s lost %.3g %% by %s (at most %.3g %% expected)"):format(row.host, row.loss, row.by, args.max_loss)
    end
    received[row.by] = received[row.by] + row.received
  end
  if received.multicast == 0 and state.tally.last > 0 then
    return 1, ("no answer by multicast to %s%s"):format(state.group, received.unicast > 0
      and not message.of_protocol(state.group) and NO_GROUP or "")
  end
end

local function words(addresses)
  local list <const> = {}
  for i, address in ipairs(addresses) do
    list[i] = tostring(address)
  end
  return list
end

function ping.run(args, out)
  local list <const>, mistake <const> = targets(args)
  if not list then
    return 2, mistake
  end
  local sock <close>, failure <const> = open(args, list)
  if not sock then
    return 1, failure
  end
  local hosts <const> = {}
  for _, address in ipairs(list) do
    hosts[#hosts + 1] = not address.multicast and address.host or nil
  end
  local state <const> = { sock = sock, out = out, targets = list, group = args.group.group, tally = tally.new(hosts),
    client = string.pack(">I4", math.random(0, 0xffffffff)) }
  out:line("asks %s for answers to %s", table.concat(words(list), ", "), state.group)
  interrupt.run(run, state, args)
  local rows <const> = state.tally:rows(mcast.now())
  summarize(state, rows)
  return judge(state, rows, args)
end

return ping
