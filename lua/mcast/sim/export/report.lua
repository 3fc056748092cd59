-- Membership reports: a host merges the filters of its sockets into one of the interface (RFC 3376, section 3.2) and
-- reports its changes (section 5.1). MLDv2 does the same (RFC 3810).
local report = {}

local function set(list)
  local result = {}
  for _, item in ipairs(list) do
    result[item] = true
  end
  return result
end

-- The items of a that are not in b, sorted.
local function difference(a, b)
  local result = {}
  for item in pairs(a) do
    if not b[item] then
      result[#result + 1] = item
    end
  end
  table.sort(result)
  return result
end

local function intersection(a, b)
  local result = {}
  for item in pairs(a) do
    result[item] = b[item]
  end
  return result
end

-- The interface's filter, from those of its sockets. Where a socket excludes, the interface excludes the sources that all
-- such sockets exclude and no socket includes.
local function merge(filters)
  local included, excluded = {}, nil
  for _, filter in pairs(filters) do
    if filter.mode == "exclude" then
      excluded = excluded and intersection(excluded, filter.sources) or filter.sources
    else
      for source in pairs(filter.sources) do
        included[source] = true
      end
    end
  end
  if excluded then
    return "exclude", set(difference(excluded, included))
  end
  return "include", included
end

local function records(group, before, old, after, new)
  if before ~= after then
    return { { kind = after, group = group, sources = difference(new, {}) } }
  end
  local added, gone = difference(new, old), difference(old, new)
  if after == "exclude" then
    added, gone = gone, added
  end
  local list = {}
  if #added > 0 then
    list[#list + 1] = { kind = "allow", group = group, sources = added }
  end
  if #gone > 0 then
    list[#list + 1] = { kind = "block", group = group, sources = gone }
  end
  return #list > 0 and list or nil
end

-- Groups that are never reported: all hosts, and IPv6 groups of scope 0 or 1.
local function issilent(group)
  return group == "224.0.0.1" or group == "ff02::1" or group:find "^ff[%x][01]:" ~= nil
end

-- The records of the report that a join or leave causes, or nil. `memberships` keeps the state; it is empty at first.
function report.change(memberships, event)
  if not event.lan or issilent(event.group) then
    return nil
  end
  local key = ("%s\0%s\0%s"):format(event.host, event.interface, event.group)
  local filters = memberships[key] or {}
  local before, old = merge(filters)
  local gone = event.mode == "include" and #event.sources == 0
  filters[event.socket] = not gone and { mode = event.mode, sources = set(event.sources) } or nil
  memberships[key] = next(filters) and filters or nil
  return records(event.group, before, old, merge(filters))
end

return report
