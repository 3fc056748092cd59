-- The functions of a node's environment that differ from Lua's: those that depend on the process, its clock, its memory
-- or its terminal.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local core <const> = require "mcast.sim.core"
local debugging <const> = require "mcast.sim.sandbox.debugging"
local files <const> = require "mcast.sim.sandbox.files"
local lines <const> = require "mcast.sim.sandbox.lines"
local metatables <const> = require "mcast.sim.sandbox.metatables"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local system <const> = require "mcast.sim.sandbox.system"

local current <const> = core.current
local unpack <const> = table.unpack

local library = { string = {}, table = {}, math = {}, os = system, io = files, coroutine = {}, debug = debugging }

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
  option = arguments.text(option == nil and "collect" or option, 1, "collectgarbage")
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
    pieces[i] = arguments.text(pieces[i], i, "warn")
  end
  local text <const> = table.concat(pieces)
  if pieces.n == 1 and text:sub(1, 1) == "@" then
    current().warns = text == "@on" or text ~= "@off" and current().warns
  elseif current().warns then
    lines.write(current(), "Lua warning: " .. text .. "\n")
  end
end

library.setmetatable = metatables.unfinalized(setmetatable)
library.getmetatable = metatables.own(getmetatable)

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

library.pairs = core.pairs
local next_key <const> = core.next

function library.next(t, ...)
  metatables.reveal(t)
  if type(t) ~= "table" then
    error(("bad argument #1 to 'next' (table expected, got %s)"):format(t == nil and "no value" or type(t)), 2)
  end
  return next_key(t, ...)
end

function library.rawget(t, ...)
  metatables.reveal(t)
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
