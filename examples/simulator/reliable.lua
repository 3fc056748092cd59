-- A file for up to nine receivers that are cut off, or crash: in the end each of them has it, and none ever has a wrong one.
-- usage: lua5.4 reliable.lua [seeds] [picture.svg]
local sim <const> = require "mcast.sim"

local script <const>, rate <const> = (arg[0]:match "^.*/" or "./") .. "../protocols/reliable.lua", 50000

-- So many bytes without a period: a block in a wrong place shows.
local function contents(size)
  local numbers <const> = {}
  for i = 1, size // 6 + 1 do numbers[i] = ("%06d"):format(i) end
  return table.concat(numbers):sub(1, size)
end

-- The node of a sender has the file on its disk, and runs the script.
local function sender(bytes)
  local file <close> = assert(io.open("/tmp/sent", "wb"))
  assert(file:write(bytes) and file:flush())
  arg = { "--rate", tostring(rate), "send", "/tmp/sent" } -- luacheck: ignore
  dofile(script)
end

local function scenario(seed, p)
  local bytes <const>, receivers <const> = contents(p.size), {}
  local net <const> = sim.new { seed = seed, delay = { 0.001, p.delay }, loss = p.loss, duplicate = p.duplicate,
    output = function() end }
  for i = 1, p.receivers do
    receivers[i] = net:node("receiver-" .. i, script, { "receive", "/tmp/received" }, { start = i == 1 and p.late or 0 })
  end
  net:node("sender", sender, { bytes })
  net:chaos { kinds = p.faults, every = 0.4, length = 0.8 }

  local function all(check)
    return function()
      for _, node in ipairs(receivers) do
        if not check(node.on:file "/tmp/received") then return false, node.name end
      end
      return true
    end
  end
  net:always(all(function(file) return not file or file == bytes end), "no receiver has a wrong file")
  net:eventually(all(function(file) return file end), "all receivers have the file", { after = 2, within = 10 })
  for _, name in ipairs { "is suppressed", "complete", "begins again" } do net:sometimes(name) end
  net:run(12)
  return net
end

-- The colour of an arrow of the picture, which needs no words.
local function kind(data) return "", ({ nil, "block", "command", "NACK" })[data:byte()] end

-- One run, drawn: block 1 is lost at all receivers, and block 2 at the last one.
local function draw(path)
  local net <const> = sim.new { seed = 40, delay = { 0.02, 0.025 }, output = function() end }
  net:node("sender", sender, { contents(4200) })
  for i = 1, 3 do net:node("receiver " .. i, script, { "receive", "/tmp/received" }) end
  net:rule(function(packet)
    local number <const> = packet.data:byte() == 2 and string.unpack(">I4", packet.data, 10)
    if net:now() < 0.5 and (number == 1 or number == 2 and packet.receiver == "receiver 3") then return false end
  end)
  net:run(10)
  assert(net:write_svg(path, { title = "Who hears a NACK for all that it misses sends none", width = 720,
    letters = 17, from = 0.385, till = 1.03, describe = kind }))
end

sim.sweep { seeds = { 1, math.tointeger(tonumber(arg[1] or 1000)) }, scenario = scenario, shrink = true, vary = {
  receivers = { 2, 9 }, size = { 1, 40000, log = true }, delay = { 0.002, 0.05 }, loss = { 0, 0.3 }, duplicate = { 0, 0.3 },
  late = { 0, 1.5 }, faults = { some = { "partition", "crash", "disk", "pause" } },
} }
if arg[2] then draw(arg[2]) end
