-- Runs the known programs on both networks, and prints a line for each: "ok" and its name, or "not ok" and the results.
-- usage: spec/private-network spec/differential/network lua spec/differential/check.lua
local compare <const> = require "spec.differential.compare"
local known <const> = require "spec.differential.known"

for _, program in ipairs(known) do
  local one, other, at = compare.program(program.lines, program.hosts)
  if at then -- once more: a busy machine may be late
    one, other, at = compare.program(program.lines, program.hosts)
  end
  print((at and "not ok " or "ok ") .. program.name)
  for k, line in ipairs(at and program.lines or {}) do
    print(("  %s\n    real       %s\n    simulated  %s"):format(line.text, one[k], other[k]))
  end
end
