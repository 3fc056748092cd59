-- Reads a trace for a still: lines, arrows, marks and spans.
local rows <const> = require "mcast.timeline.rows"

local scan = {}

local life <const> = { start = true, restart = true, ["end"] = true, fail = true, crash = true }

local Scan = {}
Scan.__index = Scan

function Scan:line(name)
  if name and not self.index[name] then
    self.nodes[#self.nodes + 1] = name
    self.index[name] = #self.nodes
  end
  return self.index[name]
end

-- The node that an event is of: that of a host with one node is on the node's line.
function Scan:node(event)
  local lines <const> = event.node and not self.index[event.node] and self.hosts[event.node]
  local only <const> = lines and next(lines)
  return only and not next(lines, only) and self.nodes[only] or event.node
end

-- Begins a span, which lasts until it is stopped or the trace ends.
function Scan:begin(list, id, span)
  list[#list + 1] = span
  self.open[id] = span
end

function Scan:stop(id, time)
  local span = self.open[id]
  if span then
    span.till = time
    self.open[id] = nil
  end
end

-- A copy comes from the router that forwarded it to its LAN, else from the sender.
function Scan:copy(event, time, line)
  local sent <const> = self.sends[event.packet]
  local send <const> = sent and sent.hops[event.from_lan or event.lan or false] or sent
  if send then
    local multicast = type(event.to) ~= "string" and event.to and event.to.multicast
    local kind = event.kind == "drop" and "lost" or multicast and "multicast" or "unicast"
    self.arrows[#self.arrows + 1] = { kind = kind, send = send, to = line, sent = send.time, time = time }
  else
    self:mark(event, time, line)
  end
end

function Scan:forward(event, time, line)
  local sent <const> = self.sends[event.packet]
  if sent then
    sent.hops[event.lan or false] = { time = time, line = line, text = "", kind = sent.kind }
    self:mark(event, time, line)
  end
end

function Scan:mark(event, time, line, text)
  self.marks[#self.marks + 1] = { kind = event.kind, line = line, time = time, text = text, number = #self.marks }
end

function Scan:send(event, time, line)
  local text <const>, kind <const> = self.words(event.data or "")
  if kind and not self.kinds[kind] then
    self.kinds[#self.kinds + 1] = kind
    self.kinds[kind] = #self.kinds
  end
  self.sent = self.sent + 1
  self.sends[event.packet or false] = { time = time, line = line, text = text, kind = kind, number = self.sent,
    hops = {} }
  self:mark(event, time, line)
end

local function signed(value, unit)
  return ("%s%.15g %s"):format(value < 0 and "−" or "+", math.abs(value), unit)
end

-- The change of a clock, such as "+0.5 s, +100 ppm".
local function setting(event)
  local skew <const>, drift <const>, parts = event.skew or 0, tonumber(("%.6g"):format((event.drift or 0) * 1e6)), {}
  parts[1] = skew ~= 0 and signed(skew, "s") or nil
  parts[#parts + 1] = drift ~= 0 and signed(drift, "ppm") or nil
  return #parts > 0 and table.concat(parts, ", ") or "set right"
end

-- From the first copy that is held for a node until none is.
function Scan:hold(event, time, line)
  local held <const> = self.holds[line] or { count = 0 }
  local id <const>, datagram <const> = "hold" .. line, event.datagram or false
  self.holds[line] = held
  if event.kind == "hold" and not held[datagram] then
    if held.count == 0 then
      self:begin(self.shades, id, { kind = "hold", lines = { line }, from = time })
    end
    held[datagram], held.count = true, held.count + 1
  elseif event.kind == "release" and held[datagram] then
    held[datagram], held.count = nil, held.count - 1
    self:stop(held.count == 0 and id, time)
  end
  self:mark(event, time, line)
end

function Scan:lives_on(event, time, line)
  for _, key in ipairs(self.keys) do
    self:stop(("state %d %s"):format(line, key), time)
  end
  for _, id in ipairs { "life", "crash", "pause" } do
    self:stop(id .. line, time)
  end
  if event.kind == "start" or event.kind == "restart" then
    self:begin(self.lives, "life" .. line, { line = line, from = time })
  elseif event.kind == "crash" then
    self:begin(self.shades, "crash" .. line, { kind = "crash", text = "crashed", lines = { line }, from = time })
  end
  self:mark(event, time, line)
end

function Scan:state(event, time, line)
  local key, value = event.key, tostring(event.value)
  if not self.values[key] then
    self.keys[#self.keys + 1] = key
    self.values[key] = {}
  end
  local values = self.values[key]
  if not values[value] then
    values[#values + 1] = value
    values[value] = #values
  end
  local id = ("state %d %s"):format(line, key)
  if self.open[id] and self.open[id].value == value then
    return
  end
  self:stop(id, time)
  self:begin(self.states, id, { line = line, key = key, value = value, number = values[value], from = time })
end

function Scan:partition(event, time)
  local id = ("cut %s|%s"):format(table.concat(event.from, ","), table.concat(event.to, ","))
  self:stop(id, time)
  if event.kind == "partition" then
    local lines = {}
    for _, side in ipairs { event.from, event.to } do
      for _, host in ipairs(side) do
        for line in pairs(self.hosts[host] or { [self.index[host] or 0] = true }) do
          lines[#lines + 1] = line > 0 and line or nil
        end
      end
    end
    table.sort(lines)
    self:begin(self.shades, id, { kind = "partition", lines = lines, from = time, text = ("cut: %s %s %s"):format(
      table.concat(event.from, ", "), event.oneway and "→" or "|", table.concat(event.to, ", ")) })
  end
end

-- The span of datagrams and notes.
function Scan:extend(event, time)
  if event.packet or event.kind == "note" or event.kind == "fault" or event.kind == "violation" then
    self.first = math.min(self.first, time)
    self.last = math.max(self.last, time)
  end
end

function Scan:event(event)
  local time, kind = rows.nanoseconds(event.time), event.kind
  self:extend(event, time)
  local line = self:line(self:node(event))
  if line and event.host then
    self.hosts[event.host] = self.hosts[event.host] or {}
    self.hosts[event.host][line] = true
  end
  if kind == "partition" or kind == "heal" then
    self:partition(event, time)
  elseif kind == "violation" then
    self.violations[#self.violations + 1] = { time = time, text = event.text or "violation" }
  elseif not line then
    self.unplaced = self.unplaced + 1
  elseif kind == "send" then
    self:send(event, time, line)
  elseif event.packet then
    self:copy(event, time, line)
    if kind == "forward" then
      self:forward(event, time, line)
    end
  elseif kind == "hold" or kind == "release" then
    self:hold(event, time, line)
  elseif life[kind] then
    self:lives_on(event, time, line)
  elseif kind == "pause" then
    self:begin(self.shades, "pause" .. line, { kind = "pause", text = "paused", lines = { line }, from = time })
    self:mark(event, time, line)
  elseif kind == "note" and event.key ~= nil then
    self:state(event, time, line)
  else
    self:stop(kind == "resume" and "pause" .. line, time)
    self:mark(event, time, line, kind == "clock" and setting(event) or event.text)
  end
end

-- The span of a picture: between the two times given, else the whole trace, or the span of datagrams and notes where it is
-- less than half of the trace (then the result is true).
local function setspan(result, trace, from, till)
  local total <const> = #trace
  local begin <const> = total > 0 and rows.nanoseconds(trace[1].time) or 0
  local finish <const> = total > 0 and rows.nanoseconds(trace[total].time) or 0
  local busy <const> = not from and not till and result.first <= result.last
    and result.last - result.first < (finish - begin) / 2
  local margin <const> = busy and (result.last - result.first) // 50 + 1000 or 0
  result.from = from or busy and math.max(begin, result.first - margin) or begin
  result.till = till or busy and math.min(finish, result.last + margin) or finish
  result.finish = math.min(finish, result.till)
  return busy
end

-- Those of the nodes that have events in a trace.
local function order(trace, nodes)
  local found <const>, list <const> = {}, {}
  for i = 1, nodes and #trace or 0 do
    found[trace[i].node or false] = true
  end
  for _, name in ipairs(nodes or {}) do
    list[#list + 1] = found[name] and name or nil
  end
  return list
end

-- Reads a trace, whose datagrams a function words; the picture is of the part between two times, in nanoseconds, or of the
-- part in which things happen.
function scan.read(trace, words, from, till, nodes)
  local result = setmetatable({ nodes = {}, index = {}, hosts = {}, open = {}, sends = {}, arrows = {}, marks = {},
    lives = {}, states = {}, keys = {}, values = {}, shades = {}, violations = {}, unplaced = 0, kinds = {}, holds = {},
    sent = 0, words = words, first = math.huge, last = -math.huge }, Scan)
  for _, name in ipairs(order(trace, nodes)) do
    result:line(name)
  end
  for i = 1, #trace do
    result:event(trace[i])
  end
  result.busy = setspan(result, trace, from, till)
  return result
end

return scan
