--- Nodes: scripts that run on the net.
-- @classmod Node
local environment <const> = require "mcast.sim.sandbox.environment"

local Node = {}
Node.__index = Node

function Node:__tostring()
  return self.name
end

-- What the script prints, by lines.
function Node:write(text)
  self.line = self.line .. text
  for line in self.line:gmatch "([^\n]*)\n" do
    self:log(line)
  end
  self.line = self.line:match "[^\n]*$"
end

function Node:log(line)
  self.net.core:record(self.id, { kind = "log", text = line })
  self.net.output(self, line)
end

-- The metatable of the script's own strings, for a script that changes it, or `string`.
function Node:strings()
  if not self.metatable then
    local all = self.net.objects.strings
    self.metatable = environment.string_metatable(self.env.string)
    all[#all + 1] = self.metatable
    self.net.core:strings(self.id, #all)
    debug.setmetatable("", self.metatable)
  end
  return self.metatable
end

-- The core tells that the node begins, and that it has ended.
function Node:began()
  self.net.core:record(self.id, { kind = self.begun and "restart" or "start" })
  self.begun = true
end

function Node:ended(status, message)
  local line = self.line
  self.line, self.status, self.error = "", status, message
  if line ~= "" then
    self.net.core:record(self.id, { kind = "log", text = line })
  end
  self.net.core:record(self.id, { kind = status == "failed" and "fail" or "end", reason = message })
  if line ~= "" then
    self.net.output(self, line)
  end
end

function Node:launch(time)
  self.line, self.status, self.error = "", "running", nil
  self.metatable = nil
  self.net.core:strings(self.id, 0)
  self.stdout, self.stdin, self.input = nil, nil, nil
  self.env = environment.new(self, type(self.script) == "string" and self.script or self.name, self.arguments)
  local chunk, message = environment.chunk(self.script, self.env)
  local arguments = self.arguments
  self.net.core:start(self.id, time, chunk or function() error(message, 0) end, table.unpack(arguments))
end

--- Ends the script as if its power was cut: nothing is closed or told.
-- @usage net:at(1, function() node:crash() end)
function Node:crash()
  if self.net.core:crash(self.id) then
    self.status = "crashed"
    self.net.core:record(self.id, { kind = "crash" })
  end
end

--- Starts the script anew.
-- @usage net:at(2, function() node:restart() end)
function Node:restart()
  self:crash()
  self:launch(0)
end

--- Has the script stand still, while its host goes on to receive for it.
-- @usage net:at(1, function() node:pause() end)
function Node:pause()
  if self.net.core:pause(self.id) then
    self.net.core:record(self.id, { kind = "pause" })
  end
end

--- Lets it go on.
-- @usage net:at(2, function() node:resume() end)
function Node:resume()
  if self.net.core:resume(self.id) then
    self.net.core:record(self.id, { kind = "resume" })
  end
end

--- Makes the node's clocks wrong.
-- @tparam table options `skew`: seconds that os.time and recvmsg's time are off; `drift`: by how much faster all its clocks
-- run, mcast.now's too, -0.5 to 1: 0.0001 is 100 parts in a million
-- @usage node:clock { skew = 3600, drift = 0.0001 }
function Node:clock(options)
  self.net.core:clock(self.id, options.skew, options.drift)
end

return Node
