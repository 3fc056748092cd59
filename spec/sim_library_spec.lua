-- The simulator: Lua's library in a node.
local both <const> = require "spec.support.both"
local play <const> = require "spec.support.play"
local sim <const> = require "mcast.sim"

describe("the library of a node", function()
  it("returns and raises as Lua's", function()
    local real, simulated = both [=[
      local function plain(value) return (tostring(value):gsub("^[^:]*:%d+: ", ""):gsub("0x%x+", "P")) end
      local function show(f)
        local results = table.pack(pcall(f))
        for i = 1, results.n do results[i] = plain(results[i]) end
        print(table.concat(results, " "))
      end
      says = setmetatable({}, { __close = function() io.write "closed " end })
      local lines = [[
        return io.write("a", 1, 2.0, 1e100, "\\n") == io.stdout
        return next(string) ~= nil, rawget(string, "format") ~= nil, next(require "math") ~= nil
        return next({}, "nokey")
        return next({ a = 1 }, "a")
        return next(5)
        return math.randomseed(4.5)
        return math.randomseed(1e300)
        return math.randomseed "12"
        math.randomseed(42) return math.random(1000), math.random(1000)
        return math.random(5, 1)
        return coroutine.resume(coroutine.create(function() table.sort({ 3, 2, 1 }, coroutine.yield) end))
        return coroutine.resume(5)
        return table.sort({ 1 }, 5)
        return table.sort(5)
        return io.read(0)
        return io.read(5)
        return io.lines()()
        return load(function() return nil end) ~= nil
        return load(function() error "no" end)
        return load(function() return {} end)
        local n = 0 return load(function() n = n + 1 return ({ "return ", "5" })[n] end)()
        return load("return ...", "c", "t", {})(5)
        return string.format(nil)
        return string.format {}
        for _ in pairs(5) do end
        return select("#", io.write(1, "\\n")), io.open(os.tmpname(), "r"):write("a", 1)
        return coroutine.close()
        return coroutine.close(5)
        local main = coroutine.running() return coroutine.wrap(function() return pcall(coroutine.close, main) end)()
        local co co = coroutine.create(function() return pcall(coroutine.close, co) end) return coroutine.resume(co)
        local co co = coroutine.create(function() local x <close> = says coroutine.close(co) end) return coroutine.resume(co)
        local c c = coroutine.create(function() pcall(coroutine.close, c) end) return coroutine.resume(c), coroutine.status(c)
        return pcall(error)
        return table.create(-1)
        return #table.create(3, 5), next(table.create(5))
        return math.ldexp(1, 5), utf8.offset("abc", 2)
        return table.concat "abc"
        return table.unpack "abc"
        return table.sort "abc"
        return table.remove({ 1 }, 5)
        return string.dump(math.sin)
        return load("x", "x", "B")
        return load("global x = 5 return x")
        return (0.1):rep(2), 1e15, 2^53, 1/3, -0.0, ("%s %.14g"):format(0.1 + 0.2, 0.1 + 0.2)
        return debug.getinfo(1, "t").extraargs, debug.setcstacklimit
        return setmetatable({}, { __call = function(self, n) return math.abs(n) end })("x")
        return select("#", pairs {}), pairs(setmetatable({}, { __pairs = function() return 1, 2, 3, 4 end }))
        return os.time { year = 2020.5, month = 1, day = 1 }
        return os.time { year = 2020 }
        return os.time(5)
        return os.time { year = 1e100, month = 1, day = 1 }
        return os.time { year = 2 ^ 40 | 0, month = 1, day = 1 }
        return os.date {}
        return os.getenv()
        return os.getenv {}
        return os.setlocale(), os.setlocale "C", os.setlocale "xx_YY"
        return os.setlocale("C", "none")
        return collectgarbage "bad"
        return collectgarbage("param", "pause", 123), collectgarbage("param", "pause", -1), collectgarbage("param", "pause")
        return collectgarbage "param"
        return collectgarbage("param", "bad")
        return collectgarbage("setpause", 100), collectgarbage("setpause", 200)
        return collectgarbage "incremental", collectgarbage "generational", collectgarbage "isrunning"
        return require()
        return getmetatable(os), getmetatable(utf8), debug.getmetatable(table)
        return getmetatable(io.stdout).__name, getmetatable "".__index == string
        return io.type(), 5
        return io.type(5), io.type(io.stdout)
        return warn()
        warn "@on" warn "@off" return warn("a", "b")
        return collectgarbage {}
        local d = { year = 2020, month = 14, day = 35 } os.time(d) return d.year, d.month, d.day, d.yday, d.isdst
        local d = { year = 2020, month = 2, day = 30, hour = 12 } os.time(d) return d.month, d.day, d.hour, d.wday
        local m = {} function m.__lt(a, b) return a.n < b.n end function LESS(n) return setmetatable({ n = n }, m) end
        local t = { LESS(2), LESS(1) } table.sort(t) return t[1].n
        package.preload.none = function() end return require "none", package.loaded.none
        return pcall(package.loadlib, "x")
        return pcall(debug.setupvalue, function() end, 1, 5)
        local up = 1 local function f() return up end return debug.setupvalue(f, 1, 5), f()
        return io.stdout:seek "cur" ~= 5
        return string.format("%p|%7p", nil, 1), ("%p"):format "x" == ("%p"):format "x", #("%p"):format {} > 3
        local t = {} return tostring(t) == tostring(t), tostring(t) == ("table: %p"):format(t), tostring(t) ~= tostring {}
        return string.format()
        return string.gsub()
        return string.gsub("x", "x", true)
        return string.gsub("x", "x", function() return {} end)
        return string.gsub("x", "(", function() end)
        return string.gsub("x", "x", print, {})
        return string.gsub("hello world", "(o)( ?)", function(a, b) return b .. a end)
        return string.gsub("abc", "", function() return "-" end)
        return string.gsub("abc", "b*", function(whole) return "<" .. whole .. ">" end)
        return string.gsub("abc", "^.", function() return false end)
        return string.gsub("aaa", "^a", function() return "b" end)
        return string.gsub("aaa", "a", function() return "b" end, 2)
        return string.gsub("aaa", "a", function() return "b" end, -1)
        return string.gsub("THE (quick) fox", "%f[%a]%a+", function(w) return #w end)
        return string.gsub("abc", "()", function(at) return at end)
        return string.gsub("a\\0b\\0", "%z", function() return 0 end)
        return string.gsub("$x $y", "%$(%a)", setmetatable({ x = 1 }, { __index = function(_, k) return k .. "!" end }))
        return string.gsub(123, 2, function() return "b" end)
        local sort, alias = pcall, table.sort alias(5)
        return pcall(table.sort, 5), pcall(string.format), pcall(os.time, 5), pcall(string.gsub), pcall(os.date, {})
        return select(2, pcall(table.sort, 5)), select(2, pcall(require)), select(2, pcall(os.getenv, nil))
        return select(2, pcall(string.rep)), select(2, pcall(table.insert)), select(2, pcall(coroutine.resume))
        return select(2, pcall(require "mcast".sleep, "x")), select(2, pcall(require "mcast".poll))
        return table.sort { 1, "x" }
        return table.sort { {}, {} }
        return table.sort({ 1, 2, 3, 4, 5 }, function() return true end)
        local t = {} for i = 1, 99 do t[i] = i * 37 % 20 end table.sort(t) return table.concat(t, ",")
        local n = 0 table.sort({ 3, 5, 1, 4, 2 }, function(a, b) n = n * 3 + a return a < b end) return n
        return type(package.searchers), #package.searchers > 2, type(package.loadlib), (package.loadlib("x", "y"))
        return pcall(package.loadlib)
        package.searchers[1] = function(n) return function(...) return n .. ... end, 7 end return require "first"
        package.searchers = nil return require "second"
        local function wrapped(...) return coroutine.wrap(pcall)(...) end return wrapped(string.gsub, "a", "a", coroutine.yield)
        local function able() return tostring(coroutine.isyieldable()) end return coroutine.wrap(string.gsub)("a", "a", able)
        return coroutine.wrap(function() return coroutine.isyieldable() end)()
        return coroutine.isyieldable(5)
        return coroutine.wrap(pcall)(tostring, setmetatable({}, { __tostring = coroutine.yield }))
        return coroutine.wrap(pcall)(print, setmetatable({}, { __tostring = coroutine.yield }))
        return coroutine.wrap(function() return load(coroutine.yield) end)()
        package.preload.p = coroutine.yield return coroutine.wrap(function() return pcall(require, "p") end)()
        return setmetatable(string, nil) == string, ("x"):upper(), string.rep("x", 2)
        function string.twice(s) return s .. s end return ("x"):twice()
        return tostring(setmetatable({}, { __tostring = function() return {} end }))
      ]]
      for line in lines:gmatch "[^\n]+" do
        show(assert(load(line, "=line")))
      end
    ]=]
    assert.equal(real, simulated)
  end)

  it("waits in functions that the library calls", function()
    local printed = play { function()
      local mcast = require "mcast"
      local n = 0
      print(load(function()
        mcast.sleep(1)
        n = n + 1
        return n == 1 and "return 5" or nil
      end)(), mcast.now())
      local slow = setmetatable({}, { __tostring = function() mcast.sleep(1) return "text" end })
      print(tostring(slow), mcast.now())
      print(("%s %d"):format(slow, 1), mcast.now())
      print(("abc"):gsub(".", function(letter) mcast.sleep(1) return letter:upper() end))
      print(("ab"):gsub(".", setmetatable({}, { __index = function() mcast.sleep(1) end })), mcast.now())
    end }
    assert.same({ "5\t2.0", "text\t3.0", "text 1\t4.0", "ABC\t3", "ab\t9.0" }, printed.n1)
  end)

  it("sorts lists of one type as Lua does", function()
    local real, simulated = both [[
      local makers = { function() return math.random(-9, 9) end, function() return math.random() - 0.5 end,
        function() return ("x"):rep(math.random(0, 3)) .. math.random(20) end,
        function() return math.random(3) / 2 * math.random(-1, 1) end,
        function() return math.random() < 0.5 and math.random(5) or math.random(5) + 0.5 end }
      math.randomseed(7)
      for round = 1, 200 do
        local list, make = {}, makers[round % #makers + 1]
        for i = 1, math.random(0, 120) do list[i] = make() end
        table.sort(list)
        for i = 2, #list do assert(not (list[i] < list[i - 1])) end
        print(#list, table.concat(list, " "))
      end
    ]]
    assert.equal(real, simulated)
  end)

  it("sorts a list whose order adapts to the sort", function()
    local printed = play { function()
      local n, values, solid, candidate = 1000, {}, 0, nil
      local list = {}
      for i = 1, n do list[i], values[i] = i, n + 1 end
      local function freeze(i) solid, values[i] = solid + 1, solid end
      table.sort(list, function(a, b)
        if values[a] > n and values[b] > n then freeze(a == candidate and a or b) end
        candidate = values[a] > n and a or values[b] > n and b or candidate
        return values[a] < values[b]
      end)
      for i = 2, n do assert(values[list[i - 1]] <= values[list[i]]) end
      print "sorted"
    end }
    assert.same({ n1 = { "sorted" } }, printed)
  end)

  it("prints warnings where the script turns them on", function()
    local printed = play { function()
      warn "off"
      warn "@on"
      warn("a", "b")
    end, function() warn "off" end }
    assert.same({ n1 = { "Lua warning: ab" } }, printed)
  end)

  it("keeps the locale of the process", function()
    local before <const> = os.setlocale()
    play { function() os.setlocale "C" end }
    assert.equal(before, os.setlocale())
  end)

  it("hides changes of metatables from other nodes", function()
    local printed = play { function()
      local mcast = require "mcast"
      for _, value in ipairs { mcast.address("1.2.3.4", 5), mcast.socket(), io.stdout } do
        local metatable = getmetatable(value)
        metatable.__tostring = function() return "changed" end
        for key in pairs(type(metatable.__index) == "table" and metatable.__index or {}) do
          metatable.__index[key] = print
        end
      end
      for _, library in ipairs { "os", "mcast", "string", "utf8", "table" } do
        for key in pairs(require(library)) do
          require(library)[key] = print
        end
      end
    end, function()
      local mcast = require "mcast"
      mcast.sleep(1)
      print(mcast.address("1.2.3.4", 5), mcast.now(), ("x"):upper(), utf8.char(65), os.time(), mcast.socket():close())
    end }
    assert.same({ "1.2.3.4:5\t1.0\tX\tA\t946684801" }, printed.n2)
    assert.equal("A", utf8.char(65))
  end)

  it("calls no finalizer that is set after false", function()
    local printed = play { function()
      local metatable = { __gc = false }
      setmetatable({}, metatable)
      metatable.__gc = function() print "finalized" end
    end }
    collectgarbage()
    assert.same({}, printed)
  end)

  it("opens no door to the simulator by debug", function()
    local printed = play { function()
      local mcast = require "mcast"
      local sock = mcast.socket()
      print(debug.getuservalue(sock, 1))
      local main = coroutine.running()
      coroutine.resume(coroutine.create(function()
        for level = 0, 3 do
          for i = 1, 5 do
            local ok, _, value = pcall(debug.getlocal, main, level, i)
            if ok and type(value) == "thread" and value ~= main then
              print(pcall(debug.setlocal, main, level, i, false))
            end
          end
        end
        print(pcall(debug.setlocal, main, 0, 1, false))
      end))
      local a, b = 1, 2
      print(debug.getlocal(1, 5), debug.setlocal(1, 5, 5), a, b)
    end }
    assert.equal("nil", printed.n1[1])
    assert.matches("^false\t.*debug.setlocal of a C function is not available", printed.n1[2])
    assert.equal("b\tb\t1\t5", printed.n1[3])
  end)

  -- Functions of the scenario, by kind: each passes `shout` to the net, to be called while it runs.
  local callbacks <const> = {
    ["a function at a time"] = function(net, shout) net:at(0.5, shout) end,
    ["an invariant"] = function(net, shout) net:always(shout) end,
    ["a rule"] = function(net, shout) net:rule(function() return shout() and 0.1 end) end,
    ["a delay function"] = function(net, shout) net:set { delay = function() return shout() and 0.1 end } end,
    ["a latency function"] = function(net, shout) net:set { latency = function() return shout() and 0.1 end } end,
    ["an output function"] = function(net, shout) net.output = shout end,
  }

  -- Runs a node whose strings have no methods, and that prints, sends, and fails.
  local function run_without_methods(prepare)
    local net <const> = sim.new { output = function() end, failures = "keep" }
    net:host "other"
    prepare(net)
    net:node("n", function()
      local mcast = require "mcast"
      getmetatable("").__index = function() end
      for port = 1, 3 do
        mcast.socket():sendto("x", "10.0.0.1", port)
        print "line"
        mcast.sleep(0.4)
        assert(("x").upper == nil)
      end
      error "fails"
    end)
    net:run()
  end

  local function with_method(f)
    rawset(string, "shouted", function(text) return text:upper() .. "!" end)
    local ok, message = pcall(f)
    rawset(string, "shouted", nil)
    assert(ok, message)
  end

  for kind, prepare in pairs(callbacks) do
    it("leaves the process's methods of strings to " .. kind, function()
      local seen = {}
      with_method(function()
        run_without_methods(function(net)
          prepare(net, function()
            seen[#seen + 1] = ("x"):shouted()
            return true
          end)
        end)
      end)
      assert.is_true(#seen > 0)
      for _, text in ipairs(seen) do
        assert.equal("X!", text)
      end
    end)
  end

  it("lends a scenario's methods of strings to no node", function()
    with_method(function()
      local printed = play { function() print(pcall(function() return ("x"):shouted() end)) end }
      assert.matches("^false", printed.n1[1])
    end)
  end)

  it("returns the process's methods of strings after a run that raises", function()
    local before <const> = getmetatable ""
    for _, kind in ipairs { "a function at a time", "a rule", "an output function" } do
      assert.is_false(pcall(run_without_methods, function(net) callbacks[kind](net, function() error "raised" end) end))
      assert.equal(before, getmetatable "")
    end
  end)

  it("keeps the node's methods of strings where output raises", function()
    local net <const> = sim.new { output = function() error "raised" end }
    net:node("n", function()
      getmetatable("").__index = function(_, key) return key end
      assert(not pcall(print, "line"))
      assert(("x").own == "own")
    end)
    net:run()
  end)

  it("shows no place in memory in errors", function()
    local printed = play { function()
      local mcast = require "mcast"
      print(select(2, pcall(mcast.socket, { [{}] = 1 })))
      print(select(2, pcall(function() mcast.socket():setoption({}, 1) end)))
      print(select(2, pcall(function() mcast.socket():join("239.1.1.1", { [print] = 1 }) end)))
    end }
    for _, message in ipairs(printed.n1) do
      assert.matches("unknown option '%a+'$", message)
    end
  end)
end)
