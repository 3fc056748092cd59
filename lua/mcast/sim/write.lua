--- Files that are written of a trace.
-- @module mcast.sim.write
local timeline <const> = require "mcast.timeline"

local write = {}

--- Writes a space-time diagram of the trace as one HTML file, to zoom, pan and filter.
-- @function Net:write_timeline
-- @tparam string path
-- @tparam ?table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_timeline("run.html", { title = "A run" }))
function write.timeline(net, path, options)
  return timeline.write(net.trace, path, options)
end

--- Writes a still of that diagram as SVG, for papers and READMEs.
-- @function Net:write_svg
-- @tparam string path
-- @tparam ?table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_svg("run.svg", { width = 720 }))
function write.svg(net, path, options)
  return timeline.svg(net.trace, path, options)
end

return write
