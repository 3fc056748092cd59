---@meta mcast.wire
-- Definitions for editors that support LuaCATS.

---@class mcast.wire
local wire = {}

---@param format string
---@param data string
---@param position? integer default 1
---@return any ...
function wire.unpack(format, data, position) end

---@param format string
---@param data string
---@param first? integer default 1
---@param last? integer default: that of the data
---@return fun(): any ...
function wire.each(format, data, first, last) end

---@param bytes string
---@return string?
function wire.ntop(bytes) end

---@param text string
---@return string?
function wire.pton(text) end

---@param data string
---@param position? integer default 1
---@return string? name
---@return integer? after
function wire.name(data, position) end

return wire
