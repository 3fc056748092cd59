-- Pictures of traces: a page, or a still where the path ends in .svg; "-" is the standard output.
local timeline <const> = require "mcast.timeline"

local picture = {}

function picture.isstill(path)
  return path:find "%.svg$" ~= nil
end

-- The path of a file, for functions that open it.
function picture.path(path)
  return path == "-" and "/dev/stdout" or path
end

-- Writes a trace; returns true, or nil and a message.
function picture.write(trace, path, options)
  return timeline[picture.isstill(path) and "svg" or "write"](trace, picture.path(path), options)
end

return picture
