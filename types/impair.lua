---@meta mcast.impair
-- Definitions for editors that support LuaCATS.

---@class mcast.impair
---@field loss number probability, 0 to 1
---@field duplicate number probability, 0 to 1
---@field delay number[] least and most, in seconds
---@field seed integer
local impair = {}

return impair
