-- mcast.trace: recordings of scripts that know nothing of it.
local helper <const> = require "spec.support.helper"
local trace <const> = require "mcast.trace"

-- A receiver `r` of a group, a sender `s`, and the group's address `to`.
local prelude <const> = [[
  local mcast = require "mcast"
  local r = assert(mcast.socket { interface = "lo" })
  assert(r:join "239.1.2.3")
  local s = assert(mcast.socket { interface = "lo" })
  local to = assert(mcast.address("239.1.2.3", r:getsockname().port))
]]

-- Runs a script with a trace; returns the trace, the output and the status.
local function record(text, options, environment)
  local path <const>, file <const> = helper.script(prelude .. text), helper.script ""
  local output <const>, status <const> = helper.run(("MCAST_TRACE=%s MCAST_NODE=node %s %s %s -l mcast.trace %s one two")
    :format(file, environment or "", helper.lua, options or "", path))
  return trace.read(file), output, status, file
end

-- The events of a kind.
local function select_kind(list, kind)
  local found = {}
  for _, event in ipairs(list) do
    found[#found + 1] = event.kind == kind and event or nil
  end
  return found
end

helper.network("a recorded script", function()
  it("leaves its sends, deliveries and memberships in order", function()
    local list <const>, output <const> = record [[
      assert(s:sendto("hello", to))
      assert(r:recvfrom(5))
      assert(r:leave "239.1.2.3")
    ]]
    local kinds = {}
    for i, event in ipairs(assert(list, output)) do
      kinds[i] = event.kind
    end
    assert.same({ "start", "join", "send", "deliver", "leave", "end" }, kinds)
    local joined <const>, sent <const>, arrived <const> = list[2], list[3], list[4]
    assert.same({ "239.1.2.3", "exclude", "lo", "node" }, { joined.group, joined.mode, joined.interface, joined.node })
    assert.equal(sent.to, arrived.to)
    assert.same({ "239.1.2.3", joined.port, "hello", "hello" },
      { arrived.to.host, arrived.to.port, sent.data, arrived.data })
    assert.equal(sent.from.port, arrived.from.port)
    assert.is_true(arrived.socket ~= sent.socket and arrived.socket == joined.socket)
  end)

  it("puts a delivery at the kernel's time of its receipt", function()
    local list <const> = record [[
      assert(s:sendto("x", to))
      mcast.sleep(0.3)
      assert(r:recvfrom(5))
    ]]
    local sent <const>, arrived <const> = select_kind(list, "send")[1], select_kind(list, "deliver")[1]
    assert.is_true(arrived.time >= sent.time and arrived.time - sent.time < 0.2)
  end)

  for name, receive in pairs { recvfrom = "r:recvfrom(5)", datagrams = "r:datagrams(5)()", recvmany = "r:recvmany(5, { 1, 2 })",
    poll = "mcast.poll({ r }, 5) and r:recvfrom(0)" } do
    it("records what is received by " .. name, function()
      local list <const> = record("assert(s:sendto('x', to)) assert(" .. receive .. ")")
      assert.equal(1, #select_kind(list, "deliver"))
    end)
  end

  for name, wait in pairs { socket = 'require "socket".select({ r }, nil, 5)',
    cqueues = 'require "cqueues".poll(r, 5)' } do
    it("records what an event loop waits for, that of " .. name, function()
      if helper.lacks(wait) then return pending(helper.lacks(wait)) end
      local list <const>, output <const> = record('assert(s:sendto("x", to)) ' .. wait .. " print(r:recvfrom(0))")
      assert.matches("^x\t", output)
      assert.equal(1, #select_kind(list, "deliver"))
    end)
  end

  it("records what is received by recvmany on a socket with metadata", function()
    local list <const>, output <const> = record [[
      local m = assert(mcast.socket { interface = "lo", metadata = true })
      assert(s:sendto("x", "127.0.0.1", m:getsockname().port))
      local into = { 1, 2, n = 3 }
      assert(rawequal(into, m:recvmany(5, into)))
      print(into[1], #into, into.n, m:recvmany(0))
      print(pcall(m.recvmany, m, 0, "x"))
    ]]
    assert.matches("^x\t1\t3\tnil\ttimeout\t%d+\nfalse\t[^\n]*table expected, got string", output)
    assert.equal(1, #select_kind(list, "deliver"))
  end)

  it("records what is received by recvmsg", function()
    local list <const>, output <const> = record [[
      local m = assert(mcast.socket { interface = "lo", metadata = true })
      assert(s:sendto("x", "127.0.0.1", m:getsockname().port))
      local msg = assert(m:recvmsg(5, {}))
      print(msg.group, msg.data, m:getoption "metadata", r:getoption "metadata")
    ]]
    assert.equal("127.0.0.1\tx\ttrue\tfalse\n", output)
    assert.equal("127.0.0.1", select_kind(list, "deliver")[1].to.host)
  end)

  it("records each datagram that sendmany accepts", function()
    local list <const>, output <const> = record "print(s:sendmany({ 'a', 'b', 'c' }, to))"
    local datas = {}
    for i, event in ipairs(select_kind(list, "send")) do
      datas[i] = event.data
    end
    assert.same({ "a", "b", "c" }, datas)
    assert.equal("3\n", output)
  end)

  it("records a datagram that the script never read", function()
    assert.equal(2, #select_kind(record "assert(s:sendmany({ 'a', 'b' }, to))", "deliver"))
    assert.equal(1, #select_kind(record "assert(s:sendto('a', to)) r:close()", "deliver"))
    assert.equal(1, #select_kind(record "assert(s:sendto('a', to)) os.exit(0)", "deliver"))
  end)

  it("records the filter of a source-specific membership", function()
    local list <const> = record 'assert(r:join("232.1.2.3", { source = "10.8.0.1" }))'
    local event <const> = select_kind(list, "join")[2]
    assert.same({ "232.1.2.3", "include", { "10.8.0.1" } }, { event.group, event.mode, event.sources })
  end)

  it("records notes, and the lines that it prints", function()
    local list <const>, output <const> = record [[
      mcast.note("role", "leader")
      mcast.note "elected"
      print("a", 1)
      io.write("b")
      io.write("c\nd\n")
    ]]
    assert.equal("a\t1\nbc\nd\n", output)
    local notes <const>, texts = select_kind(list, "note"), {}
    assert.same({ "role", "leader", "elected" }, { notes[1].key, notes[1].value, notes[2].text })
    for i, event in ipairs(select_kind(list, "log")) do
      texts[i] = event.text
    end
    assert.same({ "a\t1", "bc", "d" }, texts)
  end)

  it("prints and fails as without a trace", function()
    local path <const> = helper.script(prelude .. [[
      print(select("#", ...), ..., arg[0] ~= nil, #arg, arg[1])
      print(pcall(function() return r:recvmsg(0) end))
      print(pcall(function() r:recvfrom {} end))
      print(pcall(function() s:sendto("x", "239.1.2.3", 99999) end))
      print(pcall(function() mcast.socket { tll = 1 } end))
      print(pcall(function() mcast.socket { metadata = 1 } end))
      print(pcall(function() mcast.note() end))
      print(s:sendto("x", "nowhere:1"))
      print(s:sendto(("x"):rep(70000), "239.1.2.3", 5))
      print(r:join "10.0.0.1", r:recvfrom(0))
      r:close()
      print(pcall(function() return r:getoption "metadata" end))
      local function f() error "boom" end
      f()
    ]])
    local plain <const>, status <const> = helper.run(("%s %s one two"):format(helper.lua, path))
    assert.equal(1, status)
    assert.matches("boom\nstack traceback:", plain)
    local traced <const>, other <const> = helper.run(("MCAST_TRACE=/dev/null %s -l mcast.trace %s one two")
      :format(helper.lua, path))
    assert.equal(plain, traced)
    assert.equal(1, other)
  end)

  it("records the error that ends it", function()
    local list <const> = record "error 'boom'"
    assert.matches(":6: boom$", list[#list].reason)
    assert.equal("fail", list[#list].kind)
  end)

  it("leaves whole events when it is killed", function()
    local list <const>, _, status <const>, file <const> = record [[
      for i = 1, 100 do assert(s:sendto("x", to)) end
      os.execute("kill -9 $PPID")
      mcast.sleep(5)
    ]]
    assert.not_equal(0, status)
    assert.equal(100, #select_kind(list, "send"))
    local text <const> = io.open(file):read "a"
    local cut <const> = assert(trace.read(helper.script(text:sub(1, -5))))
    assert.same({ #list - 1, true }, { #cut, cut.header.cut })
  end)

  it("has the losses of mcast.impair as losses", function()
    local list <const>, output <const> = record([[
      for i = 1, 20 do assert(s:sendto("x", to)) end
      for data in r:datagrams(0.05) do io.write(data) end
    ]], "-l mcast.impair", "MCAST_IMPAIR=loss=0.5")
    assert.equal(20, #select_kind(list, "send"))
    assert.is_true(#output > 0 and #output < 20)
    assert.equal(#output, #select_kind(list, "deliver"))
  end)

  it("records from a call on, and to its end", function()
    local file <const> = helper.script ""
    local output <const> = helper.check(helper.lua .. " " .. helper.script(prelude .. ([[
      local trace = require "mcast.trace"
      assert(s:sendto("before", to))
      do
        local recording <close> = assert(trace.start(%q, { node = "mine" }))
        print(pcall(trace.start, "other"))
        assert(s:sendto("during", to))
        print(r:recvfrom(1))
      end
      assert(s:sendto("after", to))
    ]]):format(file)))
    assert.matches("a recording goes on already", output)
    assert.matches("\nbefore\t", output)
    local list <const> = trace.read(file)
    local sent <const>, arrived <const> = select_kind(list, "send"), select_kind(list, "deliver")
    assert.same({ "mine", 1, "during", "before" }, { list.header.node, #sent, sent[1].data, arrived[1].data })
  end)

  it("returns the error of a script that it runs", function()
    local script <const>, file <const> = helper.script "print(arg[0] ~= nil, arg[1], ...) error { }", helper.script ""
    local output <const> = helper.check(("%s %s"):format(helper.lua, helper.script(([[
      local trace = require "mcast.trace"
      local recording <close> = assert(trace.start(%q, { node = "mine" }))
      print(trace.run(%q, "one"))
      print(trace.run "no such file")
    ]]):format(file, script))))
    assert.matches("^true\tone\tone\nnil\t%(error object is a table value%)\nstack traceback:\n", output)
    assert.matches("\nnil\tcannot open no such file", output)
    local list <const> = assert(trace.read(file))
    assert.same({ "fail", "(error object is a table value)" }, { list[#list].kind, list[#list].reason })
  end)

  it("replaces no function unless it is recorded", function()
    assert.equal("true\n", helper.check(helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      local before = { mcast.socket, print, io.write, debug.getregistry()["mcast.socket"].__index.sendto }
      local trace = require "mcast.trace"
      local after = { mcast.socket, print, io.write, debug.getregistry()["mcast.socket"].__index.sendto }
      print(table.concat({ tostring(before[1]), tostring(before[2]), tostring(before[3]), tostring(before[4]) })
        == table.concat({ tostring(after[1]), tostring(after[2]), tostring(after[3]), tostring(after[4]) }))
    ]]))
  end)

  it("reports a disk that is full, and lets the script go on", function()
    assert.matches("^nil\t/dev/full: No space left on device\t28\n$", helper.check(helper.lua .. [[ -e '
      local trace = require "mcast.trace"
      local ok, message, errno = trace.start "/dev/full"
      print(ok, message, errno)']]))
  end)
end)

describe("the clock of traces", function()
  it("is the time of day in nanoseconds", function()
    local clock <const>, before <const> = require "mcast.clock", os.time()
    local one <const>, two <const> = clock(), clock()
    assert.equal("integer", math.type(one))
    assert.is_true(before <= one // 1000000000 and one <= two and two // 1000000000 <= os.time())
  end)
end)

helper.describe("a trace file", function()
  it("keeps any bytes, and refuses what is none", function()
    local bytes = {}
    for i = 0, 255 do
      bytes[#bytes + 1] = string.char(i)
    end
    local data <const>, path <const> = table.concat(bytes), os.tmpname()
    local to <const> = { host = "239.1.2.3", port = 5, multicast = true }
    setmetatable(to, { __tostring = function() return "239.1.2.3:5" end })
    assert(trace.write({ { time = 1.5, kind = "send", node = "a", packet = 1, socket = 1, data = data, from = to, to = to } },
      path))
    local list <const> = assert(trace.read(path))
    assert.same({ data, 1.5, 1, "a", true }, { list[1].data, list[1].time, list[1].packet, list[1].node, list[1].to.multicast })
    for _, text in ipairs { "", "{}", '{"mcast":"trace"}', '{"mcast":"trace","version":2,"epoch":"0.000000000"}',
      '{"mcast":"trace","version":1,"node":"a","epoch":"0.000000000"}\n{"time":1}\n{"time":1,"kind":"log"}' } do
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      local ok <const>, message <const> = trace.read(path)
      assert.is_nil(ok)
      assert.is_string(message)
    end
    os.remove(path)
  end)

  it("raises in no reader, whatever its bytes are", function()
    local path <const>, page <const> = helper.script "", helper.script ""
    local net <const> = require "mcast.sim".new { output = function() end, loss = 0.2 }
    net:node("receiver", "examples/receiver.lua")
    net:node("sender", "examples/sender.lua")
    net:at(0.1, function() net:partition("receiver", "sender") end)
    net:run(3)
    assert(trace.write(net.trace, path))
    local numbered <const>, draws <const> = io.open(path):read "a", require "mcast.sim".new { output = print }
    local raw <const> = numbered:gsub('"packet":%d+,', ""):gsub('"numbered":true', '"node":"a","addresses":["10.0.0.1"]')
    local values <const> = { "null", "1e999", "-1", '""', "[]", "{}", "true", "0.5", '[1,"a"]', '"239.1.2.3:5"', '"send"',
      '"deliver"', '"partition"', '"drop"', '"hold"', '"join"', "9223372036854775807" }
    for round = 1, 600 do
      local place, count <const> = draws:random(1, 200), 0
      local text = (round & 1 == 0 and numbered or raw):gsub('":([^,}]+)', function()
        place = place - 1
        return place == count and '":' .. values[draws:random(1, #values)] or nil
      end)
      if round % 3 == 0 then
        local i <const> = draws:random(1, #text)
        text = text:sub(1, i - 1) .. string.char(draws:random(0, 255)) .. text:sub(i + 1)
      end
      local file <close> = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
      local list <const>, message <const> = trace.read(path)
      assert.is_true(list ~= nil or type(message) == "string")
      local run <const> = list and trace.merge { list } or {}
      trace.stats(run)
      assert(require "mcast.timeline".write(run, page))
    end
  end)

  it("is not written by a node of the simulator", function()
    local path <const>, lines = os.tmpname(), {}
    os.remove(path)
    local net <const> = require "mcast.sim".new { output = function(_, line) lines[#lines + 1] = line end }
    net:node("a", function(file)
      local recording <close> = assert(require "mcast.trace".start(file))
      print(recording:close())
    end, { path })
    net:run(1)
    assert.matches("true", lines[1])
    assert.is_nil(io.open(path))
  end)

  it("has the events of a simulated run", function()
    local net <const> = require "mcast.sim".new { output = function() end, loss = 0.2 }
    net:node("receiver", "examples/receiver.lua")
    net:node("sender", "examples/sender.lua")
    net:run(3)
    local path <const> = os.tmpname()
    assert(trace.write(net.trace, path))
    local list <const> = assert(trace.read(path))
    os.remove(path)
    assert.is_true(#list > 5)
    assert.is_nil(require "mcast.timeline".difference(net.trace, list))
    assert.equal(tostring(net:stats()), tostring(trace.stats(list)))
  end)
end)
