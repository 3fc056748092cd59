-- The page of a timeline, in a browser: its drawing is compared with the trace.
local diagram <const> = require "spec.support.diagram"
local timeline <const> = require "mcast.timeline"

local function write(trace, options)
  local path = diagram.path ".html"
  assert(timeline.write(trace, path, options))
  return path
end

local function all_events(trace)
  local list = {}
  for i = 1, #trace do
    list[i] = trace[i]
  end
  return list
end

-- The copies of a trace, by the number that the page gives an event.
local function copies(trace)
  local sends, list, n = {}, {}, 0
  for i, event in ipairs(all_events(trace)) do
    if event.kind == "send" then
      sends[event.packet] = event
    elseif event.kind == "deliver" or event.kind == "drop" then
      n = n + 1
      list[i - 1] = { send = sends[event.packet], event = event }
    end
  end
  return list, n
end

-- The possible causes of an event, by their definition: the earlier events of its node, and
-- the sends of the datagrams that it received.
local function past(events, last)
  local sends, before, marks = {}, {}, { [last] = true }
  local causes = {}
  for i, event in ipairs(events) do
    causes[i] = { sends[event.packet or false] }
    if event.kind == "send" then
      sends[event.packet] = i
      causes[i] = {}
    end
    if event.node and event.kind ~= "drop" then
      table.insert(causes[i], before[event.node])
      before[event.node] = i
    end
  end
  local function mark(i)
    for _, cause in pairs(causes[i]) do
      if not marks[cause] then
        marks[cause] = true
        mark(cause)
      end
    end
  end
  mark(last)
  return marks, causes
end

-- The places of the page's names and times, as text in the picture.
local function scales(dom)
  local rows, times = {}, {}
  for y, name in dom:gmatch '<text class="name" x="[^"]+" y="([^"]+)">[^<]*<title>(.-)</title>' do
    rows[diagram.unescape(name)] = tonumber(y) - 4
  end
  for x, time in dom:gmatch '<text class="tick" x="([^"]+)" y="15">([%d.]+) s</text>' do
    times[#times + 1] = { x = tonumber(x), time = tonumber(time) }
  end
  local a, b = times[1], times[#times]
  return rows, function(time)
    return a.x + (time - a.time) * (b.x - a.x) / (b.time - a.time)
  end
end

-- Asserts that each arrow of the page goes from its send to its end; returns their number.
local function check_arrows(dom, trace)
  local expected, rows, x = copies(trace), scales(dom)
  local n = 0
  for arrow in dom:match '<g class="arrows[^"]*">(.-)</g>':gmatch "<path.-</path>" do
    n = n + 1
    local copy = assert(expected[tonumber(arrow:match 'data%-event="(%d+)"')])
    local numbers = {}
    for number in arrow:match ' d="([^"]+)"':gmatch "-?[%d.]+" do
      numbers[#numbers + 1] = tonumber(number)
    end
    assert.near(x(copy.send.time), numbers[1], 0.01)
    assert.near(rows[copy.send.node], numbers[2], 0.01)
    assert.near(x(copy.event.time), numbers[#numbers - 1], 0.01)
    assert.near(rows[copy.event.node], numbers[#numbers], 0.01)
    local kind = copy.event.kind == "drop" and "lost" or copy.event.to.multicast and "multicast" or "unicast"
    assert.equal(kind, arrow:match 'class="arrow (%l+)')
    assert.equal(copy.send.node, diagram.unescape(arrow:match 'data%-from="(.-)"'))
    assert.equal(copy.event.node, diagram.unescape(arrow:match 'data%-to="(.-)"'))
  end
  return n
end

diagram.describe("page", function()
  it("draws each copy as an arrow from its send to its end", function()
    local trace = diagram.run().trace
    local _, dom = diagram.browse(write(trace))
    local _, n = copies(trace)
    assert.equal(n, check_arrows(dom, trace))
    assert.is_true(n > 30)
  end)

  it("draws the arrows in view after a zoom", function()
    local trace = diagram.run().trace
    local _, before = copies(trace)
    local lines, dom = diagram.browse(write(trace), [[
      await point("wheel", 700, 100, { deltaY: -900 });
      say(arrows().length, one(".status").textContent);]])
    local n = check_arrows(dom, trace)
    assert.is_true(n > 0 and n < before)
    assert.equal(n, tonumber(lines[1]:match "^%d+"))
    assert.matches(n .. " arrows in view", lines[1])
  end)

  it("zooms, pans and returns to the whole by keys", function()
    local trace = diagram.run().trace
    local _, all = copies(trace)
    local lines = diagram.browse(write(trace), [[
      const ticks = () => all("text.tick").map(t => t.textContent).join();
      const first = ticks();
      await key("+"); await key("+");
      say(ticks() !== first, arrows().length);
      const zoomed = ticks();
      for (let i = 0; i < 6; i++) await key("ArrowRight");
      say(ticks() !== zoomed);
      await key("0");
      say(arrows().length);]])
    assert.is_true(tonumber(lines[1]:match "^true (%d+)") < all)
    assert.same({ "true", tostring(all) }, { lines[2], lines[3] })
  end)

  it("filters by node, group and text, and reports the rest", function()
    local trace = diagram.run().trace
    local between, round, unicast, total = 0, 0, 0, 0
    for _, copy in pairs(copies(trace)) do
      total = total + 1
      between = between + ((copy.send.node == "second" and copy.event.node == "träge"
        or copy.send.node == "träge" and copy.event.node == "second" or copy.send.node == copy.event.node
        and copy.send.node ~= "a <b> & \"c\"") and 1 or 0)
      round = round + (copy.event.data:find "& 3" and 1 or 0)
      unicast = unicast + (copy.event.to.multicast and 0 or 1)
    end
    local lines = diagram.browse(write(trace), [[
      await set("nodes", "SECOND, trä"); say(arrows().length, all(".name").length, one(".status").textContent);
      await set("nodes", ""); await set("group", "239.1.2.3"); say(arrows().length);
      await set("group", ""); await set("text", "& 3"); say(arrows().length, one(".status").textContent);]])
    assert.matches(("^%d 2 "):format(between), lines[1])
    assert.matches("1 node filtered out", lines[1])
    assert.equal(tostring(total - unicast), lines[2])
    assert.matches(("^%d .*Left out: %%d+ events filtered out"):format(round), lines[3])
    assert.is_true(between > 0 and round > 0 and unicast > 0)
  end)

  it("shows a datagram's bytes at the pointer only", function()
    local trace = diagram.run().trace
    local lines = diagram.browse(write(trace), [[
      const it = one(".tip");
      for (const a of arrows()) { // the first that no other one lies over
        const [x1, y1, x2, y2] = ends(a);
        await point("pointermove", x1 + (x2 - x1) * 0.6, y1 + (y2 - y1) * 0.6);
        if (a.classList.contains("multicast") && it.dataset.event === a.dataset.event) break;
      }
      say(it.hidden, it.dataset.event, JSON.stringify(it.querySelector(".text").textContent),
        it.querySelector(".hex").textContent);
      await point("pointermove", 700, one(".plot").clientHeight - 2);
      say(it.hidden);]])
    local event = trace[tonumber(lines[1]:match "^false (%d+)") + 1]
    assert.is_true(event.kind == "deliver" and event.to.multicast)
    assert.matches('"<%d> \u{2400}\u{fffd} & %d"', lines[1])
    assert.matches("0000 " .. event.data:gsub(".", function(c) return ("%02x "):format(c:byte()) end), lines[1])
    assert.equal("true", lines[2])
  end)

  it("reports how many bytes of a datagram are not stored", function()
    local trace = diagram.made(3, 30)
    trace[1].data = ("x"):rep(100)
    local lines = diagram.browse(write(trace, { bytes = 40 }), [[
      await key("n"); say(one(".panel .text").textContent.length, one(".panel").textContent, one(".status").textContent);]])
    assert.matches("^40 .*100 bytes.*60 bytes more, not in this file.*after the first 40 of 1 datagram", lines[1])
  end)

  it("highlights an event's possible causes and effects", function()
    local trace = diagram.run().trace
    local events = all_events(trace)
    local chosen = #events * 3 // 5
    while events[chosen].kind ~= "deliver" do
      chosen = chosen + 1
    end
    local marks = past(events, chosen)
    local lines = diagram.browse(write(trace), ([[
      mcast.views[0].choose(%d, 3); await frame();
      const before = [], after = [];
      const is = (a, name) => a.classList.contains(name);
      arrows().forEach(a => (is(a, "before") ? before : is(a, "after") ? after : []).push(a.dataset.event));
      say(before.sort((a, b) => a - b)); say(after.sort((a, b) => a - b));]]):format(chosen - 1))
    local before, after = {}, {}
    for i, event in ipairs(events) do
      if event.kind == "deliver" or event.kind == "drop" then
        if marks[i] then
          before[#before + 1] = i - 1
        elseif i > chosen and past(events, i)[chosen] then
          after[#after + 1] = i - 1
        end
      end
    end
    assert.is_true(#before > 5 and #after > 5)
    assert.equal(table.concat(before, ","), lines[1])
    assert.equal(table.concat(after, ","), lines[2])
  end)

  it("moves between events and to causes by keys", function()
    local lines = diagram.browse(write(diagram.run().trace), [[
      const view = mcast.views[0], what = () => one(".panel b").textContent;
      await key("n"); say(view.chosen, what());
      await key("n"); say(view.chosen);
      await key("N"); say(view.model.node[view.chosen] === view.model.node[1] && view.chosen > 1);
      await key("c"); say(one(".panel [aria-pressed=true]").textContent.replace(/[^a-z]/gi, ""));
      await key("Escape"); say(one(".panel").hidden, all(".dim").length);]])
    assert.matches("^0 start · a", lines[1])
    assert.same({ "1", "true", "Causes", "true 0" }, { table.unpack(lines, 2) })
  end)

  it("opens with the complete path to a failed invariant", function()
    local trace = diagram.violation().trace
    local events = all_events(trace)
    assert.equal("violation", events[#events].kind)
    local lines = diagram.browse(write(trace), [[
      const lit = mcast.views[0].lit;
      say([...lit].flatMap((v, i) => v & 4 ? [i] : []));
      say(arrows().filter(a => a.classList.contains("path")).map(a => a.dataset.event));
      say(all("line.violation").length, all(".label.violation").map(t => t.textContent));]])
    local path = {}
    for i in lines[1]:gmatch "%d+" do
      path[#path + 1] = tonumber(i) + 1
    end
    local marks, causes = past(events, #events - 1)
    assert.equal(#events - 1, path[#path])
    for i = 2, #path do
      local is_cause = false
      for _, cause in pairs(causes[path[i]]) do
        is_cause = is_cause or cause == path[i - 1]
      end
      assert.is_true(is_cause and marks[path[i]], path[i])
    end
    assert.is_nil(next(causes[path[1]]))
    assert.equal("node 1", events[path[1]].node) -- the origin of the news
    assert.matches("^%d+$", lines[2])
    assert.equal("deliver", events[tonumber(lines[2]) + 1].kind)
    assert.equal("1 ✗ one leader at the most", lines[3])
  end)

  it("draws a path in a colour of its own, with a legend", function()
    local lines = diagram.browse(write(diagram.violation().trace), [[
      const colour = selector => getComputedStyle(one(selector)).stroke;
      say(new Set([".plot .arrow.path", ".plot .route", ".legend .arrow.path"].map(colour)).size);
      say(colour(".plot .arrow.path") !== colour(".legend .arrow.multicast"));
      say(all(".legend.signs span").map(t => t.textContent).includes("path to the selected event"));]])
    assert.same({ "1", "true", "true" }, lines)
  end)

  it("keeps the cross of a lost copy on a path", function()
    local lines = diagram.browse(write(diagram.made(5, 60)), [[
      const v = mcast.views[0];
      v.choose(v.model.kind.indexOf("drop"), 5); await frame();
      const last = all(".plot .arrow.path").at(-1);
      say(last.getAttribute("marker-end"), getComputedStyle(last).strokeDasharray !== "none");]])
    assert.equal("url(#lostEnd) true", lines[1])
  end)

  it("shades crashes, pauses and partitions, and colours states", function()
    local _, dom = diagram.browse(write(diagram.run().trace))
    local rows, x = scales(dom)
    for _, shade in ipairs { { "crash one", "second", 0.012, 0.020 }, { "pause one", "träge", 0.030, 0.035 },
      { "partition one", "second", 0.040, 0.055 }, { "partition other", "träge", 0.040, 0.055 } } do
      local left, width, y, height, node =
        dom:match('<rect class="shade ' .. shade[1] .. '" x="(.-)" width="(.-)" y="(.-)"%s+height="(.-)" data%-node="(.-)"')
      assert.equal(shade[2], node)
      assert.near(x(shade[3]), tonumber(left), 0.01)
      assert.near(x(shade[4]), left + width, 0.01)
      assert.near(rows[node], y + height / 2, 0.01)
    end
    assert.matches('class="state s0"[^>]-data%-state="leader" data%-row="a <b>', diagram.unescape(dom))
    assert.matches('class="state s1"[^>]-data%-state="follower" data%-row="second"', dom)
  end)

  it("shows two runs side by side with their first difference", function()
    local one, two = diagram.run(3).trace, diagram.run(4).trace
    local path = diagram.path ".html"
    local _, i = assert(timeline.compare(one, two, path, { titles = { "seed 3", "seed 4" } }))
    local lines = diagram.browse(path, [[
      say(all(".run").length, all("h2").map(h => h.textContent));
      say(mcast.views.map(v => v.chosen), all("line.difference").length, all(".chosen").length);
      say(one(".found").textContent);]])
    assert.equal("2 seed 3,seed 4", lines[1])
    assert.equal(("%d,%d 2 2"):format(i - 1, i - 1), lines[2])
    assert.matches(("^The first %d events are the same. Then, in seed 3: .+; in seed 4: "):format(i - 1), lines[3])
  end)

  it("opens on all lines and on the time with datagrams", function()
    local trace = diagram.made(60, 600)
    table.insert(trace, { kind = "end", node = "node 1", time = trace[#trace].time * 9 })
    local lines = diagram.browse(write(trace), [[
      const v = mcast.views[0];
      say(v.last - v.first + 1, v.to / 1e9);
      await key("0"); say(v.to / 1e9);]])
    local rows, till = lines[1]:match "^(%d+) ([%d.]+)$"
    local last = trace[#trace - 1].time
    assert.equal("60", rows)
    assert.is_true(tonumber(till) > last and tonumber(till) < last * 1.1, till)
    assert.is_true(tonumber(lines[2]) > last * 9)
  end)

  it("aligns the lines of two runs, and moves them together", function()
    local path = diagram.path ".html"
    assert(timeline.compare(diagram.run(3).trace, diagram.run(4).trace, path, { titles = { "one", "two" } }))
    local lines = diagram.browse(path, [[
      const top = t => Math.round(t.getBoundingClientRect().top);
      const tops = () => mcast.views.map(v => all("text.name").filter(t => v.root.contains(t)).map(top).join());
      const same = () => tops()[0].length > 0 && tops()[0] === tops()[1];
      await frame(); say(same());
      mcast.views[1].heights(1.5); await frame(); await frame(); say(same());
      mcast.views[0].choose(-1); await frame(); await frame(); say(same());]])
    assert.same({ "true", "true", "true" }, { lines[1], lines[2], lines[3] })
  end)

  it("opens on the time in which most happens, and reports the rest", function()
    local trace = diagram.made(201, 2000)
    for i = 1, 201 do
      trace[#trace + 1] = { kind = "note", node = "node " .. i, text = "late", time = trace[#trace].time + 1 }
    end
    local lines = diagram.browse(write(trace), [[
      const v = mcast.views[0];
      say(v.last - v.first + 1, v.to / 1e9 < 1, one(".status").textContent);]])
    assert.matches("^201 true .*Out of view: 201 events after", lines[1])
  end)

  it("zooms by key about the selected event", function()
    local lines = diagram.browse(write(diagram.run().trace), [[
      const v = mcast.views[0], place = () => Math.round(v.x(v.model.time[v.chosen]) * 1000);
      v.choose(40); await frame();
      const before = [place(), v.from];
      await key("+"); await key("+"); await key("-");
      say(before[0] === place(), before[1] < v.from);]])
    assert.equal("true true", lines[1])
  end)

  it("leads back to the violation by a key and a button", function()
    local trace = all_events(diagram.violation().trace)
    for i = 1, 300 do
      trace[#trace + 1] = { kind = "log", node = "node 1", text = "later", time = trace[#trace].time + i }
    end
    local lines = diagram.browse(write(trace), [[
      const v = mcast.views[0], at = () => [v.chosen, v.from, v.to].join();
      const opened = at();
      await key("Escape"); await key("End"); const left = at(); await key("v"); say(left !== opened, at() === opened);
      await key("Escape"); await key("0"); one("[name=back]").click(); await frame(); say(at() === opened);
      say(one("[name=back]").checkVisibility(), one("[name=back]").textContent);]])
    assert.same({ "true true", "true", "true ✗ Violation" }, lines)
    assert.equal("false", diagram.browse(write(diagram.run().trace), 'say(one("[name=back]").checkVisibility())')[1])
  end)

  it("shows rows that it receives after it has opened", function()
    local trace, sink = diagram.made(5, 60), {}
    local half <const> = table.move(trace, 1, 30, 1, {})
    local writer <const> = require "mcast.timeline.rows".writer(function(text) sink[#sink + 1] = text end, 256)
    for i = 1, #trace do
      writer:event(trace[i])
      sink = i == 30 and {} or sink
    end
    local lines = diagram.browse(write(half), ([=[
      const v = mcast.views[0], more = JSON.parse(%q);
      say(v.model.count, arrows().length);
      mcast.rows(0, more); await frame();
      say(v.model.count, arrows().length, v.to >= v.model.end);
      v.range(v.from, (v.from + v.to) / 2); const to = v.to;
      mcast.rows(0, [[3, 0, v.model.end + 1e9, 0, {}]]); await frame();
      say(v.model.count, v.to === to);
      v.range(v.model.end - 1e6, v.model.end); const length = v.to - v.from;
      mcast.rows(0, [[3, 0, v.model.end + 1e9, 0, {}]]); await frame();
      say(v.to >= v.model.end, Math.round(v.to - v.from - length));]=]):format("[" .. (table.concat(sink):gsub(",\n$", ""))
      .. "]"))
    local _, before = copies(half)
    local _, after = copies(trace)
    assert.same({ "30 " .. before, ("60 %d true"):format(after), "61 true", "true 0" }, lines)
  end)

  it("grows from an empty page", function()
    local sink = {}
    local writer <const> = require "mcast.timeline.rows".writer(function(text) sink[#sink + 1] = text end, 256)
    local trace <const> = diagram.run().trace
    for i = 1, #trace do
      writer:event(trace[i])
    end
    local path = diagram.path ".js"
    local file <close> = assert(io.open(path, "w"))
    file:write("const more = [", table.concat(sink), "];")
    file:flush()
    local lines = diagram.browse(write {}, ([[
      const script = document.createElement("script");
      script.src = %q; document.head.append(script); await new Promise(done => { script.onload = done; });
      for (let i = 0; i < more.length; i += 50) { mcast.rows(0, more.slice(i, i + 50)); await frame(); }
      const v = mcast.views[0];
      say(arrows().length, all("text.name").length, v.last - v.first + 1, v.to >= v.model.end);
      say(all(".legend.signs span").length > 9, all(".legend.states span").length > 2, one("[name=group]").length);]])
      :format("file://" .. path))
    local _, n = copies(trace)
    assert.same({ n .. " 3 3 true", "true true 2" }, lines)
  end)

  it("lines up the nodes of two runs that differ in them", function()
    local path, two = diagram.path ".html", diagram.made(6, 40)
    table.insert(two, 1, { kind = "start", node = "another", time = 0 })
    assert(timeline.compare(diagram.made(4, 40), two, path))
    for _, size in ipairs { { 1400, 800 }, { 390, 844 } } do
      local lines = diagram.browse(path, [[
        const [a, b] = mcast.views, seen = v => v.rows.slice(v.first, v.last + 1).map(row => v.model.nodes[row]).join();
        say(seen(a) === seen(b), a.height === b.height, a.top === b.top, a.rows.length, a.last - a.first);
        const bottom = v => v.y(v.rows.at(-1)) + v.height / 2 - v.H < 1;
        say(bottom(a), bottom(b), all(".panel").some(p => !p.hidden));]], size[1], size[2])
      assert.same({ "true true true 7 6", "true true true" }, lines)
    end
  end)

  it("draws the way of a copy through routers", function()
    local lines = diagram.browse(write(diagram.routed().trace), [=[
      say(arrows().map(a => a.dataset.from + ">" + a.dataset.to).sort());
      say(all(".plot .mark.forward").length, one(".legend").textContent.includes("forward"));
      const v = mcast.views[0], last = v.model.kind.findLastIndex(kind => kind === "deliver");
      say(v.model.path(last).map(i => v.model.kind[i] + " " + v.model.nodes[v.model.node[i]]).slice(-3));]=])
    assert.same({ "gate>far,sender>gate,sender>near", "1 true", "send sender,forward gate,deliver far" }, lines)
  end)

  it("has no row for a node without events", function()
    local lines = diagram.browse(write(diagram.made(3, 30), { nodes = { "none", "node 3", "node 1" } }),
      'say(all("text.name").map(t => t.firstChild.textContent));')
    assert.equal("node 3,node 1,node 2", lines[1])
  end)

  it("sorts rows by making, activity and LAN", function()
    local path, net = diagram.path ".html", diagram.routed()
    assert(net:write_timeline(path))
    local lines = diagram.browse(path, [[
      const names = () => all("text.name, text.group").sort((a, b) => a.getAttribute("y") - b.getAttribute("y"))
        .map(t => t.firstChild.textContent).join();
      say(names());
      await set("order", "activity"); say(names());
      await set("order", "lan"); say(names());
      await set("nodes", "far"); say(names(), one(".status").textContent);]])
    assert.equal("far,near,sender,gate", lines[1])
    assert.matches("^far,near,sender,gate$", lines[2])
    assert.equal("south,far,south + north,gate,north,near,sender", lines[3])
    assert.matches("^south,far .*3 nodes filtered out", lines[4])
  end)

  it("puts the text of a datagram once at its arrows", function()
    local trace <const> = diagram.violation().trace
    local lines = diagram.browse(write(trace), [[
      say(all(".label.sent").length); // at the path to the violation
      await key("Escape");
      const sent = all(".label.sent"), [word] = sent;
      say(sent.map(t => t.textContent));
      const ends_of = arrows().filter(a => a.dataset.send === word.dataset.send).map(ends);
      const y = Number(word.getAttribute("y")) - 3, x = Number(word.getAttribute("x")), width = word.getComputedTextLength();
      const at = ends_of.map(([x1, y1, x2, y2]) => x1 + (x2 - x1) * (y - y1) / (y2 - y1));
      say(at.some(a => Math.abs(a - x) < 60 || Math.abs(a - x - width) < 60), at.every(a => a < x || a > x + width));]])
    assert.same({ "1", "who leads?", "true true" }, lines)
  end)

  it("words and colours datagrams by describe", function()
    local path <const> = diagram.path ".html"
    local function words(data)
      local number <const> = tonumber(data:match "%d+$")
      return "number " .. number, number % 2 == 0 and "even" or "odd"
    end
    assert(timeline.write(diagram.made(3, 12), path, { describe = words }))
    local lines = diagram.browse(path, [[
      const of = kind => arrows().filter(a => a.matches(kind));
      say(of(".k0").length + of(".k1").length === arrows().length, of(".k0").length > 0, of(".k1").length > 0);
      say(of(".k1").every(a => a.getAttribute("marker-end").startsWith("url(#k1")));
      say(all(".legend .arrow[class*=k]").map(a => a.closest("span").textContent));
      say(all(".label.sent").map(t => t.textContent)[0]);
      await set("text", "number 2");
      say(new Set(arrows().map(a => a.dataset.send)).size);
      mcast.views[0].choose(0);
      await frame();
      say(one(".panel").textContent.includes("number 1 (odd)"));]])
    assert.same({ "true true true", "true", "odd,even", "number 1", "1", "true" }, lines)
  end)

  it("puts events of a host onto the line of its only node", function()
    local trace <const> = { { time = 0, kind = "start", node = "one" }, { time = 0, kind = "start", node = "two" },
      { time = 1, kind = "join", node = "one", host = "machine", group = "239.1.2.3" },
      { time = 2, kind = "interface", node = "machine", host = "machine", text = "eth0 down" } }
    local lines = diagram.browse(write(trace), [[say(all(".name").map(t => t.firstChild.textContent));
      say(all(".plot .mark.interface").length);]])
    assert.same({ "one,two", "1" }, lines)
  end)

  it("labels the same word of notes and lines once", function()
    local trace <const> = { { time = 0, node = "a", kind = "start" } }
    for i, text in ipairs { "ready", "ready", "busy", "ready" } do
      trace[#trace + 1] = { time = i, node = "a", kind = i % 2 == 0 and "log" or "note", text = text }
    end
    trace[#trace + 1] = { time = 5, node = "a", kind = "end" }
    local lines = diagram.browse(write(trace), [[await key("0"); say(all(".plot .label").map(t => t.textContent));]])
    assert.same({ "ready,busy,ready" }, lines)
  end)

  it("marks changes of clocks, holds and faults, with a legend", function()
    local trace = diagram.made(3, 30)
    local function insert(kind, time, more)
      more.kind, more.time, more.node = kind, time, "node 2"
      local i = #trace + 1
      while trace[i - 1].time > time do
        i = i - 1
      end
      table.insert(trace, i, more)
    end
    insert("clock", 0.002, { skew = 0.5, drift = 0.0001 })
    insert("hold", 0.003, { datagram = 91 })
    insert("hold", 0.004, { datagram = 92 })
    insert("release", 0.005, { datagram = 91 })
    insert("release", 0.006, { datagram = 92 })
    insert("fault", 0.007, { text = "loss" })
    local lines, dom = diagram.browse(write(trace), [[
      say(["clock", "hold", "release", "fault"].map(kind => all(".plot .mark." + kind).length));
      say(all(".label").map(t => t.textContent).filter(t => /ppm|loss/.test(t)));
      say(all(".legend.signs span").map(t => t.textContent));]])
    assert.same({ "1,2,2,1", "+0.5 s, +100 ppm,loss" }, { lines[1], lines[2] })
    for _, word in ipairs { "clock", "hold", "holds copies", "release", "fault" } do
      assert.truthy(("," .. lines[3] .. ","):find("," .. word .. ",", 1, true), word)
    end
    local _, x = scales(dom)
    local left, width = dom:match '<rect class="shade hold one" x="(.-)" width="(.-)"'
    assert.near(x(0.003), tonumber(left), 0.01)
    assert.near(x(0.006), left + width, 0.01)
  end)
end)
