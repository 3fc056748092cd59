---@meta mcast.trace
-- Definitions for editors that support LuaCATS. The events are in types/events.lua.

---@class mcast.trace
local trace = {}

---@class mcast.trace.recording
local Recording = {}

---@class mcast.trace.header
---@field node string
---@field host? string
---@field pid? integer
---@field clock? string the system's boot
---@field addresses? string[] of the host
---@field arguments? string[] of the script
---@field epoch integer nanoseconds since 1970, from which times count
---@field numbered? true of a trace that `write` wrote, or `merge` made: copies have the numbers of their sends
---@field cut? true where the last line was cut
---@field skipped? table<string, integer> packets of a capture, by reason

---@class mcast.trace.list: mcast.event[]
---@field header mcast.trace.header

---@class mcast.trace.clock
---@field node string
---@field ways "both"|"one"|"none"|"same"
---@field offset number seconds
---@field drift number
---@field bound? number seconds
---@field samples integer
---@field contradictions integer
---@field text string

---@class mcast.trace.merged: mcast.trace.list
---@field clocks mcast.trace.clock[]

---@param path? string default: that of MCAST_TRACE
---@param options? { node: string? }
---@return mcast.trace.recording? recording
---@return string? message
---@return integer? errno
function trace.start(path, options) end

---@param path string
---@param ... string
---@return true? ok
---@return string? message with a traceback
function trace.run(path, ...) end

---@param path string
---@param options? { node: string?, addresses: string[]? }
---@return mcast.trace.list? list
---@return string? message
---@return integer? errno
function trace.read(path, options) end

---@param list mcast.event[]
---@param path string
---@return true? ok
---@return string? message
---@return integer? errno
function trace.write(list, path) end

---@param list mcast.trace.list[]
---@return mcast.trace.merged
function trace.merge(list) end

---@param list mcast.event[]
---@return table figures
function trace.stats(list) end

---@return true? ok
---@return string? message
---@return integer? errno
function Recording:close() end

return trace
