-- Measures mcast beside plain C, other libraries and other simulators, interleaved in one run,
-- and prints tables of medians and their spread: docs/speed.md explains them.
-- usage, from make bench: lua5.4 bench/run.lua rounds [part ...]
-- 0 rounds are a short trial of all cases, whose figures mean nothing.
local compare <const> = require "compare"

local parts <const> = { "transfer", "options", "drain", "flood", "fanout", "roundtrip", "waits", "instructions", "memory",
  "deliveries", "queue", "nodes", "scripts" }

compare.start(tonumber(arg[1]))
local sections <const> = {}
for _, name in ipairs { "sockets", "costs", "simulator" } do
  for part, section in pairs(require(name)) do
    sections[part] = section
  end
end

local function first(path, pattern)
  return io.open(path):read "a":match(pattern)
end

local _, cores <const> = io.open "/proc/cpuinfo":read "a":gsub("model name", "")
print(("%s on %s, %d cores of %s, Linux %s: medians of %d rounds of `make bench`."):format(
  compare.trial and "Tried" or "Measured", os.date "%F", cores, first("/proc/cpuinfo", "model name%s*: ([^\n]+)"),
  first("/proc/sys/kernel/osrelease", "%d+%.%d+"), compare.rounds))
for _, part in ipairs(#arg > 1 and { table.unpack(arg, 2) } or parts) do
  assert(sections[part], "no such part: " .. part)()
  io.stdout:flush()
end
