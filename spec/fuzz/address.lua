-- Text is parsed as an address whose own text parses to the same object, or it is refused
-- with a reason. The first byte selects one or two arguments.
local mcast <const> = require "mcast"

local function refused(address, message, errno)
  assert(address == nil and type(message) == "string")
  assert(errno == mcast.errno.EINVAL or errno == mcast.errno.ENODEV, message)
end

local other <const> = mcast.address "10.0.0.1:5"

local function compared(a)
  local below <const>, reached <const> = a < other, other <= a
  assert(below ~= reached and (a == other) == (a <= other and other <= a), tostring(a))
  assert(a .. "" == tostring(a) and "to " .. a == "to " .. tostring(a))
end

local function read_back(a)
  compared(a)
  assert(rawequal(a, mcast.address(tostring(a))), tostring(a))
  local host = a.interface and a.host .. "%" .. a.interface or a.host
  assert(rawequal(a, mcast.address(host, a.port)), host)
  assert(rawequal(a, mcast.address(a, a.port)))
  assert(0 <= a.port and a.port <= 65535)
  assert((a.family == "inet6") == (a.host:find(":", 1, true) ~= nil), a.host)
  local first = tonumber(a.host:match "^%d+%.") or 0
  assert(a.multicast == (a.host:match "^ff%x%x:" ~= nil or 224 <= first and first <= 239), a.host)
end

return function(data)
  local port <const> = #data >= 4 and data:byte() % 2 == 1 and string.unpack(">I2", data, 2) or nil
  local text <const> = data:sub(port and 4 or 2)
  local a <const>, message, errno = mcast.address(text, port)
  if a then
    assert(a.port == (port or tonumber(text:match ":(%d+)$")), text)
    read_back(a)
  else
    refused(a, message, errno)
  end
end
