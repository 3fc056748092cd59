-- Runs a script of Lua's own library as a process and as a node, in a folder of its own.
local helper <const> = require "spec.support.helper"
local play <const> = require "spec.support.play"

-- Returns the output of both.
return function(body)
  local folder <const> = os.tmpname()
  os.remove(folder)
  helper.defer(function() os.execute("rm -r " .. folder) end)
  assert(os.execute("mkdir " .. folder))
  local file <close> = assert(io.open(folder .. "/script.lua", "w"))
  assert(file:write(body))
  file:close()
  local real <const> = helper.check(("cd %s && %s script.lua < /dev/null"):format(folder, helper.lua))
  local printed <const> = play { assert(load(body)) }
  return real, table.concat(printed.n1 or {}, "\n") .. "\n"
end
