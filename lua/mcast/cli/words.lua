-- Words for the bytes of datagrams, on one line of a terminal: by a function that the user names, else by its number, else as
-- quoted text, else in hexadecimal digits.
local describe <const> = require "mcast.describe"
local output <const> = require "mcast.cli.output"

local words = {}

local TEXT <const>, BYTES <const> = 200, 32 -- that a line shows

local NAMES <const> = " dns rtp coap text "
local controls <const> = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Does the terminal expect UTF-8? Another one may obey a byte of it: 0x9b begins a control sequence in ISO 8859.
local function isunicode()
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local locale <const> = os.getenv(name) or ""
    if locale ~= "" then
      return locale:upper():find "UTF%-?8" ~= nil
    end
  end
  return false
end

local unicode <const> = isunicode()

local function printable(text)
  text = output.printable(text)
  return unicode and text or text:gsub("[\x80-\xff]", function(c) return ("\\x%02x"):format(c:byte()) end)
end

-- Is it text: UTF-8, with no control characters but ends of lines and tabs?
local function istext(data)
  return utf8.len(data) and not data:gsub("[\n\r\t]", ""):find "%c" and not data:find "\xc2[\x80-\x9f]"
end

-- Cuts at the end of a character.
local function cut(data, length)
  return data:sub(1, (utf8.offset(data, 0, length + 1) or length + 1) - 1)
end

local function quoted(data)
  local shown <const> = #data > TEXT and cut(data, TEXT) or data
  local lines <const> = {}
  for text, control in shown:gmatch "([^\n\r\t]*)([\n\r\t]?)" do
    lines[#lines + 1] = printable(text):gsub('"', '\\"') .. (controls[control] or "")
  end
  return ('"%s"%s'):format(table.concat(lines), #shown < #data and "..." or "")
end

function words.hexadecimal(data)
  return (data:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- The text and the kind of a datagram, which may have a number.
function words.of(data, decode, number)
  local text, kind
  if decode then
    text, kind = decode(data)
  end
  if text and text ~= "" then
    return (printable(text)), kind and (printable(kind))
  elseif number then
    return "number " .. number
  elseif istext(data) then
    return quoted(data)
  end
  return words.hexadecimal(data:sub(1, BYTES)) .. (#data > BYTES and "..." or "")
end

-- The fields of a datagram's bytes for JSON: text, or hex where they are no text.
function words.fields(record, data)
  if istext(data) then
    record.text = data
  else
    record.hex = words.hexadecimal(data)
  end
end

-- Returns the function that `--decode` names: of mcast.describe by its name, or the result of a file; or nil and a message.
function words.decoder(name)
  if NAMES:find(" " .. name .. " ", 1, true) then
    return describe[name]
  end
  local chunk, message <const> = loadfile(name)
  if not chunk then
    return nil, message
  end
  local ok <const>, f <const> = pcall(chunk)
  if not ok then
    return nil, tostring(f)
  elseif type(f) ~= "function" then
    return nil, ("%s returned a %s (function of the data expected, which returns a text and a kind)"):format(name, type(f))
  end
  return describe.checked(f)
end

return words
