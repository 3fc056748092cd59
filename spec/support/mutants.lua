-- Packets that real programs sent, and thousands of mutants of them, for a script in the simulator.
local pcapng <const> = require "mcast.pcapng"
local sim <const> = require "mcast.sim"
local udp <const> = require "mcast.pcapng.udp"

local mutants = {}

-- The datagrams of spec/protocols/packets/NAME.pcapng, a list of bytes.
function mutants.packets(name)
  local list <const> = {}
  local reader <close> = assert(pcapng.reader("spec/protocols/packets/" .. name .. ".pcapng"))
  for packet in reader:packets() do
    list[#list + 1] = assert(udp.decode(packet)).data
  end
  return list
end

local random <const> = math.random

-- A place of a packet, and the bytes before and after it.
local function cut(data, most)
  local at <const> = random(0, most or #data)
  return data:sub(1, at), data:sub(at + 1)
end

-- The ways in which a packet is changed. Numbers at their limits are where lengths and counts are misread.
local extremes <const> = { "\0", "\1", "\x7f", "\x80", "\xc0", "\xff", "\0\0", "\xff\xff", "\x7f\xff", "\0\0\0\0",
  "\xff\xff\xff\xff", "\x7f\xff\xff\xff" }
local changes <const> = {
  function(data) -- flips a bit
    local before <const>, after <const> = cut(data, #data - 1)
    return before .. string.char(after:byte() ~ 1 << random(0, 7)) .. after:sub(2)
  end,
  function(data) return (cut(data)) end, -- cuts the end off
  function(data) return (select(2, cut(data))) end, -- cuts the beginning off
  function(data) -- sets a number to an extreme
    local before <const>, after <const> = cut(data)
    local value <const> = extremes[random(#extremes)]
    return before .. value .. after:sub(#value + 1)
  end,
  function(data) -- doubles a part
    local before <const>, after <const> = cut(data)
    local part <const> = after:sub(1, random(1, 64))
    return before .. part .. after
  end,
  function(data) -- leaves a part out
    local before <const>, after <const> = cut(data)
    return before .. after:sub(random(1, 16))
  end,
  function(data) -- puts random bytes in
    local before <const>, after <const> = cut(data)
    return before .. string.pack(">I" .. random(8), random(0, 255)) .. after
  end,
  function(data, other) return (cut(data)) .. select(2, cut(other)) end, -- joins two packets
}

-- So many mutants of packets: one to four changes each.
local function make(packets, count)
  local list <const> = {}
  for i = 1, count do
    local data = packets[random(#packets)]
    for _ = 1, random(4) do
      if data ~= "" then
        data = changes[random(#changes)](data, packets[random(#packets)])
      end
    end
    list[i] = data:sub(1, 65000)
  end
  return list
end

-- Sends its share of the mutants to a group and to an address, from the protocol's port or another one.
local function attacker(list, port, group, target, own, pause)
  local mcast <const> = require "mcast"
  local family <const> = group:find ":" and "inet6" or "inet"
  local sock <close> = assert(mcast.socket { family = family, port = own, ttl = 255 })
  mcast.sleep(1) -- for the script to begin
  for i, data in ipairs(list) do
    local sent <const>, message <const> = sock:sendto(data, i % 3 == 0 and target or group, port)
    assert(sent, message)
    mcast.sleep(pause)
  end
end

-- The datagrams and bytes that a host sent.
local function count(net, name)
  local datagrams, bytes = 0, 0
  for _, event in ipairs(net.trace) do
    if event.kind == "send" and event.host == name then
      datagrams, bytes = datagrams + 1, bytes + #event.data
    end
  end
  return datagrams, bytes
end

local function simulate(options, shares)
  local net <const> = sim.new { seed = options.seed or 1, output = function() end }
  local script <const> = net:node("script", options.script, options.args, options.node)
  local target <const> = options.group:find ":" and "fd00::1" or "10.0.0.1"
  local pause <const> = options.pause or 0.003
  for i, share in ipairs(shares) do
    local own <const> = i < #shares and options.port or 0
    net:node("attacker-" .. i, attacker, { share, options.port, options.group, target, own, pause })
  end
  net:run(2 + (options.count or 10000) / #shares * pause + (options.after or 5))
  assert(script.status == "running" or options.ends, "the script has ended")
  return net
end

-- Runs a script in the simulator beside three senders of mutants of packets, for as long as these last. Options: `script`,
-- `args`, `node` (options of net:node), `packets`, `port`, `group`, and optionally `count` (10,000), `seed`, `pause` (seconds
-- between two mutants of a sender), `after` (seconds at the end), `ends` (the script may end). Returns {sent, sent_bytes,
-- answered, answered_bytes}: datagrams and bytes of the senders, and of the script; and {unprompted, unprompted_bytes}: those
-- of the script in a run without mutants. It raises where the script fails or ends.
function mutants.run(options)
  math.randomseed(options.seed or 1)
  local list <const>, shares <const> = make(options.packets, options.count or 10000), { {}, {}, {} }
  for i, data in ipairs(list) do
    table.insert(shares[i % #shares + 1], data)
  end
  local result <const> = { sent = 0, sent_bytes = 0 }
  local net <const> = simulate(options, shares)
  for i = 1, #shares do
    local datagrams <const>, bytes <const> = count(net, "attacker-" .. i)
    result.sent, result.sent_bytes = result.sent + datagrams, result.sent_bytes + bytes
  end
  result.answered, result.answered_bytes = count(net, "script")
  result.unprompted, result.unprompted_bytes = count(simulate(options, { {}, {}, {} }), "script")
  return result
end

return mutants
