--- What nets tell of their trace. A net that keeps none (`trace = false`) raises.
-- @module mcast.sim.export.save
local capture <const> = require "mcast.sim.export.capture"
local stats <const> = require "mcast.sim.export.stats"
local timeline <const> = require "mcast.timeline"

local Net = {}

--- Writes what has happened as a capture, which Wireshark opens: see `mcast.sim.export.capture`.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(net:write_pcapng "build/run.pcapng")
function Net:write_pcapng(path)
  return capture.write(self.trace, path)
end

--- Adds up what has happened, by node and group: see `mcast.sim.export.stats`.
-- @treturn table `sent`, `delivered`, `lost`, `duplicated`, `drops` by reason, and `latency`, of each group of each node
-- @usage print(net:stats())
function Net:stats()
  return stats.of(self.trace)
end

--- Writes a space-time diagram of the trace as one HTML file, to zoom, pan and filter.
-- @tparam string path
-- @tparam ?table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_timeline("build/run.html", { title = "A run" }))
function Net:write_timeline(path, options)
  return timeline.write(self.trace, path, options)
end

--- Writes a still of that diagram as SVG, for papers and READMEs.
-- @tparam string path
-- @tparam ?table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_svg("build/run.svg", { width = 720 }))
function Net:write_svg(path, options)
  return timeline.svg(self.trace, path, options)
end

return Net
