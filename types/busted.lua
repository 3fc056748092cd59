---@meta mcast.sim.busted
-- Definitions for editors that support LuaCATS.

---@class mcast.sim.busted
local tests = {}

---@class mcast.sim.busted_options: mcast.sim.sweep_options
---@field folder? string for the files of stories; default: the environment variable MCAST_STORIES, else "stories"
---@field shrink? boolean|number default: true
---@field reach? boolean|string|string[] default: true

---@param name string of the spec
---@param options mcast.sim.busted_options
function tests.it_holds(name, options) end

return tests
