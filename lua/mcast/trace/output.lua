-- Records the lines that a script prints: by print, io.write and files' write, to the standard output and error.
local check <const> = require "mcast.check"
local record <const> = require "mcast.trace.record"

local output = {}

local pending <const> = {} -- by file: the beginning of a line

local function add(stream, text)
  if not record.isgoing() then
    return
  end
  local now <const> = record.clock()
  local rest = (pending[stream] or "") .. text
  for line, behind in rest:gmatch "([^\n]*)\n()" do
    record.put(now, { kind = "log", text = line })
    text = behind
  end
  pending[stream] = type(text) == "number" and rest:sub(text) or rest
end

local function isstandard(stream)
  return stream == io.stdout or stream == io.stderr
end

local function joined(...)
  local texts <const> = { ... }
  for i = 1, select("#", ...) do
    if type(texts[i]) ~= "string" and type(texts[i]) ~= "number" then
      return nil -- write raises
    end
  end
  return table.concat(texts)
end

local function replaceprint()
  local print <const> = print
  _G.print = function(...)
    local n <const> = select("#", ...)
    local texts <const> = table.pack(...)
    for i = 1, n do
      texts[i] = tostring(texts[i])
    end
    add(io.stdout, table.concat(texts, "\t", 1, n) .. "\n")
    print(table.unpack(texts, 1, n))
  end
end

local function replacewrites()
  local files <const> = getmetatable(io.stdout).__index
  local filewrite <const>, iowrite <const> = files.write, io.write
  local function log(stream, ...)
    local text <const> = isstandard(stream) and joined(...)
    if text and text ~= "" then
      add(stream, text)
    end
  end
  files.write = function(stream, ...)
    log(stream, ...)
    return check.named("write", filewrite, stream, ...)
  end
  rawset(io, "write", function(...)
    log(io.output(), ...)
    return check.named("write", iowrite, ...)
  end)
end

local function replaceexit()
  local exit <const> = os.exit
  rawset(os, "exit", function(code, close)
    require "mcast.trace.sockets".finish()
    if code == false or math.type(code) == "integer" and code ~= 0 then
      record.finish("fail", ("exit status %d"):format(code or 1))
    else
      record.finish "end"
    end
    return exit(code, close)
  end)
end

local installed = false

function output.install()
  if not installed then
    installed = true
    replaceprint()
    replacewrites()
    replaceexit()
  end
end

-- Records lines without an end.
function output.flush()
  for stream, text in pairs(pending) do
    if text ~= "" then
      pending[stream] = ""
      record.put(record.clock(), { kind = "log", text = text })
    end
  end
end

return output
