-- Answers of multicast DNS (RFC 6762), from the records of the names that are ours.
-- usage: local answers <const> = dofile "mdns/answers.lua" (loop, dns, send, claims), as mdns.lua does
local mcast <const> = require "mcast"
local PAUSE <const>, PROBE_PAUSE <const> = 1, 0.25 -- section 6: a record is sent once a second; to probes each 250 ms

return function(loop, dns, send, claims)
  local answers <const>, wanted = {}, {}

  local function held()
    local list <const> = {}
    for _, claim in ipairs(claims) do
      if claim.held then table.move(claim.records, 1, #claim.records, #list + 1, list) end
    end
    return list
  end

  -- Sends the records of a set, and the unique ones beside them, which are asked for next (RFC 6763, section 12). None is sent
  -- that was sent just now: so a flood of queries is not answered by another one.
  local function publish(set, pause)
    local first <const>, others <const>, now <const> = {}, {}, mcast.now()
    for _, record in ipairs(held()) do
      local list <const> = set[record] and first or record.unique and others or {}
      list[#list + 1] = now - (record.sent or -PAUSE) >= (list == first and pause or PAUSE) and record or nil
    end
    if #first == 0 then return end
    for _, record in ipairs(first) do record.sent = now end
    for _, record in ipairs(others) do record.sent = now end
    send(dns.RESPONSE, {}, first, {}, others)
  end

  function answers.announce() -- section 8.3
    local set <const> = {}
    for _, record in ipairs(held()) do set[record] = true end
    publish(set, PAUSE)
  end

  -- Other hosts answer the same question, so not all at a time. One timer serves all, however many ask.
  local function answer_later(record)
    if not next(wanted) then
      loop:after(0.02 + 0.1 * math.random(), function() -- section 6
        local set <const> = wanted
        wanted = {}
        publish(set, PAUSE)
      end)
    end
    wanted[record] = true
  end

  function answers.query(list)
    local known <const>, set <const>, pause = {}, {}, PAUSE
    for _, record in ipairs(list) do
      if record.section == 2 then known[record.key .. record.rank] = record.ttl end
      if record.section == 3 then pause = PROBE_PAUSE end
    end
    for _, question in ipairs(list) do
      for _, own in ipairs(question.section == 1 and held() or {}) do
        local asked <const> = question.key == own.key and (question.kind == own.kind or question.kind == dns.ANY)
        if asked and (known[own.key .. own.rank] or 0) < own.ttl / 2 then -- section 7.1
          if own.unique then set[own] = true else answer_later(own) end
        end
      end
    end
    publish(set, pause)
  end

  function answers.goodbye() -- section 10.1; not after a conflict: the other host has these records
    local records <const> = held()
    for _, record in ipairs(records) do record.ttl = 0 end
    if #records > 0 then send(dns.RESPONSE, {}, records) end
  end

  return answers
end
