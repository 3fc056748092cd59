-- Packet filters: nftables and iptables, where they may be read. Their rules are followed for the datagrams that a group
-- needs: its own, in and out, and the reports and queries of its memberships.
local host <const> = require "mcast.cli.doctor.host"
local findings <const> = require "mcast.cli.doctor.findings"
local filter <const> = require "mcast.cli.doctor.filter"
local iptables <const> = require "mcast.cli.doctor.iptables"
local nft <const> = require "mcast.cli.doctor.nft"

local HOOKS <const> = {
  input = { ingress = true, prerouting = true, input = true },
  output = { output = true, postrouting = true, egress = true },
}

-- The names and values that IGMP and MLD have in rules.
local MEMBERSHIP <const> = {
  inet = { protocol = "igmp", report = "membership-report-v3", reports_to = "224.0.0.22", query = "membership-query",
    queries_to = "224.0.0.1", name = "IGMP" },
  inet6 = { protocol = "icmpv6", report = "mld2-listener-report", reports_to = "ff02::16", query = "mld-listener-query",
    queries_to = "ff02::1", name = "MLD" },
}

-- The datagrams of a group on an interface.
local function packets(group, one)
  local family <const> = group.family == "inet" and "ip" or "ip6"
  local m <const>, own <const> = MEMBERSHIP[group.family], host.addresses(one, group.family)[1]
  local object <const> = group.unnamed and "groups" or group.group .. (group.port and " port " .. group.port or "")
  local function udp(direction, text, source)
    return { family = family, of = group.family, protocol = "udp", daddr = group.group, saddr = source,
      dport = group.port or -1,
      [direction] = one.name, direction = direction, range = group.range or group.group, text = text .. object }
  end
  local function membership(direction, kind, to, text)
    return { family = family, protocol = m.protocol, daddr = to, type = kind, [direction] = one.name,
      direction = direction, text = text, weak = group.unnamed }
  end
  local list <const> = { udp("input", "arriving datagrams to ", group.source),
    udp("output", "datagrams sent to ", own and own.host) }
  if not one.loopback then
    list[3] = membership("output", m.report, m.reports_to, m.name .. " reports, by which switches and routers know members")
    list[4] = membership("input", m.query, m.queries_to, m.name .. " queries, without which memberships end after some minutes")
  end
  return list
end

local function isconcerned(one, chain, packet)
  return chain.hook and HOOKS[packet.direction][chain.hook] and chain.type == "filter"
    and (one.family == packet.family or one.family == "inet" or one.family == "netdev")
end

-- Has the self-test failed on an interface, in a family?
local function hasfailed(facts, name, family)
  for _, result in ipairs(facts.tested) do
    if result.interface.name == name and result.group.family == family and not result.ok then
      return true
    end
  end
end

local function judge(facts, one, chain, packet)
  local verdict, rule, state = filter.judge(one, chain.name, packet)
  local sure = not state.unsure and chain.hook ~= "ingress" -- nft does not print the interface of a netdev chain
  if verdict == "drop" and sure then
    return true, rule
  elseif packet.protocol == "udp" and hasfailed(facts, packet.input or packet.output, packet.of) then
    return (verdict == "drop" or #state.suspects > 0) and "may", rule or state.suspects[1]
  end
end

local function check(facts, list, one, packet)
  for _, chain in ipairs(one.order) do
    local drops, rule = nil, nil
    if isconcerned(one, chain, packet) then
      drops, rule = judge(facts, one, chain, packet)
    end
    if drops then
      local by <const> = rule and "the " .. rule.name or "the policy"
      local accept <const> = one.tool == "nft" and nft.accept or iptables.accept
      list:add(packet.weak and "warning" or "error", "firewall", ("%s: %s of chain %s in table %s %s %s"):format(one.tool,
        by, chain.name, one.tool == "nft" and one.family .. " " .. one.name or one.name,
        drops == "may" and "may drop" or "drops", packet.text),
        accept(one, chain, packet))
    end
  end
end

-- nft lists the tables of iptables-nft, too, which iptables-save has printed.
local function isprinted(one, tables)
  for _, other in ipairs(tables) do
    if one.family == other.family and one.name == other.name and not other.tool:find "legacy" then
      return true
    end
  end
end

local function read(list)
  local tables <const>, message = iptables.read()
  local others <const>, failure = nft.read()
  local all <const> = table.move(tables, 1, #tables, 1, {})
  for _, one in ipairs(others or {}) do
    all[#all + 1] = not isprinted(one, tables) and one or nil
  end
  if failure or message then
    list:note("firewall", "could not be read: " .. (failure or message))
  end
  return all
end

return function(facts)
  local list <const>, seen <const> = findings.new(), {}
  local tables <const> = read(list)
  local all <const> = findings.new()
  for _, group in ipairs(facts.groups) do
    for _, interface in ipairs(facts:concerned(group)) do
      for _, packet in ipairs(packets(group, interface)) do
        for _, one in ipairs(tables) do
          check(facts, all, one, packet)
        end
      end
    end
  end
  for _, finding in ipairs(all) do -- a rule drops by all interfaces, mostly
    local key <const> = finding.text .. "\n" .. finding.fix
    list[#list + 1] = not seen[key] and finding or nil
    seen[key] = true
  end
  return list
end
