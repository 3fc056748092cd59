-- Runs the scenario of a protocol with a copy of its script in which a part is replaced, to see that the sweep finds it.
local helper <const> = require "spec.support.helper"

-- The output of examples/simulator/NAME.lua for so many seeds. The pattern matches once in examples/protocols/NAME.lua.
return function(name, pattern, replacement, seeds)
  local folder <const> = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -r " .. folder) end)
  helper.check(("cd %s && mkdir protocols simulator && cp $OLDPWD/examples/simulator/%s.lua simulator"):format(folder, name))
  local input <close> = assert(io.open("examples/protocols/" .. name .. ".lua"))
  local text <const>, count <const> = input:read "a":gsub(pattern, replacement)
  assert(count == 1, pattern)
  local output <close> = assert(io.open(("%s/protocols/%s.lua"):format(folder, name), "w"))
  assert(output:write(text))
  output:close()
  return (helper.run(("%s %s/simulator/%s.lua %d"):format(helper.lua, folder, name, seeds)))
end
