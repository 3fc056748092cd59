--- What nets tell of their trace. A net that keeps none (`trace = false`) raises.
-- @module mcast.sim.output
local capture <const> = require "mcast.sim.capture"
local stats <const> = require "mcast.sim.stats"

local Net = {}

--- Writes what has happened as a capture, which Wireshark opens: see `mcast.sim.capture`.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(net:write_pcapng "build/run.pcapng")
function Net:write_pcapng(path)
  return capture.write(self.trace, path)
end

--- Adds up what has happened, by node and group: see `mcast.sim.stats`.
-- @treturn table `sent`, `delivered`, `lost`, `duplicated`, `drops` by reason, and `latency`, of each group of each node
-- @usage print(net:stats())
function Net:stats()
  return stats.of(self.trace)
end

return Net
