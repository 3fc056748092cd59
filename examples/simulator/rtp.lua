-- Sends a text as RTP to three receivers, with loss, duplication, late packets, crashes, and numbers that wrap around.
-- usage: lua5.4 rtp.lua [seeds] [picture.svg]
-- Each receiver writes packets once, in the order in which they were sent, and counts as lost those that the trace lacks.
local describe <const> = require "mcast.describe"
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/rtp.lua"

local situations <const> = { "lost", "late", "reordered", "duplicate", "wrapped", "deleted", "timed out" }

local function packets(net, kind, node)
  local list = {}
  for _, event in ipairs(net.trace) do
    if event.kind == kind and event.node == node and event.to.port == 5004 then
      local number, _, source = (">I2I4I4"):unpack(event.data, 3)
      list[#list + 1] = { source = source, number = number, payload = event.data:sub(13), time = event.time }
    end
  end
  return list
end

-- Does what a receiver has written consist of packets that were sent, in their order?
local function ordered(net, receiver)
  local text, at = receiver.on:file "out.ulaw", 1
  for _, packet in ipairs(packets(net, "send", "sender")) do
    if text:sub(at, at + #packet.payload - 1) == packet.payload then at = at + #packet.payload end
  end
  return at > #text, receiver.name .. " wrote something else"
end

-- Is a number of lost packets that of the trace? Packets count from the second one on, with which a source begins.
local function counted(net, node, began, expected, lost)
  local arrived = { [began.number] = true }
  for _, packet in ipairs(packets(net, "deliver", node.name)) do
    if packet.source == began.source and packet.time >= began.time then arrived[packet.number] = true end
  end
  for _ in pairs(arrived) do expected = expected - 1 end
  return lost == expected, ("%s counts %d lost packets of %d"):format(node.name, lost, expected)
end

local function scenario(seed, p)
  local began, net, receivers, ok, why = {}, nil, {}, true, nil
  net = sim.new { seed = seed, loss = p.loss, duplicate = p.duplicate, delay = { 0.001, p.delay }, output = function(node, line)
    local source, number = line:match "^source (%x+) begins with (%d+)"
    if source then began[node] = { source = tonumber(source, 16), number = tonumber(number), time = net:now() } end
    local first, last, lost = line:match ": (%d+) to (%d+), %d+ written, (%d+) lost"
    if first and ok then ok, why = counted(net, node, began[node], last - first + 1, tonumber(lost)) end
    for count, name in line:gmatch "(%d+) (%l+)" do if count ~= "0" then net:reached(name) end end
    if last and last + 0 > 0xffff then net:reached "wrapped" end
    if line:find "deleted" then net:reached "deleted" end
  end }
  net:node("sender", script, { "send", "--file", script, "--sequence", p.sequence })
  for i = 1, 3 do receivers[i] = net:node("receiver " .. i, script, { "receive", "--file", "out.ulaw" }) end
  if p.crash[1] then net:chaos { kinds = { "crash" }, nodes = p.crash, every = 1, length = 2, till = 3 } end
  for _, name in ipairs(situations) do net:sometimes(name) end
  net:always(function()
    for _, node in ipairs(receivers) do
      if began[node] and node.status == "ended" and ok then ok, why = ordered(net, node) end
      if began[node] and node.status == "ended" and net:now() > 50 then net:reached "timed out" end
      if node.status ~= "running" then began[node] = nil end
      if began[node] and net:now() > 60 then return false, node.name .. " has a session without end" end
    end
    return ok, why
  end, "receivers write what was sent, and count the rest")
  net:at(61, function() end)
  net:run(62)
  return net
end

sim.sweep {
  seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) },
  vary = { loss = { 0, 0.3 }, duplicate = { 0, 0.3 }, delay = { 0.002, 0.2 }, sequence = { 65480, 65535 },
    crash = { some = { "sender", "receiver 1" } } },
  scenario = scenario,
  shrink = true,
}
if arg[2] then
  local net <const> = scenario(1, { loss = 0.1, duplicate = 0.1, delay = 0.05, sequence = 65530, crash = {} })
  assert(net:write_svg(arg[2], { describe = describe.rtp, width = 720, letters = 17, from = 0.99, till = 1.2 }))
end
