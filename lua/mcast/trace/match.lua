-- Finds the sends and the deliveries of one datagram, by sender, destination and bytes.
local address <const> = require "mcast.trace.address"

local match = {}

-- The fields that a send has in common with its copies, beside the sender's host. Zones differ between hosts.
local function keyof(event)
  return ("%d %s:%d %s"):format(event.from.port, event.to.host, event.to.port, event.data)
end

-- The senders' addresses of deliveries, and of sends that captures saw: by key, lists of addresses.
local function findsenders(traces)
  local senders = {}
  for _, list in ipairs(traces) do
    for _, event in ipairs(list) do
      if event.kind == "deliver" or event.kind == "send" and list.header.capture then
        local key <const> = keyof(event)
        senders[key] = senders[key] or {}
        senders[key][#senders[key] + 1] = event.from
      end
    end
  end
  return senders
end

local function set(list)
  local result = {}
  for _, item in ipairs(list or {}) do
    result[item] = true
  end
  return result
end

-- Gives sends the address that their copies came from, where their sockets have none; else that of another datagram of the
-- socket.
local function resolve(list, senders)
  local own <const>, found <const> = set(list.header.addresses), {}
  local unknown = {}
  for _, event in ipairs(list) do
    if event.kind == "send" and address.isany(event.from) then
      for _, from in ipairs(senders[keyof(event)] or {}) do
        if own[from.host] then
          event.from, found[event.socket] = from, from
        end
      end
      unknown[#unknown + 1] = event
    end
  end
  for _, event in ipairs(unknown) do
    event.from = address.isany(event.from) and found[event.socket] or event.from
  end
end

-- All copies of equal datagrams: sends, and by receiver (trace and socket) deliveries, each in the order of time.
local function newbucket()
  return { sends = {}, captured = {}, receivers = {}, order = {} }
end

local function put(bucket, number, list, event)
  event.trace = number
  if event.kind == "send" then
    local sends <const> = list.header.capture and bucket.captured or bucket.sends
    sends[#sends + 1] = event
    return
  end
  local receiver <const> = ("%d %s %d"):format(number, event.node, event.socket or 0)
  if not bucket.receivers[receiver] then
    bucket.receivers[receiver] = {}
    bucket.order[#bucket.order + 1] = receiver
  end
  table.insert(bucket.receivers[receiver], event)
end

-- The buckets of traces, in the order of their first events. A capture's sends are those of scripts, where these have them:
-- they are marked as `repeated`.
function match.collect(traces)
  local senders <const>, buckets, order = findsenders(traces), {}, {}
  for number, list in ipairs(traces) do
    resolve(list, senders)
    for _, event in ipairs(list) do
      if event.kind == "send" or event.kind == "deliver" then
        local key <const> = event.from.host .. " " .. keyof(event)
        if not buckets[key] then
          buckets[key] = newbucket()
          order[#order + 1] = buckets[key]
        end
        put(buckets[key], number, list, event)
      end
    end
  end
  for _, bucket in ipairs(order) do
    if #bucket.sends == 0 then
      bucket.sends = bucket.captured
    else
      for _, event in ipairs(bucket.captured) do
        event.repeated = true
      end
    end
  end
  return order
end

-- Calls f with each send and its delivery, where no other pair is possible: as many copies as sends, in their order.
function match.certain(buckets, f)
  for _, bucket in ipairs(buckets) do
    for _, receiver in ipairs(bucket.order) do
      local deliveries <const> = bucket.receivers[receiver]
      for i, event in ipairs(#deliveries == #bucket.sends and deliveries or {}) do
        f(bucket.sends[i], event)
      end
    end
  end
end

-- The sends of a receiver's deliveries, which are sorted as the sends are: each has the last one before it that no later one
-- has, so that losses among equal datagrams are found. A delivery that has none left is a duplicate of the last one
-- before it. slack is how much earlier than its send a delivery may seem to be.
local function assign(sends, deliveries, slack)
  local s, assigned = #sends, {}
  for i = #deliveries, 1, -1 do
    local limit <const> = deliveries[i].time + slack
    while s > 0 and sends[s].time > limit do
      s = s - 1
    end
    assigned[i] = sends[s]
    s = s - 1
  end
  for i, event in ipairs(deliveries) do
    local k = assigned[i] and 0 or #sends
    while k > 0 and sends[k].time > event.time + slack do
      k = k - 1
    end
    assigned[i] = assigned[i] or sends[k]
  end
  return assigned
end

-- Sets the field `sent` of each delivery: its send, or nil. slackof returns the slack between two traces.
function match.assign(buckets, slackof)
  for _, bucket in ipairs(buckets) do
    table.sort(bucket.sends, function(a, b) return a.time < b.time end)
    for _, receiver in ipairs(bucket.order) do
      local deliveries <const>, sends <const> = bucket.receivers[receiver], bucket.sends
      local slack <const> = sends[1] and slackof(sends[1].trace, deliveries[1].trace)
      for i, send in pairs(sends[1] and assign(sends, deliveries, slack) or {}) do
        deliveries[i].sent = send
      end
    end
  end
end

return match
