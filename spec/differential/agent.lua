-- A host of the comparison in a namespace of its own: reads lines of programs, and writes their results.
-- usage: lua agent.lua [restore] <lines >results
local host <const> = require "spec.differential.host"
local interface <const> = require "spec.differential.interface"

local execute <const>, close <const> = host.new(require "mcast", interface.set, interface.renumber)
io.stdout:setvbuf "line"
if arg[1] then interface.restore(true) end
for line in io.lines() do
  if line == "close" then
    close()
    interface.restore()
    print "closed"
  else
    print(execute(line))
  end
end
