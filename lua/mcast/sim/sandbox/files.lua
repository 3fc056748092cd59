-- A node's io: standard output and input are its own, other files are those of its host's disk.
local contents <const> = require "mcast.sim.sandbox.contents"
local core <const> = require "mcast.sim.core"
local disk <const> = require "mcast.sim.sandbox.disk"
local stream <const> = require "mcast.sim.sandbox.stream"
local version <const> = require "mcast.sim.sandbox.version"

-- Methods of strings may be those of the node.
local current <const> = core.current
local find_text <const>, format <const>, match <const>, sub <const> = string.find, string.format, string.match, string.sub

local files = {}

-- A file is a userdata with a stream in it, or with the name of a standard one.
local File = {}
local metatable <const> = { __index = File, __name = "FILE*" }

local function newfile(value)
  return core.box(value, metatable)
end

local stdin <const>, stdout <const>, stderr <const> = newfile "stdin", newfile "stdout", newfile "stderr"

local standard = { stdout = stream.output, stderr = stream.output }

function standard.stdin(node)
  local s <const> = stream.new(node, nil, contents.new(node.options.stdin or ""), "r")
  s.stdin = true
  return s
end

-- The stream of a file; nil where the value is none.
local function find(value)
  local s <const> = core.unbox(value, metatable)
  if type(s) ~= "string" then
    return s
  end
  local node <const> = current()
  node.standard = node.standard or {}
  node.standard[s] = node.standard[s] or standard[s](node)
  return node.standard[s]
end

-- Raises as Lua's library does: where a method is not called as one, the file is its first argument.
local function argument(number, name, message, level)
  local call <const> = debug.getinfo(level, "nft")
  local ismethod <const> = call.func == File[name]
  if ismethod and call.namewhat ~= "method" and not call.istailcall then
    number = number + 1
  end
  name = call.name or call.istailcall and name or not ismethod and name and "io." .. name or "?"
  error(format("bad argument #%d to '%s' (%s)", number, name, message), level + 1)
end

local function check(value, name, level, number)
  local s <const> = find(value)
  if not s then
    argument(number or 0, name, "FILE* expected, got " .. (value == nil and "no value" or type(value)), level or 3)
  elseif stream.isclosed(s) then
    error("attempt to use a closed file", level or 3)
  end
  return s
end

-- A format of read, without the * of older versions.
local function checkformat(form, number, name)
  if type(form) == "string" then
    return match(form, "^%*?([nlLa])") or argument(number, name, "invalid format", 4)
  elseif type(form) == "number" then
    return math.tointeger(form) or argument(number, name, "number has no integer representation", 4)
  end
  argument(number, name, format("string expected, got %s", type(form)), 4)
end

-- Reads by formats, and checks each when those before it have succeeded; returns the list of results. The formats of
-- a function without a name are arguments from the second one on.
local function read(s, name, formats)
  if formats.n == 0 then
    formats = { "l", n = 1 }
  end
  return stream.read(s, formats.n, function(i) return checkformat(formats[i], name and i or i + 1, name) end)
end

local function write(s, file, ...)
  local written = 0
  for i = 1, select("#", ...) do
    local text <const> = version.numeral((select(i, ...)))
    if type(text) ~= "string" then
      argument(i, "write", format("string expected, got %s", type(text)), 2)
    end
    local ok <const>, message, errno = stream.write(s, text)
    if not ok then
      return version.failed(written, message, errno)
    end
    written = written + #text
  end
  return file
end

-- An iterator; the last result of io.lines closes its file.
local function iterate(s, closes, ...)
  local formats <const> = table.pack(...)
  return function()
    if stream.isclosed(s) then
      error("file is already closed", 2)
    end
    local results <const> = read(s, nil, formats)
    if results[1] ~= nil then
      return table.unpack(results, 1, results.n)
    elseif results[2] then
      error(results[2], 2)
    elseif closes then
      stream.close(s)
    end
  end
end

--
-- Methods.
--

function File.write(file, ...)
  return write(check(file, "write"), file, ...)
end

function File.read(file, ...)
  local results <const> = read(check(file, "read"), "read", table.pack(...))
  return table.unpack(results, 1, results.n)
end

function File.lines(file, ...)
  return iterate(check(file, "lines"), false, ...)
end

function File.flush(file)
  return stream.sync(check(file, "flush"))
end

local function choose(value, default, allowed, number, name)
  value = value == nil and default or value
  if type(value) ~= "string" then
    argument(number, name, format("string expected, got %s", value == nil and "no value" or type(value)), 3)
  elseif not allowed[value] then
    argument(number, name, format("invalid option '%s'", value), 3)
  end
  return value
end

local function whole(value, number, name)
  return type(value) ~= "number" and argument(number, name, format("number expected, got %s", type(value)), 3)
    or math.tointeger(value) or argument(number, name, "number has no integer representation", 3)
end

local buffers <const>, origins <const> = { no = true, full = true, line = true }, { set = true, cur = true, ["end"] = true }

function File.setvbuf(file, mode, size)
  local s <const> = check(file, "setvbuf")
  stream.setbuffer(s, choose(mode, nil, buffers, 1, "setvbuf"), size and whole(size, 2, "setvbuf"))
  return true
end

function File.seek(file, whence, offset)
  local s <const> = check(file, "seek")
  return stream.seek(s, choose(whence, "cur", origins, 1, "seek"), whole(offset or 0, 2, "seek"))
end

function File.close(file)
  return stream.close(check(file, "close"))
end

function metatable.__close(file)
  local s <const> = find(file)
  if s and not stream.isclosed(s) then
    stream.close(s)
  end
end

--
-- The library.
--

files.stdin, files.stdout, files.stderr = stdin, stdout, stderr

function files.popen()
  error("io.popen is not available in the simulator", 2)
end

local function totext(value, number, name)
  if type(value) ~= "string" and type(value) ~= "number" then
    argument(number, name, "string expected, got " .. (value == nil and "no value" or type(value)), 3)
  end
  return tostring(value)
end

function files.open(path, mode)
  path, mode = totext(path, 1, "open"), totext(mode == nil and "r" or mode, 2, "open")
  if not find_text(mode, "^[rwa]%+?b*$") then
    argument(2, "open", "invalid mode", 2)
  end
  local on <const> = current().on.disk
  local file <const>, message, errno = on:open(path, mode)
  if not file then
    return nil, message, errno
  end
  return newfile(stream.new(current(), on, file, mode))
end

function files.tmpfile()
  return newfile(stream.new(current(), disk.new(), contents.new "", "w+"))
end

-- "file", "closed file", or nil.
function files.type(...)
  local s <const> = find((...))
  if select("#", ...) == 0 then
    argument(1, "type", "value expected", 2)
  end
  return s and (stream.isclosed(s) and "closed file" or "file") or io.type((...))
end

local function opencheck(path, mode, level)
  local file <const>, message = files.open(path, mode)
  return file or error(format("cannot open file '%s' (%s)", path, sub(message, #tostring(path) + 3)), level)
end

-- The default input or output, after it was set to a file or to that at a path.
local function default(key, file, mode, name)
  local node <const> = current()
  if type(file) == "string" or type(file) == "number" then
    file = opencheck(file, mode, 4)
  elseif file ~= nil then
    check(file, name, 4, 1)
  end
  node[key] = file or node[key] or files[key]
  return node[key]
end

function files.output(file)
  return (default("stdout", file, "w", "output"))
end

function files.input(file)
  return (default("stdin", file, "r", "input"))
end

local function opened(key, name)
  local file <const> = default(key)
  local s <const> = find(file)
  return not stream.isclosed(s) and s or error(format("default %s file is closed", name), 3), file
end

function files.write(...)
  local s <const>, file <const> = opened("stdout", "output")
  return write(s, file, ...)
end

function files.read(...)
  local results <const> = read(opened("stdin", "input"), "read", table.pack(...))
  return table.unpack(results, 1, results.n)
end

function files.flush()
  return stream.sync((opened("stdout", "output")))
end

function files.lines(path, ...)
  if path == nil then
    return iterate((opened("stdin", "input")), false, ...)
  end
  local file <const> = opencheck(path, "r", 3)
  return iterate(find(file), true, ...), nil, nil, file
end

function files.close(file)
  if file == nil then
    return stream.close((opened("stdout", "output")))
  end
  return stream.close(check(file, "close", 3, 1))
end

-- All that standard input has left.
function files.rest()
  return read(find(stdin), "read", { "a", n = 1 })[1]
end

files.metatable = metatable

return files
