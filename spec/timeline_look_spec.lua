-- The look of a timeline's page, at three sizes, light and dark, and of a page with many events.
local diagram <const> = require "spec.support.diagram"
local look <const> = require "mcast.timeline.look"
local timeline <const> = require "mcast.timeline"

local function write(trace)
  local path = diagram.path ".html"
  assert(timeline.write(trace, path))
  return path
end

-- The texts of the picture and the page that overlap, or cross the edge.
local overlaps <const> = [[
  await key("n"); await key("n");
  const texts = all("svg text, h1, h2, form > *, .legend span, .status, .panel p, .panel button, .found");
  const boxes = texts.filter(e => e.textContent.trim() && e.checkVisibility()).map(e => ({ e, text: e.textContent.trim(),
    r: e.getBoundingClientRect() }));
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

-- Linear colours as seen without one kind of cone (Viénot, Brettel and Mollon 1999).
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

-- Pairs of colours that stand for different things: arrows, the path and kinds of datagrams, and the first states.
local distinct <const> = { { "s0", "s1" } }
do
  local names <const> = { "multicast", "unicast", "lost", "path" }
  for i = 0, look.KINDS - 1 do
    names[#names + 1] = ("k%d"):format(i)
  end
  for i = 1, #names do
    for k = 1, i - 1 do
      distinct[#distinct + 1] = { names[k], names[i] }
    end
  end
end

diagram.describe("look of the page", function()
  for _, size in ipairs { { "a phone", 390, 844 }, { "a laptop", 1366, 768 }, { "a wide screen", 2560, 1440 } } do
    it(("shows no text over another on %s, light or dark"):format(size[1]), function()
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

  it("has colours that the colour-blind can distinguish", function()
    local seen = 0
    for block in require "mcast.timeline.style":gmatch ":root[^{]*(%b{})" do
      local colors = {}
      for name, color in block:gmatch "%-%-(%w+): (#%x+)" do
        colors[name] = color
      end
      for name, color in pairs(colors) do
        local least = (name == "text" or name == "weak") and 4.5 or 3
        if name ~= "back" and name ~= "box" and name ~= "rule" then
          assert.is_true(contrast(color, colors.back) >= least, ("%s %.2f"):format(name, contrast(color, colors.back)))
          seen = seen + 1
        end
      end
      for kind, matrix in pairs(blindness) do
        for _, pair in ipairs(distinct) do
          local apart = difference(matrix, colors[pair[1]], colors[pair[2]])
          assert.is_true(apart > 20, ("%s: %s and %s %.0f"):format(kind, pair[1], pair[2], apart))
        end
      end
    end
    assert.equal(42, seen)
  end)
end)

-- A page that is one still, as wide as its window.
local function inlined(still)
  local path <const> = diagram.path ".html"
  local file <const> = assert(io.open(path, "w"))
  file:write("<!DOCTYPE html><script></script><style>body { margin: 16px; } svg { width: 100%; height: auto; }</style>",
    (diagram.read(still)))
  file:close()
  return path
end

-- The texts of a still that overlap or cross its edge; its smallest letters.
local still_overlaps <const> = [[
  const texts = all("svg text"), edge = one("svg").getBoundingClientRect();
  const boxes = texts.map(e => e.getBoundingClientRect());
  boxes.forEach((a, i) => {
    if (a.left < edge.left - 1 || a.right > edge.right + 1) say("out", texts[i].textContent);
    boxes.slice(i + 1).forEach((b, k) => {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 1.5 && y > 3.5) say("over", texts[i].textContent, "|", texts[i + 1 + k].textContent, x, y);
    });
  });
  const letters = texts.map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a);
  say(texts.length > 10, Math.min(...letters).toFixed(1));]]

diagram.describe("look of the still", function()
  for _, name in ipairs { "election", "repair" } do
    it(("shows the README's %s on a phone, with letters of 8 pixels"):format(name), function()
      local lines <const> = diagram.browse(inlined("examples/simulator/" .. name .. ".svg"), still_overlaps, 390, 844)
      assert.equal(1, #lines, table.concat(lines, "\n"))
      assert.is_true(tonumber(lines[1]:match "^true ([%d.]+)$") >= 8, lines[1])
    end)
  end

  it("shows no text over another", function()
    local path <const> = diagram.path ".svg"
    local function words(data)
      return ("words of %q"):format(data), data:match "%a+"
    end
    for _, trace in ipairs { diagram.run().trace, diagram.violation().trace, diagram.made(12, 300) } do
      for _, letters in ipairs { 11, 20 } do
        assert(timeline.svg(trace, path, { describe = words, letters = letters }))
        local lines <const> = diagram.browse(inlined(path), still_overlaps, 1366, 768)
        assert.equal(1, #lines, table.concat(lines, "\n"))
      end
    end
  end)
end)

-- The signs of a legend with their words: paths and the colours, widths and heads that they have.
local signs <const> = [[
  for (const entry of all(".legend span, svg > g[transform]")) {
    const sign = entry.querySelector("path, rect, line"), text = entry.querySelector("text") || entry;
    if (!sign || sign.closest(".plot")) continue;
    const style = getComputedStyle(sign), isState = sign.tagName === "line";
    const name = style.markerEnd.match(/#([^")]+)/), head = name && document.getElementById(name[1]).firstElementChild;
    const end = head && getComputedStyle(head);
    say([end && [head.getAttribute("d"), end.fill, end.stroke, end.strokeWidth].join(" "),
      text.textContent.trim(), sign.getAttribute("d"), sign.getAttribute("transform"), style.fill, style.stroke,
      isState ? "" : style.strokeWidth, style.strokeDasharray, style.markerEnd, style.opacity].join("; "));
  }]]

diagram.describe("legends of page and still", function()
  for theme, option in pairs { light = "", dark = "--blink-settings=preferredColorScheme=0" } do
    it(("has the same signs and words, %s"):format(theme), function()
      local path <const>, trace <const> = diagram.path ".html", diagram.run().trace
      local number = 0
      local function words(data)
        number = number + 1
        return data, data:match "%d" and "kind " .. data:match "%d" or nil
      end
      assert(timeline.svg(trace, path, { describe = words }))
      local still <const> = inlined(path)
      assert(timeline.write(trace, path, { describe = words }))
      local page = {}
      for _, line in ipairs(diagram.browse(path, signs, 1400, 800, option)) do
        page[#page + 1] = not line:find("path to the selected event", 1, true) and line or nil
      end
      assert.same(page, (diagram.browse(still, signs, 1400, 800, option)))
      assert.is_true(#page > 15, #page)
    end)
  end
end)

diagram.describe("pages of 1,000 nodes and 100,000 events", function()
  it("responds in bounded time", function()
    local names = { all = "view.fit()", zoom = "view.zoom(0.5)", causes = "view.choose(50000, 3)",
      filter = 'view.filter({ nodes: "1", group: "", text: "77" })' }
    local n = 0
    for name, time in pairs(diagram.timed(write(diagram.made(1000, 100000)), names)) do
      n = n + 1
      assert.is_true(time > 1 and time < 2000, ("%s: %.0f ms"):format(name, time))
    end
    assert.equal(4, n)
  end)

  it("draws a part, and reports the rest", function()
    local lines = diagram.browse(write(diagram.made(1000, 100000)), [[
      const view = mcast.views[0];
      await key("Escape"); await key("0");
      say(arrows().length, one(".status").textContent);
      const bin = [...view.bins].find(([k, b]) => b.drop);
      const columns = Math.ceil((view.W - view.left) / BIN);
      await point("pointermove", view.left + (bin[0] % columns) * BIN + 1, view.y(view.rows[Math.floor(bin[0] / columns)]));
      say(one(".tip").hidden ? "no tip" : one(".tip").textContent);
      await set("nodes", "node 1, node 2"); await set("text", "datagram 77"); say(arrows().length, one(".status").textContent);
      await set("text", ""); await set("nodes", ""); view.range(5e9, 5.01e9); await frame();
      say(arrows().length, one(".status").textContent);]])
    local drawn = tonumber(lines[1]:match "^%d+")
    assert.is_true(drawn > 100 and drawn <= 2000)
    assert.matches("90,000 arrows in view; 100,000 events of 1,000 nodes in all. Left out: .*88,%d+ arrows, too dense",
      lines[1])
    assert.not_equal("no tip", lines[2])
    assert.matches("^%d+ .*9%d,%d+ events filtered out; 7%d%d nodes filtered out", lines[3])
    assert.is_not.matches("too dense", lines[4])
    assert.equal(tonumber(lines[4]:match "^%d+"), tonumber(lines[4]:match "(%d+) arrows in view"))
  end)
end)
