--- Traces of real runs, in the format of the simulator's: `mcast.sim.trace` describes the events. Pictures and figures are
-- made from them as from `net.trace`.
--
-- A script that knows nothing of it is recorded by its environment:
--
--     MCAST_TRACE=receiver.trace lua5.4 -l mcast.trace receiver.lua
--
-- The trace has what the script sends and receives, joins and leaves, notes (`mcast.note`) and prints, its start and its
-- end: `"end"`, or `"fail"` with the error. Results and errors of the script stay the same. Without a recording it costs
-- nothing: the functions of the module are replaced when a recording starts.
--
-- - `MCAST_NODE` is the node's name in pictures; default: the script's name without `.lua`, "@", and the host's name.
-- - `-l mcast.trace` has to be the last option before the script; `mcast.impair` is loaded before it, and a datagram that
--   it loses is lost in the trace as well.
-- - A datagram arrives at the kernel's time of its receipt, and is sent at the time before the call; sockets that were made
--   before the recording started know no kernel's time, unless they have `metadata`: the time of the call is recorded. The
--   script's sockets have `metadata` while it is recorded, which costs a receive up to half as much again.
-- - A datagram that waits in a socket's buffer when the socket is closed, or the script ends, arrives as well.
-- - A crash or a kill leaves all events before it. A last line that is cut is ignored.
--
-- The file has one JSON object a line. The first one is the header: `mcast` ("trace"), `version` (1), `node`, `host`,
-- `pid`, `clock` (the system's boot: traces with the same one have the same clock), `addresses` of the host, `arguments`
-- of the script, and `epoch`, the seconds since 1970 from which the events' `time` counts, as a text. The others are events:
-- addresses as text, and texts and data as strings of bytes, each as the character of its number. `node` and `host` of
-- an event are in the header.
--
-- A trace that was read is a list of events, with its header in the field `header` (`epoch` in nanoseconds).
-- @module mcast.trace
local check <const> = require "mcast.check"
local file <const> = require "mcast.trace.file"
local locale <const> = require "mcast.locale"

local trace = {}

local a_trace <const> = check.kind("trace", function(value)
  return type(value) == "table" or type(value) == "userdata"
end)
local start_options <const> = { node = check.name }

-- In the simulator: the net has the trace. Nodes load no C libraries.
local unneeded <const> = setmetatable({ close = function() return true end }, { __close = function() end })

--- Starts to record this process. One recording at a time. In the simulator it writes nothing, since the net has a trace.
-- @tparam[opt] string path default: that of `MCAST_TRACE`
-- @tparam[opt] table options
-- @tparam[opt] string options.node name of the node; default: that of `MCAST_NODE`, else made of script and host
-- @treturn[1] recording
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage local recording <close> = assert(trace.start(path, { node = "receiver-1" }))
function trace.start(path, options)
  path = path or os.getenv "MCAST_TRACE"
  check.argument(1, "start", path, check.text)
  if package.cpath == "" then
    return unneeded
  end
  return require "mcast.trace.record".start(path, check.options(options, start_options))
end

--- Ends a recording. `<close>` and the end of the script call it; a second call does nothing.
-- @function recording:close
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message: the first failed write, such as on a full disk
-- @treturn[2] integer errno
-- @usage assert(recording:close())

--- Runs a script, as `lua5.4` does, with its arguments in `arg` and `...`. If a recording has started, it is ended with the
-- script's end or failure.
-- @tparam string path of the script
-- @tparam[opt] string ... its arguments
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string the error, with a traceback
-- @usage assert(trace.run("examples/receiver.lua", "--group", "224.3.29.71"))
function trace.run(path, ...)
  check.argument(1, "run", path, check.text)
  return require "mcast.trace.script".run(path, ...)
end

--- Reads a trace file, or a capture, pcapng or pcap: see @{capture}.
-- @tparam string path
-- @tparam[opt] table options of a capture
-- @tparam[opt] string options.node name of the node; default: the file's name without folder and suffix
-- @tparam[opt] {string,...} options.addresses of the host that captured: datagrams from these are sent by the node
-- @treturn[1] {event,...} sorted by time, with `header`
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] ?integer errno
-- @usage local list = assert(trace.read "receiver.trace")
-- print(list.header.node, #list)
function trace.read(path, options)
  check.argument(1, "read", path, check.text)
  options = check.options(options, { node = check.name, addresses = check.list })
  local input <close>, message <const>, errno <const> = io.open(path, "rb")
  if not input then
    return nil, message, errno
  end
  local first <const>, failure <const>, code <const> = input:read(1)
  if failure then
    return nil, ("%s: %s"):format(path, failure), code
  elseif first ~= "{" then
    return require "mcast.trace.capture".read(path, options)
  end
  input:seek "set"
  return file.read(input:lines(), path)
end

--- Captures. The node of a capture is the file: packets that the host received arrive at it, and those that it sent are
-- sent by it, if the file says which these are (pcapng's flags, of `mcast record` and the simulator; captures by
-- `tcpdump -i any`) or `addresses` does. Otherwise all packets arrive. Reports of IGMP and MLD are joins and leaves at the
-- line of their host, which has the name of its address. A capture of the simulator has the nodes of its interfaces.
-- Datagrams in fragments, cut datagrams, and link types that are unknown are skipped, and counted in
-- `header.skipped`, by reason.
-- @table capture

--- Writes a trace as a trace file: that of a simulated run, or one that was read or merged.
-- @param list of events, such as `net.trace`
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] integer errno
-- @usage assert(trace.write(net.trace, "run.trace"))
function trace.write(list, path)
  check.argument(1, "write", list, a_trace)
  check.argument(2, "write", path, check.text)
  local _ <close> = locale.plain()
  return file.write(list, path)
end

local traces <const> = check.kind("list of traces, each with a header", function(value)
  for _, one in ipairs(type(value) == "table" and value or {}) do
    if type(one) ~= "table" or type(one.header) ~= "table" then
      return false
    end
  end
  return type(value) == "table" and #value > 0
end)

--- Makes one trace of those of several hosts: datagrams are numbered, each copy has the number of its send, the clocks are
-- put in relation, and what did not arrive at a receiver that had joined is a `"drop"` by `"loss"`.
--
-- A copy belongs to the send with the same sender, destination and bytes; equal datagrams in the order of their times. A
-- datagram that none of the traces sent comes from a node with the name of its source address, at the time of its first
-- arrival, and has `outside = true`. Times are seconds since the first event, by the clock of the first trace.
--
-- A datagram arrives after it was sent: each one bounds the offset of two clocks from one side (Cristian 1989; NTP, RFC
-- 5905). For clocks that drift, by 500 ppm at most, the bounds leave a convex polygon of offsets and drifts (Duda and others,
-- "Estimating global time in distributed systems", 1987); its middle is used, and its farthest corner is the bound of
-- the error. Clocks between which datagrams went one way only have a bound on one side: the fastest one is drawn without a
-- delay. A lost copy is drawn as fast as the fastest one; it is a `"drop"` by `"buffer"` where the kernel counted a
-- datagram that the socket's full buffer dropped.
--
-- The result has the field `clocks`, a list with an entry for each trace but the first: `node`; `ways`: "both", "one",
-- "none", or "same" (the same system's clock); `offset`, the seconds by which its clock was ahead when the trace began;
-- `drift`, by which it is faster (0.0001 is 100 ppm); `bound`, by which the offset may be wrong at
-- most, anywhere in the trace; nil unless datagrams went both ways; `samples`; `contradictions`, the number of datagrams
-- that fit no such clock, as after a clock was set; and `text`, which says it.
-- @tparam {trace,...} list of traces that were read
-- @treturn {event,...} the merged trace
-- @usage local run = trace.merge { assert(trace.read "a.trace"), assert(trace.read "b.trace") }
-- assert(require "mcast.timeline".write(run, "run.html"))
function trace.merge(list)
  check.argument(1, "merge", list, traces)
  return require "mcast.trace.merge".merge(list)
end

--- Counts the datagrams of a trace, as `net:stats` does: see `mcast.sim.export.stats`.
-- @param list of events, such as a merged trace
-- @treturn table rows by node and group; `tostring` formats it
-- @usage print(trace.stats(run))
function trace.stats(list)
  check.argument(1, "stats", list, a_trace)
  return require "mcast.sim.export.stats".of(list)
end

-- Preloaded by lua5.4 -l: no Lua function calls this one.
local function ispreloaded()
  local level = 3
  local info = debug.getinfo(level, "S")
  while info and info.what == "C" do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  return not info
end

if os.getenv "MCAST_TRACE" and ispreloaded() then
  require "mcast.trace.script".preloaded(trace.start)
end

return trace
