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

helper.describe("stills", function()
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

helper.describe("timelines", function()
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
