-- The self-test: over each interface a datagram to the group, which another socket receives, and its answer by unicast.
-- The TTL is 0, so none of these datagrams leaves this host. A group that is named is joined, which sends a report; the
-- groups of all hosts, which stand for others, are not reported.
local mcast <const> = require "mcast"
local host <const> = require "mcast.cli.doctor.host"

local SECONDS <const> = 0.3 -- a datagram within a host arrives at once

-- Receives up to a text; returns its sender, or nil and a message.
local function await(sock, text)
  local deadline <const> = mcast.now() + SECONDS
  repeat
    local data, from, errno = sock:recvfrom(deadline - mcast.now())
    if data == text then
      return from
    elseif not data and errno ~= mcast.errno.ETIMEDOUT then
      return nil, from
    end
  until mcast.now() >= deadline
end

-- Joins as asked, and where a source is named also for this host's own datagrams.
local function join(sock, group, own)
  local ok, message = sock:join(group.group, { source = group.source })
  if ok and group.source and own and own ~= group.source then
    ok, message = sock:join(group.group, { source = own })
  end
  return ok, message
end

local function exchange(receiver, sender, group, own)
  local ok, message = join(receiver, group, own)
  if not ok then
    return nil, message
  end
  local text <const> = ("mcast doctor %016x"):format(math.random(0))
  local port <const> = receiver:getsockname().port
  ok, message = sender:sendto(text, assert(mcast.address(group.group, port)))
  if not ok then
    return nil, message
  end
  local from
  from, message = await(receiver, text)
  if not from then
    return nil, message or "a datagram to the group, sent by it and looped back, did not arrive"
  end
  ok, message = receiver:sendto(text, from)
  if not ok then
    return nil, message
  end
  from, message = await(sender, text)
  if not from then
    return nil, message or ("a datagram to the group arrived, but its answer by unicast to %s did not"):format(own)
  end
  return true
end

-- Tests one interface with a group; returns true, or nil and a message.
local function test(one, group)
  local receiver <close>, message = mcast.socket { family = group.family, interface = one.name, port = group.port }
  if not receiver then
    return nil, message
  end
  local sender <close>, failure = mcast.socket { family = group.family, interface = one.name, ttl = 0 }
  if not sender then
    return nil, failure
  end
  local own <const> = host.addresses(one, group.family)[1]
  return exchange(receiver, sender, group, own and own.host)
end

-- The groups to test an interface with: the named ones that concern it, else the one of all hosts (but not of IPv6 on lo,
-- where groups have no route by default).
local function choose(facts, one, family)
  local groups <const> = {}
  for _, group in ipairs(facts.groups) do
    if not group.unnamed and group.family == family and facts:interface(group) == one then
      groups[#groups + 1] = group
    end
  end
  if #groups == 0 and not (one.loopback and family == "inet6") and not facts:isport(one) then
    groups[1] = host.any[family]
  end
  return groups
end

-- Tests all interfaces; returns a list of {interface, group, ok, message}.
return function(facts)
  local results <const> = {}
  for _, one in ipairs(facts.interfaces) do
    for _, family in ipairs { "inet", "inet6" } do
      for _, group in ipairs(host.works(one, family) and choose(facts, one, family) or {}) do
        local ok <const>, message <const> = test(one, group)
        results[#results + 1] = { interface = one, group = group, ok = ok, message = message }
      end
    end
  end
  return results
end
