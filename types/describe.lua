---@meta mcast.describe
-- Definitions for editors that support LuaCATS.

---@alias mcast.describe.function fun(data: string): string?, string?

---@class mcast.describe
local describe = {}

---@param data string
---@return string? text
---@return string? kind
function describe.dns(data) end

---@param data string
---@return string? text
---@return string? kind
function describe.rtp(data) end

---@param data string
---@return string? text
---@return string? kind
function describe.coap(data) end

---@param data string
---@return string? text
---@return string? kind
function describe.text(data) end

---@param f? mcast.describe.function
---@return fun(data: string): string, string?
function describe.checked(f) end

return describe
