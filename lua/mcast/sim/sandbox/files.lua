-- A node's io: standard output and input are its own, other files are those of the system.
local core <const> = require "mcast.sim.core"
local lines <const> = require "mcast.sim.sandbox.lines"

local current <const> = core.current

local files = {}

local File = {}
File.__index = File
File.__name = "FILE*"

function File.__tostring(file)
  return ("file (%s)"):format(file.name)
end

local stdin <const>, stdout <const>, stderr <const> = setmetatable({ name = "stdin" }, File),
  setmetatable({ name = "stdout" }, File), setmetatable({ name = "stderr" }, File)

function File:write(...)
  for i, text in ipairs { ... } do
    if type(text) ~= "string" and type(text) ~= "number" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, type(text)), 2)
    end
    lines.write(current(), tostring(text))
  end
  return self
end

local readers = {}

function readers.L(text)
  return text:match "^[^\n]*\n" or text ~= "" and text or nil
end

function readers.l(text)
  local line = readers.L(text)
  return line and line:gsub("\n$", ""), line
end

function readers.a(text)
  return text
end

function readers.n(text)
  local part = text:match "^%s*[-+]?[%w.]+"
  return part and tonumber(part), part
end

local function readone(format)
  local node = current()
  local text = node.input or node.options.stdin or ""
  local value, taken
  if type(format) == "number" then
    value = (text ~= "" or format == 0) and text:sub(1, format) or nil
  else
    local reader = readers[tostring(format):gsub("^%*", ""):sub(1, 1)]
    value, taken = assert(reader, "bad argument #1 to 'read' (invalid format)")(text)
  end
  node.input = text:sub(#(taken or value or "") + 1)
  return value
end

function File.read(_, ...)
  local formats = table.pack(...)
  local results = { n = math.max(formats.n, 1) }
  for i = 1, results.n do
    results[i] = readone(formats[i] or "l")
    if results[i] == nil then
      break
    end
  end
  return table.unpack(results, 1, results.n)
end

function File:lines(...)
  local formats = table.pack(...)
  return function() return self:read(table.unpack(formats, 1, formats.n)) end
end

function File.flush(file)
  return file
end

function File.setvbuf()
  return true
end

function File.seek()
  return nil, "Illegal seek", 29
end

function File.close()
  return true
end

local standard <const> = { [stdin] = true, [stdout] = true, [stderr] = true }

files.stdin, files.stdout, files.stderr = stdin, stdout, stderr

function files.popen()
  error("io.popen is not available in the simulator", 2)
end

function files.tmpfile()
  error("io.tmpfile is not available in the simulator (open a file by name)", 2)
end

function files.type(value)
  if standard[value] then
    return "file"
  end
  return io.type(value)
end

function files.output(file)
  local node = current()
  node.stdout = type(file) == "string" and assert(io.open(file, "w")) or file or node.stdout or stdout
  return node.stdout
end

function files.input(file)
  local node = current()
  node.stdin = type(file) == "string" and assert(io.open(file)) or file or node.stdin or stdin
  return node.stdin
end

function files.write(...)
  return files.output():write(...)
end

function files.read(...)
  return files.input():read(...)
end

function files.lines(path, ...)
  return path and io.lines(path, ...) or files.input():lines(...)
end

function files.close(file)
  return (file or files.output()):close()
end

return files
