---@meta mcast.pcapng
-- Definitions for editors that support LuaCATS.

---@class mcast.pcapng
local pcapng = {}

---@class mcast.pcapng.Writer
local Writer = {}

---@class mcast.pcapng.Reader
local Reader = {}

---@class mcast.pcapng.packet
---@field time integer nanoseconds since 1970
---@field data string
---@field length integer bytes on the wire
---@field interface table
---@field comment? string
---@field direction? "in"|"out"

---@param target string|file* path, or a file open for writing
---@param options? { application: string?, comment: string? }
---@return mcast.pcapng.Writer? writer
---@return string? message
---@return integer? errno
function pcapng.writer(target, options) end

---@param source string|file* path, or a file open for reading
---@return mcast.pcapng.Reader? reader
---@return string? message
---@return integer? errno
function pcapng.reader(source) end

---@param options? { name: string?, description: string?, link: integer? }
---@return integer? number for `packet`
---@return string? message
---@return integer? errno
function Writer:interface(options) end

---@param interface integer number returned by `interface`
---@param time integer nanoseconds since 1970
---@param data string
---@param options? { comment: string?, direction: "in"|"out"|nil, length: integer? }
---@return true? ok
---@return string? message
---@return integer? errno
function Writer:packet(interface, time, data, options) end

---@return true? ok
---@return string? message
---@return integer? errno
function Writer:close() end

---@return mcast.pcapng.packet? packet nil at the end
---@return string? message
---@return integer? errno
function Reader:packet() end

---@return fun(): mcast.pcapng.packet?
function Reader:packets() end

function Reader:close() end

return pcapng
