-- The events and headers that a trace file may have: others read them without checks.
local valid = {}

local function text(value) return type(value) == "string" end
local function flag(value) return type(value) == "boolean" end
local function number(value) return type(value) == "number" end
local function count(value) return math.type(value) == "integer" and 0 <= value and value < 1 << 31 end
local function seconds(value) return type(value) == "number" and math.abs(value) < 9e9 end -- nanoseconds are an integer
local function scalar(value) return type(value) ~= "table" end
local function address(value) return type(value) == "table" and text(value.host) end

local function texts(value)
  for i = 1, type(value) == "table" and #value or 0 do
    if not text(value[i]) then
      return false
    end
  end
  return type(value) == "table"
end

local function ends(value) return address(value) or texts(value) end

local fields <const> = { time = seconds, kind = text, node = text, packet = count, datagram = count, sender = text,
  socket = count, from = ends, to = ends, ttl = count, dscp = count, ecn = count, loopback = flag, dropped = count,
  host = text, interface = text, lan = text, from_lan = text, address = text, group = text, port = count, mode = text,
  sources = texts, reason = text, change = text, skew = number, drift = number, oneway = flag, key = text, value = scalar,
  text = text, outside = flag, data = text }

-- The fields that events of a kind have, beside time and kind.
local copy <const> = { "node", "from", "to", "data" }
local needed <const> = {
  send = { "node", "from", "to", "data", "socket" }, deliver = { "node", "from", "to", "data", "socket" },
  drop = { "node", "from", "to", "data", "reason" }, forward = copy, hold = copy, release = copy,
  join = { "node", "group", "mode", "sources" }, leave = { "node", "group", "mode", "sources" },
  partition = { "from", "to" }, heal = { "from", "to" }, log = { "node", "text" }, note = { "node" },
  violation = { "text" }, fault = { "text" },
}
local numbered <const> = { send = true, deliver = true, drop = true, forward = true }

local function has(event, names)
  for _, name in ipairs(names) do
    if event[name] == nil then
      return false
    end
  end
  return true
end

-- Is it an event of a trace whose copies have numbers, or of one without?
function valid.event(event, withnumbers)
  for name, value in pairs(event) do
    if not (fields[name] or scalar)(value) then
      return false
    end
  end
  local iscopy <const> = event.data ~= nil or numbered[event.kind]
  return has(event, { "time", "kind" }) and has(event, needed[event.kind] or {})
    and (not iscopy or address(event.from) and address(event.to))
    and (not withnumbers or not numbered[event.kind] or event.packet ~= nil)
    and (event.kind ~= "note" or event.text ~= nil or event.key ~= nil)
    and (event.kind ~= "partition" and event.kind ~= "heal" or not address(event.from) and not address(event.to))
end

-- Is it a header, but for the version and the epoch?
function valid.header(header)
  for name, kind in pairs { node = text, host = text, clock = text, pid = count, addresses = texts, arguments = texts } do
    if header[name] ~= nil and not kind(header[name]) then
      return false
    end
  end
  return header.node ~= nil or header.numbered == true
end

return valid
