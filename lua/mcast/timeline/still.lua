-- A still of a trace, in SVG, for a page light or dark.
local scan <const> = require "mcast.timeline.scan"

local still = {}

-- Programs for papers know no variables of CSS, so the rules are told for each theme.
local light <const> = {
  back = "#fff", text = "#1b1f24", weak = "#59636e", rule = "#d5dae0", multicast = "#0060a8",
  unicast = "#9c3f7c", lost = "#c24700", stop = "#b8000f", s1 = "#008a64", s2 = "#937100", s3 = "#3a93cc",
  s4 = "#7a3e00", s5 = "#b35c8e", s6 = "#555", s7 = "#0072b2", s8 = "#d55e00" }
local dark <const> = {
  back = "#14171b", text = "#e6e8ea", weak = "#a2abb5", rule = "#363c44", multicast = "#6cb6ff",
  unicast = "#e59ac9", lost = "#ff9d5c", stop = "#ff7a80", s1 = "#2fc79a", s2 = "#e6c229", s3 = "#9ad0f5",
  s4 = "#c98a5a", s5 = "#e39ac6", s6 = "#b0b0b0", s7 = "#56b4e9", s8 = "#ff8c42" }

local rules <const> = [[
  text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: var(--text); }
  .title { font: bold 14px system-ui, "DejaVu Sans", sans-serif; }
  .name { text-anchor: end; } .time { text-anchor: middle; fill: var(--weak); } .said { fill: var(--weak); }
  .tick { stroke: var(--rule); } .line { stroke: var(--weak); stroke-dasharray: 1 5; } .life { stroke: var(--weak); }
  .state { stroke-width: 6; } .label { paint-order: stroke; stroke: var(--back); stroke-width: 4px; }
  .arrow { fill: none; stroke-width: 1.4; } .multicast { stroke: var(--multicast); }
  .unicast { stroke: var(--unicast); stroke-width: 1.8; } .lost { stroke: var(--lost); stroke-dasharray: 4 3; }
  #multicast path { fill: var(--multicast); } #unicast path { fill: var(--back); stroke: var(--unicast); }
  #lost path { stroke: var(--lost); stroke-width: 2; }
  .mark { fill: var(--text); stroke: var(--text); } .mark.crash, .mark.fail { stroke: var(--stop); stroke-width: 2.4; }
  .shade { fill: var(--weak); fill-opacity: .22; } .shade.crash { fill: var(--stop); }
  .shade.partition { fill: var(--s2); } .violation { stroke: var(--stop); stroke-width: 2; }
  .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); } .s4 { stroke: var(--s4); }
  .s5 { stroke: var(--s5); } .s6 { stroke: var(--s6); } .s7 { stroke: var(--s7); } .s8 { stroke: var(--s8); }
  .back { fill: var(--back); }
]]

local style <const> = "<style>\n" .. rules:gsub("var%(%-%-(%w+)%)", light) .. "  @media (prefers-color-scheme: dark) {\n"
  .. rules:gsub("var%(%-%-(%w+)%)", dark) .. "  }\n</style>\n" .. [[
<defs>
  <marker id="multicast" viewBox="-9 -5 10 10" markerWidth="10" markerHeight="10" markerUnits="userSpaceOnUse" orient="auto">
    <path d="M-8-4L0 0L-8 4Z"/></marker>
  <marker id="unicast" viewBox="-10 -6 12 12" markerWidth="12" markerHeight="12" markerUnits="userSpaceOnUse" orient="auto">
    <path d="M-8-4L0 0L-8 4Z"/></marker>
  <marker id="lost" viewBox="-6 -6 12 12" markerWidth="12" markerHeight="12" markerUnits="userSpaceOnUse">
    <path d="M-4-4L4 4M4-4L-4 4"/></marker>
</defs>
]]

local symbols <const> = {
  start = "M0-6V6M0-4L7 0L0 4Z", restart = "M0-6V6M0-4L7 0L0 4Z", ["end"] = "M0-7V7M-3-7V7", fail = "M-5-5L5 5M5-5L-5 5",
  crash = "M-5-5L5 5M5-5L-5 5", pause = "M-2-6V6M3-6V6", resume = "M-3-5L5 0L-3 5Z", log = "M-3-3H3V3H-3Z",
  note = "M0 0V-14H7L4-11L7-8H0", send = "M-2 0A2 2 0 1 0 2 0A2 2 0 1 0-2 0", join = "M-4-3L0-9L4-3Z",
  leave = "M-4 3L0 9L4 3Z",
}
local escapes <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML has no control characters, and wants UTF-8.
local function escape(text)
  text = text:gsub("%c", " ")
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  return (text:gsub('[&<>"]', escapes))
end

local function width_of(text)
  return (utf8.len(text) or #text) * 6.7
end

local Still = {}
Still.__index = Still

function Still:x(time)
  return self.left + (time - self.scan.from) * self.scale
end

function Still:y(line)
  return self.top + (line - 0.5) * self.height
end

function Still:add(form, ...)
  self.put(form:format(...))
end

function Still:within(from, till)
  return till >= self.scan.from and from <= self.scan.till
end

-- A label, where it meets no other of its lane.
function Still:label(lane, x, y, text, till)
  local width = width_of(text)
  if x < (self.ends[lane] or 0) or x + width > math.min(till or math.huge, self.width - 4) then
    self.unlabelled = self.unlabelled + 1
    return
  end
  self.ends[lane] = x + width + 4
  self:add('<text class="label" x="%.1f" y="%.1f">%s</text>\n', x, y, escape(text))
end

local function thin(list, most)
  local step, kept = math.max(1, math.ceil(#list / most)), {}
  for i = 1, #list, step do
    kept[#kept + 1] = list[i]
  end
  return kept
end

function Still:filter(list)
  local kept = {}
  for _, item in ipairs(list) do
    item.till = item.till or item.time or self.scan.till
    if self:within(item.sent or item.from or item.time, item.till) then
      kept[#kept + 1] = item
    end
  end
  return kept
end

function Still:axis()
  local room = 90 / self.scale
  local unit = 10.0 ^ math.floor(math.log(room, 10))
  local step = room <= unit and unit or room <= 2 * unit and 2 * unit or room <= 5 * unit and 5 * unit or 10 * unit
  local digits = math.max(0, -math.floor(math.log(step / 1e9, 10) + 1e-9))
  local first = math.ceil(self.scan.from / step - 1e-9)
  for i = first, math.floor(self.scan.till / step + 1e-9) do
    local x = self:x(i * step)
    self:add('<line class="tick" x1="%.1f" x2="%.1f" y1="%d" y2="%.1f"/>\n', x, x, self.top - 6, self.bottom)
    if x + 30 < self.width then
      self:add('<text class="time" x="%.1f" y="%d">%.' .. digits .. 'f s</text>\n', x, self.top - 12, i * step / 1e9)
    end
  end
end

-- A line from one time to another, at a node's.
function Still:span(class, span)
  local y = self:y(span.line)
  self:add('<line class="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>\n', class,
    math.max(self:x(span.from), self.left), math.min(self:x(span.till), self:x(self.scan.till)), y, y)
end

function Still:shade(shade)
  local from, till = math.max(self:x(shade.from), self.left), math.min(self:x(shade.till), self.width)
  for i, line in ipairs(shade.lines) do
    self:add('<rect class="shade %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>\n', shade.kind, from,
      self:y(line) - self.height / 2, math.max(1, till - from), self.height)
    if i == 1 then
      self.texts[#self.texts + 1] = { lane = "below" .. line, x = from + 3, y = self:y(line) + 17, text = shade.text }
    end
  end
end

function Still:lines()
  local step = math.ceil(13 / self.height)
  for line, name in ipairs(self.scan.nodes) do
    local y = self:y(line)
    self:add('<line class="line" x1="%.1f" x2="%d" y1="%.1f" y2="%.1f"/>\n', self.left, self.width, y, y)
    if (line - 1) % step == 0 then
      self:add('<text class="name" x="%.1f" y="%.1f">%s</text>\n', self.left - 8, y + 4, escape(name))
    end
  end
  for _, life in ipairs(self:filter(self.scan.lives)) do
    self:span("life", life)
  end
  for _, state in ipairs(self:filter(self.scan.states)) do
    if state.key == self.key then
      self:span(("state s%d"):format((state.number - 1) % 8 + 1), state)
      self.texts[#self.texts + 1] = { lane = "below" .. state.line, x = math.max(self:x(state.from), self.left) + 1,
        y = self:y(state.line) + 17, text = state.value, till = self:x(state.till) }
    end
  end
end

function Still:arrow(arrow)
  local x1, y1, x2, y2 = self:x(arrow.sent), self:y(arrow.from), self:x(arrow.time), self:y(arrow.to)
  local bend = arrow.from == arrow.to and ("Q%.1f %.1f "):format((x1 + x2) / 2, y1 - self.height * 0.6) or "L"
  self:add('<path class="arrow %s" d="M%.1f %.1f%s%.1f %.1f" marker-end="url(#%s)"/>\n', arrow.kind, x1, y1, bend, x2, y2,
    arrow.kind)
end

function Still:mark(mark)
  local x, y = self:x(mark.time), self:y(mark.line)
  self:add('<path class="mark %s" d="%s" transform="translate(%.1f %.1f)"/>\n', escape(mark.kind),
    symbols[mark.kind] or "M0-5L4 0L0 5L-4 0Z", x, y)
  if mark.text then
    self.texts[#self.texts + 1] = { lane = "above" .. mark.line, x = x + 9, y = y - 7, text = mark.text }
  end
end

function Still:violations()
  for _, violation in ipairs(self:filter(self.scan.violations)) do
    local x = self:x(violation.time)
    self:add('<line class="violation" x1="%.1f" x2="%.1f" y1="%d" y2="%.1f"/>\n', x, x, self.top, self.bottom)
    local at = math.max(self.left, math.min(x + 3, self.width - width_of(violation.text) - 6))
    self:label("violations", at, self.bottom + 14, violation.text)
  end
end

-- Labels come last, in the order of their places, over all that is drawn.
function Still:labels()
  local after = {} -- a text ends before the next flag of its line
  for i, t in ipairs(self.texts) do
    t.order = i -- a tie would be broken at random
    local last = after[t.lane]
    if not last or t.x - last.x >= 1 then -- of two at one time, the first has its text
      if last and t.lane:find "^above" then
        last.till = t.x - 9
      end
      after[t.lane] = t
    end
  end
  table.sort(self.texts, function(a, b)
    if a.x ~= b.x then
      return a.x < b.x
    end
    return a.order < b.order
  end)
  for _, t in ipairs(self.texts) do
    if self.height >= 30 then
      self:label(t.lane, t.x, t.y, t.text, t.till)
    else
      self.unlabelled = self.unlabelled + 1
    end
  end
end

-- What the signs mean, and what is left out.
function Still:legend(arrows, all)
  local x, y = self.left, self.bottom + 36
  for _, kind in ipairs { "multicast", "unicast", "lost" } do
    self:add('<path class="arrow %s" d="M%.1f %.1fH%.1f" marker-end="url(#%s)"/>', kind, x, y - 4, x + 24, kind)
    self:add('<text x="%.1f" y="%.1f">%s</text>\n', x + 32, y, kind)
    x = x + 44 + width_of(kind)
  end
  local said = {}
  if arrows < all then
    said[#said + 1] = ("%d of %d arrows"):format(all - arrows, all)
  end
  if self.unmarked > 0 then
    said[#said + 1] = ("%d marks"):format(self.unmarked)
  end
  if self.unlabelled > 0 then
    said[#said + 1] = ("%d labels"):format(self.unlabelled)
  end
  if #said > 0 then
    self:add('<text class="said" x="%.1f" y="%.1f">left out: %s</text>\n', x + 12, y, table.concat(said, ", "))
  end
end

function Still:everything(most)
  local all, marks = self:filter(self.scan.arrows), self:filter(self.scan.marks)
  local arrows, shown = thin(all, most), thin(marks, most)
  self.unmarked = #marks - #shown
  self:axis()
  for _, shade in ipairs(self:filter(self.scan.shades)) do
    self:shade(shade)
  end
  self:lines()
  self:add('<clipPath id="view"><rect x="%.1f" y="0" width="%d" height="%.1f"/></clipPath><g clip-path="url(#view)">\n',
    self.left - 8, self.width, self.bottom)
  for _, arrow in ipairs(arrows) do
    self:arrow(arrow)
  end
  for _, mark in ipairs(shown) do
    self:mark(mark)
  end
  self.put "</g>\n"
  self:violations()
  self:labels()
  self:legend(#arrows, #all)
end

local function nanoseconds(seconds)
  return seconds and math.floor(seconds * 1e9 + 0.5)
end

-- Draws by put, a function that takes text.
function still.draw(trace, put, options)
  local scanned = scan.read(trace, nanoseconds(options.from), nanoseconds(options.till))
  local longest = 4
  for _, name in ipairs(scanned.nodes) do
    longest = math.max(longest, width_of(name))
  end
  local lines = math.max(1, #scanned.nodes)
  local self = setmetatable({ scan = scanned, put = put, width = options.width or 960, left = longest + 16,
    top = options.title and 52 or 26, height = math.max(3, math.min(44, 1400 / lines)), ends = {}, texts = {},
    unlabelled = 0, unmarked = 0, key = options.state or scanned.keys[1] }, Still)
  self.bottom = self.top + lines * self.height
  self.scale = (self.width - self.left - 22) / math.max(1, scanned.till - scanned.from)
  local height = self.bottom + 46
  self:add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img">\n',
    self.width, height, self.width, height)
  self:add('<title>%s</title>\n', escape(options.title or "A space-time diagram"))
  put(style)
  self:add('<rect width="%d" height="%.0f" class="back"/>\n', self.width, height)
  if options.title then
    self:add('<text class="title" x="12" y="22">%s</text>\n', escape(options.title))
  end
  self:everything(options.arrows or 1000)
  put "</svg>\n"
end

return still
