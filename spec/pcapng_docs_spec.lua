-- Runs each usage in the reference of captures.
local helper <const> = require "spec.support.helper"

local prelude <const> = [[
  local pcapng <const> = require "mcast.pcapng"
  local path <const>, frame <const> = os.tmpname(), ("x"):rep(60)
  local writer = assert(pcapng.writer(path))
  local eth0 = writer:interface { name = "eth0" }
  assert(writer:packet(eth0, 1, frame))
  assert(writer:close())
  local reader = assert(pcapng.reader(path))
  writer = assert(pcapng.writer "/dev/null")
  eth0 = writer:interface()
  do
    %s
  end
  os.remove(path)
]]

-- The usages of a source, as lists of lines.
local function usages(path)
  local list, lines = {}, nil
  for line in io.lines(path) do
    local first = line:match "^%-%- @usage (.*)"
    if first then
      lines = { first }
      list[#list + 1] = lines
    elseif lines and line:find "^%-%- [^@]" then
      lines[#lines + 1] = line:sub(4)
    else
      lines = nil
    end
  end
  return list
end

helper.describe("usages in the reference of captures", function()
  local list <const> = usages "lua/mcast/pcapng.lua"
  for i, lines in ipairs(list) do
    it("runs usage " .. i, function()
      helper.check(helper.lua .. " " .. helper.script(prelude:format(table.concat(lines, "\n"))))
    end)
  end

  it("finds the usage of all functions", function()
    assert.equal(9, #list)
  end)
end)
