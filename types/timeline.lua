---@meta mcast.timeline
-- Definitions for editors that support LuaCATS.

---@class mcast.timeline
local timeline = {}

---@class mcast.timeline.page
---@field title? string
---@field bytes? integer
---@field from? number seconds
---@field till? number seconds
---@field nodes? string[]
---@field describe? mcast.describe.function

---@class mcast.timeline.pair
---@field title? string
---@field titles? string[] of the two runs
---@field bytes? integer
---@field ignore? string[] fields that are not compared
---@field describe? mcast.describe.function

---@class mcast.timeline.still
---@field title? string
---@field width? integer pixels
---@field letters? integer pixels
---@field describe? mcast.describe.function
---@field from? number seconds
---@field till? number seconds
---@field arrows? integer
---@field nodes? string[]
---@field state? string

---@param trace mcast.event[]
---@param path string
---@param options? mcast.timeline.page
---@return true? ok
---@return string? message
---@return integer? errno
function timeline.write(trace, path, options) end

---@param first mcast.event[]
---@param second mcast.event[]
---@param ignore? string[] fields that are not compared
---@return integer? number of the first event that differs
function timeline.difference(first, second, ignore) end

---@param first mcast.event[]
---@param second mcast.event[]
---@param path string
---@param options? mcast.timeline.pair
---@return true? ok
---@return string? message
---@return integer? errno
function timeline.compare(first, second, path, options) end

---@param trace mcast.event[]
---@param path string
---@param options? mcast.timeline.still
---@return true? ok
---@return string? message
---@return integer? errno
function timeline.svg(trace, path, options) end

return timeline
