---@meta mcast.timeline
-- Definitions for editors that support LuaCATS.

---@class mcast.timeline
local timeline = {}

---@param trace mcast.event[]
---@param path string
---@param options? { title: string?, bytes: integer?, from: number?, till: number?, nodes: string[]? }
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
---@param options? { title: string?, bytes: integer?, titles: string[]?, ignore: string[]? }
---@return true? ok
---@return string? message
---@return integer? errno
function timeline.compare(first, second, path, options) end

---@param trace mcast.event[]
---@param path string
---@param options? { title: string?, width: integer?, from: number?, till: number?, arrows: integer?, nodes: string[]? }
---@return true? ok
---@return string? message
---@return integer? errno
function timeline.svg(trace, path, options) end

return timeline
