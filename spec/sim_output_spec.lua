-- The output of nodes: its lines, its cost, and an output function that raises.
local sim <const> = require "mcast.sim"

-- Runs a function as a node; returns the lines of its output, and those of the trace.
local function run(script, output)
  local lines, logged = {}, {}
  local net <const> = sim.new { budget = 1000, output = output or function(_, line) lines[#lines + 1] = line end }
  net:node("n", script)
  net:run(1)
  for i = 1, #net.trace do
    local event <const> = net.trace[i]
    logged[#logged + 1] = event.kind == "log" and event.text or nil
  end
  return lines, logged
end

describe("output of nodes", function()
  it("is cut into lines wherever a write ends", function()
    local expected <const> = { "one", "", "two, three", "four", "last" }
    local lines, logged = run(function()
      io.write("one\n\ntwo", ",", " three\nfour\n")
      io.write "la"
      io.write ""
      io.write "st"
    end)
    assert.same(expected, lines)
    assert.same(expected, logged)
  end)

  it("costs in proportion to a line", function()
    local began <const> = os.clock()
    local lines <const> = run(function() print(("x"):rep(1000000)) end)
    assert.same({ 1, 1000000 }, { #lines, #lines[1] })
    assert.is_true(os.clock() - began < 20)
  end)

  it("costs in proportion to many writes of one line", function()
    local began <const> = os.clock()
    local lines <const> = run(function() for _ = 1, 100000 do io.write "." end end)
    assert.same({ 1, 100000 }, { #lines, #lines[1] })
    assert.is_true(os.clock() - began < 20)
  end)

  it("costs in proportion to the lines of one write", function()
    local began <const> = os.clock()
    local lines <const> = run(function() io.write(("\n"):rep(100000)) end)
    assert.equal(100000, #lines)
    assert.is_true(os.clock() - began < 20)
  end)

  it("is recorded once where the output function raises", function()
    local got = {}
    local _, logged = run(function()
      pcall(print, "first")
      pcall(io.write, "second\nthird\n")
      print "fourth"
    end, function(_, line)
      got[#got + 1] = line
      assert(#got > 2)
    end)
    assert.same({ "first", "second", "third", "fourth" }, logged)
    assert.same({ "first", "second", "third", "fourth" }, got)
  end)
end)
