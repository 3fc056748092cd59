-- Bridges that snoop IGMP and MLD, without a querier that makes members renew their reports.
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

local function ports(facts, name)
  local n = 0
  for _, link in ipairs(facts.links) do
    n = n + (link.master == name and 1 or 0)
  end
  return n
end

-- Lists of ports to queriers that the bridges have heard lately, or to routers, by the bridge's name.
local function queriers()
  local known <const> = system.ask "bridge -d -json mdb show"
  return known and known[1] and known[1].router or {}
end

return function(facts)
  local list <const> = findings.new()
  local bridges <const>, message = system.ask "ip -d -json link show type bridge"
  if not bridges then
    list:note("bridges", "could not be read: " .. message)
    return list
  end
  local heard = nil
  for _, bridge in ipairs(bridges) do
    local data <const> = (bridge.linkinfo or {}).info_data or {}
    local one <const> = facts.byname[bridge.ifname]
    if one and one.up and data.mcast_snooping == 1 and data.mcast_querier == 0 and ports(facts, one.name) > 0 then
      heard = heard or queriers()
      if #(heard[one.name] or {}) == 0 then
        list:warn(one.name, "it snoops IGMP and MLD, and no querier is on its LAN: members do not renew their reports, so "
          .. "the switches of the LAN drop groups after some minutes (260 s by default), or flood them to all ports",
          ("ip link set %s type bridge mcast_querier 1"):format(system.quote(one.name)))
      end
    end
  end
  return list
end
