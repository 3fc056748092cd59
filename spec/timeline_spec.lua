local diagram <const> = require "spec.support.diagram"
local helper <const> = require "spec.support.helper"
local timeline <const> = require "mcast.timeline"

local function svg(trace, options)
  local path = diagram.path ".svg"
  assert(timeline.svg(trace, path, options))
  return diagram.read(path)
end

local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

-- The number of events of each kind; copies count by their end.
local function kinds(trace)
  local n = setmetatable({}, { __index = function() return 0 end })
  for i = 1, #trace do
    local event = trace[i]
    local kind = event.kind == "drop" and "lost" or event.kind == "deliver"
      and (event.to.multicast and "multicast" or "unicast") or event.kind
    n[kind] = n[kind] + 1
  end
  return n
end

helper.in_lua("stills", function()
  it("draws an arrow for each copy, in well-formed XML", function()
    local trace = diagram.run().trace
    local path = diagram.path ".svg"
    assert(timeline.svg(trace, path, { title = 'A <title> & "more"' }))
    helper.check("python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' " .. path)
    local picture, n = diagram.read(path), kinds(trace)
    for _, kind in ipairs { "multicast", "unicast", "lost" } do
      assert.equal(n[kind] + 1, count(picture, 'class="arrow ' .. kind .. '"')) -- one more in the legend
      assert.is_true(n[kind] > 0)
    end
    for _, kind in ipairs { "send", "join", "log", "start", "restart", "end", "crash" } do
      assert.equal(n[kind], count(picture, 'class="mark ' .. kind .. '"'))
    end
    assert.equal(3, count(picture, 'class="name"'))
    assert.equal(1, count(picture, 'class="shade crash"'))
    assert.equal(2, count(picture, 'class="shade partition"'))
  end)

  it("shortens the label of a fault that has no room", function()
    local trace <const> = { { time = 0, node = "a", kind = "start" } }
    for i, time in ipairs { 1, 8 } do
      trace[i + 1] = { time = time, node = "a", kind = "fault", text = ("late: b's %d, after 0.02 s"):format(i) }
    end
    trace[4] = { time = 10, node = "a", kind = "end" }
    local picture <const> = svg(trace, { width = 400 })
    assert.matches(">late: b's 1, after 0.02 s</text>", picture, 1, true)
    assert.matches(">late: b's 2</text>", picture, 1, true)
  end)

  it("cuts a title that is wider than the picture, between characters", function()
    local trace <const> = diagram.run().trace
    local long <const> = ("é"):rep(500)
    local text <const> = svg(trace, { title = long, width = 400 }):match '<text class="title"[^>]*>([^<]*)</text>'
    assert.matches("^" .. ("é"):rep(42) .. "%.%.%.$", text)
    assert.matches("<title>" .. long .. "</title>", svg(trace, { title = long }), 1, true)
    assert.matches(">fits</text>", svg(trace, { title = "fits", width = 400 }), 1, true)
  end)

  it("is well-formed XML whatever the texts", function()
    for _, text in ipairs { "\u{FFFE}", "a\u{FFFF}b", "a\0b", "\27[31m", "\127", "\u{85}", "\xed\xa0\x80", "\xff\xfe",
      "]]>", "\"'", "\xf4\x90\x80\x80", "\u{1F600}", "<!--", "&#0;" } do
      local trace <const>, path = {
        { time = 0, kind = "start", node = text },
        { time = 0.1, kind = "send", node = text, packet = 1, data = text, from = text, to = text, interface = text, ttl = 1 },
        { time = 0.2, kind = "drop", node = text, packet = 1, data = text, from = text, to = text, reason = text, ttl = 1 },
        { time = 0.3, kind = "note", node = text, key = text, value = text },
        { time = 0.4, kind = "log", node = text, text = text },
        { time = 0.5, kind = text, node = text, text = text },
        { time = 0.6, kind = "partition", from = { text }, to = { text } },
        { time = 0.7, kind = "violation", text = text },
        { time = 0.8, kind = "fail", node = text, reason = text },
      }, diagram.path ".svg"
      assert(timeline.svg(trace, path, { title = text }))
      helper.check("python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' " .. path)
    end
    local picture <const> = svg({ { time = 0, kind = "start", node = "a\u{FFFE}b\u{FFFD}" } })
    assert.matches(">a\u{FFFD}b\u{FFFD}<", picture, 1, true)
  end)

  it("puts the ends of arrows at their times and rows", function()
    local trace = {
      { time = 0, kind = "start", node = "one" },
      { time = 0, kind = "start", node = "two" },
      { time = 0.25, kind = "send", node = "one", packet = 1, data = "x", from = "10.0.0.1:1", to = "10.0.0.2:1" },
      { time = 0.75, kind = "deliver", node = "two", packet = 1, data = "x", from = "10.0.0.1:1", to = "10.0.0.2:1" },
      { time = 1, kind = "end", node = "two" },
    }
    local picture = svg(trace)
    local x1, y1, x2, y2 = picture:match 'class="arrow unicast" d="M([%d.]+) ([%d.]+)L([%d.]+) ([%d.]+)"'
    local one, two = picture:match 'class="name" x="[%d.]+" y="([%d.]+)">one.-class="name" x="[%d.]+" y="([%d.]+)">two'
    local left, right = picture:match 'x="([%d.]+)" y="%d+">0.0 s<', picture:match 'x="([%d.]+)" y="%d+">0.8 s<'
    assert.near(one - 4, y1, 0.11)
    assert.near(two - 4, y2, 0.11)
    assert.near(left + (right - left) * 0.25 / 0.8, x1, 0.11)
    assert.near(left + (right - left) * 0.75 / 0.8, x2, 0.11)
  end)

  it("draws the way of a copy through routers", function()
    local picture <const> = svg(diagram.routed().trace)
    local ends = {}
    for y1, y2 in picture:gmatch 'class="arrow multicast" d="M[%d.]+ ([%d.]+)L[%d.]+ ([%d.]+)"' do
      ends[#ends + 1] = { tonumber(y1), tonumber(y2) }
    end
    assert.equal(3, #ends)
    local from = {}
    for _, arrow in ipairs(ends) do
      from[arrow[1]] = (from[arrow[1]] or 0) + 1
    end
    local counts = {}
    for _, n in pairs(from) do
      counts[#counts + 1] = n
    end
    table.sort(counts)
    assert.same({ 1, 2 }, counts)
  end)

  it("has lines in the order in which nodes were made", function()
    local net <const> = diagram.routed()
    local path <const> = diagram.path ".svg"
    net:node("idle", function() end, {}, { start = 9 })
    assert(net:write_svg(path))
    local names = {}
    for name in diagram.read(path):gmatch 'class="name"[^>]*>([^<]*)<' do
      names[#names + 1] = name
    end
    assert.same({ "far", "near", "sender", "gate" }, names)
  end)

  it("explains in its legend exactly the signs that it draws", function()
    local run = svg(diagram.run().trace)
    for _, text in ipairs { "multicast received", "unicast received", "lost", "join", "crash", "paused", "cut off",
      "leader" } do
      assert.truthy(run:find('y="12">' .. text .. "</text>", 1, true), text)
    end
    local small = svg { { time = 0, kind = "start", node = "one" }, { time = 1, kind = "end", node = "one" } }
    local texts = {}
    for text in small:gmatch 'y="12">([^<]*)</text>' do
      texts[#texts + 1] = text
    end
    assert.same({ "start", "end" }, texts)
  end)

  it("reports how many arrows it leaves out", function()
    local trace = diagram.made(10, 5000)
    local picture = svg(trace, { arrows = 100 })
    local drawn, n = count(picture, 'class="arrow') - 3, kinds(trace)
    assert.is_true(drawn > 50 and drawn <= 100)
    local all = n.multicast + n.unicast + n.lost
    assert.matches(("left out: %d of %d arrows"):format(all - drawn, all), picture)
  end)

  it("draws the copies of a span of time", function()
    local trace = diagram.made(10, 5000)
    local part = svg(trace, { from = 0.1, till = 0.105 })
    local expected = 0
    for i = 1, #trace do
      local event = trace[i]
      expected = expected + (event.kind ~= "send" and event.time >= 0.1 and event.packet <= 105 and 1 or 0)
    end
    assert.equal(expected, count(part, 'class="arrow') - 3)
  end)
end)

-- A trace of three nodes whose second one sends these datagrams to the others, a second apart.
local function sending(list)
  local trace <const> = {}
  local group <const> = { host = "239.1.2.3", multicast = true }
  for _, name in ipairs { "one", "two", "three" } do
    trace[#trace + 1] = { time = 0, kind = "start", node = name }
  end
  for i, data in ipairs(list) do
    for k, name in ipairs { "two", "one", "three" } do
      trace[#trace + 1] = { time = i + (k - 1) / 10, kind = k == 1 and "send" or "deliver", node = name, packet = i,
        data = data, from = "10.0.0.1:1", to = group }
    end
  end
  trace[#trace + 1] = { time = #list + 1, kind = "end", node = "one" }
  return trace
end

helper.in_lua("words in stills", function()
  it("puts words once at the arrows of a datagram", function()
    local picture <const> = svg(sending { "offer 1", "\255\254", "offer 2" })
    assert.equal(1, count(picture, '<text class="label sent"[^>]*>offer 1</text>'))
    assert.equal(2, count(picture, 'class="label sent"'))
    assert.is_nil(picture:find("left out", 1, true))
    local narrow <const> = svg(sending { "offer 1", "\255\254", "offer 2" }, { width = 200 })
    assert.matches("left out: the texts? of %d datagram", narrow)
  end)

  it("has a colour and an entry of the legend for each kind", function()
    local function words(data)
      return "number " .. #data, #data == 1 and "short" or "<long>"
    end
    local picture <const> = svg(sending { "a", "bb", "ccc" }, { describe = words })
    assert.equal(1, count(picture, ">number 3</text>"))
    assert.equal(2, count(picture, 'class="arrow multicast k0"[^>]*"url%(#k0multicastEnd%)"'))
    assert.equal(4, count(picture, 'class="arrow multicast k1"[^>]*"url%(#k1multicastEnd%)"'))
    assert.equal(2, count(picture, 'id="k%dmulticastEnd"'))
    assert.matches('class="arrow k0" d="[^"]*"/><text[^>]*>short</text>', picture)
    assert.matches('class="arrow k1" d="[^"]*"/><text[^>]*>&lt;long&gt;</text>', picture)
  end)

  it("draws kinds beyond the colours as arrows without a kind", function()
    local function words(data)
      return data, "kind " .. data
    end
    local picture <const> = svg(sending { "1", "2", "3", "4", "5", "6" }, { describe = words })
    assert.equal(2, count(picture, 'class="arrow multicast k4"'))
    assert.equal(3, count(picture, 'class="arrow multicast"')) -- one in the legend
    assert.is_nil(picture:find("kind 6", 1, true))
  end)

  it("raises an error that names the function, for each picture", function()
    local function words()
      return {}
    end
    for _, name in ipairs { "svg", "write", "compare" } do
      local path <const>, trace <const> = diagram.path ".out", sending { "a" }
      assert.error_matches(function()
        if name == "compare" then
          timeline.compare(trace, trace, path, { describe = words })
        else
          timeline[name](trace, path, { describe = words })
        end
      end, "option 'describe' %(spec/timeline_spec.lua:%d+%) returned a bad text")
    end
  end)
end)

helper.in_lua("labels of stills", function()
  -- A trace of one node, with events that have a text.
  local function texts(list)
    local trace <const> = { { time = 0, node = "a", kind = "start" } }
    for i, entry in ipairs(list) do
      trace[i + 1] = { time = entry[1], node = "a", kind = entry[2], text = entry[3], key = entry[4], value = entry[5] }
    end
    trace[#trace + 1] = { time = 20, node = "a", kind = "end" }
    return trace
  end

  it("labels the same word of notes and lines once", function()
    local picture <const> = svg(texts { { 1, "note", "ready" }, { 2, "log", "ready" }, { 4, "note", nil, "state", "ready" },
      { 6, "note", "busy" }, { 19, "log", "ready" }, { 20, "note", "" } })
    assert.equal(2, count(picture, 'class="label [^>]*>ready</text>'))
    assert.equal(1, count(picture, ">busy</text>"))
    assert.is_nil(picture:find("left out", 1, true))
  end)

  it("stands left of a flag at the right edge", function()
    local picture <const> = svg(texts { { 20, "log", "at the end" } })
    local x <const> = tonumber(picture:match '<text class="label log" x="([%d.]+)"')
    local flag <const> = tonumber(picture:match 'class="mark log" d="[^"]*" transform="translate%(([%d.]+) ')
    assert.near(flag - 9, x + 10 * 6.7, 0.2)
  end)

  it("words a change of a clock", function()
    local trace <const> = texts {}
    table.insert(trace, 2, { time = 1, node = "a", kind = "clock", skew = -2, drift = 0.001 })
    local picture <const> = svg(trace)
    assert.matches(">−2 s, %+1000 ppm</text>", picture)
    assert.equal(2, count(picture, 'mark clock"')) -- one in the legend
  end)

  it("draws a strip while copies are held", function()
    local trace <const> = texts {}
    for i, kind in ipairs { "hold", "hold", "release", "release" } do
      table.insert(trace, i + 1, { time = i * 4, node = "a", kind = kind, datagram = i % 2 })
    end
    local picture <const> = svg(trace)
    local width <const> = picture:match '<rect class="shade hold" x="[%d.]+" y="[%d.]+" width="([%d.]+)"'
    local x <const> = picture:match 'class="mark release".-class="mark release" d="[^"]*" transform="translate%(([%d.]+) '
    local first <const> = picture:match 'class="mark hold" d="[^"]*" transform="translate%(([%d.]+) '
    assert.near(x - first, width, 0.2)
    assert.equal(1, count(picture, '<rect class="shade hold"'))
    assert.matches('<rect class="sign shade hold" [^>]*/><text[^>]*>holds copies</text>', picture)
  end)

  it("puts events of a host onto the line of its only node", function()
    local trace <const> = { { time = 0, kind = "start", node = "one" }, { time = 0, kind = "start", node = "two" },
      { time = 1, kind = "join", node = "one", host = "machine", group = "239.1.2.3" },
      { time = 2, kind = "interface", node = "machine", host = "machine", text = "eth0 down" } }
    local picture <const> = svg(trace)
    assert.equal(2, count(picture, 'class="name"'))
    table.insert(trace, 4, { time = 1, kind = "join", node = "two", host = "machine", group = "239.1.2.3" })
    assert.equal(3, count(svg(trace), 'class="name"'))
  end)

  it("grows with the letters", function()
    local picture <const> = svg(texts { { 1, "note", "ready" } }, { width = 720, letters = 16, title = ("word "):rep(20) })
    assert.matches('viewBox="0 0 495 %d+" width="720"', picture)
    assert.equal(2, count(picture, 'class="title"'))
  end)
end)

helper.in_lua("stills of many rows", function()
  it("marks clocks, pauses, holds and faults, but not sends", function()
    local trace <const> = {}
    for i = 1, 300 do
      trace[i] = { time = 0, kind = "start", node = "node " .. i }
    end
    for i, kind in ipairs { "fault", "clock", "pause", "resume", "hold", "release", "crash", "send" } do
      trace[300 + i] = { time = i, kind = kind, node = "node 7", packet = kind == "send" and 1 or nil, to = "10.0.0.1:1" }
    end
    local picture <const> = svg(trace)
    for _, kind in ipairs { "clock", "pause", "resume", "hold", "release", "fault", "crash" } do
      assert.equal(1, count(picture, 'class="mark ' .. kind .. '"[^>]*scale'), kind)
    end
    assert.equal(0, count(picture, 'mark send"') + count(picture, 'mark start"'))
    assert.matches("left out: 301 marks", picture)
  end)
end)

helper.in_lua("timelines", function()
  it("writes the same bytes in another process", function()
    local here, there = diagram.path ".html", diagram.path ".svg"
    local script = helper.script([[
      local timeline, run = require "mcast.timeline", require "spec.support.diagram".run
      timeline.write(run().trace, arg[1], { title = "One" })
      timeline.svg(run().trace, arg[2], { title = "One" })]])
    local texts = {}
    for i = 1, 2 do
      helper.check(("%s -e 'package.preload.busted = function() return {} end' %s %s %s"):format(helper.lua, script,
        here, there))
      texts[i] = diagram.read(here) .. diagram.read(there)
    end
    assert.is_true(texts[1] == texts[2])
    assert.is_true(#texts[1] > 50000)
  end)

  it("refers to no network, and escapes data in its script", function()
    local path = diagram.path ".html"
    assert(timeline.write(diagram.run().trace, path, { title = "</script><script>" }))
    local page = diagram.read(path)
    assert.equal(0, count(page:gsub("http://www.w3.org/2000/svg", ""), "https?://"))
    assert.equal(count(page, "<script>"), count(page, "</script>"))
    assert.is_nil(page:match "<script>%s*mcast.rows(.-)</script>":find("[^\n -~]"))
  end)

  it("reads any list-like object once, in bounded memory", function()
    local asked, most = 0, 0
    local trace = setmetatable({}, { __len = function() return 5000 end, __index = function(_, i)
      asked = asked + 1
      if i % 1000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count")
      end
      return { time = i / 1000, kind = "log", node = "n" .. i % 3, text = ("x"):rep(1000) .. i }
    end })
    collectgarbage()
    local before, path = collectgarbage "count", diagram.path ".html"
    assert(timeline.write(trace, path))
    assert.equal(5000, asked)
    assert.is_true(#diagram.read(path) > 5e6)
    assert.is_true(most - before < 1000, most - before) -- KiB, of 5 MB
  end)

  it("returns the errno of a file that cannot be opened", function()
    for _, name in ipairs { "write", "svg" } do
      local ok, message, errno = timeline[name]({}, "/nowhere/run.html")
      assert.is_nil(ok)
      assert.matches("/nowhere/run.html: No such file", message)
      assert.equal(2, errno)
    end
    assert.is_nil((timeline.compare({}, {}, "/nowhere/run.html")))
  end)

  it("raises for a missing trace and unknown options", function()
    for _, name in ipairs { "write", "svg" } do
      assert.error_matches(function() timeline[name](nil, "x") end, "%(trace expected, got nil%)")
      assert.error_matches(function() timeline[name]({}, "x", { with = 1 }) end, "unknown option 'with'")
    end
  end)

  it("returns nil where the disk is full", function()
    if not io.open("/dev/full", "w") then
      pending "needs /dev/full"
      return
    end
    assert.is_nil((timeline.write(diagram.run().trace, "/dev/full")))
    assert.is_nil((timeline.svg(diagram.run().trace, "/dev/full")))
  end)

  it("accepts an empty trace", function()
    local path = diagram.path ".html"
    assert(timeline.write({}, path))
    assert(timeline.compare({}, {}, path))
    assert.matches("</svg>", svg {})
  end)

  it("words the first difference without stray spaces", function()
    local path = diagram.path ".html"
    local pause, note = { time = 1, kind = "pause", node = "a" }, { time = 1, kind = "note", node = "a", key = "k", value = 2 }
    assert(timeline.compare({ pause }, { note }, path))
    local found = diagram.read(path):match 'found:"(.-)"'
    assert.equal("The first 0 events are the same. Then, in first run: 1.000000000 s, a pause; in second run: "
      .. "1.000000000 s, a note k = 2.", found)
    local one, two = { time = 1, kind = "send", node = "a", data = "\1\2" }, { time = 1, kind = "send", node = "a", data = "b" }
    assert(timeline.compare({ one }, { two }, path))
    assert.matches("in first run: 1.000000000 s, a send (2 bytes); in second run: 1.000000000 s, a send \\u0022b\\u0022",
      diagram.read(path), 1, true)
    assert(timeline.compare({ one }, { two }, path, { describe = function(data) return "data of " .. #data end }))
    assert.matches("a send \\u0022data of 2\\u0022; in", diagram.read(path), 1, true)
    assert(timeline.compare({ { time = 1, kind = "heal" } }, {}, path))
    assert.matches("first run: 1%.000000000 s, heal; in second run: no further event%.", diagram.read(path))
  end)

  it("contains JavaScript that parses", function()
    if not helper.has "node" then
      pending "node is not installed"
      return
    end
    local path, script = diagram.path ".html", diagram.path ".js"
    assert(timeline.write(diagram.run().trace, path))
    local parts = {}
    for part in diagram.read(path):gmatch "<script>(.-)</script>" do
      parts[#parts + 1] = part
    end
    assert.is_true(#parts >= 3)
    local file <close> = assert(io.open(script, "w"))
    file:write(table.concat(parts, "\n"))
    file:flush()
    helper.check("node --check " .. script)
  end)

  it("finds the first event that differs between two runs", function()
    local one, two = diagram.run(3).trace, diagram.run(4).trace
    local path = diagram.path ".html"
    assert.same({ true }, { timeline.compare(one, diagram.run(3).trace, path) })
    assert.truthy(diagram.read(path):find "The runs are the same: %d+ events")
    local i = timeline.difference(one, two)
    for k = 1, i - 1 do
      assert.equal(one[k].time .. one[k].kind .. (one[k].node or ""), two[k].time .. two[k].kind .. (two[k].node or ""))
    end
    assert.not_equal(one[i].node .. one[i].kind, two[i].node .. two[i].kind)
    local first, second = { time = 1, kind = "end" }, { time = 2, kind = "end" }
    assert.equal(2, timeline.difference({ first }, { first, second }))
    assert.is_nil(timeline.difference({ first }, { second }, { "time" }))
    assert.is_nil(timeline.difference({ { kind = "send", packet = 1 } }, { { kind = "send", packet = 2 } }))
  end)
end)
