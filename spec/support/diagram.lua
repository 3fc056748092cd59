-- Traces for the specs of timelines, and a browser without a screen.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local diagram = {}

local group <const> = "239.1.2.3"

local function talker(number)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { port = 10000 })
  assert(sock:join "239.1.2.3")
  mcast.note("role", number == 1 and "leader" or "follower")
  for i = 1, 8 do
    assert(sock:sendto(("<%d> \0\xff & %d"):format(number, i), "239.1.2.3", 10000))
    local _, from = sock:recvfrom(0.01)
    if from then
      assert(sock:sendto("ack", from))
    end
    mcast.note("round " .. i)
    print("</script>", i)
    mcast.sleep(0.002 * number)
  end
end

-- A run with each kind of event, on nodes with names that need escapes.
function diagram.run(seed)
  local net = sim.new { seed = seed or 3, loss = 0.2, delay = { 0.001, 0.003 }, output = function() end }
  for i, name in ipairs { "a <b> & \"c\"", "second", "träge" } do
    net:node(name, talker, { i })
  end
  local second, third = net.byname.second, net.byname["träge"]
  local partition
  net:at(0.012, function() second:crash() end)
  net:at(0.020, function() second:restart() end)
  net:at(0.030, function() third:pause() end)
  net:at(0.035, function() third:resume() end)
  net:at(0.040, function() partition = net:partition({ "second" }, { "träge" }) end)
  net:at(0.055, function() partition:heal() end)
  net:run(0.2)
  return net
end

-- A run that violates an invariant: two nodes that receive the question claim to lead.
function diagram.violation()
  local net = sim.new { seed = 1, delay = { 0.001, 0.002 }, output = function() end }
  local leaders = 0
  for i = 1, 4 do
    net:node("node " .. i, function(number, lead)
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 10000 })
      assert(sock:join "239.1.2.3")
      mcast.sleep(0.01)
      if number == 1 then
        assert(sock:sendto("who leads?", "239.1.2.3", 10000))
      elseif sock:recvfrom(1) then
        mcast.sleep(0.001 * number)
        lead()
        mcast.note("role", "leader")
        mcast.sleep(1)
      end
    end, { i, function() leaders = leaders + 1 end })
  end
  net:always(function() return leaders <= 1 end, "one leader at the most")
  assert(not pcall(net.run, net, 1))
  return net
end

-- A group over a router: a sender on one LAN, a receiver on it and one on the other, which was made first.
function diagram.routed()
  local net = sim.new { seed = 1, delay = { 0.001, 0.002 }, output = function() end }
  net:router("gate", { net:lan "north", net:lan "south" })
  local function receive()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 10000 })
    assert(sock:join "239.1.2.3")
    sock:recvfrom(1)
  end
  net:node("far", receive, {}, { lans = { "south" }, start = 0.01 })
  net:node("near", receive, {}, { lans = { "north" } })
  net:node("sender", function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { ttl = 4 })
    mcast.sleep(0.02)
    assert(sock:sendto("over the gate", "239.1.2.3", 10000))
  end, {}, { lans = { "north" } })
  net:run(1)
  return net
end

-- A trace made without the simulator: nodes send one after the other, to all or to one.
function diagram.made(nodes, events)
  local trace, packet = {}, 0
  while #trace < events do
    packet = packet + 1
    local from, time = packet % nodes + 1, packet / 1000
    local to = packet % 4 == 0 and { host = "10.0.0.1", multicast = false } or { host = group, multicast = true }
    setmetatable(to, { __tostring = function(t) return t.host .. ":10000" end })
    local function event(kind, node, later, reason)
      trace[#trace + 1] = { kind = kind, node = node, host = node, interface = "eth0", lan = "lan", time = time + later,
        packet = packet, from = ("10.0.0.%d:10000"):format(from), to = to, data = ("datagram %d"):format(packet), ttl = 1,
        reason = reason }
    end
    event("send", "node " .. from, 0)
    for i = 1, math.min(9, nodes - 1, events - #trace) do
      local lost = (packet + i) % 7 == 0
      event(lost and "drop" or "deliver", ("node %d"):format((from + i * 3) % nodes + 1), i / 100000, lost and "loss" or nil)
    end
  end
  return trace
end

-- The path of a file that is removed after the test.
function diagram.path(ending)
  local path = os.tmpname()
  os.remove(path)
  path = path .. ending
  helper.defer(function() os.remove(path) end)
  return path
end

function diagram.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

for _, name in ipairs { "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome" } do
  if not diagram.browser and helper.has(name) then
    diagram.browser = name
  end
end

local entities <const> = { ["&amp;"] = "&", ["&lt;"] = "<", ["&gt;"] = ">", ["&quot;"] = '"', ["&nbsp;"] = " " }

function diagram.unescape(text)
  return (text:gsub("&%a+;", entities))
end

local shell <const> = [[
<script>
addEventListener("load", async () => {
  const said = [], say = (...list) => said.push(list.join(" ").replace(/\s+/g, " "));
  const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const all = selector => [...document.querySelectorAll(selector)], one = selector => document.querySelector(selector);
  const arrows = () => all(".arrows .arrow");
  const set = async (name, value) => { const f = document.forms[0][name]; f.value = value;
    f.dispatchEvent(new Event("input", { bubbles: true })); await frame(); };
  const send = async event => { one(".plot").dispatchEvent(event); await frame(); };
  const key = k => send(new KeyboardEvent("keydown", { key: k, bubbles: true }));
  const point = (kind, x, y, more) => { const box = one(".plot").getBoundingClientRect();
    return send(new (kind === "wheel" ? WheelEvent : PointerEvent)(kind, { clientX: box.left + x,
      clientY: box.top + y, pointerId: 1, bubbles: true, cancelable: true, ...more })); };
  const ends = a => a.getAttribute("d").match(/-?[\d.]+(e-?\d+)?/g).map(Number);
  try { await frame(); %s } catch (e) { say("raised", e.stack); }
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = said.join("\n");
  document.body.append(result);
});
</script>]]

-- Frames are drawn on request: a browser without a screen draws none.
local frames <const> = "<script>requestAnimationFrame = f => setTimeout(f, 1)</script><script>"

-- The page with more at its end, as the browser holds it after loading.
local function open(path, ending, width, height, more)
  local page = diagram.path ".html"
  local file = assert(io.open(page, "wb"))
  file:write((diagram.read(path):gsub("<script>", frames, 1)), ending)
  file:close()
  local output = helper.check(("%s --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=%d,%d %s "
    .. "--dump-dom 'file://%s' 2>/dev/null"):format(diagram.browser, width or 1366, height or 768, more or "", page))
  local result = diagram.unescape(assert(output:match '<pre id="result">(.-)</pre>', "no result"))
  assert(not result:find "^raised" and not result:find "\nraised", result)
  return result, output
end

-- Opens a page and runs a script in it, in virtual time; returns the lines that the script
-- reports, and the page afterwards.
function diagram.browse(path, script, width, height, more)
  local ending = shell:gsub("%%s", function() return script or "" end)
  local result, output = open(path, ending, width, height, (more or "") .. " --virtual-time-budget=20000")
  local lines = {}
  for line in result:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  return lines, output
end

-- The real milliseconds that each of these expressions takes in a page, by name.
function diagram.timed(path, expressions)
  local ending = { "<script>const times = [], view = mcast.views[0];\n" }
  for name, expression in pairs(expressions) do
    ending[#ending + 1] = ([[{
      const t = performance.now(); %s; view.draw();
      times.push("%s " + (performance.now() - t)); }
    ]]):format(expression, name)
  end
  ending[#ending + 1] = [[const result = document.createElement("pre");
    result.id = "result"; result.textContent = times.join("\n"); document.body.append(result);</script>]]
  local times = {}
  for name, time in open(path, table.concat(ending)):gmatch "(%w+) ([%d.]+)" do
    times[name] = tonumber(time)
  end
  return times
end

-- describe, but pending where there is no browser.
function diagram.describe(name, block)
  local why = not diagram.browser and "needs Chromium, headless"
    or not helper.plain and helper.not_plain
  helper.describe(name, why and function() require "busted".pending(why) end or block)
end

return diagram
