-- examples/protocols/reliable.lua on ten hosts beside uftp, with mutants of its packets and forged requests, and in the simulator.
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const>, group <const>, port <const> = "examples/protocols/reliable.lua", "239.255.57.40", 5740
local scenario <const> = "examples/simulator/reliable.lua"
local NORM_DATA <const>, NORM_CMD <const>, NORM_NACK <const> = 2, 3, 4

local function read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

-- Of the packets that were recorded, those of a kind; and the file that they carry.
local function recorded(kind)
  local list <const>, blocks <const> = {}, {}
  for _, data in ipairs(mutants.packets "reliable") do
    if data:byte() == (kind or data:byte()) then list[#list + 1] = data end
    if data:byte() == NORM_DATA then blocks[string.unpack(">I4", data, 10) + 1] = data:sub(14) end
  end
  return list, helper.script(table.concat(blocks))
end

helper.long("a reliable transfer", function()
  it("has at most 120 lines", function()
    assert.is_true(select(2, read(path):gsub("\n", "")) <= 120)
  end)

  it("survives mutants of its packets as a receiver #slow", function()
    local result <const> = mutants.run { script = path, args = { "receive", "/tmp/copy" }, packets = recorded(), port = port,
      group = group }
    print(require "mcast.sim" and result.sent, result.sent_bytes, result.answered, result.answered_bytes, result.unprompted)
  end)

  it("survives mutants of its packets as a sender #slow", function()
    local packets <const>, file <const> = recorded()
    local result <const> = mutants.run { script = path, args = { "--rate", "100000", "send", file }, packets = packets, port = port,
      group = group }
    print(result.sent, result.sent_bytes, result.answered, result.answered_bytes, result.unprompted, result.unprompted_bytes)
  end)
end)
