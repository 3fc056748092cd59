--- The results of a net: its trace as captures, figures, sentences, histories and pictures.
-- @classmod Net
local capture <const> = require "mcast.sim.export.capture"
local check <const> = require "mcast.check"
local stats <const> = require "mcast.sim.export.stats"
local timeline <const> = require "mcast.timeline"
local touch <const> = require "mcast.sim.touch"
local why <const> = require "mcast.sim.export.why"

local Net = {}

local function kept(net)
  return check.expect(net.trace, "the net keeps no trace (trace = false)")
end

-- Options of a picture, with the nodes in the order in which they were made.
local function ordered(net, options)
  options = options or {}
  if type(options) ~= "table" or options.nodes then
    return options
  end
  local all <const> = { nodes = {} }
  for key, value in pairs(options) do
    all[key] = value
  end
  for i, node in ipairs(net.nodes) do
    all.nodes[i] = node.name
  end
  return all
end

--- Results
-- @section results

--- Writes the trace as a capture, for Wireshark: see `mcast.sim.export.capture`.
-- @tparam string path
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_pcapng "build/run.pcapng")
function Net:write_pcapng(path)
  return capture.write(kept(self), path)
end

--- Counts the datagrams of the trace by node and group: see `mcast.sim.export.stats`. The result has a field `untouched`, too:
-- the partitions, links and rules of the scenario that touched no copy, as texts with their lines. A link touches the copies
-- that go by it, a partition those that it drops, and a rule those on which it decides. `tostring` adds them to the table.
-- @treturn table `sent`, `delivered`, `lost`, `duplicated`, `drops` by reason, and `latency`, of each group of each node
-- @usage print(net:stats())
function Net:stats()
  return stats.of(kept(self), touch.none(self))
end

--- Returns in a sentence whether a node received a datagram, and if not, why: where a copy was dropped and by which reason,
-- or that the node was no member of the group at that time, bound to another port, on another LAN, or not running.
-- @param event an event of the datagram in `net.trace`, or its number (`event.packet`)
-- @param entry node, or its name
-- @treturn string
-- @usage for _, event in ipairs(net.trace) do if event.kind == "send" then print(net:why(event, net.nodes[1])) end end
function Net:why(event, entry)
  local one <const> = type(entry) == "table" and entry or self.byname[entry]
  check.expect(one and self.byname[one.name] == one, "bad argument #2 to 'why' (node expected, got %s)",
    check.quoted(entry))
  return why.of(kept(self), event, one)
end

--- Returns the history of the operations that nodes report by `mcast.note("op", "invoke 7 write x 3")`: whether they are
-- linearizable, as those of one register, set or queue. It is the same object each time.
-- @treturn History
-- @usage assert(net:history():linearizable "register" == true)
function Net:history()
  self.operations = self.operations or require "mcast.sim.history".new(kept(self)) -- loaded here: few runs need it
  return self.operations
end

--- Writes the trace as a space-time diagram: one HTML file, in which one can zoom, pan and filter.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.write`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_timeline("build/run.html", { title = "A run" }))
function Net:write_timeline(path, options)
  return timeline.write(kept(self), path, ordered(self, options))
end

--- Writes a picture of the same diagram as SVG, for papers and READMEs.
-- @tparam string path
-- @tparam[opt] table options those of `mcast.timeline.svg`
-- @return true; or nil, a message and an errno
-- @usage assert(net:write_svg("build/run.svg", { width = 720 }))
function Net:write_svg(path, options)
  return timeline.svg(kept(self), path, ordered(self, options))
end

return Net
