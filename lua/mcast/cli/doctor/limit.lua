-- Limits of memberships, sources and buffers, and the version of IGMP and MLD that sources need.
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

-- A limit of /proc/sys/: the number that is needed is the greater one of the kernel's own default and of `least`, with
-- which something does not work at all.
local function check_limit(list, limit)
  local value <const> = system.number(limit.path)
  if value and value < math.max(limit.least, limit.default) then
    list:add(value < limit.least and "error" or "warning", limit.path:match "[^/]+$", limit.text:format(value),
      system.set(limit.path, math.max(limit.least, limit.default)))
  end
end

-- The number of groups of a family, and the greatest number of sources of one of them.
local function count(facts, family)
  local groups, sources, most = 0, {}, 0
  for _, group in ipairs(facts.groups) do
    if group.family == family then
      if not sources[group.group] then
        groups, sources[group.group] = groups + 1, 0
      end
      sources[group.group] = sources[group.group] + (group.source and 1 or 0)
      most = math.max(most, sources[group.group])
    end
  end
  return groups, most
end

local function check_limits(facts, list)
  local groups <const>, sources <const> = count(facts, "inet")
  local _, sources6 <const> = count(facts, "inet6")
  check_limit(list, { path = "net/ipv4/igmp_max_memberships", least = math.max(groups, 1), default = 20,
    text = "a socket may join %d IPv4 groups only" })
  check_limit(list, { path = "net/ipv4/igmp_max_msf", least = sources, default = 10,
    text = "a membership may name %d sources only" })
  check_limit(list, { path = "net/ipv6/mld_max_msf", least = sources6, default = 64,
    text = "a membership may name %d sources only" })
  check_limit(list, { path = "net/core/optmem_max", least = 4096, default = 20480,
    text = "memberships and filters of a socket may occupy %d bytes only" })
  check_limit(list, { path = "net/core/rmem_max", least = 0, default = 212992,
    text = "receive buffers are limited to %d bytes, so bursts are lost" })
end

-- IGMPv3 and MLDv2 alone report sources (RFC 3376, RFC 3810).
local VERSIONS <const> = {
  inet = { path = "net/ipv4/conf/%s/force_igmp_version", least = 3, name = "IGMPv%d" },
  inet6 = { path = "net/ipv6/conf/%s/force_mld_version", least = 2, name = "MLDv%d" },
}

local function check_forced(list, version, of)
  local path <const> = version.path:format(of)
  local value <const> = system.number(path) or 0
  if 0 < value and value < version.least then
    list:error(of == "all" and "all interfaces" or of, ("%s is forced, which reports no sources to routers and switches")
      :format(version.name:format(value)), system.set(path, 0))
  end
end

-- Another host's queries of an old version make the kernel report in that version, for minutes.
local function check_querier(list, one)
  local version <const> = (system.read "/proc/net/igmp" or ""):match("\n%d+%s+" .. one.name:gsub("%p", "%%%0")
    .. "%s*:%s*%d+%s+V(%d)")
  local path <const> = VERSIONS.inet.path:format(one.name)
  if version and tonumber(version) < 3 and system.number(path) == 0
    and system.number(VERSIONS.inet.path:format "all") == 0 then
    list:error(one.name, ("a querier on its LAN asks in IGMPv%s, so no sources are reported"):format(version),
      system.set(path, 3))
  end
end

local function check_versions(facts, list, group)
  check_forced(list, VERSIONS[group.family], "all")
  for _, one in ipairs(facts:concerned(group)) do
    check_forced(list, VERSIONS[group.family], one.name)
    if group.family == "inet" then
      check_querier(list, one)
    end
  end
end

-- 224.0.0.0/24: memberships are reported unless the system is set otherwise.
local function check_local(list, group)
  local path <const> = "net/ipv4/igmp_link_local_mcast_reports"
  if group.group:find "^224%.0%.0%." and not group.unnamed and system.number(path) == 0 then
    list:warn(group.group, "memberships of 224.0.0.0/24 are not reported: a switch that snoops them, too, drops the group",
      system.set(path, 1))
  end
end

return function(facts)
  local list <const> = findings.new()
  check_limits(facts, list)
  local checked <const> = {}
  for _, group in ipairs(facts.groups) do
    if group.source and not checked[group.family] then
      checked[group.family] = true
      check_versions(facts, list, group)
    end
    check_local(list, group)
  end
  return list
end
