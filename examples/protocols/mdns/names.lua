-- Names of our own in multicast DNS (RFC 6762): probed for, announced, defended or given up, and withdrawn.
-- usage: local names <const> = dofile "mdns/names.lua" (loop, dns, send, claims, announce), as mdns.lua does
local mcast <const> = require "mcast"
local PROBES <const>, PROBE_PAUSE <const>, DEFER <const> = 3, 0.25, 1 -- sections 8.1 and 8.2
local ANNOUNCEMENTS <const>, PAUSE <const> = 2, 1.1 -- section 8.3: they are more than a second apart
local CONFLICTS <const>, SLOW <const> = 15, 5 -- section 8.1: after so many conflicts, seconds before the next one may come

return function(loop, dns, send, claims, announce)
  local names <const> = {}

  local function build(changed) -- its records, and those of a service on a host, which have the host's name
    local isabove = true
    for _, claim in ipairs(claims) do
      isabove = isabove and claim ~= changed
      if not isabove then claim.name, claim.records = claim.build(claim.label) end
    end
  end

  local function probe(claim, delay)
    local steps, proposed <const> = 0, {}
    for _, record in ipairs(claim.records) do proposed[#proposed + 1] = record.unique and record or nil end
    if claim.timer then claim.timer:cancel() end
    claim.held = false
    mcast.note(claim.key, "probing")
    claim.timer = loop:after(delay, function()
      steps = steps + 1
      if steps <= PROBES then
        send(dns.QUERY, { { name = claim.name, kind = dns.ANY } }, {}, proposed)
        return PROBE_PAUSE
      elseif not claim.held then
        claim.held = true
        mcast.note(claim.key, claim.label)
        print("announced: " .. dns.text(claim.name))
        local after <const> = claims[2]
        if after and not after.timer then probe(after, PROBE_PAUSE * math.random()) end
      end
      announce()
      return steps < PROBES + ANNOUNCEMENTS and PAUSE or nil
    end)
  end

  -- Claims names, one after the other: hosts that hope for one name would propose equal records for their services, and equal
  -- ones are no conflict. A claim has a `label`, a `form` of further ones, and `build`, which makes its name and records.
  function names.claim(list)
    table.move(list, 1, #list, 1, claims)
    build(claims[1])
    probe(claims[1], PROBE_PAUSE * math.random())
  end

  -- Another host has the name: we probe again for one that we held (section 9), else choose another one. Its number is of a
  -- range that doubles each time: of 200 hosts, not all try the same one.
  local function lose(claim)
    mcast.note "conflict"
    claim.conflicts = (claim.conflicts or 0) + 1
    if not claim.held then
      claim.tries, claim.base = math.min((claim.tries or 0) + 1, 30), claim.base or claim.label
      claim.label = claim.form:format(claim.base, math.random((1 << claim.tries - 1) + 1, 1 << claim.tries))
      build(claim)
    end
    probe(claim, claim.conflicts > CONFLICTS and SLOW or PROBE_PAUSE * math.random())
  end

  -- Do the records that another host proposes for our name come later than ours, in the order of section 8.2?
  local function is_later(list, claim)
    local ours <const>, theirs <const> = {}, {}
    for _, other in ipairs(list) do
      theirs[#theirs + 1] = other.section == 3 and other.key == claim.name:lower() and other.rank or nil
    end
    for _, own in ipairs(#theirs > 0 and claim.records or {}) do ours[#ours + 1] = own.unique and own.rank or nil end
    table.sort(ours)
    table.sort(theirs)
    for i, rank in ipairs(theirs) do
      if rank ~= ours[i] then return rank > (ours[i] or "") end
    end
    return false
  end

  function names.query(list) -- another host that probes, too: one of both waits
    for _, claim in ipairs(claims) do
      if claim.timer and not claim.held and is_later(list, claim) then
        mcast.note "defers"
        probe(claim, DEFER)
      end
    end
  end

  -- Does a record of another host contradict ours? While we probe, each one of the name does.
  local function contradicts(record, claim)
    local contrary = not claim.held and record.key == claim.name:lower()
    for _, own in ipairs(claim.records) do
      if own.set == record.set and own.rank == record.rank then return false end
      contrary = contrary or own.unique and own.set == record.set
    end
    return contrary and record.section > 1 and record.ttl > 0
  end

  function names.response(list)
    for _, claim in ipairs(claims) do
      for _, record in ipairs(claim.timer and list or {}) do
        if contradicts(record, claim) then
          lose(claim)
          break
        end
      end
    end
  end

  return names
end
