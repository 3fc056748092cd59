-- Relations of clocks, from datagrams that went between them.
--
-- A datagram arrives after it was sent: so the clock of the receiver is ahead of the sender's by less than the difference
-- of the two times, and a datagram the other way bounds it from the other side. This is the rule of Cristian (1989) and of
-- NTP (RFC 5905) for a pair of datagrams. For clocks that drift, offset = o + d * time has to be above all bounds of one way
-- and below all of the other: these lines are a convex polygon in the plane of o and d (Duda, Harrus, Haddad and Bernard,
-- 1987, with hulls of the points). The polygon is cut by each bound; its middle is the estimate, and its farthest corner
-- the bound of the error. No clock drifts by more than 500 ppm: NTP's own limit.
local clocks = {}

local DRIFT <const> = 500e-6

-- The part of a polygon of {o, d} that a bound leaves: sign * (o + d * time - value) is 0 or more.
local function cut(polygon, time, value, sign)
  local kept = {}
  for i, corner in ipairs(polygon) do
    local last <const> = polygon[i == 1 and #polygon or i - 1]
    local here <const> = sign * (corner[1] + corner[2] * time - value)
    local before <const> = sign * (last[1] + last[2] * time - value)
    if here >= 0 ~= (before >= 0) then
      local share <const> = before / (before - here)
      kept[#kept + 1] = { last[1] + (corner[1] - last[1]) * share, last[2] + (corner[2] - last[2]) * share }
    end
    if here >= 0 then
      kept[#kept + 1] = corner
    end
  end
  return kept
end

-- The reach of a list of {time, bound} in both.
local function extent(samples)
  local first, last, least, most = math.huge, -math.huge, math.huge, -math.huge
  for _, list in ipairs(samples) do
    for _, sample in ipairs(list) do
      first, last = math.min(first, sample[1]), math.max(last, sample[1])
      least, most = math.min(least, sample[2]), math.max(most, sample[2])
    end
  end
  return first, last, least, most
end

local function middle(polygon)
  local o, d = 0, 0
  for _, corner in ipairs(polygon) do
    o, d = o + corner[1] / #polygon, d + corner[2] / #polygon
  end
  return o, d
end

-- The relation by datagrams that went both ways.
local function both(above, below)
  local first <const>, last <const>, least <const>, most <const> = extent { above, below }
  local reach <const> = most - least + DRIFT * (last - first) + 1
  -- Numbers are small from the first sample on, so that nothing is lost.
  local polygon = { { least - reach, -DRIFT }, { least - reach, DRIFT }, { most + reach, DRIFT }, { most + reach, -DRIFT } }
  local contradictions = 0
  local function apply(list, sign)
    for _, sample in ipairs(list) do
      local kept <const> = cut(polygon, sample[1] - first, sample[2], sign)
      if #kept > 0 then
        polygon = kept
      else
        contradictions = contradictions + 1
      end
    end
  end
  apply(above, -1)
  apply(below, 1)
  local o <const>, d <const> = middle(polygon)
  local bound = 0
  for _, corner in ipairs(polygon) do
    for _, time in ipairs { 0, last - first } do
      bound = math.max(bound, math.abs(corner[1] - o + (corner[2] - d) * time))
    end
  end
  return { ways = "both", offset = o - d * first, drift = d, bound = bound, samples = #above + #below,
    contradictions = contradictions }
end

-- The relation of two clocks: the second one is ahead by offset + drift * time of the first one. The bounds are lists of
-- {time by the first clock, seconds}: the second clock is ahead by less (above) or by more (below).
function clocks.relate(above, below)
  if #above > 0 and #below > 0 then
    return both(above, below)
  end
  local _, _, least <const>, most <const> = extent { above, below }
  return { ways = "one", offset = #above > 0 and least or most, drift = 0, samples = #above + #below, contradictions = 0,
    side = #above > 0 and "or less" or "or more" }
end

local function isbetter(a, b)
  if not b or a.ways ~= b.ways then
    return not b or a.ways == "both"
  end
  return (a.bound or 0) < (b.bound or 0)
end

-- The best relation between a clock that is known and one that is not.
local function best(known, relations)
  local chosen
  for _, one in ipairs(relations) do
    if known[one.from] and not known[one.to] and isbetter(one, chosen) then
      chosen = one
    end
  end
  return chosen
end

-- Puts clocks in relation to the first one. Returns by clock {a, b, ...}: its time t is a + b * t by the first clock.
-- relations is a list of relations, in both directions, with the numbers of the clocks, from and to.
function clocks.connect(relations)
  local known <const> = { { a = 0, b = 1, bound = 0, ways = "same", samples = 0, contradictions = 0 } }
  local edge = best(known, relations)
  while edge do
    local from <const>, rate <const> = known[edge.from], 1 + edge.drift
    known[edge.to] = { a = from.a - from.b * edge.offset / rate, b = from.b / rate, samples = edge.samples,
      bound = edge.bound and from.bound and edge.bound + from.bound, contradictions = edge.contradictions, side = edge.side,
      ways = (edge.ways == "one" or from.ways == "one") and "one" or "both" }
    edge = best(known, relations)
  end
  return known
end

return clocks
