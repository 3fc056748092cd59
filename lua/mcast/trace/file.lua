-- Trace files: a header, and an event a line. Each line is JSON; mcast.trace documents it.
local address <const> = require "mcast.trace.address"
local json <const> = require "mcast.trace.json"
local valid <const> = require "mcast.trace.valid"

local encode <const> = json.encode

local file = {}


-- The fields in the order of a line; others follow, sorted.
local names <const> = { "node", "packet", "datagram", "sender", "socket", "from", "to", "ttl", "dscp", "ecn", "loopback",
  "dropped", "host", "interface", "lan",
  "from_lan", "address", "group", "port", "mode", "sources", "reason", "change", "skew", "drift",
  "oneway", "key", "value", "text", "outside", "data" }
local known <const> = { time = true, kind = true }
for _, name in ipairs(names) do
  known[name] = true
end

local function others(event)
  local list
  for name in next, event do
    if not known[name] then
      list = list or {}
      list[#list + 1] = name
    end
  end
  if list then
    table.sort(list)
  end
  return list
end

-- Seconds as nine digits after the point, of an integer of nanoseconds, in every locale.
local function seconds(nanoseconds)
  local sign <const> = nanoseconds < 0 and "-" or ""
  nanoseconds = math.abs(nanoseconds)
  return ("%s%d.%09d"):format(sign, nanoseconds // 1000000000, nanoseconds % 1000000000)
end
file.seconds = seconds

-- The line of a header.
function file.header(header)
  local parts <const> = { '"mcast":"trace","version":1' }
  for _, name in ipairs { "node", "host", "pid", "clock", "addresses", "arguments", "numbered" } do
    if header[name] ~= nil then
      parts[#parts + 1] = ('"%s":%s'):format(name, json.encode(header[name]))
    end
  end
  parts[#parts + 1] = ('"epoch":"%s"'):format(seconds(header.epoch or 0))
  return "{" .. table.concat(parts, ",") .. "}\n"
end

local function add(parts, event, list)
  for i = 1, #list do
    local value <const> = event[list[i]]
    if value ~= nil then
      parts[#parts + 1] = ',"' .. list[i] .. '":' .. encode(value)
    end
  end
end

-- The line of an event, at nanoseconds since the epoch of its file.
function file.line(nanoseconds, event)
  local parts <const>, further <const> = { '{"time":', seconds(nanoseconds), ',"kind":"', event.kind, '"' }, others(event)
  add(parts, event, names)
  if further then
    add(parts, event, further)
  end
  parts[#parts + 1] = "}\n"
  return table.concat(parts)
end

-- Writes a trace. One without a header is that of a simulated run, whose copies have the numbers of their sends.
function file.write(list, path)
  local output, message, errno = io.open(path, "wb")
  if not output then
    return nil, message, errno
  end
  local header <const> = type(list) == "table" and list.header or { numbered = true }
  local ok
  ok, message, errno = output:write(file.header(header))
  for i = 1, #list do
    if not ok then
      break
    end
    local event <const> = list[i]
    ok, message, errno = output:write(file.line(math.floor(event.time * 1e9 + 0.5), event))
  end
  local closed <const>, why <const>, code <const> = output:close()
  if ok and closed then
    return true
  end
  return nil, ("%s: %s"):format(path, message or why), errno or code
end

--
-- Reading.
--

local function nanoseconds(text)
  local whole <const>, part <const> = tostring(text):match "^(%d%d?%d?%d?%d?%d?%d?%d?%d?%d?)%.(%d%d%d%d%d%d%d%d%d)$"
  return whole and math.tointeger(tonumber(whole)) * 1000000000 + math.tointeger(tonumber(part)) or nil
end

-- The header of a line; or nil and a message.
function file.readheader(line, path)
  local header <const> = line and json.decode(line)
  if type(header) ~= "table" or header.mcast ~= "trace" then
    return nil, path .. ": not a trace"
  elseif header.version ~= 1 then
    return nil, ("%s: version %s of the format (1 expected)"):format(path, tostring(header.version))
  end
  header.epoch = nanoseconds(header.epoch)
  if not header.epoch or not valid.header(header) then
    return nil, path .. ": line 1: not a header"
  end
  return header
end

-- An event of a line, or nil.
function file.readevent(line, header)
  local event <const> = json.decode(line)
  if type(event) ~= "table" then
    return nil
  end
  for _, name in ipairs { "from", "to" } do
    if type(event[name]) == "string" then
      event[name] = address.parse(event[name])
    end
  end
  if not header.numbered then
    event.node, event.host = event.node or header.node, event.host or header.host
  end
  return valid.event(event, header.numbered) and event or nil
end

-- Sorts events by time; those of one time stay in their order.
function file.sort(list)
  local place <const> = {}
  for i, event in ipairs(list) do
    place[event] = i
  end
  table.sort(list, function(a, b)
    if a.time ~= b.time then
      return a.time < b.time
    end
    return place[a] < place[b]
  end)
  return list
end

-- Reads the lines of a file whose first one is its header. The last line may be cut.
function file.read(lines, path)
  local header <const>, message <const> = file.readheader(lines(), path)
  if not header then
    return nil, message
  end
  local list, number, bad = { header = header }, 1, nil
  for line in lines do
    number = number + 1
    if bad then
      return nil, ("%s: line %d: not an event"):format(path, bad)
    end
    local event <const> = file.readevent(line, header)
    bad = not event and number or nil
    list[#list + 1] = event
  end
  header.cut = bad ~= nil or nil
  return file.sort(list)
end

return file
