-- Runs bin/mcast beside a spec.
local helper <const> = require "spec.support.helper"

local command = {}

local Program = {}
Program.__index = Program

-- Starts `bin/mcast` with words, or another program's command line; it is ended after the test. Its errors are part of its
-- output.
function command.start(words, program)
  local pipe <const> = assert(io.popen(("echo $$; exec %s %s 2>&1"):format(program or "bin/mcast", words)))
  local self <const> = setmetatable({ pipe = pipe, pid = pipe:read "l" }, Program)
  helper.defer(function()
    if self.pipe then
      helper.run("kill " .. self.pid)
      self:finish()
    end
  end)
  return self
end

-- Starts one that receives, and waits until it has joined so many groups; returns it, and the lines that say so.
function command.listen(words, groups)
  local self <const>, lines <const> = command.start(words), {}
  for i = 1, groups or 1 do
    lines[i] = self:line()
    assert(lines[i]:find "^mcast: joined", lines[i])
  end
  return self, lines
end

-- The next line of its output.
function Program:line()
  return assert(self.pipe:read "l", "no further line")
end

-- Ends it as Ctrl-C does.
function Program:interrupt()
  helper.check("kill -INT " .. self.pid)
end

-- Waits for its end; returns the rest of its output and its exit status.
function Program:finish()
  local output <const> = self.pipe:read "a"
  local _, _, status = self.pipe:close()
  self.pipe = nil
  return output, status
end

-- The output of `bin/mcast` with words, which has to end with a status, 0 by default; stdin is a text.
function command.run(words, status, input)
  local output <const>, got <const> = helper.run(("printf %%b %s | bin/mcast %s"):format(helper.quote(input or ""), words))
  assert(got == (status or 0), ("mcast %s: exit status %s\n%s"):format(words, got, output))
  return output
end

return command
