-- The simulated network against the real one, on hosts with LANs: the programs of spec/differential/known.lua. (Random ones
-- are run by make differential.)
local helper <const> = require "spec.support.helper"
local known <const> = require "spec.differential.known"

local output

local function compare(name)
  output = output or "\n" .. helper.check(("spec/differential/network %s spec/differential/check.lua"):format(helper.lua))
  local _, last <const> = output:find("\nnot ok " .. name .. "\n", 1, true)
  assert(not last, last and output:sub(last + 1):match "^(.-)\n%l" or "")
  assert(output:find("\nok " .. name .. "\n", 1, true), output)
end

helper.once("a simulated host", function()
  for _, program in ipairs(known) do
    it("agrees with Linux: " .. program.name, function() compare(program.name) end)
  end
end)

helper.once("the comparison", function()
  it("ends programs that do not end #slow", function()
    local printed <const> = helper.check(("spec/differential/network %s spec/differential/endless.lua"):format(helper.lua))
    local late <const>, lines = "it did not end within 2 s", {}
    for _, hosts in ipairs { 1, 3 } do
      for _, name in ipairs { "real", "simulated" } do
        lines[#lines + 1] = ("%s\t%d\t%s\nnext\t%d\tsame\n"):format(name, hosts, late, hosts)
      end
    end
    assert.equal(table.concat(lines), printed)
  end)
end)
