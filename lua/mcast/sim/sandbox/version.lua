-- Where Lua 5.5's library of files differs from 5.4's: a node has that of the interpreter.
local version = {}

-- Methods of strings may be those of the node.
local format <const> = string.format

local old <const> = _VERSION == "Lua 5.4"

-- A number as io.write writes it: 5.4 writes 2.0 as 2. Other values stay.
function version.numeral(value)
  if type(value) ~= "number" then
    return value
  elseif old then
    return format(math.type(value) == "integer" and "%d" or "%.14g", value)
  end
  return tostring(value)
end

-- The results of a write that failed: 5.5 adds how many bytes were written before.
function version.failed(written, message, errno)
  if old then
    return nil, message, errno
  end
  return nil, message, errno, written
end

-- The message of loadfile for a file that cannot be read: 5.5 names no cause.
function version.unread(path, cause)
  return format(old and "cannot read %s: %s" or "cannot read %s", path, cause)
end

return version
