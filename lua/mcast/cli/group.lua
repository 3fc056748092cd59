-- Groups as the command line has them: GROUP[:PORT][%IF] and SOURCE@GROUP[:PORT][%IF], with [GROUP]:PORT for IPv6.
local mcast <const> = require "mcast"

local group = { PORT = 10000 } -- the port where a group names none

local FORM <const> = "GROUP[:PORT][%%IF] or SOURCE@GROUP[:PORT][%%IF] expected, got '%s'"

-- Divides "host", "host:port", "[host]:port", each with %interface inside or at its end.
local function divide(text)
  local interface
  text = text:gsub("%%([^%]:]+)", function(name)
    interface = name
    return ""
  end, 1)
  local host, port = text:match "^%[([^%[%]]+)%]:(%d+)$"
  host = host or text:match "^%[([^%[%]]+)%]$"
  if not host then
    host, port = text:match "^([^:]+):(%d+)$"
  end
  return host or text, port and (math.tointeger(tonumber(port)) or 0), interface
end

-- Parses a group. Returns {group =, port =, interface =, source =, family =}: text of addresses, and nil for each part that
-- is not there; or nil and a message.
function group.parse(text)
  local source <const>, rest <const> = text:match "^([^@]+)@(.+)$"
  local host <const>, port <const>, interface <const> = divide(rest or text)
  local zoned <const> = interface and host:find ":" and host .. "%" .. interface or host
  local address <const> = (port or 1) >= 1 and (port or 1) <= 65535 and mcast.address(host, port or 0)
  if not address then
    return nil, FORM:format(text)
  elseif not address.multicast then
    return nil, ("%s is no group (224.0.0.0 to 239.255.255.255 or ff00::/8)"):format(host)
  elseif source and not mcast.address(source, 0) then
    return nil, ("source '%s' is no numeric address"):format(source)
  end
  return { group = address.host, port = port, interface = interface, source = source, family = address.family,
    zoned = zoned }
end

return group
