-- The functions of a node's environment that differ from Lua's: those that depend on the process, its clock, its memory
-- or its terminal.
local core <const> = require "mcast.sim.core"
local files <const> = require "mcast.sim.sandbox.files"
local hidden <const> = require "mcast.sim.sandbox.hidden"
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
  elseif metatable and type(metatable.__tostring) == "function" then
    local text <const> = metatable.__tostring(value)
    return type(text) == "string" and text or type(text) == "number" and tostring(text)
      or error("'__tostring' must return a string", 2)
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

-- Memory is the process's, not the node's; a node keeps what it has set.
local collector <const> = { collect = 0, stop = 0, restart = 0, count = 0.0, step = false, isrunning = true, setpause = 200,
  setstepmul = 100, incremental = "generational" }

function library.collectgarbage(option, value)
  option = checktext(option == nil and "collect" or option, 1, "collectgarbage")
  if collector[option] == nil and option ~= "generational" then
    error(("bad argument #1 to 'collectgarbage' (invalid option '%s')"):format(option), 2)
  end
  local node <const> = current()
  node.collector = node.collector or {}
  local set <const> = node.collector
  local key <const> = option == "generational" and "incremental" or option
  local before = set[key]
  if before == nil then
    before = collector[option]
  end
  if key == "incremental" then
    set[key] = option
  elseif key == "setpause" or key == "setstepmul" then
    set[key] = value or 0
  end
  return before
end

-- Warnings are off until a script turns them on.
function library.warn(...)
  local pieces <const> = table.pack(...)
  for i = 1, math.max(1, pieces.n) do
    pieces[i] = checktext(pieces[i], i, "warn")
  end
  local text <const> = table.concat(pieces)
  if pieces.n == 1 and text:sub(1, 1) == "@" then
    current().warns = text == "@on" or text ~= "@off" and current().warns
  elseif current().warns then
    lines.write(current(), "Lua warning: " .. text .. "\n")
  end
end

-- Gives a library's table of a node the functions themselves, and no metatable.
local function own(t)
  local shared <const> = getmetatable(t)
  setmetatable(t, nil)
  for key, value in next, hidden[shared] do
    if rawget(t, key) == nil then
      rawset(t, key, value)
    end
  end
  if hidden[shared] == library.string then
    strings.own(current())
  end
end

-- The time of a collection depends on the process, so finalizers of a node's objects are not called.
local function unfinalized(setmetatable)
  return function(value, ...)
    local metatable = ...
    local finalizer = nil
    if type(metatable) == "table" then
      finalizer = rawget(metatable, "__gc") -- false, too: Lua then calls what is set later
    end
    if finalizer ~= nil then
      rawset(metatable, "__gc", nil)
    end
    if hidden[getmetatable(value)] then
      own(value)
    end
    local ok, message = pcall(setmetatable, value, ...)
    if finalizer ~= nil then
      rawset(metatable, "__gc", finalizer)
    end
    return ok and value or not ok and error(message, 2)
  end
end

library.setmetatable = unfinalized(setmetatable)

-- A copy of a metatable, with the methods in it.
local function copy(metatable)
  local result = {}
  for key, value in next, metatable do
    result[key] = value
  end
  if type(result.__index) == "table" then
    result.__index = copy(result.__index)
  end
  return result
end

-- The metatable of strings is the node's own once a script asks for it; those of userdata are copies, one for each node; those
-- of libraries are not seen.
local function ownmetatables(getmetatable)
  return function(...)
    local value <const> = ...
    local kind <const>, node = type(value), current()
    if kind == "string" and node then
      return strings.own(node)
    end
    local found <const> = getmetatable(...)
    if hidden[found] then
      return nil
    elseif kind ~= "userdata" or not node or type(found) ~= "table" then
      return found
    end
    node.copies = node.copies or {}
    node.copies[found] = node.copies[found] or copy(found)
    return node.copies[found]
  end
end

library.getmetatable = ownmetatables(getmetatable)

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

local function reveal(t)
  if type(t) == "table" and hidden[getmetatable(t)] then
    own(t)
  end
end

library.pairs = core.pairs
local next_key <const> = core.next

function library.next(t, ...)
  reveal(t)
  if type(t) ~= "table" then
    error(("bad argument #1 to 'next' (table expected, got %s)"):format(t == nil and "no value" or type(t)), 2)
  end
  return next_key(t, ...)
end

function library.rawget(t, ...)
  reveal(t)
  return rawget(t, ...)
end

-- Objects are shown as by library.tostring, also for %p.
function library.string.format(form, ...)
  if type(form) ~= "string" and type(form) ~= "number" then
    error(("bad argument #1 to 'format' (string expected, got %s)"):format(type(form)), 2)
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
  if type(list) ~= "table" then
    error(("bad argument #1 to 'sort' (table expected, got %s)"):format(list == nil and "no value" or type(list)), 2)
  end
  local n, width, buffer = #list, 1, {}
  if n > 1 and before ~= nil and type(before) ~= "function" then
    error(("bad argument #2 to 'sort' (function expected, got %s)"):format(type(before)), 2)
  end
  core.sorting(1)
  while width < n do
    for from = 1, n - width, 2 * width do
      merge(list, from, from + width - 1, math.min(from + 2 * width - 1, n), before or less, buffer)
    end
    width = 2 * width
  end
  core.sorting(-1)
end
debug.getregistry()["mcast.sim.sort"] = library.table.sort

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
  if not value then
    error(("field '%s' %s"):format(name, date[name] and "is not an integer" or "missing in date table"), 3)
  elseif value < -2 ^ 31 or value > 2 ^ 31 - 1 + (name == "year" and 1900 or 0) then
    error(("field '%s' is out-of-bound"):format(name), 3)
  end
  return value
end

-- The time zone of all nodes is UTC.
function library.os.time(date)
  if not date then
    local _, day = core.clock()
    return math.floor(day)
  elseif type(date) ~= "table" then
    error(("bad argument #1 to 'time' (table expected, got %s)"):format(type(date)), 2)
  end
  local time <const> = days(field(date, "year"), field(date, "month"), field(date, "day")) * 86400
    + field(date, "hour", 12) * 3600 + field(date, "min", 0) * 60 + field(date, "sec", 0)
  for name, value in pairs(os.date("!*t", time)) do -- normalizes: 35 January is 4 February
    date[name] = value
  end
  return time
end

function library.os.date(form, time)
  form = checktext(form == nil and "%c" or form, 1, "date")
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
  name = checktext(name, 1, "getenv")
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
library.debug.gethook = function() return nil end
library.debug.getregistry = refuse "debug.getregistry"
library.debug.debug = refuse "debug.debug"
library.debug.getmetatable = ownmetatables(debug.getmetatable)

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

function library.debug.getuservalue()
  return nil
end

-- Values in frames of C functions are the simulator's: a coroutine that it resumes, a net.
local function isc(thread, level)
  local info <const> = thread and debug.getinfo(thread, level, "S") or not thread and debug.getinfo(level + 2, "S")
  return info and info.what == "C"
end

function library.debug.setlocal(...)
  local thread <const>, level = type((...)) == "thread" and (...) or nil, ...
  if thread then
    level = select(2, ...)
  end
  if math.type(level) == "integer" and level >= 0 and (level == 0 or isc(thread, level)) then
    error("debug.setlocal of a C function is not available in the simulator", 2)
  elseif thread or math.type(level) ~= "integer" then
    return debug.setlocal(...)
  end
  return (debug.setlocal(level + 1, select(2, ...)))
end

function library.debug.getlocal(...)
  local first <const>, level = ...
  if type(first) == "thread" then
    if math.type(level) == "integer" and isc(first, level) then
      return nil
    end
    return debug.getlocal(...)
  elseif math.type(first) ~= "integer" then
    return debug.getlocal(...)
  elseif first == 0 or first > 0 and isc(nil, first) then
    return nil
  end
  local name <const>, value = debug.getlocal(first + 1, level)
  return name, value
end

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
library.utf8 = {}
for key, value in pairs(utf8) do
  library.utf8[key] = value
end

return library
