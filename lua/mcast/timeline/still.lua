-- A still picture of a trace, in SVG, for light and dark pages.
local legend <const> = require "mcast.timeline.legend"
local look <const> = require "mcast.timeline.look"
local scan <const> = require "mcast.timeline.scan"

local still = {}

-- Beside the rules that the still shares with the page.
local rules <const> = look.rules .. [[
.title { font: bold 14px system-ui, "DejaVu Sans", sans-serif; }
.state { stroke-width: 6; }
.omitted { fill: var(--weak); }
.back { fill: var(--back); }
]]

local style <const> = "<style>\n" .. look.themed(rules, look.light) .. "@media (prefers-color-scheme: dark) {\n"
  .. look.themed(rules, look.dark) .. "}\n</style>\n" .. look.defs(0)

local escapes <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML is UTF-8 without control characters, and without U+FFFE and U+FFFF.
local function escape(text)
  text = text:gsub("[\0-\31\127]", " ")
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  return (text:gsub("\xef\xbf[\xbe\xbf]", "\u{FFFD}"):gsub('[&<>"]', escapes))
end

local function width_of(text)
  return (utf8.len(text) or #text) * 6.7
end

-- The beginning of a title that fits into a picture; the whole is in its <title>.
local function fitting(title, width)
  local most <const> = math.max(4, (width - 24) * 10 // 83)
  local text <const> = utf8.len(title) and title or title:gsub("[\x80-\xff]", "?")
  return utf8.len(text) <= most and text or text:sub(1, utf8.offset(text, most - 2) - 1) .. "..."
end

local function counted(number, noun)
  return ("%d %s%s"):format(number, noun, number == 1 and "" or "s")
end

local DENSE <const> = 8 -- pixels of a line, below which marks are left out

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

-- Adds a label, or a shorter one, unless it would touch another one of its lane.
function Still:label(lane, x, y, text, kind, till, short)
  local room <const> = math.min(till or math.huge, self.width - 4) - x
  text = short and width_of(text) > room and short or text
  local width <const> = width_of(text)
  if x < (self.ends[lane] or 0) or width > room then
    self.unlabelled = self.unlabelled + 1
    return
  end
  self.ends[lane] = x + width + 4
  self:add('<text class="label %s" x="%.1f" y="%.1f">%s</text>\n', kind, x, y, escape(text))
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
    item.till = item.till or item.time or self.scan.finish
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
      self:add('<text class="tick" x="%.1f" y="%d">%.' .. digits .. 'f s</text>\n', x, self.top - 12, i * step / 1e9)
    end
  end
end

-- A line from one time to another, on a node's line.
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
      self.shown["shade " .. shade.kind] = true
      self.texts[#self.texts + 1] = { lane = "below" .. line, x = from + 3, y = self:y(line) + 17, text = shade.text,
        kind = "shaded" }
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
      self:span(("state s%d"):format((state.number - 1) % look.STATES), state)
      self.shown["state " .. state.value] = true
      self.texts[#self.texts + 1] = { lane = "below" .. state.line, x = math.max(self:x(state.from), self.left) + 1,
        y = self:y(state.line) + 17, text = state.value, kind = "value", till = self:x(state.till) }
    end
  end
end

function Still:arrow(arrow)
  local x1, y1, x2, y2 = self:x(arrow.sent), self:y(arrow.from), self:x(arrow.time), self:y(arrow.to)
  local bend = arrow.from == arrow.to and ("Q%.1f %.1f "):format((x1 + x2) / 2, y1 - self.height * 0.6) or "L"
  self:add('<path class="arrow %s" d="M%.1f %.1f%s%.1f %.1f" marker-end="url(#%sEnd)"/>\n', arrow.kind, x1, y1, bend, x2,
    y2, arrow.kind)
  self.shown[arrow.kind] = true
end

function Still:mark(mark)
  local x, y = self:x(mark.time), self:y(mark.line)
  self:add('<path class="mark %s" d="%s" transform="translate(%.1f %.1f)"/>\n', escape(mark.kind),
    look.path[mark.kind] or look.other, x, y)
  self.shown[mark.kind] = true
  if mark.text then
    self.texts[#self.texts + 1] = { lane = "above" .. mark.line, x = x + 9, y = y - 7, text = mark.text,
      kind = mark.kind, wide = mark.wide }
  end
end

function Still:violations()
  for _, violation in ipairs(self:filter(self.scan.violations)) do
    local x = self:x(violation.time)
    self:add('<line class="violation" x1="%.1f" x2="%.1f" y1="%d" y2="%.1f"/>\n', x, x, self.top, self.bottom)
    local at = math.max(self.left, math.min(x + 3, self.width - width_of(violation.text) - 6))
    self:label("violations", at, self.bottom + 14, violation.text, "violation")
  end
end

-- Labels are drawn last, over everything else, from left to right.
function Still:labels()
  local after = {} -- a text ends before the next flag of its line, but for a fault's
  for i, t in ipairs(self.texts) do
    t.order = i -- the sort is not stable
    local last = after[t.lane]
    if not last or t.x - last.x >= 1 then -- of two at one time, the first is labelled
      if last and not last.wide and t.lane:find "^above" then
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
      self:label(t.lane, t.x, t.y, t.text, escape(t.kind), t.till, t.wide and t.text:match "^[^,]+")
    else
      self.unlabelled = self.unlabelled + 1
    end
  end
end

-- The line below the legend that counts everything left out.
function Still:omitted(arrows, all, y)
  local parts = {}
  if self.scan.busy then
    parts[#parts + 1] = "the time without datagrams"
  end
  if arrows < all then
    parts[#parts + 1] = ("%d of %d arrows"):format(all - arrows, all)
  end
  if self.unmarked > 0 then
    parts[#parts + 1] = counted(self.unmarked, "mark")
  end
  if self.unlabelled > 0 then
    parts[#parts + 1] = counted(self.unlabelled, "label")
  end
  if #parts == 0 then
    return y
  end
  self:add('<text class="omitted" x="%.1f" y="%.1f">left out: %s</text>\n', self.left, y + 12, table.concat(parts, ", "))
  return y + 20
end

-- Draws everything; returns the picture's height.
function Still:everything(most)
  local all, marks = self:filter(self.scan.arrows), self:filter(self.scan.marks)
  local dense <const> = self.height < DENSE
  local arrows, shown = thin(all, most), dense and {} or thin(marks, most)
  self.unmarked = #marks - #shown
  self:axis()
  for _, shade in ipairs(self:filter(self.scan.shades)) do
    self:shade(shade)
  end
  self:add("<g%s>\n", dense and ' class="dense"' or "")
  self:lines()
  self.put "</g>\n"
  self:add('<clipPath id="view"><rect x="%.1f" y="0" width="%d" height="%.1f"/></clipPath><g clip-path="url(#view)"%s>\n',
    self.left - 8, self.width, self.bottom, dense and ' class="dense"' or "")
  for _, arrow in ipairs(arrows) do
    self:arrow(arrow)
  end
  for _, mark in ipairs(shown) do
    self:mark(mark)
  end
  self.put "</g>\n"
  self:violations()
  self:labels()
  local y = self.bottom + (#self.scan.violations > 0 and 24 or 10)
  return self:omitted(#arrows, #all, legend.draw(self, y))
end

local function nanoseconds(seconds)
  return seconds and math.floor(seconds * 1e9 + 0.5)
end

local function new(scanned, options)
  local longest = 4
  for _, name in ipairs(scanned.nodes) do
    longest = math.max(longest, width_of(name))
  end
  local lines <const> = math.max(1, #scanned.nodes)
  local body = {}
  local self = setmetatable({ scan = scanned, body = body, put = function(text) body[#body + 1] = text end,
    width = options.width or 960, left = longest + 16, top = options.title and 52 or 26,
    height = math.max(3, math.min(44, 700 / lines)), ends = {}, texts = {}, shown = {}, unlabelled = 0, unmarked = 0,
    key = options.state or scanned.keys[1], width_of = width_of, escape = escape }, Still)
  self.bottom = self.top + lines * self.height
  self.scale = (self.width - self.left - 22) / math.max(1, scanned.till - scanned.from)
  return self
end

-- Draws by put, a function of text.
function still.draw(trace, put, options)
  local self <const> = new(scan.read(trace, nanoseconds(options.from), nanoseconds(options.till), options.nodes),
    options)
  local height <const> = self:everything(options.arrows or 1000)
  put(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img">\n'):format(
    self.width, height, self.width, height))
  put(("<title>%s</title>\n"):format(escape(options.title or "Space-time diagram")))
  put(style)
  put(('<rect width="%d" height="%.0f" class="back"/>\n'):format(self.width, height))
  if options.title then
    put(('<text class="title" x="12" y="22">%s</text>\n'):format(escape(fitting(options.title, self.width))))
  end
  put(table.concat(self.body))
  put "</svg>\n"
end

return still
