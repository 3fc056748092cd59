-- Runs the examples of the README and of each topic.
local helper <const> = require "spec.support.helper"
local topic <const> = require "spec.support.topic"

-- They build, or measure, or sweep: the pages of protocols.
local slow <const> = { ["README.md"] = " #slow", ["docs/speed.md"] = " #slow", ["docs/house.md"] = " #slow",
  ["docs/differences.md"] = " #slow" }
for path in helper.check "ls examples/protocols/*.lua":gmatch "[^\n]+" do
  slow[("docs/%s.md"):format(path:match "([^/]+)%.lua$")] = " #slow"
end

helper.once("examples of topics", function()
  for path in helper.check "ls README.md SECURITY.md docs/*.md":gmatch "[^\n]+" do
    it("prints the output that " .. path .. " shows" .. (slow[path] or ""), function()
      local reason <const> = helper.lacks(assert(io.open(path)):read "a")
      if reason then
        return pending(reason)
      end
      assert.is_true(topic.run(path) > 0)
    end)
  end
end)
