-- The rules of iptables and ip6tables, as iptables-save prints them, in the shape of nft.lua.
local system <const> = require "mcast.cli.doctor.system"

local iptables = {}

local function payload(protocol, name)
  return { payload = { protocol = protocol, field = name } }
end

local function network(text)
  local address <const>, length <const> = text:match "^(.*)/(%d+)$"
  return address and { prefix = { addr = address, len = tonumber(length) } } or text
end

local function list(text)
  local set <const> = {}
  for first, last in text:gmatch "(%w+):?(%w*)" do
    set[#set + 1] = last ~= "" and { range = { tonumber(first), tonumber(last) } } or tonumber(first) or first:lower()
  end
  return { set = set }
end

local function interface(text)
  return (text:gsub("%+$", "*"))
end

local function same(text)
  return text:lower()
end

-- Options: the left side of a match, as a function of the family, and the right side, as one of the option's word.
local OPTIONS <const> = {
  ["-s"] = { function(family) return payload(family, "saddr") end, network },
  ["-d"] = { function(family) return payload(family, "daddr") end, network },
  ["-p"] = { function() return { meta = { key = "l4proto" } } end, same },
  ["-i"] = { function() return { meta = { key = "iifname" } } end, interface },
  ["-o"] = { function() return { meta = { key = "oifname" } } end, interface },
  ["--dport"] = { function() return payload("th", "dport") end, list },
  ["--dports"] = { function() return payload("th", "dport") end, list },
  ["--sport"] = { function() return payload("th", "sport") end, list },
  ["--pkt-type"] = { function() return { meta = { key = "pkttype" } } end, same },
  ["--state"] = { function() return { ct = { key = "state" } } end, list },
  ["--ctstate"] = { function() return { ct = { key = "state" } } end, list },
  ["--dst-type"] = { function() return { fib = { result = "type", flags = { "daddr" } } } end, same },
}
local VERDICTS <const> = { ACCEPT = "accept", DROP = "drop", REJECT = "reject", RETURN = "return" }
local SILENT <const> = { LOG = true, NFLOG = true, MARK = true, CT = true }

local function target(name, verb)
  if SILENT[name] then
    return { counter = {} }
  elseif VERDICTS[name] then
    return { [VERDICTS[name]] = true }
  end
  return { [verb] = { target = name } }
end

-- A rule's words as statements; one that is not known here makes the rule one that may match.
local function read_rule(words, family)
  local expr, negated, i = {}, false, 1
  while i <= #words do
    local word, value = words[i], words[i + 1]
    local option <const> = OPTIONS[word]
    if word == "!" then
      negated, i = true, i + 1
    elseif word == "-j" or word == "-g" then
      expr[#expr + 1] = target(value, word == "-j" and "jump" or "goto")
      break -- the target's own options
    elseif word == "-m" and value ~= "limit" then
      i = i + 2
    elseif option then
      expr[#expr + 1] = { match = { op = negated and "!=" or "==", left = option[1](family), right = option[2](value) } }
      negated, i = false, i + 2
    else
      expr[#expr + 1] = { unknown = word }
      negated, i = false, i + 1
    end
  end
  return expr
end

local function add_rule(one, chain, text)
  local words <const> = {}
  for word in text:gsub('%-m comment %-%-comment "[^"]*"', ""):gsub("%-m comment %-%-comment %S+", ""):gmatch "%S+" do
    words[#words + 1] = word
  end
  table.insert(one.chains[chain].rules, { expr = read_rule(words, one.family), name = "rule " .. text })
end

local HOOKS <const> = { PREROUTING = "prerouting", INPUT = "input", OUTPUT = "output", POSTROUTING = "postrouting" }

local function read(program, family)
  local text <const>, message = system.run(program .. "-save")
  if not text then
    return nil, message
  end
  local tables, one = {}, nil
  for line in text:gmatch "[^\n]+" do
    local kind, rest = line:match "^([*:])(.*)$"
    if kind == "*" then
      one = { tool = program, family = family, name = rest, sets = {}, chains = {}, order = {} }
      tables[#tables + 1] = one
    elseif kind == ":" then
      local name, policy = rest:match "^(%S+) (%S+)"
      one.chains[name] = { name = name, hook = HOOKS[name], policy = policy:lower(), rules = {},
        type = one.name == "nat" and "nat" or "filter" }
      table.insert(one.order, one.chains[name])
    elseif line:find "^%-A " then
      add_rule(one, line:match "^%-A (%S+) ?(.*)$")
    end
  end
  return tables
end

-- Reads the rules of both families, of the nft variant and of the legacy one. A program that is missing has no rules.
function iptables.read()
  local all, message = {}, nil
  for _, name in ipairs { "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy" } do
    local tables, failure = nil, nil
    if system.run("command -v " .. name .. "-save") then
      tables, failure = read(name, name:find "^ip6" and "ip6" or "ip")
    end
    for _, one in ipairs(tables or {}) do
      all[#all + 1] = one
    end
    message = message or failure
  end
  return all, message
end

-- The command by which a chain accepts a datagram, before its other rules.
function iptables.accept(one, chain, packet)
  local words
  if packet.protocol == "udp" then
    words = ("-d %s -p udp%s"):format(packet.range, packet.dport > 0 and " --dport " .. packet.dport or "")
  else
    words = "-p " .. packet.protocol
  end
  local of <const> = one.name == "filter" and "" or " -t " .. one.name
  return ("%s%s -I %s %s -j ACCEPT"):format(one.tool, of, chain.name, words)
end

return iptables
