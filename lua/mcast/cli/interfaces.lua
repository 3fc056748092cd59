-- mcast interfaces: the interfaces of this host.
local mcast <const> = require "mcast"

local interfaces = {
  summary = "Lists the interfaces of this host",
  example = "mcast interfaces --json",
}

local KEYS <const> = { "name", "index", "up", "running", "multicast", "loopback", "mtu", "addresses" }

function interfaces.options()
end

local function flags(one)
  local list <const> = {}
  for _, name in ipairs { "up", "running", "multicast", "loopback" } do
    list[#list + 1] = one[name] and name or nil
  end
  return table.concat(list, ",")
end

local function hosts(one, list)
  local found <const> = list {}
  for i, address in ipairs(one.addresses) do
    found[i] = tostring(address.host or address)
  end
  return found
end

function interfaces.run(_, out)
  local list <const>, message <const> = mcast.interfaces()
  if not list then
    return 1, message
  end
  local rows <const> = {}
  for i, one in ipairs(list) do
    local addresses <const> = hosts(one, out.list)
    rows[i] = { one.name, tostring(one.index), flags(one), tostring(one.mtu or ""), table.concat(addresses, " ") }
    if out.json then
      out:record({ name = one.name, index = one.index, up = one.up, running = one.running, multicast = one.multicast,
        loopback = one.loopback, mtu = one.mtu, addresses = addresses }, nil, KEYS)
    end
  end
  out:table({ "NAME", "INDEX", "FLAGS", "MTU", "ADDRESSES" }, rows)
end

return interfaces
