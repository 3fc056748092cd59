-- The list of layers at the top of src/sim/sim.h, against the calls in the object files.
local helper <const> = require "spec.support.helper"

-- The place of each file in the list.
local function read_layers()
  local place, count = {}, 0
  for line in io.lines "src/sim/sim.h" do
    for name in (line:match "^%*%*   ([%w. ]*%.c)  " or ""):gmatch "(%w+)%.c" do
      count = count + 1
      place[name] = count
    end
    if line == "*/" then
      break
    end
  end
  return place
end

-- The files of the simulator that each of them calls.
local function read_calls()
  local calls = {}
  local output = helper.check "make -s layers":match "core%.so(\n.*)"
  for name, called in output:gmatch "\n[ %d]* sim/(%w+) *([^\n]*)" do
    calls[name] = {}
    for other in called:gmatch "sim/(%w+)" do
      table.insert(calls[name], other)
    end
  end
  return calls
end

helper.once("the map in sim.h", function()
  it("lists each file of the simulator", function()
    local place = read_layers()
    for name in helper.check "ls src/sim":gmatch "(%w+)%.c" do
      assert(place[name], name .. ".c is not listed")
      place[name] = nil
    end
    assert.is_nil(next(place))
  end)

  it("lists each file after those it calls", function()
    local place, calls = read_layers(), read_calls()
    assert.is_true(#calls.net > 5)
    for name, called in pairs(calls) do
      for _, other in ipairs(called) do
        assert(place[other] < place[name], name .. ".c calls " .. other .. ".c, which is listed later")
      end
    end
  end)
end)
