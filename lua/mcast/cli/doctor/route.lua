-- Routes to the groups, and rp_filter, which drops datagrams whose source has its route by another interface.
local host <const> = require "mcast.cli.doctor.host"
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

local FAR <const> = "192.0.2.1" -- RFC 5737: of no network; its route is the default route

-- The command for a route to a group: to all of them, or to this one, where a route that exists forbids it.
local function command(group, one, exact)
  local name <const> = system.quote(one.name)
  if group.family == "inet6" then
    return one.loopback and "ip -6 route add local ff00::/8 dev " .. name
      or ("ip -6 route add multicast ff00::/8 dev %s table local"):format(name)
  end
  local range <const> = exact and not group.unnamed and group.group .. "/32" or host.any.inet.range
  return ("ip route replace %s dev %s%s"):format(range, name, one.loopback and " src 127.0.0.1" or "")
end

-- Does a route exist that refuses the group: blackhole, unreachable, prohibit?
local function isrefused(message)
  return not message:find "Network is unreachable" and message:match "RTNETLINK answers: (.*)"
end

local function check_missing(facts, list, group, message)
  local refused <const>, best <const> = isrefused(message), facts:best(group)
  local cause <const> = refused and ("a route refuses the group (%s): see ip route show"):format(refused)
    or "no route to the group"
  list:add(group.interface and "warning" or "error", group.unnamed and group.range or group.group,
    cause .. ": join and send fail, unless they name an interface", best and command(group, best, refused))
end

-- IPv6 sends by an interface only where a route to groups names it.
local function check_group6(facts, list, group, one)
  local route <const> = facts:route(group.group, "inet6", one.name)
  if host.works(one, "inet6") and not (route and route.dev == one.name) then -- else checked as an interface
    list:error(one.name, "no route to IPv6 groups by it", command(group, one))
  end
end

-- Programs that name no interface use that of the route.
local function check_group(facts, list, group)
  local asked <const> = group.interface and facts.byname[group.interface]
  if group.interface and not asked then
    return -- checked as an interface
  elseif asked and group.family == "inet6" then
    return check_group6(facts, list, group, asked)
  end
  local route <const>, message <const> = facts:route(group.group, group.family)
  if route and asked and route.dev ~= asked.name then
    list:warn(asked.name, ("the route to the group is by %s: programs that name no interface use that one")
      :format(route.dev), command(group, asked, true))
  elseif not route and message:find "RTNETLINK" then
    check_missing(facts, list, group, message)
  elseif not route then
    list:note("routes", "could not be read: " .. message)
  end
end

-- Strict or loose; the greater one of the interface's and the host's counts.
local function filtering(one)
  return math.max(system.number "net/ipv4/conf/all/rp_filter" or 0,
    system.number(("net/ipv4/conf/%s/rp_filter"):format(one.name)) or 0)
end

local function set_loose(one)
  return system.set(("net/ipv4/conf/%s/rp_filter"):format(one.name), 2)
end

-- Is the route back to the source of a group by the interface of the group?
local function check_source(facts, list, group, one)
  local back <const>, mode <const> = facts:route(group.source, "inet"), filtering(one)
  if not back then
    list:error(one.name, ("no route to the source %s: rp_filter (%d) drops its datagrams, which tcpdump shows")
      :format(group.source, mode), ("ip route add %s/32 dev %s"):format(group.source, system.quote(one.name)))
  elseif back.dev ~= one.name and back.type ~= "local" and mode == 1 then
    list:error(one.name, ("rp_filter is strict, and the route to the source %s is by %s: its datagrams are dropped, "
      .. "which tcpdump shows"):format(group.source, back.dev), set_loose(one))
  end
end

-- Where the default route is by another interface, those behind routers are dropped.
local function check_far(facts, list, one)
  local default <const> = facts:route(FAR, "inet")
  if default and default.dev ~= one.name and not one.loopback then
    list:warn(one.name, ("rp_filter is strict, and the default route is by %s: datagrams from sources behind routers "
      .. "are dropped, which tcpdump shows"):format(default.dev), set_loose(one))
  end
end

local function check_filter(facts, list, group)
  for _, one in ipairs(facts:concerned(group)) do
    local mode <const> = filtering(one)
    if group.source and mode > 0 then
      check_source(facts, list, group, one)
    elseif mode == 1 then
      check_far(facts, list, one)
    end
  end
end

return function(facts)
  local list <const> = findings.new()
  for _, group in ipairs(facts.groups) do
    check_group(facts, list, group)
    if group.family == "inet" then
      check_filter(facts, list, group)
    end
  end
  return list
end
