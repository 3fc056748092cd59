-- The answers that a ping received, by host and by way: "unicast" or "multicast".
local figures <const> = require "mcast.cli.figures"

local tally = { WAIT = 1, ways = { "unicast", "multicast" } } -- WAIT: seconds after which a query without an answer is lost
tally.__index = tally

local KEPT <const> = 10 -- seconds that a query is known: a later answer does not count

-- A tally of queries to hosts that are named, or to each host that answers, where the list is empty.
function tally.new(hosts)
  local self <const> = setmetatable({ hosts = {}, order = {}, times = {}, first = 1, last = 0 }, tally)
  for _, host in ipairs(hosts) do
    self:host(host).since = 1
  end
  self.named = #hosts > 0
  return self
end

function tally:host(name)
  local host = self.hosts[name]
  if not host then
    host = { name = name }
    for _, way in ipairs(tally.ways) do
      host[way] = { way = way, seen = {}, received = 0, duplicates = 0, times = figures.new() }
    end
    self.hosts[name] = host
    self.order[#self.order + 1] = host
  end
  return host
end

-- Forgets the oldest queries.
local function forget(self, now)
  while self.first <= self.last and now - self.times[self.first] > KEPT do
    self.times[self.first] = nil
    for _, host in ipairs(self.order) do
      host.unicast.seen[self.first], host.multicast.seen[self.first] = nil, nil
    end
    self.first = self.first + 1
  end
end

-- Counts a query; returns its number.
function tally:send(now)
  forget(self, now)
  self.last = self.last + 1
  self.times[self.last] = now
  return self.last
end

-- Counts an answer. Returns the seconds since its query, and whether it is a duplicate; nil for an answer to no query.
function tally:receive(name, way, sequence, hops, now)
  local sent <const> = self.times[sequence]
  if not sent then
    return nil
  end
  local host <const> = self:host(name)
  local stream <const> = host[way]
  local seconds <const> = now - sent
  if stream.seen[sequence] then
    stream.duplicates = stream.duplicates + 1
    return seconds, true
  end
  stream.seen[sequence] = true
  stream.received = stream.received + 1
  stream.since = math.min(stream.since or sequence, sequence)
  host.since = math.min(host.since or sequence, sequence)
  stream.hops = hops
  stream.times:add(seconds)
  return seconds, false
end

-- Have all hosts that were named answered all queries, both ways?
function tally:complete()
  for _, host in ipairs(self.order) do
    if host.unicast.received < self.last or host.multicast.received < self.last then
      return false
    end
  end
  return self.named
end

-- Queries whose answer may still come.
local function pending(self, stream, since, now)
  local count = 0
  for sequence = math.max(self.first, since), self.last do
    if not stream.seen[sequence] and now - self.times[sequence] < tally.WAIT then
      count = count + 1
    end
  end
  return count
end

-- The figures of each host and way. A multicast answer counts as lost after the first one only: the tree of the group may
-- have to be made first. So does any answer of a host that was not named.
function tally:rows(now)
  local rows <const> = {}
  for _, host in ipairs(self.order) do
    for _, way in ipairs(tally.ways) do
      local stream <const> = host[way]
      local since <const> = way == "multicast" and stream.since or host.since
      local expected <const> = self.last - since + 1 - pending(self, stream, since, now)
      local row <const> = stream.times:summary()
      row.host, row.by, row.since, row.hops = host.name, way, since, stream.hops
      row.received, row.duplicates, row.lost = stream.received, stream.duplicates, expected - stream.received
      row.loss = expected > 0 and 100 * row.lost / expected or 0
      rows[#rows + 1] = row
    end
  end
  return rows
end

return tally
