-- Answers to queries in multicast DNS (RFC 6762), from the records of names that are ours.
-- usage: local answer <const> = dofile "mdns/answers.lua" (loop, dns, send, names.held), as mdns.lua does
local mcast <const> = require "mcast"
local PAUSE <const>, PROBE_PAUSE <const> = 1, 0.25 -- section 6: a record is sent once a second; to probes each 250 ms

return function(loop, dns, send, held)
  local wanted = {}

  -- Sends a set of records, without those that were sent just now: a flood of queries is not answered by another one.
  local function answer(set, pause)
    local list <const>, now <const> = {}, mcast.now()
    for _, record in ipairs(held()) do
      if set[record] and now - (record.sent or -pause) >= pause then list[#list + 1], record.sent = record, now end
    end
    if #list > 0 then send(dns.RESPONSE, {}, list) end
  end

  -- Other hosts answer the same question, so not all at a time. One timer serves all, however many ask.
  local function answer_later(record)
    if not next(wanted) then
      loop:after(0.02 + 0.1 * math.random(), function() -- section 6
        local set <const> = wanted
        wanted = {}
        answer(set, PAUSE)
      end)
    end
    for _, other in ipairs(held()) do
      wanted[other] = wanted[other] or other.unique or other == record -- asked for next: RFC 6763, section 12
    end
  end

  return function(list)
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
    answer(set, pause)
  end
end
