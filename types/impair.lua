---@meta mcast.impair
-- Definitions for editors that support LuaCATS.

---@class mcast.impair
---@field loss number
---@field duplicate number
---@field delay number[] least and most, in seconds
---@field seed integer
local impair = {}

return impair
