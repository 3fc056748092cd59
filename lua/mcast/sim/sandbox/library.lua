-- The functions of a node's environment that differ from Lua's: those that depend on the process, its clock, its memory
-- or its terminal.
local arguments <const> = require "mcast.sim.sandbox.arguments"
local callbacks <const> = require "mcast.sim.sandbox.callbacks"
local collector <const> = require "mcast.sim.sandbox.collector"
local core <const> = require "mcast.sim.core"
local debugging <const> = require "mcast.sim.sandbox.debugging"
local files <const> = require "mcast.sim.sandbox.files"
local lines <const> = require "mcast.sim.sandbox.lines"
local metatables <const> = require "mcast.sim.sandbox.metatables"
local scripts <const> = require "mcast.sim.sandbox.scripts"
local show <const> = require "mcast.sim.sandbox.show"
local sort <const> = require "mcast.sim.sandbox.sort"
local system <const> = require "mcast.sim.sandbox.system"
local text <const> = require "mcast.sim.sandbox.text"

-- Methods of strings may be those of the node.
local format <const>, sub <const> = string.format, string.sub

local current <const> = core.current

local library = { string = {}, table = {}, math = {}, os = system, io = {}, coroutine = {}, debug = debugging }

library.tostring = core.tostring(tostring, show.tostring)

function library.print(...)
  local texts = table.pack(...)
  for i = 1, texts.n do
    texts[i] = library.tostring(texts[i])
  end
  lines.write(current(), table.concat(texts, "\t") .. "\n")
end

library.collectgarbage = collector

-- Warnings are off until a script turns them on.
function library.warn(...)
  local pieces <const> = table.pack(...)
  for i = 1, math.max(1, pieces.n) do
    pieces[i] = arguments.text(pieces[i], i, "warn", pieces.n)
  end
  local message <const> = table.concat(pieces)
  if pieces.n == 1 and sub(message, 1, 1) == "@" then
    current().warns = message == "@on" or message ~= "@off" and current().warns
  elseif current().warns then
    lines.write(current(), "Lua warning: " .. message .. "\n")
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
    callbacks.enter()
    local all <const>, message = gather(chunk)
    callbacks.leave()
    if not all then
      return nil, message
    end
    chunk, name = all, name or "=(load)"
  end
  if select("#", ...) > 0 then
    return load(chunk, name, mode, ...)
  end
  return load(chunk, name, mode, current().env)
end

callbacks.add(library.load)

function library.loadfile(path, mode, ...)
  local all, message
  if path == nil then
    all = files.rest()
  else
    all, message = scripts.text(arguments.text(path, 1, "loadfile"), current().on.disk)
  end
  if not all then
    return nil, message
  end
  return library.load(scripts.strip(all), path and "@" .. path or "=stdin", mode, ...)
end

function library.dofile(path)
  local chunk <const>, message = library.loadfile(path)
  return (chunk or error(message, 0))()
end

library.pairs, library.next = core.pairs, core.next(metatables.reveal)

-- Checks the arguments of such a function: a table, and count further values.
local function checkraw(name, count, given, t)
  metatables.reveal(t)
  if type(t) ~= "table" then
    arguments.raise(1, name, format("table expected, got %s", given == 0 and "no value" or arguments.typename(t)), 2)
  elseif given <= count then
    arguments.raise(given + 1, name, "value expected", 2)
  end
end

function library.rawget(...)
  checkraw("rawget", 1, select("#", ...), ...)
  return rawget(...)
end

function library.rawset(...)
  checkraw("rawset", 2, select("#", ...), ...)
  return rawset(...)
end

library.string.format, library.string.gsub, library.table.sort = text.format, text.gsub, sort
library.math.random, library.math.randomseed = core.random, core.randomseed

for name, functions in pairs { table = { "insert", "remove", "move", "concat", "create" }, string = { "rep" } } do
  for _, key in ipairs(functions) do
    library[name][key] = core[key]
  end
end

library.pcall, library.xpcall = pcall, xpcall

for _, name in ipairs { "resume", "wrap", "yield", "isyieldable", "running" } do
  library.coroutine[name] = core[name]
end
library.coroutine.close = core.closing(coroutine.close)

for name in pairs(io) do
  library.io[name] = files[name]
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
