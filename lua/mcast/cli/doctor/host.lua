-- The facts that several checks need: the groups asked about, the interfaces, the routes, and the interfaces that a group
-- concerns.
local mcast <const> = require "mcast"
local system <const> = require "mcast.cli.doctor.system"

local host = {}
host.__index = host

-- All hosts are members of these groups, without a report to any switch. They stand for a group that is not named.
local ANY <const> = {
  inet = { group = "224.0.0.1", family = "inet", range = "224.0.0.0/4", unnamed = true },
  inet6 = { group = "ff02::1", family = "inet6", range = "ff00::/8", unnamed = true },
}
host.any = ANY

-- The addresses of a family that an interface has.
function host.addresses(interface, family)
  local list <const> = {}
  for _, text in ipairs(interface.addresses) do
    local address <const> = mcast.address(text, 0)
    list[#list + 1] = address and address.family == family and address or nil
  end
  return list
end

-- The groups that stand for none: of IPv4, and of IPv6 where an interface has it.
local function any(interfaces)
  local groups <const> = { ANY.inet }
  for _, one in ipairs(interfaces) do
    if not one.loopback and host.works(one, "inet6") then
      groups[2] = ANY.inet6
    end
  end
  return groups
end

-- The facts about this host and the groups, as group.parse returns them; nil and a message where there are none.
function host.new(groups)
  local interfaces <const>, message = mcast.interfaces()
  if not interfaces then
    return nil, message
  end
  local self <const> = setmetatable({ named = #groups > 0, groups = #groups > 0 and groups or any(interfaces),
    interfaces = interfaces, byname = {}, routes = {}, tested = {}, invalid = {},
    links = system.ask "ip -json link show" or {} }, host)
  for _, one in ipairs(interfaces) do
    self.byname[one.name] = one
  end
  return self
end

-- The link of an interface as `ip` shows it: a table, empty where it is not known.
function host:link(name)
  for _, link in ipairs(self.links) do
    if link.ifname == name then
      return link
    end
  end
  return {}
end

-- The command that asks again, with the privileges to read more.
function host:again()
  local words <const> = { "sudo mcast doctor" }
  for _, group in ipairs(self.named and self.groups or {}) do
    words[#words + 1] = system.quote(group.text)
  end
  return table.concat(words, " ")
end

-- Is the interface a port of a bridge, or of another interface that has the addresses?
function host:isport(interface)
  return self:link(interface.name).master ~= nil
end

function host:isethernet(interface)
  return self:link(interface.name).link_type == "ether"
end

-- Does an interface carry datagrams of a family?
function host.works(interface, family)
  return interface.up and (interface.running or interface.loopback) and #host.addresses(interface, family) > 0
end

-- The route to an address as `ip` shows it, by an interface if one is named; or nil and a message.
function host:route(address, family, interface)
  local command <const> = ("ip %s -json route get %s%s"):format(family == "inet6" and "-6" or "-4", address,
    interface and " oif " .. system.quote(interface) or "")
  self.routes[command] = self.routes[command] or table.pack(system.ask(command))
  local list <const>, message = table.unpack(self.routes[command], 1, 2)
  return list and list[1], message or "no route"
end

-- The interface of a group: the one asked for, else that of the route; nil where there is none.
function host:interface(group)
  if group.interface then
    return self.byname[group.interface]
  end
  local route <const> = self:route(group.group, group.family)
  return route and self.byname[route.dev]
end

-- The interfaces that a group concerns: its own, or, where no group is named, all that carry datagrams; lo where it is the
-- only one.
function host:concerned(group)
  if not group.unnamed then
    return { self:interface(group) }
  end
  local list <const>, loopback = {}, nil
  for _, one in ipairs(self.interfaces) do
    if host.works(one, group.family) and not self:isport(one) then
      loopback = one.loopback and one or loopback
      list[#list + 1] = not one.loopback and one or nil
    end
  end
  return #list > 0 and list or { loopback }
end

-- Is the interface one that a named group of a family needs?
function host:needs(interface, family)
  for _, group in ipairs(self.groups) do
    if not group.unnamed and (not family or group.family == family) and self:interface(group) == interface then
      return true
    end
  end
  return false
end

-- The interface that a route should name: the one asked for, else the first that is up and has an address, else one that
-- is down and has, else lo.
function host:best(group)
  local found, score = nil, -1
  for _, one in ipairs(self.interfaces) do
    local points <const> = #host.addresses(one, group.family) == 0 and 0
      or (one.loopback and 1 or 2) + (host.works(one, group.family) and not one.loopback and 1 or 0)
    if points > score then
      found, score = one, points
    end
  end
  return group.interface and self.byname[group.interface] or found
end

return host
