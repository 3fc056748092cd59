-- The addresses of a trace: values as those of mcast.address, whatever interfaces this host has. Equal ones are the same
-- table.
local address = {}

local Address <const> = {}
Address.__index = Address
Address.__name = "mcast.trace.address"

function Address:__tostring()
  local host <const> = self.interface and self.host .. "%" .. self.interface or self.host
  return (self.family == "inet6" and "[%s]:%d" or "%s:%d"):format(host, self.port)
end

function Address.__concat(a, b)
  return tostring(a) .. tostring(b)
end

local function ismulticast(host)
  local first <const> = tonumber(host:match "^(%d+)%.")
  return first and 224 <= first and first <= 239 or host:find "^[fF][fF]" ~= nil
end

local known <const> = setmetatable({}, { __mode = "v" }) -- by text

-- The address of a host and a port. IPv4 in IPv6 is IPv4.
function address.of(host, port, interface)
  host = host:match "^::[fF][fF][fF][fF]:(%d+%.%d+%.%d+%.%d+)$" or host
  local key <const> = ("%s%%%s:%d"):format(host, interface or "", port)
  local found = known[key]
  if not found then
    found = setmetatable({ host = host, port = port, interface = interface, multicast = ismulticast(host),
      family = host:find(":", 1, true) and "inet6" or "inet" }, Address)
    known[key] = found
  end
  return found
end

-- The address that a text is; nil where it is none.
function address.parse(text)
  local host, port = text:match "^%[(.*)%]:(%d+)$"
  if not host then
    host, port = text:match "^([%d.]+):(%d+)$"
  end
  port = math.tointeger(tonumber(port))
  if port and port < 65536 then
    return address.of(host:match "^[^%%]*", port, host:match "%%(.+)$")
  end
end

-- Is it the address of no host, such as 0.0.0.0?
function address.isany(one)
  return one.host == "0.0.0.0" or one.host == "::"
end

return address
