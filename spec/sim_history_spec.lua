-- Histories of operations, and whether they are linearizable.
local helper <const> = require "spec.support.helper"
local brute <const> = require "spec.support.brute"
local history <const> = require "mcast.sim.history"
local sim <const> = require "mcast.sim"

-- A trace of notes: "a: invoke 1 read x" is one of node a, "a crash" is another event. Each is a second later.
local function trace_of(text)
  local trace = {}
  for line in text:gmatch "[^\n;]+" do
    local node <const>, said <const> = line:match "^%s*(%w+): (.-)%s*$"
    trace[#trace + 1] = node and { time = #trace, node = node, kind = "note", key = "op", value = said }
      or { time = #trace, node = line:match "%w+", kind = line:match "%w+ (%w+)" }
  end
  return trace
end

local function verdict(kinds, text, options)
  return history.new(trace_of(text)):linearizable(kinds, options)
end

-- The message of an error without the place where it was raised.
local function failure(f, ...)
  local ok <const>, message <const> = pcall(f, ...)
  assert.is_false(ok)
  return (message:gsub("^.-: ", "", 1))
end

helper.search("operations", function()
  it("returns all that have been invoked, with their ends", function()
    local list = history.new(trace_of [[
      a: invoke 1 write x 3
      b: invoke 1 read x
      a: ok 1 write x 3
      b: ok 1 read x nil
      b: invoke 2 cas x 3 4
    ]]):operations()
    assert.equal(3, #list)
    local function of(i)
      local one = list[i]
      return { one.node, one.number, one.method, one.object, one.arguments, one.from, one.to or "", one.kind or "",
        one.result or "" }
    end
    assert.same({ "a", 1, "write", "x", { "3" }, 0, 2, "ok", "" }, of(1))
    assert.same({ "b", 1, "read", "x", {}, 1, 3, "ok", "nil" }, of(2))
    assert.same({ "b", 2, "cas", "x", { "3", "4" }, 4, "", "", "" }, of(3))
  end)

  for _, event in ipairs { "crash", "restart", "end", "fail" } do
    it("becomes unknown where its node has the event " .. event, function()
      local list = history.new(trace_of("a: invoke 1 read x; b: invoke 1 read x; a " .. event .. "; a: invoke 1 read x"))
        :operations()
      assert.same({ "unknown", 2, nil, nil }, { list[1].kind, list[1].to, list[2].kind, list[3].kind })
    end)
  end

  it("raises for notes that are none, with node and time", function()
    local refused <const> = {
      ["invoke 1 read"] = "kind, number, method and object expected, with one space between words",
      ["invoke 1  read x"] = "kind, number, method and object expected, with one space between words",
      ["invoke 1 read x "] = "kind, number, method and object expected, with one space between words",
      ["invoke 1 read\tx"] = "kind, number, method and object expected, with one space between words",
      ["begin 1 read x"] = "bad kind 'begin' (invoke, ok, fail or unknown expected)",
      ["invoke one read x"] = "bad number 'one' (digits expected)",
      ["invoke -1 read x"] = "bad number '-1' (digits expected)",
      ["invoke 1e2 read x"] = "bad number '1e2' (digits expected)",
      ["invoke 7 read x"] = "7 is open, invoked at 0.000000 s",
      ["ok 8 read x"] = '8 is not open (note "invoke 8 read x" before)',
      ["ok 7 read y 1"] = "it was invoked as 'read x'",
      ["ok 7 read x1"] = "it was invoked as 'read x'",
      ["ok 7 read x 1 2"] = "it was invoked as 'read x'",
      ["fail 7 read x 1"] = "it was invoked as 'read x'",
      ["unknown 7 read x 1"] = "it was invoked as 'read x'",
    }
    for said, reason in pairs(refused) do
      local trace = trace_of "a: invoke 7 read x"
      table.insert(trace, { time = 0.25, node = "a", kind = "note", key = "op", value = said })
      local one = history.new(trace)
      for _ = 1, 2 do
        assert.equal(("operation %q of a at 0.250000 s: %s"):format(said, reason), failure(one.operations, one))
      end
    end
  end)

  it("raises for a value that is no text", function()
    local one = history.new { { time = 1, node = "a", kind = "note", key = "op", value = true } }
    assert.matches('operation "true" of a at 1.000000 s: kind', failure(one.operations, one))
  end)

  it("raises for methods, arguments and results of another object", function()
    local refused <const> = {
      { "register", "enqueue x 1", "", "a register has no method 'enqueue' (cas, read, write expected)" },
      { "register", "read x 1", " 2", "read of a register has 0 arguments, got 1" },
      { "register", "write x", "", "write of a register has 1 argument, got 0" },
      { "register", "write x 1", " 2", "write of a register has no result" },
      { "register", "read x", "", "read of a register has a result, at the end of the note: ok 1 read x result" },
      { "set", "contains x 1", "", "contains of a set has a result, at the end of the note: ok 1 contains x 1 result" },
      { "register", "cas x 1 2", " yes", "bad result 'yes' (true or false expected)" },
      { "set", "contains x 1", " 1", "bad result '1' (true or false expected)" },
      { "set", "remove x 1", " nil", "bad result 'nil' (true or false expected)" },
      { "set", "add x", "", "add of a set has 1 argument, got 0" },
      { "queue", "dequeue x", "", "dequeue of a queue has a result, at the end of the note: ok 1 dequeue x result" },
      { "queue", "add x 1", "", "a queue has no method 'add' (dequeue, enqueue expected)" },
    }
    for _, row in ipairs(refused) do
      local kind <const>, operation <const>, result <const>, reason <const> = table.unpack(row)
      local text = ("a: invoke 1 %s; a: ok 1 %s%s"):format(operation, operation, result)
      assert.equal(("operation %q of a at 1.000000 s: %s"):format("ok 1 " .. operation .. result, reason),
        failure(verdict, kind, text))
    end
  end)

  it("raises for an open operation of another object", function()
    assert.equal('operation "invoke 1 push q 1" of a at 0.000000 s: a queue has no method \'push\' (dequeue, enqueue expected)',
      failure(verdict, "queue", "a: invoke 1 push q 1"))
  end)

  it("reads an own history from the notes of each net", function()
    local net = sim.new { output = function() end }
    net:node("a", function()
      local mcast = require "mcast"
      mcast.note "op"
      mcast.note("op", "invoke 7 write x 3")
      mcast.sleep(1)
      mcast.note("op", "ok 7 write x 3")
    end)
    local one = net:history()
    net:run(0.5)
    assert.equal(nil, one:operations()[1].kind)
    net:run()
    assert.same({ 1, "ok", 0, 1 }, { #one:operations(), one:operations()[1].kind, one:operations()[1].from,
      one:operations()[1].to })
    assert.equal(one, net:history())
  end)

  it("raises in a net that keeps no trace", function()
    local net = sim.new { trace = false }
    assert.matches("the net keeps no trace", failure(net.history, net))
  end)
end)

helper.search("linearizable", function()
  it("names the first operation that fits no order", function()
    local ok, why = verdict("register", [[
      a: invoke 1 write x 1
      a: ok 1 write x 1
      b: invoke 1 write x 2
      c: invoke 1 read x
      c: ok 1 read x 3
      b: ok 1 write x 2
    ]])
    assert.is_false(ok)
    assert.equal('"ok 1 read x 3" of c, invoked at 3.000000 s and ended at 4.000000 s, fits no order: ' ..
      "the register x was 1 or 2", why)
  end)

  it("names the states of queues and elements of sets", function()
    local _, queue = verdict("queue", "a: invoke 1 enqueue q 5; a: ok 1 enqueue q 5; a: invoke 2 enqueue q 6; " ..
      "a: ok 2 enqueue q 6; a: invoke 3 dequeue q; a: ok 3 dequeue q 6")
    assert.matches("the queue q was 5 6$", queue)
    local _, empty = verdict("queue", "a: invoke 3 dequeue q; a: ok 3 dequeue q 6")
    assert.matches("the queue q was empty$", empty)
    local _, set = verdict("set", "a: invoke 3 contains s 6; a: ok 3 contains s 6 true")
    assert.matches("the set s, element 6, was absent$", set)
  end)

  it("accepts an unknown operation that has its effect later", function()
    local text <const> = [[
      a: invoke 1 write x 1
      a: unknown 1 write x 1
      b: invoke 1 read x
      b: ok 1 read x nil
      b: invoke 2 read x
      b: ok 2 read x 1
    ]]
    assert.is_true(verdict("register", text))
    assert.is_false(verdict("register", (text:gsub("unknown", "fail"))))
  end)

  it("refuses an unknown operation that has its effect twice", function()
    local text <const> = "a: invoke 1 enqueue q 1; a crash; b: invoke 1 dequeue q; b: ok 1 dequeue q 1; " ..
      "b: invoke 2 dequeue q; b: ok 2 dequeue q "
    assert.is_true(verdict("queue", text .. "nil"))
    assert.is_false(verdict("queue", text .. "1"))
  end)

  it("keeps both of two unknown operations that explain a result", function()
    local text <const> = [[
      a: invoke 1 write x 2; a: unknown 1 write x 2
      b: invoke 1 cas x 1 2; b: unknown 1 cas x 1 2
      c: invoke 1 write x 1; c: ok 1 write x 1
      c: invoke 2 read x; c: ok 2 read x 2
      c: invoke 3 write x 3; c: ok 3 write x 3
      c: invoke 4 read x; c: ok 4 read x 2
    ]]
    assert.is_true(verdict("register", text))
    assert.is_false(verdict("register", (text:gsub("cas x 1 2", "cas x 4 2"))))
  end)

  it("checks each object by its kind", function()
    local text <const> = "a: invoke 1 write x 1; a: ok 1 write x 1; b: invoke 1 dequeue q; b: ok 1 dequeue q 2"
    local ok <const>, why <const> = verdict({ x = "register", q = "queue" }, text)
    assert.is_false(ok)
    assert.matches("queue q", why)
    assert.equal("linearizable: object 'q' is not named (q = \"register\", \"set\" or \"queue\" expected)",
      failure(verdict, { x = "register" }, text))
    assert.matches("bad option 'steps'", failure(verdict, "queue", text, { steps = 0 }))
    assert.matches("unknown option 'step'", failure(verdict, "queue", text, { step = 1 }))
    assert.matches('"register", "set", "queue" or a table of them expected, got "stack"', failure(verdict, "stack", text))
    assert.matches('"register", "set", "queue" or a table of them expected, got "name"', failure(verdict, "name", text))
  end)

  -- Random histories; a seed each, so that a failure can be repeated.
  local function compare(kind, check)
    local count = { [true] = 0, [false] = 0 }
    for seed = 1, 2500 do
      math.randomseed(seed)
      local events = brute.history(math.random, kind, 3 + seed % 5, 2 + seed % 4)
      for _, holds in ipairs(check(events, seed)) do
        count[holds] = count[holds] + 1
      end
    end
    assert.is_true(count[true] > 100 and count[false] > 100, ("%d and %d"):format(count[true], count[false]))
  end

  for _, kind in ipairs { "register", "set", "queue" } do
    it("agrees with a search of all orders for each " .. kind, function()
      compare(kind, function(events, seed)
        local expected = brute.islinearizable(kind, events, #events)
        assert.equal(expected, (history.new(brute.trace(events)):linearizable(kind)), seed)
        return { expected }
      end)
    end)

    it("agrees with it after each event of a " .. kind, function()
      compare(kind, function(events, seed)
        local whole, part, results = brute.trace(events), {}, {}
        local one = history.new(part)
        for i = 1, seed % 5 == 0 and #whole or 0 do
          part[i] = whole[i]
          results[i] = brute.islinearizable(kind, events, i)
          assert.equal(results[i], (one:linearizable(kind)), ("%d, %d"):format(seed, i))
        end
        return results
      end)
    end)
  end

  -- Many nodes write to one register at a time, and one reads a value that nobody has written.
  local function crowd(count)
    local lines = {}
    for i = 1, count do
      lines[i], lines[count + 2 + i] = ("n%d: invoke 1 write x %d"):format(i, i), ("n%d: ok 1 write x %d"):format(i, i)
    end
    lines[count + 1], lines[count + 2] = "r: invoke 1 read x", "r: ok 1 read x none"
    return table.concat(lines, "\n")
  end

  it("is undecided after its steps, until it has more", function()
    local one = history.new(trace_of(crowd(6)))
    local result <const>, why <const> = one:linearizable("register", { steps = 100 })
    assert.same({ "undecided", "register x: undecided after 100 steps" }, { result, why })
    assert.equal("undecided", (one:linearizable("register", { steps = 99 })))
    assert.is_false((one:linearizable "register"))
  end)

  it("is false where one object is and another is undecided", function()
    local wrong <const> = "a: invoke 1 read y; a: ok 1 read y 1"
    for _, text in ipairs { crowd(6) .. "\n" .. wrong, wrong .. "\n" .. crowd(6) } do
      local result <const>, why <const> = verdict("register", text, { steps = 100 })
      assert.is_false(result)
      assert.matches("register y", why)
    end
  end)

  it("names four states at most", function()
    assert.matches("was 1 or 2 or 3 or 4 or %.%.%.$", select(2, verdict("register", crowd(6))))
    assert.matches("was 1 or 2 or 3 or nil$", select(2, verdict("register", crowd(3))))
  end)

  it("costs next to nothing without new results", function()
    local elements = {}
    for i = 1, 300 do
      elements[i] = ("a: invoke 1 add s %d; a: ok 1 add s %d"):format(i, i)
    end
    for kind, text in pairs { register = "o: invoke 1 write x 0\n" .. crowd(6):gsub("none", "3"),
      set = table.concat(elements, "\n") } do
      local one <const> = history.new(trace_of(text))
      assert.is_true((one:linearizable(kind)))
      local count = 0
      debug.sethook(function() count = count + 1 end, "", 100)
      assert.is_true((one:linearizable(kind)))
      debug.sethook()
      assert.is_true(count < 20, count)
    end
  end)

  it("has the same verdict again, until the kinds change", function()
    local one <const> = history.new(trace_of("a: invoke 1 read x; a: ok 1 read x nil; a: invoke 1 read y; a: ok 1 read y 1"))
    for _ = 1, 2 do
      local result <const>, why <const> = one:linearizable "register"
      assert.is_false(result)
      assert.matches("register y", why)
    end
    for _, kinds in ipairs { "queue", { x = "register", y = "set" }, { x = "register" } } do
      for _ = 1, 2 do
        assert.is_false((pcall(one.linearizable, one, kinds)))
      end
      assert.is_false((one:linearizable { x = "register", y = "register" }))
    end
  end)

  it("searches only the part that is new", function()
    local trace, part = {}, {}
    for i = 1, 200 do
      trace[i] = ("a: invoke 1 write x %d; a: ok 1 write x %d"):format(i, i)
    end
    trace = trace_of(table.concat(trace, "\n"))
    local one = history.new(part)
    for i, event in ipairs(trace) do
      part[i] = event
      assert.is_true((one:linearizable("register", { steps = 10 })))
    end
  end)

  -- A history whose first two operations stay open while another node writes 1, 2 ... and reads them; then the end of the
  -- second one, and a read.
  local function stays_open(first, result, last)
    local lines = { "p: invoke 1 write x never", "o: invoke 1 " .. first }
    for i = 1, 150 do
      lines[#lines + 1] = ("a: invoke 1 write x %d; a: ok 1 write x %d; a: invoke 1 read x; a: ok 1 read x %d"):format(i, i, i)
    end
    lines[#lines + 1] = ("o: ok 1 %s%s\na: invoke 1 read x; a: ok 1 read x %s"):format(first, result, last)
    return trace_of(table.concat(lines, "\n"))
  end

  -- The verdict after each event; returns the last one.
  local function follow(trace)
    local part = {}
    local one <const>, last = history.new(part), nil
    for i, event in ipairs(trace) do
      part[i] = event
      last = one:linearizable("register", { steps = 20000 })
    end
    return last
  end

  it("searches only the part that is new beside an open operation", function()
    local count = 0
    debug.sethook(function() count = count + 1 end, "", 1000)
    assert.is_true(follow(stays_open("write x 0", "", 150)))
    debug.sethook()
    assert.is_true(count < 4000, count)
  end)

  it("judges an operation that was open for long by its end", function()
    for _, row in ipairs {
      { true, "write x 0", "", "0" }, { true, "write x 0", "", "150" }, { false, "write x 0", "", "149" },
      { true, "read x", " 75", "150" }, { false, "read x", " none", "150" }, { true, "cas x 75 7", " false", "150" },
      { true, "cas x 150 7", " true", "7" }, { false, "cas x 75 7", " true", "7" }, { true, "read x", " nil", "150" },
    } do
      local expected <const>, first <const>, result <const>, last <const> = table.unpack(row)
      assert.equal(expected, follow(stays_open(first, result, last)), first .. result)
    end
  end)

  -- The search may not double with each pair of elements, nor with each unknown operation.
  it("needs few steps for elements of a queue without an order", function()
    local lines = {}
    for i = 1, 60 do
      lines[#lines + 1] = ("a: invoke 1 enqueue q a%d; b: invoke 1 enqueue q b%d"):format(i, i)
      lines[#lines + 1] = ("a: ok 1 enqueue q a%d; b: ok 1 enqueue q b%d"):format(i, i)
    end
    for i = 1, 60 do
      for _, element in ipairs { "b" .. i, "a" .. i } do
        lines[#lines + 1] = "c: invoke 1 dequeue q; c: ok 1 dequeue q " .. element
      end
    end
    assert.is_true((verdict("queue", table.concat(lines, "\n"), { steps = 1000 })))
  end)

  it("needs few steps for unknown operations that no result depends on", function()
    local lines = {}
    for i = 1, 20 do
      lines[#lines + 1] = ("n%d: invoke 1 enqueue q %d; n%d: unknown 1 enqueue q %d"):format(i, i, i, i)
      lines[#lines + 1] = "a: invoke 1 enqueue q x; a: ok 1 enqueue q x; a: invoke 1 dequeue q; a: ok 1 dequeue q x"
    end
    assert.is_true((verdict("queue", table.concat(lines, "\n"), { steps = 100000 })))
  end)

  -- Instructions, in thousands, that a verdict takes: they are the same on each machine.
  local function effort(...)
    local count = 0
    debug.sethook(function() count = count + 1 end, "", 1000)
    local result <const> = verdict(...)
    debug.sethook()
    return count, result
  end

  -- Operations that are unknown, then some that succeed: pairs of operation and result. "#" is the number of each.
  local function after_unknown(count, unknown, list)
    local lines = {}
    for i = 1, count do
      lines[i] = (("u#: invoke 1 %s; u#: unknown 1 %s"):format(unknown, unknown):gsub("#", i))
    end
    for i = 1, count do
      for _, pair in ipairs(list) do
        lines[#lines + 1] = (("a: invoke 1 %s; a: ok 1 %s%s"):format(pair[1], pair[1], pair[2]):gsub("#", i))
      end
    end
    return table.concat(lines, "\n")
  end

  it("takes little time while many operations are unknown", function()
    for kind, text in pairs {
      set = after_unknown(200, "add s 1", { { "remove s 1", "" }, { "contains s 1", " false" } }),
      register = after_unknown(200, "write x u#", { { "write x #", "" }, { "read x", " #" } }),
      queue = after_unknown(200, "enqueue q u#", { { "enqueue q #", "" }, { "dequeue q", " #" } }),
    } do
      local count <const>, result <const> = effort(kind, text)
      assert.is_true(result, kind)
      assert.is_true(count < 20000, count)
    end
  end)

  it("takes time in proportion to its steps", function()
    local lines = {}
    for i = 1, 200 do
      for k, said in ipairs { "write x 1", "write x 2", "cas x 1 2", "cas x 2 1" } do
        lines[#lines + 1] = ("u%d%d: invoke 1 %s; u%d%d: unknown 1 %s"):format(i, k, said, i, k, said)
      end
      lines[#lines + 1] = ("a: invoke 1 read x; a: ok 1 read x %d"):format(i % 2 + 1)
    end
    local count <const>, result <const> = effort("register", table.concat(lines, "\n"), { steps = 200000 })
    assert.equal("undecided", result)
    assert.is_true(count < 100000, count)
  end)

  it("follows a chain of unknown operations to a result", function()
    for text, expected in pairs {
      ["write x 5; cas x 5 6; cas x 6 7"] = true, ["cas x 6 7; cas x 5 6; write x 5"] = true,
      ["write x 4; cas x 5 6; cas x 6 7"] = false, ["write x 5; cas x 6 7"] = false,
    } do
      local lines, i = {}, 0
      for said in text:gmatch "[^;]+" do
        i = i + 1
        lines[i] = ("u%d: invoke 1 %s; u%d: unknown 1 %s"):format(i, said:match "%S.*", i, said:match "%S.*")
      end
      assert.equal(expected, (verdict("register", table.concat(lines, "\n") .. "\na: invoke 1 read x; a: ok 1 read x 7")), text)
    end
  end)

  it("ends the run as an invariant, and names seed and operation", function()
    local net = sim.new { seed = 4, output = function() end }
    net:node("a", function()
      local mcast = require "mcast"
      for i = 1, 3 do
        mcast.note("op", "invoke 1 write x " .. i)
        mcast.sleep(1)
        mcast.note("op", "ok 1 write x " .. i)
      end
    end)
    net:node("b", function()
      local mcast = require "mcast"
      mcast.sleep(2.2)
      mcast.note("op", "invoke 1 read x")
      mcast.note("op", "ok 1 read x 1")
    end)
    net:always(function() return net:history():linearizable "register" end, "x is one register")
    local ok <const>, message <const> = pcall(net.run, net)
    assert.is_false(ok)
    assert.matches('^x is one register does not hold at 2.200000 s with seed 4: "ok 1 read x 1" of b, .* was 2 or 3\n', message)
  end)
end)
