-- The page of a timeline, in a browser: what it draws is held against the trace.
local diagram <const> = require "spec.diagram"
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

-- What could have caused an event, by its definition: on its node what was before it,
-- and of what was received the send.
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

-- Each arrow of the page goes from its send to its end; how many there are.
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

diagram.describe("the page", function()
  it("draws each copy of a datagram as an arrow from its send to its end", function()
    local trace = diagram.run().trace
    local _, dom = diagram.browse(write(trace))
    local _, n = copies(trace)
    assert.equal(n, check_arrows(dom, trace))
    assert.is_true(n > 30)
  end)

  it("draws what is left in view after a zoom, in the right places", function()
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

  it("zooms and pans by keys, and back to all", function()
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

  it("filters by node, group and text, and says what is left out", function()
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
    assert.matches(("^%d .*the filters leave out %%d+ events"):format(round), lines[3])
    assert.is_true(between > 0 and round > 0 and unicast > 0)
  end)

  it("shows the bytes as text and hex where the pointer is, and nowhere else", function()
    local trace = diagram.run().trace
    local lines = diagram.browse(write(trace), [[
      const it = one(".tip");
      for (const a of arrows()) { // the first that no other one lies over
        const [x1, y1, x2, y2] = ends(a);
        await point("pointermove", x1 + (x2 - x1) * 0.6, y1 + (y2 - y1) * 0.6);
        if (a.classList.contains("multicast") && it.dataset.event === a.dataset.event) break;
      }
      say(it.hidden, it.dataset.event, JSON.stringify(it.querySelector(".text").textContent), it.querySelector(".hex").textContent);
      await point("pointermove", 700, one(".plot").clientHeight - 2);
      say(it.hidden);]])
    local event = trace[tonumber(lines[1]:match "^false (%d+)") + 1]
    assert.is_true(event.kind == "deliver" and event.to.multicast)
    assert.matches('"<%d> \u{2400}\u{fffd} & %d"', lines[1])
    assert.matches("0000 " .. event.data:gsub(".", function(c) return ("%02x "):format(c:byte()) end), lines[1])
    assert.equal("true", lines[2])
  end)

  it("says how many bytes of a datagram it does not have", function()
    local trace = diagram.made(3, 30)
    trace[1].data = ("x"):rep(100)
    local lines = diagram.browse(write(trace, { bytes = 40 }), [[
      await key("n"); say(one(".panel .text").textContent.length, one(".panel").textContent, one(".status").textContent);]])
    assert.matches("^40 .*100 bytes.*60 bytes more, not in this file.*after the first 40 of 1 datagram", lines[1])
  end)

  it("highlights what could have caused an event, and what it could have caused", function()
    local trace = diagram.run().trace
    local events = all_events(trace)
    local chosen
    for i, event in ipairs(events) do
      chosen = event.kind == "deliver" and event.time > 0.03 and chosen or i
    end
    for i = #events // 2, #events do
      chosen = events[i].kind == "deliver" and i or chosen
    end
    local marks = past(events, chosen)
    local lines = diagram.browse(write(trace), ([[
      mcast.views[0].choose(%d, 3); await frame();
      const before = [], after = [];
      arrows().forEach(a => (a.classList.contains("before") ? before : a.classList.contains("after") ? after : []).push(a.dataset.event));
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
    assert.is_true(#before > 5 and #before < #events)
    assert.equal(table.concat(before, ","), lines[1])
    assert.equal(table.concat(after, ","), lines[2] or "")
  end)

  it("goes from event to event by keys, and from cause to effect", function()
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

  it("opens with the path to a failed invariant, without a gap", function()
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
    assert.matches("^%d+$", lines[2])
    assert.equal("deliver", events[tonumber(lines[2]) + 1].kind)
    assert.equal("1 ✗ one leader at the most", lines[3])
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

  it("shows two runs side by side, with the first difference", function()
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
end)

-- Which texts of the picture and the page lie on each other, or over the edge.
local overlaps <const> = [[
  await key("n"); await key("n");
  const boxes = all("svg text, h1, h2, form > *, .legend span, .status, .panel p, .panel button, .found").filter(e => e.textContent.trim()
    && e.getClientRects().length).map(e => { const r = e.getBoundingClientRect(); return { e, text: e.textContent.trim(), r }; });
  let n = 0;
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
    if (a.e.contains(b.e) || b.e.contains(a.e)) return;
    const x = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
    const y = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
    n++;
    if (x > 1.5 && y > 3.5 && !(a.e.closest(".panel") && !b.e.closest(".panel"))) say("over", a.text, "|", b.text, x, y);
  }));
  const root = document.documentElement;
  say(n > 100, root.scrollWidth <= innerWidth, root.scrollHeight <= innerHeight, innerWidth, root.dataset.theme);]]

local function channel(value)
  return value <= 0.03928 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4
end

local function linear(color)
  color = color:gsub("^#(%x)(%x)(%x)$", "#%1%1%2%2%3%3")
  local r, g, b = color:match "^#(%x%x)(%x%x)(%x%x)$"
  return { channel(tonumber(r, 16) / 255), channel(tonumber(g, 16) / 255), channel(tonumber(b, 16) / 255) }
end

local function luminance(c)
  return 0.2126 * c[1] + 0.7152 * c[2] + 0.0722 * c[3]
end

local function contrast(a, b)
  local x, y = luminance(linear(a)) + 0.05, luminance(linear(b)) + 0.05
  return math.max(x, y) / math.min(x, y)
end

-- How those see linear colours who lack one kind of cone (Viénot, Brettel and Mollon 1999).
local blindness <const> = {
  protan = { { 0.11238, 0.88762, 0 }, { 0.11238, 0.88762, 0 }, { 0.00401, -0.00401, 1 } },
  deutan = { { 0.29275, 0.70725, 0 }, { 0.29275, 0.70725, 0 }, { -0.02234, 0.02234, 1 } },
}

-- The distance of two colours in CIE L*a*b*, as they are seen.
local function difference(matrix, one, two)
  local lab = {}
  for i, color in ipairs { one, two } do
    local c, seen = linear(color), {}
    for k, row in ipairs(matrix) do
      seen[k] = row[1] * c[1] + row[2] * c[2] + row[3] * c[3]
    end
    local function f(x, y, z, white)
      local v = math.max(0, (x * seen[1] + y * seen[2] + z * seen[3]) / white)
      return v > 0.008856 and v ^ (1 / 3) or 7.787 * v + 16 / 116
    end
    local x, y, z = f(0.4124, 0.3576, 0.1805, 0.9505), f(0.2126, 0.7152, 0.0722, 1), f(0.0193, 0.1192, 0.9505, 1.089)
    lab[i] = { 116 * y - 16, 500 * (x - y), 200 * (y - z) }
  end
  return math.sqrt((lab[1][1] - lab[2][1]) ^ 2 + (lab[1][2] - lab[2][2]) ^ 2 + (lab[1][3] - lab[2][3]) ^ 2)
end

diagram.describe("the look of the page", function()
  for _, size in ipairs { { "a phone", 390, 844 }, { "a laptop", 1366, 768 }, { "a wide screen", 2560, 1440 } } do
    it(("has no text over another on %s, light or dark"):format(size[1]), function()
      local run, two = write(diagram.run().trace), diagram.path ".html"
      assert(timeline.compare(diagram.run(3).trace, diagram.run(4).trace, two))
      for _, path in ipairs { run, two, write(diagram.violation().trace), write(diagram.made(60, 3000)) } do
        for theme, option in pairs { light = "", dark = "--blink-settings=preferredColorScheme=0" } do
          assert.same({ ("true true true %d %s"):format(size[2], theme) },
            (diagram.browse(path, overlaps, size[2], size[3], option)))
        end
      end
    end)
  end

  it("has colours that are told from the ground, and from each other by the colour-blind", function()
    local seen = 0
    for block in require "mcast.timeline.style":gmatch ":root[^{]*(%b{})" do
      local colors = {}
      for name, color in block:gmatch "%-%-(%w+): (#%x+)" do
        colors[name] = color
      end
      for name, color in pairs(colors) do
        local least = (name == "text" or name == "weak") and 4.5 or name:find "^s%d" and 3 or 3
        if name ~= "back" and name ~= "box" and name ~= "rule" then
          assert.is_true(contrast(color, colors.back) >= least, ("%s %.2f"):format(name, contrast(color, colors.back)))
          seen = seen + 1
        end
      end
      for kind, matrix in pairs(blindness) do
        for _, pair in ipairs { { "multicast", "lost" }, { "multicast", "unicast" }, { "unicast", "lost" }, { "s0", "s1" } } do
          local apart = difference(matrix, colors[pair[1]], colors[pair[2]])
          assert.is_true(apart > 20, ("%s: %s and %s %.0f"):format(kind, pair[1], pair[2], apart))
        end
      end
    end
    assert.equal(30, seen)
  end)
end)

diagram.describe("a page of 1,000 nodes and 100,000 events", function()
  it("draws a part in bounded time, and says what it leaves out", function()
    local lines = diagram.browse(write(diagram.made(1000, 100000)), [[
      const view = mcast.views[0], timed = f => { const t = performance.now(); f(); view.draw(); return performance.now() - t; };
      const most = Math.max(timed(() => {}), timed(() => view.fit()), timed(() => view.zoom(0.5)), timed(() => view.choose(50000, 3)));
      await key("Escape"); await key("0");
      say(most < 3000, arrows().length, one(".status").textContent, "slowest", Math.round(most), "ms");
      const box = one(".plot").getBoundingClientRect();
      const bin = [...view.bins].find(([k, b]) => b.drop);
      const columns = Math.ceil((view.W - view.left) / BIN);
      await point("pointermove", view.left + (bin[0] % columns) * BIN + 1, view.y(view.rows[Math.floor(bin[0] / columns)]));
      say(one(".tip").hidden ? "no tip" : one(".tip").textContent);
      await set("nodes", "node 1, node 2"); await set("text", "datagram 77"); say(arrows().length, one(".status").textContent);
      await set("text", ""); await set("nodes", ""); view.range(5e9, 5.01e9); await frame();
      say(arrows().length, one(".status").textContent);]])
    local drawn = tonumber(lines[1]:match "^true (%d+) ")
    assert.is_true(drawn > 100 and drawn <= 2000)
    assert.matches("90,000 arrows in view; 100,000 events of 1,000 nodes in all. Left out: .*88,%d+ arrows, as it is too dense",
      lines[1])
    assert.not_equal("no tip", lines[2])
    assert.matches("^%d+ .*the filters leave out 9%d,%d+ events; 7%d%d nodes filtered out", lines[3])
    assert.is_not.matches("too dense", lines[4])
    assert.equal(tonumber(lines[4]:match "^%d+"), tonumber(lines[4]:match "(%d+) arrows in view"))
  end)
end)
