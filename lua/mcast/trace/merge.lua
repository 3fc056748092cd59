-- Merges traces; mcast.trace documents it.
local check <const> = require "mcast.check"
local clocks <const> = require "mcast.trace.clocks"
local file <const> = require "mcast.trace.file"
local losses <const> = require "mcast.trace.losses"
local match <const> = require "mcast.trace.match"

local merge = {}

local SLACK <const> = 1e-6 -- seconds: rounding of times

-- Copies of the traces, with a name of its own for each node.
local function copy(list)
  local traces, used = {}, {}
  for number, one in ipairs(list) do
    check.expect(not one.header.numbered, "%s: a merged or simulated trace merges with no other",
      tostring(one.header.node))
    local name = one.header.node
    local try = 1
    while used[name] do
      try = try + 1
      name = ("%s-%d"):format(one.header.node, try)
    end
    used[name] = true
    traces[number] = { header = setmetatable({ node = name }, { __index = one.header }) }
    for i, event in ipairs(one) do
      local mine = {}
      for key, value in pairs(event) do
        mine[key] = value
      end
      mine.node = event.node == one.header.node and name or event.node
      traces[number][i] = mine
    end
  end
  return traces
end

-- Traces of one system have one clock: by trace, the number of its clock. Times become seconds since the clock's epoch,
-- which is that of its first trace.
local function group(traces)
  local numbers, epochs, byname = {}, {}, {}
  for number, one in ipairs(traces) do
    local name <const> = one.header.clock or number
    if not byname[name] then
      epochs[#epochs + 1] = one.header.epoch
      byname[name] = #epochs
    end
    numbers[number] = byname[name]
    local shift <const> = (one.header.epoch - epochs[byname[name]]) / 1e9
    for _, event in ipairs(one) do
      event.time = event.time + shift
    end
  end
  return numbers, epochs
end

-- The relations of all clocks between which datagrams went, in both directions.
local function relate(buckets, numbers)
  local samples = {}
  local function list(from, to)
    local key <const> = from << 32 | to
    samples[key] = samples[key] or { from = from, to = to, above = {}, below = {} }
    return samples[key]
  end
  match.certain(buckets, function(send, delivery)
    local from <const>, to <const> = numbers[send.trace], numbers[delivery.trace]
    if from ~= to then
      table.insert(list(from, to).above, { send.time, delivery.time - send.time })
      table.insert(list(to, from).below, { delivery.time, send.time - delivery.time })
    end
  end)
  local relations = {}
  for _, one in pairs(samples) do
    local relation <const> = clocks.relate(one.above, one.below)
    relation.from, relation.to = one.from, one.to
    relations[#relations + 1] = relation
  end
  table.sort(relations, function(a, b)
    if a.from ~= b.from then
      return a.from < b.from
    end
    return a.to < b.to
  end)
  return relations
end

local function words(one, first)
  if one.ways == "same" then
    return ("%s: the clock of %s"):format(one.node, first)
  elseif one.ways == "none" then
    return ("%s: no datagram in common with %s, so its clock is used as it is"):format(one.node, first)
  end
  local text <const> = ("%s: %s s %s of %s"):format(one.node, file.seconds(math.floor(math.abs(one.offset) * 1e9 + 0.5)),
    one.offset < 0 and "behind" or "ahead", first)
  if one.ways == "one" then
    return ("%s %s: datagrams went one way only, so the fastest one is drawn without a delay"):format(text, one.side)
  end
  return ("%s, %.1f ppm %s, within %s s, by %d datagrams both ways%s"):format(text, math.abs(one.drift) * 1e6,
    one.drift < 0 and "slower" or "faster", file.seconds(math.ceil(one.bound * 1e9)), one.samples,
    one.contradictions > 0 and (", without %d that contradict"):format(one.contradictions) or "")
end

-- The report about the clock of a trace.
local function report(one, known, epochs, number, first)
  local start <const> = one[1] and one[1].time or 0
  local wall <const> = known.ways == "none" and 0 or start - known.a - known.b * start + (epochs[number] - epochs[1]) / 1e9
  local entry <const> = { node = one.header.node, ways = known.ways, offset = wall, drift = 1 / known.b - 1,
    bound = known.ways ~= "one" and known.ways ~= "none" and known.bound or nil, samples = known.samples,
    contradictions = known.contradictions, side = known.side }
  entry.text = words(entry, first)
  return entry
end

-- Puts all times on the first clock. Returns the reports, and the slack between two traces.
local function synchronize(traces, buckets)
  local numbers <const>, epochs <const> = group(traces)
  local known <const> = clocks.connect(relate(buckets, numbers))
  local reports = {}
  for i, one in ipairs(traces) do
    local number <const> = numbers[i]
    known[number] = known[number] or { a = (epochs[number] - epochs[1]) / 1e9, b = 1, ways = "none", samples = 0,
      contradictions = 0 }
    if i > 1 then
      reports[i - 1] = report(one, known[number], epochs, number, traces[1].header.node)
    end
    for _, event in ipairs(one) do
      event.time = known[number].a + known[number].b * event.time
    end
  end
  return reports, function(a, b)
    local one <const>, other <const> = numbers[a], numbers[b]
    return one == other and SLACK or SLACK + (known[one].bound or 0) + (known[other].bound or 0)
  end
end

-- Sends of datagrams that no trace sent, from nodes with the names of their addresses: the n-th delivery of each receiver is
-- the n-th datagram.
local function addoutside(bucket, made)
  local sends = {}
  for _, receiver in ipairs(bucket.order) do
    local n = 0
    for _, event in ipairs(bucket.receivers[receiver]) do
      if not event.sent then
        n = n + 1
        sends[n] = sends[n] or { kind = "send", time = event.time, node = event.from.host, host = event.from.host,
          from = event.from, to = event.to, data = event.data, ttl = event.ttl, socket = 0, outside = true }
        sends[n].time = math.min(sends[n].time, event.time)
        event.sent = sends[n]
      end
    end
  end
  table.move(sends, 1, #sends, #made + 1, made)
end

-- All sends, sorted and numbered.
local function number(traces, outside)
  local sends <const> = table.move(outside, 1, #outside, 1, {})
  for _, one in ipairs(traces) do
    for _, event in ipairs(one) do
      if event.kind == "send" and not event.repeated then
        sends[#sends + 1] = event
      end
    end
  end
  file.sort(sends)
  for i, send in ipairs(sends) do
    send.packet = i
  end
  return sends
end

-- Sends are before deliveries where their times are the same.
local function order(events)
  local sends, others = {}, {}
  for _, event in ipairs(events) do
    local list <const> = event.kind == "send" and sends or others
    list[#list + 1] = event
  end
  local all <const> = file.sort(table.move(others, 1, #others, #sends + 1, sends))
  local first <const> = all[1] and all[1].time or 0
  for _, event in ipairs(all) do
    event.time, event.trace, event.sent = event.time - first, nil, nil
  end
  return all
end

function merge.merge(list)
  if #list == 1 and list[1].header.numbered then
    return list[1]
  end
  local traces <const> = copy(list)
  local buckets <const>, outside, all = match.collect(traces), {}, {}
  local reports <const>, slackof <const> = synchronize(traces, buckets)
  match.assign(buckets, slackof)
  for _, bucket in ipairs(buckets) do
    addoutside(bucket, outside)
  end
  local sends <const> = number(traces, outside)
  local own = {}
  for _, send in ipairs(sends) do
    own[#own + 1] = not send.outside and send or nil
  end
  table.move(outside, 1, #outside, 1, all)
  for _, one in ipairs(traces) do
    for _, event in ipairs(one) do
      if event.kind == "deliver" then
        event.packet, event.time = event.sent.packet, math.max(event.time, event.sent.time)
      end
      all[#all + 1] = not event.repeated and event or nil
    end
  end
  for i in ipairs(traces) do
    local drops <const> = losses.find(own, traces, i, slackof)
    table.move(drops, 1, #drops, #all + 1, all)
  end
  local merged <const> = order(all)
  merged.header = { node = traces[1].header.node, epoch = traces[1].header.epoch, numbered = true }
  merged.clocks = reports
  return merged
end

return merge
