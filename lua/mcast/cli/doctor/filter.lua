-- A packet filter's verdict on a datagram, from its rules as `nft -j list ruleset` prints them. Each question has three
-- answers: yes, no, and nil where the rule asks for something that is not known here.
local filter = {}

-- An address as bytes, which compare as numbers do; nil for other text.
local function bytes(host)
  if host:find ":" then
    local before, after = host:match "^(.-)::(.*)$"
    local function words(text)
      local list = {}
      for word in text:gmatch "%x+" do
        list[#list + 1] = string.pack(">I2", tonumber(word, 16) & 0xffff)
      end
      return table.concat(list)
    end
    local head <const>, tail <const> = words(before or host), words(after or "")
    return #head + #tail <= 16 and head .. ("\0"):rep(16 - #head - #tail) .. tail or nil
  end
  local numbers <const> = { host:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  return #numbers == 4 and string.char(table.unpack(numbers)) or nil
end

local function comparable(value)
  return type(value) == "string" and (bytes(value) or value) or value
end

local function inprefix(value, prefix)
  local address <const>, own <const> = bytes(prefix.addr), bytes(value)
  if not address or not own or #address ~= #own then
    return false
  end
  local whole <const>, bits <const> = prefix.len // 8, prefix.len % 8
  return address:sub(1, whole) == own:sub(1, whole)
    and (bits == 0 or (address:byte(whole + 1) ~ own:byte(whole + 1)) >> (8 - bits) == 0)
end

local function inrange(value, range)
  local low <const>, high <const>, own <const> = comparable(range[1]), comparable(range[2]), comparable(value)
  return type(low) == type(own) and type(high) == type(own) and low <= own and own <= high
end

local function isany(value, list, sets)
  local answer = false
  for _, element in ipairs(list) do
    local found <const> = filter.equals(value, element, sets)
    if found then
      return true
    elseif found == nil then
      answer = nil
    end
  end
  return answer
end

-- Is a value the right side of a match?
function filter.equals(value, right, sets)
  if type(right) == "table" then
    if right.prefix then
      return inprefix(value, right.prefix)
    elseif right.range then
      return inrange(value, right.range)
    elseif right.elem then
      return filter.equals(value, right.elem.val, sets)
    elseif right.set or #right > 0 then
      local list <const> = right.set or right
      return isany(value, type(list) == "table" and list or { list }, sets)
    end
    return nil
  elseif type(right) == "string" and right:find "^@" then
    return sets[right:sub(2)] and isany(value, sets[right:sub(2)], sets)
  elseif type(right) == "string" and right:find "%*$" then -- a name of interfaces
    return tostring(value):sub(1, #right - 1) == right:sub(1, -2)
  end
  return comparable(value) == comparable(right)
end

-- The value that the left side of a match has in a datagram; nil where it is not known, false where it has no such field.
local function field(left, packet)
  if type(left) ~= "table" then
    return nil
  elseif left.payload then
    local protocol <const>, name <const> = left.payload.protocol, left.payload.field
    if protocol == "th" or protocol == "udp" then
      return packet.protocol == "udp" and packet[name]
    elseif protocol == "igmp" or protocol == "icmpv6" or protocol == "tcp" or protocol == "icmp" then
      return packet.protocol == protocol and packet[name]
    elseif protocol == "ip" or protocol == "ip6" then
      local name_of <const> = name == "nexthdr" and "protocol" or name
      return protocol == packet.family and packet[name_of]
    end
  elseif left.meta then
    local of <const> = { nfproto = packet.family == "ip" and "ipv4" or "ipv6", l4proto = packet.protocol,
      protocol = packet.family, iif = packet.input or false, iifname = packet.input or false,
      oif = packet.output or false, oifname = packet.output or false, pkttype = packet.input and "multicast" or nil }
    return of[left.meta.key]
  elseif left.fib and left.fib.result == "type" then
    local flags <const> = left.fib.flags -- a list, or one word
    return (flags == "daddr" or type(flags) == "table" and #flags == 1 and flags[1] == "daddr") and "multicast" or nil
  elseif left.ct and left.ct.key == "state" then
    return "new"
  end
end

local PROTOCOLS <const> = { ["ipv6-icmp"] = "icmpv6", [2] = "igmp", [17] = "udp", [58] = "icmpv6", ["2"] = "igmp",
  ["17"] = "udp", ["58"] = "icmpv6" }

local function matches(match, packet, sets)
  local value <const> = field(match.left, packet)
  if not value then
    return value -- a field that the datagram does not have matches nothing
  end
  local right <const> = PROTOCOLS[match.right] or match.right
  local equal <const> = filter.equals(value, right, sets)
  if match.op == "==" or match.op == "in" then
    return equal
  elseif match.op == "!=" and equal ~= nil then
    return not equal
  end
end

-- Statements that neither match nor decide.
local HARMLESS <const> = { counter = true, log = true, comment = true, mangle = true, notrack = true, ["ct helper"] = true }
local VERDICTS <const> = { accept = true, drop = true, reject = true, jump = true, ["goto"] = true, ["return"] = true }

-- Does a rule match, and the name and value of its verdict?
local function read_rule(rule, packet, sets)
  local answer = true
  for _, statement in ipairs(rule.expr) do
    local kind <const>, value <const> = next(statement)
    if kind == "match" then
      local matched <const> = matches(value, packet, sets)
      if matched == false then
        return false
      end
      answer = answer and matched
    elseif VERDICTS[kind] then
      return answer, kind, value
    elseif not HARMLESS[kind] then
      answer = nil -- limit, xt, vmap ...
    end
  end
  return answer
end

-- Follows a chain. Returns "accept" or "drop" where a rule decides, with that rule. `state.unsure` is set where a rule may
-- accept, and state.suspects has the rules that may drop.
local function follow(rules, chain, packet, state)
  for _, rule in ipairs(rules.chains[chain] and rules.chains[chain].rules or {}) do
    local matched <const>, verdict <const>, value <const> = read_rule(rule, packet, rules.sets)
    local drops <const> = verdict == "drop" or verdict == "reject"
    if matched == nil and drops then
      state.suspects[#state.suspects + 1] = rule
    elseif matched == nil then
      state.unsure = true
    elseif matched and drops then
      return "drop", rule
    elseif matched and (verdict == "jump" or verdict == "goto") then
      local result <const>, by <const> = follow(rules, value.target, packet, state)
      if result or verdict == "goto" then
        return result, by
      end
    elseif matched and verdict == "return" then
      return nil
    elseif matched and verdict == "accept" then
      return "accept"
    end
  end
end

-- The verdict of a base chain: "accept", or "drop" and its rule (nil: by its policy); and the state.
function filter.judge(rules, chain, packet)
  local state <const> = { suspects = {}, unsure = false }
  local verdict, rule = follow(rules, chain, packet, state)
  if not verdict then
    verdict = rules.chains[chain].policy == "drop" and "drop" or "accept"
  end
  return verdict, rule, state
end

return filter
