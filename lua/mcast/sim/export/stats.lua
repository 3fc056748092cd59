--- Counts the datagrams of a trace, by node and group.
-- @module mcast.sim.export.stats
local check <const> = require "mcast.check"
local locale <const> = require "mcast.locale"

local stats = {}

local quantiles <const> = { p50 = 0.5, p90 = 0.9, p99 = 0.99 }
local columns <const> = { "sent", "delivered", "lost", "duplicated" }

local function newrow()
  return { sent = 0, delivered = 0, lost = 0, duplicated = 0, held = 0, drops = {}, latency = {}, seen = {} }
end

-- The row of an event. All unicast datagrams are in one row, "unicast".
local function find(figures, event)
  local group = event.to.multicast and event.to.host or "unicast"
  local groups = figures[event.node]
  if not groups then
    groups = {}
    figures[event.node] = groups
  end
  groups[group] = groups[group] or newrow()
  return groups[group]
end

local kinds = {}

function kinds.send(row, event, state)
  row.sent = row.sent + 1
  state.sent[event.packet] = not event.outside and event.time or nil
end

-- A datagram that the socket has received before is a duplicate and does not count for latency.
function kinds.deliver(row, event, state)
  row.delivered = row.delivered + 1
  local key <const>, sent <const> = event.packet << 32 | event.socket, state.sent[event.packet]
  if row.seen[key] then
    row.duplicated = row.duplicated + 1
    return
  end
  row.seen[key] = true
  row.latency[#row.latency + 1] = sent and event.time - sent
end

function kinds.drop(row, event)
  row.lost = row.lost + 1
  row.drops[event.reason] = (row.drops[event.reason] or 0) + 1
end

function kinds.hold(row)
  row.held = row.held + 1
end

function kinds.release(row)
  row.held = row.held - 1
end

-- The least value that is not below a share of the values.
local function quantile(sorted, share)
  return sorted[math.max(1, math.ceil(share * #sorted))]
end

local function summarize(values)
  if #values == 0 then
    return nil
  end
  table.sort(values)
  local total = 0
  for _, value in ipairs(values) do
    total = total + value
  end
  local result = { least = values[1], most = values[#values], mean = total / #values }
  for name, share in pairs(quantiles) do
    result[name] = quantile(values, share)
  end
  return result
end

local function sortedkeys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function line(node, group, row)
  local cells = { ("%-16s %-20s"):format(node, group) }
  for _, name in ipairs(columns) do
    cells[#cells + 1] = ("%10d"):format(row[name])
  end
  for _, name in ipairs { "p50", "p90", "p99" } do
    cells[#cells + 1] = row.latency and ("%10.3f"):format(row.latency[name] * 1000) or ("%10s"):format "-"
  end
  return table.concat(cells, " ")
end

-- Lines about copies that are still held.
local function held(lines, figures, node, group)
  local count <const> = figures[node][group].held
  if count > 0 then
    lines[#lines + 1] = ("held at the end: %d to %s at %s"):format(count, group, node)
  end
end

local function tostring_figures(figures, untouched)
  local _ <close> = locale.plain()
  local lines = { ("%-16s %-20s %10s %10s %10s %10s %10s %10s %10s"):format("node", "group", "sent", "delivered", "lost",
    "duplicated", "p50 ms", "p90 ms", "p99 ms") }
  for _, node in ipairs(sortedkeys(figures)) do
    for _, group in ipairs(sortedkeys(figures[node])) do
      lines[#lines + 1] = line(node, group, figures[node][group])
    end
  end
  for _, node in ipairs(sortedkeys(figures)) do
    for _, group in ipairs(sortedkeys(figures[node])) do
      held(lines, figures, node, group)
    end
  end
  for _, fault in ipairs(untouched) do
    lines[#lines + 1] = "touched no copy: " .. fault
  end
  return table.concat(lines, "\n")
end

--- Counts the datagrams of a trace. The result is a table by node's name, and in it by group (text; "unicast" for all
-- unicast datagrams), of rows:
--
-- - `sent`: datagrams
-- - `delivered`: datagrams that arrived in a socket's receive buffer
-- - `duplicated`: how many of these the same socket had received before
-- - `lost`: copies dropped at this node; `drops`: their number by reason
-- - `held`: copies that a `Hold` held back to the end of the trace
-- - `latency`: seconds from send to socket, without duplicates: `{least =, p50 =, p90 =, p99 =, most =, mean =}`; nil where
--   nothing was delivered
--
-- In a merged trace (`mcast.trace`), a datagram from outside has no latency. `tostring` formats the result as a table.
-- A copy lost on its way to a host that several nodes share is counted under the host's name.
-- @param trace list of events, such as `net.trace`
-- @tparam[opt] {string,...} untouched faults that touched no copy: the field `untouched` of the result
-- @treturn table rows by node and group
-- @usage print(require "mcast.sim.export.stats".of(net.trace))
function stats.of(trace, untouched)
  check.expect(trace, "bad argument #1 to 'of' (trace expected, got nil)")
  untouched = untouched or {}
  local figures, state = setmetatable({}, { __index = { untouched = untouched },
    __tostring = function(self) return tostring_figures(self, untouched) end }), { sent = {} }
  for i = 1, #trace do
    local event = trace[i]
    local kind = kinds[event.kind]
    if kind then
      kind(find(figures, event), event, state)
    end
  end
  for _, groups in pairs(figures) do
    for _, row in pairs(groups) do
      row.latency, row.seen = summarize(row.latency), nil
    end
  end
  return figures
end

return stats
