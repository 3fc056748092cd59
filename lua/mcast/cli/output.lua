-- The output of a subcommand: lines of text for people, or with --json one object a line. Colour is for terminals only, and
-- never with NO_COLOR.
local json <const> = require "dkjson"
local term <const> = require "term"

local output = {}
output.__index = output

local COLOURS <const> = { red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36, bold = 1, dim = 2 }

local EPIPE <const> = 32 -- on all systems

function output.new(isjson)
  local terminal <const> = term.isatty(io.stdout)
  return setmetatable({ json = isjson, terminal = terminal, coloured = terminal and not isjson
    and (os.getenv "NO_COLOR" or "") == "" }, output)
end

-- Writes; a reader that went away ends the command well, as with head(1).
local function write(text)
  local ok, message, errno = io.stdout:write(text)
  if ok then
    ok, message, errno = io.stdout:flush()
  end
  if not ok then
    error({ status = errno == EPIPE and 0 or 1, message = errno ~= EPIPE and "stdout: " .. message or nil }, 0)
  end
end

-- Prints a line of text; nothing with --json.
function output:line(text, ...)
  if not self.json then
    write((select("#", ...) > 0 and text:format(...) or text) .. "\n")
  end
end

-- Prints a record: with --json as an object, else the text, if there is one. `keys` is the order of the object's keys.
function output:record(record, text, keys)
  if self.json then
    write(json.encode(record, { keyorder = keys }) .. "\n")
  elseif text then
    write(text .. "\n")
  end
end

function output:colour(name, text)
  return self.coloured and ("\27[%dm%s\27[0m"):format(COLOURS[name], text) or text
end

-- A list, which is an array with --json also where it is empty.
function output.list(values)
  return setmetatable(values, { __jsontype = "array" })
end

-- Text in which no byte can control a terminal: other bytes than printable ASCII and valid UTF-8 are escaped.
function output.printable(text)
  text = text:gsub("[%c\\]", function(c)
    return c == "\\" and "\\\\" or ("\\x%02x"):format(c:byte())
  end)
  if not utf8.len(text) or text:find "\xc2[\x80-\x9f]" then -- controls of ISO 6429 in 8 bits
    text = text:gsub("[\x80-\xff]", function(c) return ("\\x%02x"):format(c:byte()) end)
  end
  return text
end

-- Prints rows of cells below their headers, in columns.
function output:table(headers, rows)
  local widths <const> = {}
  for _, row in ipairs { headers, table.unpack(rows) } do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  local function line(row)
    local cells <const> = {}
    for i, cell in ipairs(row) do
      cells[i] = i < #row and cell .. (" "):rep(widths[i] - (utf8.len(cell) or #cell)) or cell
    end
    return table.concat(cells, "  ")
  end
  self:line("%s", self:colour("bold", line(headers)))
  for _, row in ipairs(rows) do
    self:line("%s", line(row))
  end
end

return output
