-- Writes a trace as rows of JavaScript, also of JSON, in ASCII. Texts are strings of bytes, written once and then by number.
-- src/page/model.js reads the rows.
local describe <const> = require "mcast.describe"

local rows = {}

local bad <const> = '[%c"<\\\x80-\xff]'

local escapes <const> = {}
for byte = 0, 255 do
  escapes[string.char(byte)] = ("\\u%04x"):format(byte)
end

local function quote(text)
  return '"' .. text:gsub(bad, escapes) .. '"'
end
rows.quote = quote

-- A text that the script uses as text, not as bytes.
function rows.unicode(text)
  return "decode(" .. quote(text) .. ")"
end

-- A number in the syntax of JavaScript.
local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then
    return quote(tostring(value))
  end
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.17g"):format(value)
end

local function literal(value)
  if type(value) == "number" then
    return number(value)
  elseif type(value) == "boolean" then
    return tostring(value)
  elseif type(value) == "table" and not (getmetatable(value) or {}).__tostring then
    local list = {}
    for i = 1, #value do
      list[i] = literal(value[i])
    end
    return "[" .. table.concat(list, ",") .. "]"
  end
  return quote(tostring(value))
end
rows.literal = literal

-- Virtual time is an integer of nanoseconds; a float of seconds is exact enough to restore it.
function rows.nanoseconds(seconds)
  return math.floor(seconds * 1e9 + 0.5)
end

local Writer = {}
Writer.__index = Writer

-- put is a function of text; bytes is the number of bytes kept of a datagram; the option describe words it.
function rows.writer(put, bytes, option)
  return setmetatable({ put = put, bytes = bytes, words = describe.checked(option),
    numbers = {}, count = 0, packets = {}, cut = 0 }, Writer)
end

-- The number of a text; the text is written when it is first used.
function Writer:intern(value)
  if value == nil then
    return -1
  end
  local text = tostring(value)
  local known = self.numbers[text]
  if not known then
    known = self.count
    self.count = known + 1
    self.numbers[text] = known
    self.put("[0," .. quote(text) .. "],\n")
  end
  return known
end

function Writer:packet(event)
  local id, data = event.packet, event.data or ""
  if self.packets[id] then
    return
  end
  self.packets[id] = true
  if #data > self.bytes then
    self.cut = self.cut + 1
  end
  local from, to = self:intern(event.from), self:intern(event.to)
  local to_host = self:intern(type(event.to) ~= "string" and event.to and event.to.host or event.to)
  local multicast = type(event.to) ~= "string" and event.to and event.to.multicast
  local text <const>, kind <const> = self.words(data)
  local sort <const>, kept <const> = self:intern(kind), data:sub(1, self.bytes)
  self.put(("[1,%d,%d,%d,%d,%d,%d,%s,%s,%d],\n"):format(id, from, to, to_host, multicast and 1 or 0, #data, quote(kept),
    text == kept and 1 or text == "" and 0 or quote(text), sort)) -- 1: the text is the data, as it is
end

local common <const> = { time = true, kind = true, node = true }

local function details(event)
  local keys, list = {}, {}
  for key in pairs(event) do
    if type(key) == "string" and not common[key] then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    list[i] = quote(key) .. ":" .. literal(event[key])
  end
  return "{" .. table.concat(list, ",") .. "}"
end

-- The lines of nodes are in this order.
function Writer:nodes(names)
  for _, name in ipairs(names) do
    self.put(("[4,%d],\n"):format(self:intern(name)))
  end
end

function Writer:event(event)
  local kind, node, time = self:intern(event.kind), self:intern(event.node), rows.nanoseconds(event.time)
  if math.type(event.packet) == "integer" then
    self:packet(event)
    local host, interface, reason = self:intern(event.host), self:intern(event.interface), self:intern(event.reason)
    local lan, came = self:intern(event.lan), event.from_lan and "," .. self:intern(event.from_lan) or ""
    self.put(("[2,%d,%d,%d,%d,%d,%d,%d,%d,%d%s],\n"):format(kind, time, node, event.packet, host, interface,
      event.ttl or -1, reason, lan, came))
  else
    self.put(("[3,%d,%d,%d,%s],\n"):format(kind, time, node, details(event)))
  end
end

return rows
