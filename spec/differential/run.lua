-- Compares the real network with the simulated one: random programs, value by value.
-- usage: spec/private-network spec/differential/network lua spec/differential/run.lua [seconds [first seed [programs]]]
local compare <const> = require "spec.differential.compare"

local seconds <const>, first <const> = tonumber(arg[1] or 60), tonumber(arg[2] or os.time() * 1000)
local most <const> = tonumber(arg[3] or math.huge)
local bound <const> = 10 -- seconds of a program
local count, different = compare.run { seconds = seconds, first = first, programs = most, shown = 10, bound = bound,
  write = print }
print(("%s differential: %d programs from seed %d, %d with a difference"):format(different == 0 and "ok     " or "not ok ",
  count, first, different))
os.exit(different == 0)
