-- Sends numbered packets of RTP to three receivers, with loss, duplication, late packets, crashes, and a wrap-around.
-- usage: lua5.4 rtp.lua [seeds] [picture.svg]
-- Each receiver writes packets once, in the order in which they were sent; as lost it counts those that the trace lacks.
local describe <const> = require "mcast.describe"
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/rtp.lua"
local situations <const> = { "packet late", "packet reordered", "packet duplicate", "lost", "wrapped", "another source",
  "deleted", "timed out" }

-- The script with a file of so many packets, each with a number of its own.
local function sender(count)
  return function()
    local file <const> = assert(io.open("audio.ulaw", "wb"))
    for number = 1, count do assert(file:write((("%032d"):format(number):rep(5)))) end
    file:close()
    dofile(script)
  end
end

-- The packets of RTP in a node's events of a kind.
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

-- Has a receiver written packets that were sent, in their order; and, if it had to, the last one?
local function ordered(net, receiver, whole)
  local text, at, last = receiver.on:file "out.ulaw", 1, nil
  for _, packet in ipairs(packets(net, "send", "sender")) do
    last = text:sub(at, at + #packet.payload - 1) == packet.payload
    if last then at = at + #packet.payload end
  end
  if at <= #text then return false, receiver.name .. " wrote a packet again, or too late" end
  return last or not whole, receiver.name .. " did not write the last packet"
end

-- Is a number of lost packets that of the trace? Those have arrived that did so since the source began, by its second one.
local function counted(net, receiver, began, first, last, lost)
  local arrived, missing = { [began.number] = true }, 0
  for _, packet in ipairs(packets(net, "deliver", receiver.name)) do
    local number = began.number + (packet.number - began.number + 0x8000) % 0x10000 - 0x8000 -- extended by cycles
    if packet.source == began.source and packet.time >= began.time then arrived[number] = true end
  end
  for number = first, last do missing = missing + (arrived[number] and 0 or 1) end
  return lost == missing, ("%s counts %d lost packets of %d"):format(receiver.name, lost, missing)
end

local function scenario(seed, p)
  local whole <const> = p.loss == 0 and p.delay < 0.1 and not table.concat(p.crash):find "sender" -- nothing is lost or late
  local began, net, receivers, ok, why = {}, nil, {}, true, nil
  net = sim.new { seed = seed, loss = p.loss, duplicate = p.duplicate, delay = { 0.001, p.delay }, output = function(node, line)
    local source, number = line:match "^source (%x+) begins with (%d+)"
    if source and began[node] then net:reached "another source" end
    if source then began[node] = { source = tonumber(source, 16), number = tonumber(number), time = net:now() } end
    local first, last, lost = line:match ": (%-?%d+) to (%d+), %d+ written, (%d+) lost"
    if first and ok then ok, why = counted(net, node, began[node], tonumber(first), tonumber(last), tonumber(lost)) end
    if whole and line:find " [1-9]%d* late" then ok, why = false, node.name .. " did not wait for a packet" end
    if last and tonumber(last) > 0xffff then net:reached "wrapped" end
    if last and lost ~= "0" then net:reached "lost" end
    if line:find "deleted" then net:reached "deleted" end
  end }
  for _, name in ipairs(situations) do net:sometimes(name) end

  local arguments <const> = { "send", "--file", "audio.ulaw" }
  for _, name in ipairs(p.fixed) do table.move({ "--" .. name, "65533" }, 1, 2, #arguments + 1, arguments) end
  net:node("sender", sender(p.count or 50), arguments)
  for i = 1, 3 do receivers[i] = net:node("receiver-" .. i, script, { "receive", "--file", "out.ulaw" }) end
  if p.crash[1] then net:chaos { kinds = { "crash" }, nodes = p.crash, every = 1, length = 2, from = 0.1, till = 3 } end

  net:always(function()
    for _, node in ipairs(receivers) do
      if began[node] and node.status == "ended" and ok then ok, why = ordered(net, node, whole) end
      if began[node] and node.status == "ended" and net:now() > 50 then net:reached "timed out" end
      if node.status ~= "running" then began[node] = nil end
      if began[node] and net:now() > 60 then return false, node.name .. " has a session without end" end
    end
    return ok, why
  end, "receivers write packets in order")
  net:at(61, function() end)
  net:run(62)
  return net
end

sim.sweep {
  seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) },
  vary = { loss = { 0, 0.3 }, duplicate = { 0, 0.3 }, delay = { 0.005, 0.05, 0.09, 0.2 },
    fixed = { some = { "sequence", "ssrc" } }, crash = { some = { "sender", "receiver-1" } } },
  scenario = scenario,
  shrink = true,
}
local function words(data)
  local number <const> = (describe.rtp(data) or ""):match "seq=(%d+)"
  if number then return number, "RTP" end
  return "end", "SAP"
end

if arg[2] then
  local net <const> = scenario(14, { count = 6, loss = 0.1, duplicate = 0.1, delay = 0.05, fixed = { "sequence" }, crash = {} })
  assert(net:write_svg(arg[2], { describe = words, width = 720, letters = 13, from = 0.99, till = 1.26 }))
end
