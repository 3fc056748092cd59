-- A file for up to nine receivers that crash and are cut off for a while: in the end each has it, and none ever has a wrong one.
-- usage: lua5.4 reliable.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"

local script <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/reliable.lua"

-- A text of so many bytes without a period, so that a block in a wrong place shows.
local function contents(size)
  local numbers <const> = {}
  for i = 1, size // 6 + 1 do numbers[i] = ("%06d"):format(i) end
  return table.concat(numbers):sub(1, size)
end

-- The node of a sender: it has the file on its disk before it runs the script.
local function sender(path, text, ...)
  local file <close> = assert(io.open("/tmp/" .. text.name, "wb"))
  assert(file:write(text.bytes))
  file:close()
  arg = { ... }
  dofile(path)
end

local function scenario(seed, p)
  local bytes <const>, receivers = contents(p.size), {}
  local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    output = function() end }
  for i = 1, p.receivers do
    receivers[i] = net:node("receiver-" .. i, script, { "receive", "/tmp" }, { start = i == p.receivers and p.late or 0 })
  end
  net:node("sender", sender, { script, { name = "numbers", bytes = bytes }, "--rate", "50000", "send", "/tmp/numbers" })
  net:chaos { kinds = p.faults, nodes = receivers, every = 0.4, length = 0.8 }
  net:always(function()
    for _, node in ipairs(receivers) do
      local file <const> = node.on:file "/tmp/numbers"
      if file and file ~= bytes then return false, node.name end
    end
    return true
  end, "no receiver has a wrong file")
  net:eventually(function()
    for _, node in ipairs(receivers) do
      if not node.on:file "/tmp/numbers" then return false, node.name end
    end
    return true
  end, "all receivers have the file", { after = 2, within = 10 })
  for _, name in ipairs { "sends a NACK", "is suppressed", "complete" } do net:sometimes(name) end
  net:run(12)
  return net
end

sim.sweep { seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) }, scenario = scenario, shrink = true, vary = {
  receivers = { 2, 9 }, size = { 1, 40000, log = true }, delay = { 0.002, 0.05 }, loss = { 0, 0.3 }, duplicate = { 0, 0.3 },
  late = { 0, 1.5 }, faults = { some = { "partition", "crash", "disk", "pause" } },
} }
