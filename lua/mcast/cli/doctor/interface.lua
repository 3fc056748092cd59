-- Interfaces: up, their carrier, their MULTICAST flag, their addresses.
local host <const> = require "mcast.cli.doctor.host"
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

local function command(verb, one, words)
  return ("ip %s %s %s"):format(verb, system.quote(one.name), words)
end

-- An interface without a carrier. The other end of a wire is named where it is in this namespace.
local function check_carrier(facts, list, one, needed)
  local peer <const> = facts:link(one.name).link
  local known <const> = type(peer) == "string" and facts.byname[peer]
  list:add(needed and "error" or "note", one.name,
    "is up, but has no carrier: the other end of the wire is down, or not plugged in",
    known and not known.up and command("link set", known, "up") or nil)
end

-- Linux itself needs the flag for IPv6 over tunnels alone, which have none, by design.
local function check_flag(facts, list, one)
  if one.multicast or one.loopback then
    return
  end
  list:add((facts:needs(one) or facts:isethernet(one)) and "warning" or "note", one.name,
    "has no MULTICAST flag: programs leave it out, and IPv6 has no route to groups by a tunnel without it",
    command("link set", one, "multicast on"))
end

local function check_addresses(facts, list, one)
  if #host.addresses(one, "inet") > 0 or not facts:needs(one, "inet") then
    return
  end
  list:error(one.name, "has no IPv4 address, so nothing that it sends has a source",
    ("ip addr add 169.254.%d.%d/16 dev %s"):format(math.random(1, 254), math.random(0, 255), system.quote(one.name)))
end

local function check(facts, list, one)
  local needed <const> = facts:needs(one)
  local configured <const> = #host.addresses(one, "inet") > 0 or one.loopback
  if not one.up then
    list:add(needed and "error" or configured and "warning" or "note", one.name, "is down", command("link set", one, "up"))
    return
  end
  if not one.running and not one.loopback then
    check_carrier(facts, list, one, needed)
  end
  check_flag(facts, list, one)
  check_addresses(facts, list, one)
end

-- Interfaces that are asked for and do not exist.
local function check_names(facts, list)
  for _, group in ipairs(facts.groups) do
    if group.interface and not facts.byname[group.interface] then
      local names <const> = {}
      for i, one in ipairs(facts.interfaces) do
        names[i] = one.name
      end
      list:error(group.interface, ("no such interface; available: %s"):format(table.concat(names, ", ")))
    end
  end
end

return function(facts)
  local list <const> = findings.new()
  check_names(facts, list)
  local up = false
  for _, one in ipairs(facts.interfaces) do
    check(facts, list, one)
    up = up or one.up
  end
  if not up then
    list:error("interfaces", "no interface is up, not even lo", "ip link set lo up")
  end
  return list
end
