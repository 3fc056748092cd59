-- Parameters that a sweep's seeds draw.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local sweep <const> = require "spec.support.sweep"
local vary <const> = require "mcast.sim.sweep.vary"
local words <const> = require "mcast.sim.sweep.words"

-- The values of one form for seeds 1 to 400.
local function drawn(form)
  local values = {}
  for seed = 1, 400 do
    values[seed] = vary.draw({ x = form }, seed).x
  end
  return values
end

local function count(values, accepts)
  local n = 0
  for _, value in ipairs(values) do
    n = n + (accepts(value) and 1 or 0)
  end
  return n
end

helper.describe("parameters of a sweep", function()
  it("draws all integers of a range alike", function()
    local values <const> = drawn { 2, 5 }
    for n = 2, 5 do
      local times <const> = count(values, function(value) return value == n and math.type(value) == "integer" end)
      assert.is_true(times > 70 and times < 130, times)
    end
  end)

  it("draws integers that no float holds", function()
    for _, low in ipairs { math.mininteger, math.maxinteger - 3, 1 << 60 } do
      local values <const> = drawn { low, low + 3 }
      for n = low, low + 3 do
        assert.is_true(count(values, function(value) return value == n end) > 60, n)
      end
      local logarithmic <const> = low > 0 and drawn { low, low + 3, log = true } or {}
      local inside <const> = count(logarithmic, function(x) return math.type(x) == "integer" and low <= x and x <= low + 3 end)
      assert.equal(#logarithmic, inside)
    end
  end)

  it("draws nothing but 0 from a range of 0 alone", function()
    assert.equal(400, count(drawn { 0, 0 }, function(value) return math.type(value) == "integer" and value == 0 end))
  end)

  it("draws a float 0 from a range that begins at 0.0", function()
    assert.equal(400, count(drawn { 0.0, 1 }, function(value) return math.type(value) == "float" end))
  end)

  it("draws floats of very wide ranges", function()
    local middle <const> = 3e8
    local values <const> = drawn { 1e-3, 9e19, log = true }
    assert.is_true(math.abs(count(values, function(x) return x < middle end) - 200) < 40)
    assert.is_true(math.abs(count(drawn { 1.0, 1e300 }, function(x) return x < 5e299 end) - 200) < 40)
  end)

  it("draws floats of a range in few digits", function()
    local values <const> = drawn { 1.0, 2 }
    assert.equal(400, count(values, function(x) return 1 <= x and x <= 2 and x == tonumber(("%.4g"):format(x)) end))
    assert.is_true(math.abs(count(values, function(x) return x < 1.5 end) - 200) < 40)
  end)

  it("draws floats of a narrow range far from 0", function()
    local values <const> = drawn { 1000, 1000.5 }
    assert.is_true(math.abs(count(values, function(x) return 1000 <= x and x < 1000.25 end) - 200) < 40)
    assert.equal(400, count(values, function(x) return x <= 1000.5 end))
  end)

  it("draws half of a logarithmic range below its geometric mean", function()
    for _, form in ipairs { { 1, 10000, log = true }, { 1e-3, 1e5, log = true } } do
      local middle <const> = math.sqrt(form[1] * form[2])
      local values <const> = drawn(form)
      assert.is_true(math.abs(count(values, function(x) return x < middle end) - 200) < 40)
      assert.equal(400, count(values, function(x) return form[1] <= x and x <= form[2] end))
      assert.is_true(count(values, function(x) return form[1] < x and x < form[2] end) > 300)
    end
  end)

  it("draws the greatest integer of a logarithmic range", function()
    local values <const> = drawn { 1, 2, log = true } -- 2: log(3 / 2) / log(3)
    assert.is_true(math.abs(count(values, function(x) return x == 2 end) - 148) < 40)
  end)

  it("leaves a fault out of half of the runs", function()
    for _, form in ipairs { { 0, 0.3 }, { 0, 9 }, { 0, 1 }, { 0, 0.001, 0.3, log = true } } do
      local values <const> = drawn(form)
      assert.is_true(math.abs(count(values, function(x) return x == 0 end) - 200) < 40)
      assert.equal(400, count(values, function(x) return x == 0 or x >= (form[3] and form[2] or 0) end))
    end
  end)

  it("draws each value of a list", function()
    for _, list in ipairs { { "majority", "all" }, { true, false }, { 1, 2, 4, 8 }, { 1, "all" }, { "none", 2 } } do
      local values <const> = drawn(list)
      for _, value in ipairs(list) do
        assert.is_true(count(values, function(x) return x == value end) > 250 / #list, value)
      end
    end
  end)

  it("draws some values of a list, at least one", function()
    local sizes = { 0, 0, 0 }
    for _, list in ipairs(drawn { some = { "a", "b", "c" } }) do
      sizes[#list] = sizes[#list] + 1
      assert.is_true(table.concat(list):find "^a?b?c?$" ~= nil)
    end
    assert.is_true(sizes[1] > 150 and sizes[2] > 100 and sizes[3] > 20)
  end)

  it("draws a value by its seed and name alone", function()
    local alone <const>, other = vary.draw({ x = { 1, 1000 } }, 7), vary.draw({ a = { 1, 3 }, x = { 1, 1000 } }, 7)
    assert.equal(alone.x, other.x)
    local twin <const> = vary.draw({ x = { 1, 1000000 }, y = { 1, 1000000 } }, 7)
    assert.not_equal(twin.x, twin.y)
  end)

  it("draws the same values on every system", function()
    local p <const> = vary.draw({ n = { 1, 1000000 }, f = { 0.5, 2 }, l = { 1e-6, 1, log = true } }, 1)
    assert.equal("f=1.58 l=3.34e-06 n=230139", words.text(p))
  end)

  local text <const> = [[
    local sim = require "mcast.sim"
    local failed = sim.sweep { seeds = { 1, 9 }, vary = %s, scenario = function(seed, p)
      local words = {}
      for _, name in ipairs { "n", "f", "s", "b", "k", "t", "u" } do
        local value = p[name]
        words[#words + 1] = (math.type(value) or type(value)) .. " "
          .. (type(value) == "table" and table.concat(value, "|") or tostring(value))
      end
      io.stderr:write(seed == 3 and table.concat(words, ",") .. "\n" or "")
      local net = sim.new { output = function() end }
      net:node("n", function() require "mcast".sleep(1) end)
      net:always(function() return seed ~= 3 end, "never three")
      net:run()
    end }
    print(#failed)
  ]]
  local forms <const> = [[{ n = { 2, 50 }, f = { 0.5, 2 }, s = { "it's 5%%", "+1 = 1", "" }, b = { true, false },
    k = { some = { "crash", "12", 3, 2.0 } }, t = { "12" }, u = { "true" } }]]

  -- Runs the text with forms; returns the output.
  local function run(given, environment)
    local path <const> = helper.script(text:format(given))
    return helper.run(("%s %s %s"):format(environment or "", helper.lua, path)), path
  end

  it("prints the parameters with a failure and in its replay", function()
    local output <const>, path = run '{ n = { 2, 50 } }'
    local n <const> = output:match "^integer (%d+),nil nil"
    assert.matches(("\n  seed 3, n=%s: never three does not hold"):format(n), output)
    assert.matches(("\nreplay: MCAST_SEED=3 MCAST_VARY=n=%s %%S+ %s\n"):format(n, path), output)
  end)

  it("replays the same parameters after vary has changed", function()
    local output <const> = run(forms)
    local assignments <const> = assert(output:match "\nreplay: (.-) %S+ %S+\n1\n$", output)
    local values <const> = output:match "^[^\n]*"
    for _, changed in ipairs { forms, '{ n = { 60, 70 }, other = { 1, 2 } }' } do
      local again <const> = run(changed, assignments)
      assert.equal(values, again:match "^[^\n]*")
      assert.matches("replay: MCAST_SEED=3 MCAST_VARY=", again, 1, true)
    end
  end)

  it("sets a parameter of all runs by the environment", function()
    local output <const> = helper.run(("MCAST_VARY='n=7 extra=x' %s %s"):format(helper.lua, helper.script [[
      require "mcast.sim".sweep { seeds = { 1, 3 }, vary = { n = { 1, 5 }, m = { 9, 9 } }, scenario = function(_, p)
        error(p.n .. p.m .. p.extra, 0)
      end }
    ]]))
    assert.matches("\n  seed 1, extra=x m=9 n=7: 79x\n  seed 2, extra=x m=9 n=7: 79x\n", output, 1, true)
  end)

  -- Reads parameters from a text in the environment.
  local function read(given)
    local getenv <const> = os.getenv
    rawset(os, "getenv", function() return given end)
    local p <const> = vary.draw({}, 1)
    rawset(os, "getenv", getenv)
    return p
  end

  it("reads the text of any values", function()
    local function value()
      local kind <const> = math.random(5)
      if kind == 1 then
        return math.random(0)
      elseif kind == 2 then
        return string.unpack("<d", string.pack("<i8", math.random(0) & ~(1 << 52)))
      elseif kind == 3 then
        return math.random() < 0.5
      elseif kind == 4 then
        return ({ tostring(math.random(20) / 10), "true", "false" })[math.random(3)]
      end
      local bytes <const> = {}
      for i = 1, math.random(0, 9) do
        bytes[i] = math.random(0, 255)
      end
      return string.char(table.unpack(bytes))
    end
    math.randomseed(7)
    for _ = 1, 2000 do
      local p <const> = { x = value(), list = { value(), value() } }
      local again <const> = read(words.text(p))
      assert.same(p, again)
      assert.equal(math.type(p.x), math.type(again.x))
    end
  end)

  it("refuses a value of another type, and shows one", function()
    local given_forms <const> = [[{ n = { 2, 50 }, k = { some = { "a", "b" } }, q = { "majority", 3 } }]]
    for value, expected in pairs {
      ["n=x"] = "number, such as n=50,", ["n=+1"] = "number, such as n=50,", ["n=true"] = "number, such as n=50,",
      ["k=a"] = "list, such as k=+a+b,", ["k=5"] = "list, such as k=+a+b,",
      ["q=true"] = "value of the list, such as q=majority,", ["q=+all"] = "value of the list, such as q=majority,",
    } do
      local output <const> = run(given_forms, "MCAST_VARY=" .. value)
      assert.matches(("MCAST_VARY: %s expected, got '%s'"):format(expected, value), output, 1, true)
    end
    for _, value in ipairs { "n=2.5", "n=1000", "k=+c", "q=none", "q=7" } do
      assert.matches("\nreplay: ", run(given_forms, "MCAST_VARY=" .. value))
    end
  end)

  it("refuses a text without a name", function()
    assert.matches("MCAST_VARY: name=value expected, got '5'", run('{ n = { 2, 50 } }', "MCAST_VARY='n=1 5'"), 1, true)
  end)

  it("passes no parameters by a text of none", function()
    local path <const> = helper.script [[
      require "mcast.sim".sweep { seeds = { 1, 1 }, scenario = function(_, p) error(type(p), 0) end }
    ]]
    assert.matches("\n  seed 1: nil\nreplay: MCAST_SEED=1 [^M]", helper.run(("MCAST_VARY= %s %s"):format(helper.lua, path)))
  end)

  it("names a parameter of MCAST_VARY that vary lacks", function()
    assert.matches("\nset by MCAST_VARY, but not in vary: lots\n", run('{ n = { 2, 50 } }', "MCAST_VARY='n=1 lots=5'"))
    assert.is_nil(run('{ n = { 2, 50 } }', "MCAST_VARY=n=1"):find "set by")
    assert.is_nil(run('{ n = { 2, 50 } }', "MCAST_SEED=1 MCAST_VARY='n=1 lots=5'"):find "set by")
  end)

  it("passes no parameters without vary", function()
    local failed <const> = sweep { seeds = { 1, 1 }, scenario = function(_, p) error(type(p), 0) end }
    assert.equal("nil", failed[1].message)
    assert.is_nil(failed[1].vary)
  end)

  it("returns the parameters of a worker that ended early", function()
    local failed <const> = sweep { seeds = { 1, 1 }, vary = { n = { 4, 4 } }, scenario = function() os.exit(7) end }
    assert.same({ n = 4 }, failed[1].vary)
  end)

  it("names the form that is refused", function()
    local FORM <const> = "{least, most}, a list of values, or {some = list of values} expected, got "
    for message, all in pairs {
      ["(loss = " .. FORM .. "0.3)"] = { n = { 1, 2 }, loss = 0.3 },
      ["(loss = " .. FORM .. "{0.3, 0})"] = { loss = { 0.3, 0 } },
      ["(loss = " .. FORM .. "table)"] = { loss = { some = {} } },
      ["(name = " .. FORM .. "the name 1)"] = { { 1, 2 } },
      ["(n: a logarithmic range begins above 0; {0, least, most, log = true} draws 0, too)"] = { n = { 0, 9, log = true } },
      ["(table of names, each with " .. FORM:gsub(" expected", ", expected") .. "5)"] = 5,
    } do
      local _, got <const> = pcall(sim.sweep, { seeds = { 1, 1 }, scenario = error, vary = all })
      assert.matches("bad option 'vary' " .. message, got, 1, true)
    end
  end)

  it("accepts each form", function()
    for _, form in ipairs { { 2, 50 }, { 0.5, 2 }, { 1, 1000, log = true }, { 0, 0.001, 0.3, log = true }, { "a", "b" },
      { 1, 2, 4 }, { true, false }, { 1, "a" }, { "a", 1 }, { 5 }, { 5, 5 }, { 0, 0 }, { some = { "a", 1, true } } } do
      assert.is_true(vary.kind.accepts { x = form })
    end
  end)

  it("names the remedy for a range that is too wide", function()
    for _, form in ipairs { { 0, 1 << 53 }, { math.mininteger, math.maxinteger }, { -1.7e308, 1.7e308 } } do
      assert.error_matches(function() sim.sweep { seeds = { 1, 1 }, scenario = error, vary = { x = form } } end,
        "x: the range is too wide; one of integers has less than 2^53", 1, true)
    end
  end)

  it("refuses forms that are none", function()
    local function refuses(all)
      assert.error_matches(function() sim.sweep { seeds = { 1, 1 }, scenario = error, vary = all } end, "bad option 'vary'")
    end
    for _, form in ipairs { 5, {}, { 5, 2 }, { 0, 1, log = true }, { 1, 2, log = 1 }, { 1, 2, logarithmic = true }, { {}, {} },
      { some = {} }, { some = { "a" }, "b" }, { 0, 1 / 0 }, { 0 / 0, 1 }, { 1, 5, 25, log = true }, { [2] = 1 },
      { "a", "b", log = true }, { 0, 1 << 53 }, { math.mininteger, math.maxinteger }, { -1.7e308, 1.7e308 } } do
      refuses { x = form }
    end
    for _, all in ipairs { {}, { { 1, 2 } }, { ["a b"] = { 1, 2 } }, "x" } do
      refuses(all)
    end
  end)
end)
