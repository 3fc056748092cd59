-- Runs the examples of the README and of each topic.
local helper <const> = require "spec.support.helper"
local topic <const> = require "spec.support.topic"

helper.once("the examples of", function()
  for path in helper.check "ls README.md docs/*.md":gmatch "[^\n]+" do
    it(path .. " print what it shows", function()
      topic.run(path)
    end)
  end
end)
