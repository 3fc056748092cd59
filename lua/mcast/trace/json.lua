-- Lines of JSON (RFC 8259). A string is one of bytes: each byte is the character of its number, so data survive, and
-- files are in ASCII.
local json = {}

local escapes <const> = { ['"'] = '\\"', ["\\"] = "\\\\" }
for byte = 0, 255 do
  if byte < 32 or byte > 126 then
    escapes[string.char(byte)] = ("\\u%04x"):format(byte)
  end
end

local special <const> = '[%c"\\\x7f-\xff]'

local function quote(text)
  if text:find(special) then
    text = text:gsub(special, escapes)
  end
  return '"' .. text .. '"'
end

-- A locale may have another decimal point. JSON knows no NaN: null.
local function number(value)
  if math.type(value) == "integer" then
    return ("%d"):format(value)
  elseif value ~= value then
    return "null"
  end
  return value == math.huge and "1e999" or value == -math.huge and "-1e999" or (("%.17g"):format(value):gsub(",", "."))
end

-- A value as JSON: a table is a list, and anything else than numbers and booleans is its text.
function json.encode(value)
  local kind <const> = type(value)
  if kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" and not (getmetatable(value) or {}).__tostring then
    local list = {}
    for i = 1, #value do
      list[i] = json.encode(value[i])
    end
    return "[" .. table.concat(list, ",") .. "]"
  end
  return quote(tostring(value))
end

--
-- Reading.
--

local plain <const> = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- The text of an escape. Characters above 255 are not of this format: they become UTF-8.
local function unescape(code, digits)
  if code ~= "u" or #digits < 4 then
    return (plain[code] or code) .. digits
  end
  local character <const> = tonumber(digits, 16)
  return character < 256 and string.char(character) or utf8.char(character)
end

-- Readers by first byte: functions of a text and a position that return the value, and the position behind it; nil where
-- the text is no JSON.
local readers = {}

local function skip(text, at)
  return text:match("^[ \t\r\n]*()", at)
end

local function read(text, at, depth)
  at = skip(text, at)
  local reader <const> = readers[text:byte(at)]
  if reader and depth < 16 then
    return reader(text, at, depth)
  end
end

readers[('"'):byte()] = function(text, at)
  local start <const> = at + 1
  local stop = text:find('["\\]', start)
  while stop and text:byte(stop) == 92 do
    stop = text:find('["\\]', stop + 2)
  end
  if stop then
    return (text:sub(start, stop - 1):gsub("\\(.)(%x?%x?%x?%x?)", unescape)), stop + 1
  end
end

local function readnumber(text, at)
  local digits <const>, behind <const> = text:match("^(%-?%d[%d.eE+-]*)()", at)
  local value <const> = tonumber(digits)
  if value then
    return value, behind
  end
end
for byte in ("-0123456789"):gmatch "." do
  readers[byte:byte()] = readnumber
end

for word, value in pairs { ["true"] = { true }, ["false"] = { false }, null = {} } do
  readers[word:byte()] = function(text, at)
    if text:sub(at, at + #word - 1) == word then
      return value[1], at + #word
    end
  end
end

-- The entries of a list or an object, up to its end; entry reads one, and puts it into the result.
local function entries(text, at, last, entry)
  local result = {}
  at = skip(text, at + 1)
  if text:sub(at, at) == last then
    return result, at + 1
  end
  while at do
    at = entry(result, at)
    at = at and skip(text, at)
    local mark <const> = at and text:sub(at, at)
    if mark == last then
      return result, at + 1
    end
    at = mark == "," and at + 1 or nil
  end
end

readers[("["):byte()] = function(text, at, depth)
  local n = 0
  return entries(text, at, "]", function(result, place)
    local value <const>, behind <const> = read(text, place, depth + 1)
    n = n + 1
    result[n] = value
    return behind
  end)
end

readers[("{"):byte()] = function(text, at, depth)
  return entries(text, at, "}", function(result, place)
    local key, behind = read(text, place, depth + 1)
    behind = type(key) == "string" and behind and text:match("^[ \t\r\n]*:()", behind)
    if behind then
      result[key], behind = read(text, behind, depth + 1)
    end
    return behind or nil
  end)
end

-- The value of a line; nil where it is no JSON.
function json.decode(line)
  local value <const>, behind <const> = read(line, 1, 0)
  if behind and skip(line, behind) > #line then
    return value
  end
end

return json
