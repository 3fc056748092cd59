-- IPv6: switched off, an MTU that is too small, no address, or addresses that are not valid (yet).
local mcast <const> = require "mcast"
local findings <const> = require "mcast.cli.doctor.findings"
local system <const> = require "mcast.cli.doctor.system"

local TENTATIVE <const>, DUPLICATE <const> = 0x40, 0x08 -- linux/if_addr.h: IFA_F_
local MINIMUM <const> = 1280 -- RFC 8200, section 5

-- The short text of an address.
local function short(text)
  return mcast.address(text, 0).host
end

-- The addresses of /proc/net/if_inet6 by interface: lists of {host, network, prefix, flags}.
local function read_addresses()
  local text <const> = system.read "/proc/net/if_inet6"
  local of = {}
  for line in (text or ""):gmatch "[^\n]+" do
    local digits, prefix, flags, name = line:match "^(%x+) %x+ (%x+) %x+ (%x+) +(%S+)$"
    if digits then
      local address <const> = digits:gsub("%x%x%x%x", "%0:", 7)
      of[name] = of[name] or {}
      table.insert(of[name], { host = short(address), network = address:sub(1, 20), prefix = tonumber(prefix, 16),
        flags = tonumber(flags, 16) })
    end
  end
  return text and of
end

-- An address in the same /64, whose first half is given, that no other host is likely to have.
local function other_address(network)
  return short(("%s%x:%x:%x:%x"):format(network, math.random(1, 0xffff), math.random(0, 0xffff), math.random(0, 0xffff),
    math.random(1, 0xffff))) .. "/64"
end

local function check_states(facts, list, one, addresses)
  local well, bad = 0, {}
  for _, a in ipairs(addresses) do
    if a.flags & (TENTATIVE | DUPLICATE) == 0 then
      well = well + 1
    else
      bad[#bad + 1] = a
    end
  end
  facts.invalid[one.name] = well == 0
  local severity <const> = facts:needs(one, "inet6") and well == 0 and "error" or "warning"
  for _, a in ipairs(bad) do
    local name <const> = system.quote(one.name)
    if a.flags & DUPLICATE ~= 0 then
      list:add(severity, one.name, ("%s is no valid address: another host has it, too"):format(a.host),
        ("ip -6 addr del %s/%d dev %s && ip -6 addr add %s dev %s"):format(a.host, a.prefix, name, other_address(a.network),
          name))
    else
      list:add(severity, one.name,
        ("%s is tentative: nothing is sent from it until it is known that no other host has it"):format(a.host),
        "sleep 2")
    end
  end
end

-- Why an interface has no IPv6 address at all.
local function check_absence(list, one, severity)
  local off <const> = ("net/ipv6/conf/%s/disable_ipv6"):format(one.name)
  local name <const> = system.quote(one.name)
  if one.mtu < MINIMUM then
    list:add(severity, one.name, ("IPv6 needs an MTU of %d, and this one is %d"):format(MINIMUM, one.mtu),
      ("ip link set %s mtu %d"):format(name, MINIMUM))
  elseif system.number(off) == 1 then
    list:add(severity, one.name, "IPv6 is switched off", system.set(off, 0))
  elseif severity == "error" then
    list:error(one.name, "has no IPv6 address, so nothing that it sends has a source",
      ("ip -6 addr add %s dev %s"):format(other_address "fe80:0000:0000:0000:", name))
  end
end

local function check(facts, list, one, of)
  if not one.up or not (one.running or one.loopback) or facts:isport(one) then
    return -- checked as an interface, or a port of a bridge
  end
  if of[one.name] then
    check_states(facts, list, one, of[one.name])
  else
    check_absence(list, one, facts:needs(one, "inet6") and "error" or "warning")
  end
end

return function(facts)
  local list <const> = findings.new()
  local of <const> = read_addresses()
  if not of then
    local needed = false
    for _, group in ipairs(facts.groups) do
      needed = needed or group.family == "inet6"
    end
    list:add(needed and "error" or "note", "IPv6", "this system has no IPv6, or /proc/net/if_inet6 could not be read")
    return list
  end
  for _, one in ipairs(facts.interfaces) do
    check(facts, list, one, of)
  end
  return list
end
