-- Runs a script as the program lua does, so that its end and its errors are recorded.
local record <const> = require "mcast.trace.record"

local script = {}

local function describe(failure)
  local metatable <const> = debug.getmetatable(failure)
  if type(failure) == "string" or type(failure) == "number" then
    return tostring(failure)
  elseif type(metatable) == "table" and metatable.__tostring then
    return tostring(failure)
  end
  return ("(error object is a %s value)"):format(type(failure))
end

-- Calls a function; returns true, or false and a table of the error and its traceback, without the lines of this file.
local function try(f, ...)
  return xpcall(f, function(failure)
    local text <const> = describe(failure)
    local traced <const> = debug.traceback(text, 2)
    local stop <const> = traced:find("\n\t%[C%]: in %l+ 'xpcall'", #text)
    return { text = text, traced = stop and traced:sub(1, stop) .. "\t[C]: in ?" or traced }
  end, ...)
end

local function run(f, ...)
  local ok <const>, failure <const> = try(f, ...)
  require "mcast.trace.sockets".finish()
  if ok then
    record.finish "end"
    return true
  end
  record.finish("fail", failure.text)
  return nil, failure.traced
end

function script.run(path, ...)
  local chunk <const>, message <const> = loadfile(path)
  if not chunk then
    record.finish("fail", message)
    return nil, message
  end
  local before <const> = _G.arg
  _G.arg = before and before[0] == path and before or { [0] = path, ... } -- with the words of the program, if it is its own
  local ok <const>, failure <const> = run(chunk, ...)
  _G.arg = before
  return ok, failure
end

-- Records the script of the program's command line.
function script.preloaded(start)
  local arguments <const> = _G.arg or {}
  local path <const>, last <const> = arguments[0], arguments[-1]
  local recording <const>, message <const> = start()
  if not recording then
    error("MCAST_TRACE: " .. message, 0)
  elseif not last or path == "-" then
    return -- no script: lines of the standard input, or none
  elseif not tostring(last):find "mcast%.trace$" then
    error("mcast.trace: -l mcast.trace is expected as the last option before the script, got " .. tostring(last), 0)
  end
  local first = -1
  while arguments[first - 1] do
    first = first - 1
  end
  local ok <const>, failure <const> = script.run(path, table.unpack(arguments))
  if not ok then
    io.stderr:write(arguments[first], ": ", failure, "\n")
  end
  os.exit(ok == true, true)
end

return script
