---@meta mcast.loop
-- Definitions for editors that support LuaCATS.

---@class mcast.loop
local loop = {}

---@class mcast.loop.loop
local Loop = {}

---@class mcast.loop.timer
local Timer = {}

---@return mcast.loop.loop
function loop.new() end

---@param seconds number
---@param action fun(): number? returns the seconds until it runs again
---@return mcast.loop.timer
function Loop:after(seconds, action) end

function Timer:cancel() end

---@param sock mcast.socket
---@param action? fun(data: string|mcast.message, from: mcast.address?) nil: the loop waits for this socket no longer
function Loop:receive(sock, action) end

---@param seconds? number default: for ever; 0: one turn
function Loop:run(seconds) end

function Loop:stop() end

return loop
