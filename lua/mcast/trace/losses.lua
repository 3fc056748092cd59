-- The datagrams that a receiver had joined for, and did not receive.
local losses = {}

local function accepts(span, host)
  local listed = false
  for _, source in ipairs(span.sources) do
    listed = listed or source == host
  end
  return listed == (span.mode == "include")
end

-- The spans in which the sockets of a trace receive: of a group, or of the host's own addresses (group is nil) from the
-- socket's first event on.
local function findspans(list, finish)
  local spans, open, seen = {}, {}, {}
  local function begin(id, span)
    if open[id] then
      open[id].till = span.from
    end
    span.till, open[id] = finish, span
    spans[#spans + 1] = span
  end
  for _, event in ipairs(list) do
    local socket <const>, port <const> = event.socket, event.port or event.kind == "deliver" and event.to.port
      or event.kind == "send" and event.from.port
    if socket and port and not seen[socket] and not list.header.capture then
      seen[socket] = true
      begin("own " .. socket, { from = event.time, port = port, socket = socket })
    end
    if event.group and socket and port and not list.header.capture then
      begin(("%d %s %s"):format(socket, event.group, event.interface or ""), { from = event.time, group = event.group,
        port = port, socket = socket, mode = event.mode, sources = event.sources or {}, interface = event.interface })
    end
  end
  return spans
end

-- Can a datagram reach a socket of a trace at all?
local function isreachable(send, sender, span, list)
  local near <const> = sender.host == list.header.host and sender.clock == list.header.clock
  if near then
    return send.loopback ~= false
  end
  return send.ttl ~= 0 and span.interface ~= "lo"
end

-- A copy that was on its way at the end of the span is not missing.
local function ismissing(send, span, list, own, slack, delay)
  if send.to.port ~= span.port or send.time < span.from + slack or send.time + delay > span.till - slack then
    return false
  elseif span.group then
    return span.group == send.to.host and accepts(span, send.from.host)
  end
  return not send.to.multicast and own[send.to.host] == true and isreachable(send, {}, span, list)
end

-- How many of a socket's losses between two of its deliveries are those of its full buffer, which the kernel counts.
local function blame(drops, deliveries)
  local before, counted, k = -math.huge, 0, 1
  for _, event in ipairs(deliveries) do
    local left = (event.dropped or 0) - counted
    counted = math.max(counted, event.dropped or 0)
    while drops[k] and drops[k].time <= event.time do
      if left > 0 and drops[k].time > before then
        drops[k].reason, left = "buffer", left - 1
      end
      k = k + 1
    end
    before = event.time
  end
end

-- The deliveries of a trace by socket, and which packets each of them received.
local function received(list)
  local deliveries, has = {}, {}
  for _, event in ipairs(list) do
    if event.kind == "deliver" then
      local own <const> = deliveries[event.socket] or {}
      deliveries[event.socket], own[#own + 1] = own, event
      has[event.packet .. " " .. event.socket] = true
    end
  end
  return deliveries, has
end

local function drop(send, span, list, delay)
  return { time = send.time + delay, kind = "drop", reason = "loss", node = list.header.node, host = list.header.host,
    packet = send.packet, from = send.from, to = send.to, data = send.data, ttl = send.ttl, interface = span.interface,
    socket = span.socket }
end

-- The least delay of the deliveries from a trace to another one: a lost copy is drawn as fast.
local function leastdelay(list, number)
  local least = math.huge
  for _, event in ipairs(list) do
    if event.kind == "deliver" and event.sent and event.sent.trace == number then
      least = math.min(least, event.time - event.sent.time)
    end
  end
  return least < math.huge and least or 0
end

-- The drops of a trace. sends are those of all traces, sorted; slackof returns the slack between two traces.
function losses.find(sends, traces, number, slackof)
  local list <const> = traces[number]
  local spans <const> = findspans(list, list[#list] and list[#list].time or 0)
  local deliveries <const>, has <const> = received(list)
  local own <const>, drops, bysocket = {}, {}, {}
  local delays <const> = setmetatable({}, { __index = function(self, from)
    self[from] = leastdelay(list, from)
    return self[from]
  end })
  for _, host in ipairs(list.header.addresses or {}) do
    own[host] = true
  end
  for _, send in ipairs(#spans > 0 and sends or {}) do
    local sender <const> = traces[send.trace].header
    for _, span in ipairs(spans) do
      local id <const> = send.packet .. " " .. span.socket
      if not has[id] and ismissing(send, span, list, own, slackof(send.trace, number), delays[send.trace])
        and isreachable(send, sender, span, list) then
        has[id] = true
        local lost <const> = drop(send, span, list, delays[send.trace])
        local mine <const> = bysocket[span.socket] or {}
        bysocket[span.socket], mine[#mine + 1], drops[#drops + 1] = mine, lost, lost
      end
    end
  end
  for socket, lost in pairs(bysocket) do
    blame(lost, deliveries[socket] or {})
  end
  return drops
end

return losses
