-- The functions of a node's environment that differ from Lua's: those that depend on the process, its clock, its memory
-- or its terminal.
local core <const> = require "mcast.sim.core"
local files <const> = require "mcast.sim.sandbox.files"
local lines <const> = require "mcast.sim.sandbox.lines"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local strings <const> = require "mcast.sim.sandbox.strings"

local current <const> = core.current
local unpack <const> = table.unpack

local library = { string = {}, table = {}, math = {}, os = {}, io = files, coroutine = {}, debug = {} }

-- A text, or a number as text.
local function checktext(value, number, name)
  if type(value) ~= "string" and type(value) ~= "number" then
    error(("bad argument #%d to '%s' (string expected, got %s)"):format(number, name,
      value == nil and "no value" or type(value)), 3)
  end
  return tostring(value)
end

local function refuse(name, why)
  return function() error(name .. " is not available in the simulator" .. (why or ""), 2) end
end

-- Objects are shown by a number, not by their place in memory, which depends on the process.
local numbered <const> = { table = true, ["function"] = true, thread = true, userdata = true }

local function number(value)
  local numbers = current().net.numbers
  local n = numbers[value]
  if not n then
    numbers.count = numbers.count + 1
    n = numbers.count
    numbers[value] = n
  end
  return ("0x%08x"):format(n)
end

function library.tostring(...)
  local value = ...
  if not numbered[type(value)] or select("#", ...) == 0 then
    return tostring(...)
  end
  local metatable = debug.getmetatable(value)
  if files.type(value) == "file" then
    return ("file (%s)"):format(number(value))
  elseif metatable and metatable.__tostring then
    return tostring(value)
  end
  local name = metatable and metatable.__name
  return (type(name) == "string" and name or type(value)) .. ": " .. number(value)
end

function library.print(...)
  local texts = table.pack(...)
  for i = 1, texts.n do
    texts[i] = library.tostring(texts[i])
  end
  lines.write(current(), table.concat(texts, "\t") .. "\n")
end

-- Memory is the process's, not the node's.
function library.collectgarbage(option)
  if option == "step" then
    return true
  end
  return 0
end

-- The time of a collection depends on the process, so finalizers of a node's objects are not called.
local function unfinalized(setmetatable)
  return function(value, ...)
    local metatable = ...
    local finalizer = type(metatable) == "table" and rawget(metatable, "__gc") or nil
    if finalizer then
      rawset(metatable, "__gc", nil)
    end
    local ok, message = pcall(setmetatable, value, ...)
    if finalizer then
      rawset(metatable, "__gc", finalizer)
    end
    return ok and value or not ok and error(message, 2)
  end
end

library.setmetatable = unfinalized(setmetatable)

-- The metatable of strings is the node's own once a script asks for it.
local function ownstrings(getmetatable)
  return function(...)
    local node = type((...)) == "string" and current()
    if node then
      return strings.own(node)
    end
    return getmetatable(...)
  end
end

library.getmetatable = ownstrings(getmetatable)

-- The text that a function passes in pieces; nil and a message where it fails. It may wait.
local function gather(reader)
  local pieces = {}
  while true do
    local ok <const>, piece = pcall(reader)
    if not ok then
      return nil, piece
    elseif piece == nil or piece == "" then
      return table.concat(pieces)
    elseif type(piece) ~= "string" and type(piece) ~= "number" then
      return nil, "reader function must return a string"
    end
    pieces[#pieces + 1] = piece
  end
end

function library.load(chunk, name, mode, ...)
  if type(chunk) == "function" then
    local text <const>, message = gather(chunk)
    if not text then
      return nil, message
    end
    chunk, name = text, name or "=(load)"
  end
  if select("#", ...) > 0 then
    return load(chunk, name, mode, ...)
  end
  return load(chunk, name, mode, current().env)
end

function library.loadfile(path, mode, ...)
  local text <const>, message = files.text(path)
  if not text then
    return nil, message
  end
  return library.load(scripts.strip(text), path and "@" .. path or "=stdin", mode, ...)
end

function library.dofile(path)
  local chunk <const>, message = library.loadfile(path)
  return (chunk or error(message, 0))()
end

-- Files are shown as by library.tostring.
function files.metatable.__tostring(file)
  return files.type(file) == "file" and ("file (%s)"):format(number(file)) or "file (closed)"
end

library.pairs, library.next = core.pairs, core.next

-- Objects are shown as by library.tostring, also for %p.
function library.string.format(form, ...)
  if type(form) ~= "string" and type(form) ~= "number" then
    error(("bad argument #1 to 'format' (string expected, got %s)"):format(form == nil and "no value" or type(form)), 2)
  end
  local values, at = table.pack(...), 0
  for i = 1, values.n do
    values[i] = numbered[type(values[i])] and { values[i] } or values[i]
  end
  form = tostring(form):gsub("%%([-+ #0]*%d*%.?%d*)(.)", function(flags, letter)
    if letter == "%" then
      return nil
    end
    at = at + 1
    local value = values[at]
    local boxed = type(value) == "table" and value
    if letter == "p" then
      values[at] = boxed and number(boxed[1]) or type(value) == "string" and number(value) or "(null)"
      return "%" .. flags .. "s"
    end
    if boxed then
      values[at] = letter == "s" and library.tostring(boxed[1]) or boxed[1]
    end
    return nil
  end)
  for i = at + 1, values.n do -- values that no conversion uses
    values[i] = nil
  end
  local ok, text = pcall(string.format, form, unpack(values, 1, values.n))
  return ok and text or error((text:gsub("'string.format'", "'format'", 1)), 2)
end

-- A merge sort: in large tables the pivot of Lua's sort depends on the clock.
local function merge(list, from, middle, to, before, buffer)
  local left, right = from, middle + 1
  for k = from, to do
    if left <= middle and (right > to or not before(list[right], list[left])) then
      buffer[k], left = list[left], left + 1
    else
      buffer[k], right = list[right], right + 1
    end
  end
  for k = from, to do
    list[k] = buffer[k]
  end
end

local function less(a, b)
  return a < b
end

function library.table.sort(list, before)
  assert(before == nil or type(before) == "function", "bad argument #2 to 'sort' (function expected)")
  local n, width, buffer = #list, 1, {}
  while width < n do
    for from = 1, n - width, 2 * width do
      merge(list, from, from + width - 1, math.min(from + 2 * width - 1, n), before or less, buffer)
    end
    width = 2 * width
  end
end

library.math.random, library.math.randomseed = core.random, core.randomseed

for name, functions in pairs { table = { "insert", "remove", "move", "concat" }, string = { "rep" } } do
  for _, key in ipairs(functions) do
    library[name][key] = core[key]
  end
end

for _, name in ipairs { "resume", "wrap", "yield", "isyieldable", "running" } do
  library.coroutine[name] = core[name]
end

--
-- os
--

-- Days from 1970-01-01 of a date of the Gregorian calendar.
local function days(year, month, day)
  year = year + (month - 1) // 12
  month = (month - 1) % 12 + 1
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
end

local function field(date, name, default)
  local value = math.tointeger(tonumber(date[name] or default))
  return value or error(("field '%s' %s in date table"):format(name, date[name] and "is not an integer" or "missing"), 3)
end

-- The time zone of all nodes is UTC.
function library.os.time(date)
  if not date then
    local _, day = core.clock()
    return math.floor(day)
  end
  local time <const> = days(field(date, "year"), field(date, "month"), field(date, "day")) * 86400
    + field(date, "hour", 12) * 3600 + field(date, "min", 0) * 60 + field(date, "sec", 0)
  for name, value in pairs(os.date("!*t", time)) do -- normalizes: 35 January is 4 February
    date[name] = value
  end
  return time
end

function library.os.date(form, time)
  form = form or "%c"
  return os.date(form:sub(1, 1) == "!" and form or "!" .. form, time or library.os.time())
end

-- All nodes are in the C locale, and it is the only one that they know.
function library.os.setlocale(name, category)
  local plain <const> = os.setlocale(nil, category)
  if name ~= nil and type(name) ~= "string" then
    error(("bad argument #1 to 'setlocale' (string expected, got %s)"):format(type(name)), 2)
  end
  return (name or "") == "" and plain or (name == "C" or name == "POSIX") and plain or nil
end

function library.os.clock()
  return (core.clock())
end

function library.os.getenv(name)
  return current().variables[name]
end

library.os.exit = core.exit
library.os.execute = refuse "os.execute"

function library.os.remove(path)
  return current().on.disk:remove(checktext(path, 1, "remove"))
end

function library.os.rename(from, to)
  return current().on.disk:rename(checktext(from, 1, "rename"), checktext(to, 2, "rename"))
end

function library.os.tmpname()
  return current().on.disk:temporary()
end

--
-- debug: without hooks, which the simulator uses to count instructions, and without the registry.
--

library.debug.sethook = refuse "debug.sethook"
library.debug.gethook = function() end
library.debug.getregistry = refuse "debug.getregistry"
library.debug.debug = refuse "debug.debug"
library.debug.getmetatable = ownstrings(debug.getmetatable)

local set <const> = unfinalized(debug.setmetatable)

function library.debug.setmetatable(value, metatable)
  if type(value) ~= "table" then
    error(("debug.setmetatable of a %s is not available in the simulator: all nodes share it"):format(type(value)), 2)
  end
  return set(value, metatable)
end

-- Changing the upvalues of a C function or the values of a socket could crash the process.
function library.debug.setupvalue(f, i, value)
  if type(f) == "function" and debug.getinfo(f, "S").what == "C" then
    error("debug.setupvalue of a C function is not available in the simulator", 2)
  end
  return debug.setupvalue(f, i, value)
end

library.debug.setuservalue = refuse "debug.setuservalue"

-- Everything else is Lua's.
for name, functions in pairs(library) do
  if type(functions) == "table" then
    for key, value in pairs(_G[name]) do
      if functions[key] == nil then
        functions[key] = value
      end
    end
  end
end
library.utf8 = utf8

return library
