-- The rules of nftables, as tables {tool, family, name, sets, chains}: the same shape that iptables.lua makes.
local system <const> = require "mcast.cli.doctor.system"

local nft = {}

local function add_chain(tables, chain)
  local one <const> = tables[chain.family .. " " .. chain.table]
  one.chains[chain.name] = { name = chain.name, hook = chain.hook, policy = chain.policy, type = chain.type, rules = {} }
  table.insert(one.order, one.chains[chain.name])
end

local function add_rule(tables, rule)
  local chain <const> = tables[rule.family .. " " .. rule.table].chains[rule.chain]
  table.insert(chain.rules, { expr = rule.expr, name = ("rule with handle %d"):format(rule.handle) })
end

local adders <const> = {
  table = function(tables, one)
    local made <const> = { tool = "nft", family = one.family, name = one.name, sets = {}, chains = {}, order = {} }
    tables[one.family .. " " .. one.name] = made
    table.insert(tables, made)
  end,
  chain = add_chain,
  rule = add_rule,
  set = function(tables, set)
    tables[set.family .. " " .. set.table].sets[set.name] = type(set.elem) == "table" and set.elem or {}
  end,
}

-- Reads the rules, or returns nil and a message.
function nft.read()
  local ruleset <const>, message = system.ask "nft -j list ruleset"
  if not ruleset then
    return nil, message
  end
  local tables <const> = {}
  for _, kind in ipairs { "table", "chain", "set", "rule" } do -- chains may be named before they are listed
    for _, object in ipairs(ruleset.nftables or {}) do
      if object[kind] then
        adders[kind](tables, object[kind])
      end
    end
  end
  return tables
end

-- The command by which a chain accepts a datagram, before its other rules.
function nft.accept(one, chain, packet)
  local words
  if packet.protocol == "udp" then
    words = ("%s daddr %s"):format(packet.family, packet.range)
      .. (packet.dport > 0 and " udp dport " .. packet.dport or "")
  else
    words = packet.protocol == "igmp" and "ip protocol igmp" or "'icmpv6 type { 130, 131, 132, 143 }'"
  end
  return ("nft insert rule %s %s %s %s accept"):format(one.family, system.quote(one.name), system.quote(chain.name), words)
end

return nft
