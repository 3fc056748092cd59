-- A still picture of a trace, in SVG, for light and dark pages.
local labels <const> = require "mcast.timeline.labels"
local legend <const> = require "mcast.timeline.legend"
local look <const> = require "mcast.timeline.look"
local scan <const> = require "mcast.timeline.scan"
local sheet <const> = require "mcast.timeline.sheet"

local still = {}

local escape <const>, width_of <const> = sheet.escape, sheet.width_of

-- Beside the rules that the still shares with the page.
local rules <const> = look.rules .. [[
.title { font: bold 14px system-ui, "DejaVu Sans", sans-serif; }
.state { stroke-width: 6; }
.omitted { fill: var(--weak); }
.back { fill: var(--back); }
]]

local style <const> = "<style>\n" .. look.themed(rules, look.light) .. "@media (prefers-color-scheme: dark) {\n"
  .. look.themed(rules, look.dark) .. "}\n</style>\n"

local function counted(number, noun)
  return ("%d %s%s"):format(number, noun, number == 1 and "" or "s")
end

local DENSE <const> = 8 -- pixels of a row, below which the marks of ordinary events are left out
local ordinary <const> = { send = true, forward = true, deliver = true, join = true, leave = true, log = true, note = true,
  start = true, ["end"] = true }

local Still = {}
Still.__index = Still

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
    if self.sheet:within(item.sent or item.from or item.time, item.till) then
      kept[#kept + 1] = item
    end
  end
  return kept
end

-- A line from one time to another, on a node's row.
function Still:span(class, span)
  local paper <const> = self.sheet
  local y <const> = paper:y(span.line)
  paper:add('<line class="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>\n', class, math.max(paper:x(span.from), paper.left),
    math.min(paper:x(span.till), paper:x(paper.till)), y, y)
end

function Still:shade(shade)
  local paper <const> = self.sheet
  local from <const>, till <const> = math.max(paper:x(shade.from), paper.left), math.min(paper:x(shade.till), paper.width)
  local held <const> = shade.kind == "hold" -- held copies: below the line
  local high <const> = held and math.min(7, paper.height / 3) or paper.height
  self.shown["shade " .. shade.kind] = #shade.lines > 0 or nil
  for i, line in ipairs(shade.lines) do
    paper:add('<rect class="shade %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>\n', shade.kind, from,
      paper:y(line) + (held and high / 3 or -high / 2), math.max(1, till - from), high)
    if i == 1 and not held then
      self.labels:add("below", line, { x = from + 3, y = paper:y(line) + 17, text = shade.text, kind = "shaded" })
    end
  end
end

function Still:state(state)
  local paper <const> = self.sheet
  self:span(("state s%d"):format((state.number - 1) % look.STATES), state)
  self.shown["state " .. state.value] = true
  self.labels:add("below", state.line, { x = math.max(paper:x(state.from), paper.left) + 1, y = paper:y(state.line) + 17,
    text = state.value, kind = "value", till = paper:x(state.till), known = state.number <= look.STATES })
end

function Still:rows()
  local paper <const> = self.sheet
  local step <const> = math.ceil(13 / paper.height)
  for line, name in ipairs(self.scan.nodes) do
    local y <const> = paper:y(line)
    paper:add('<line class="line" x1="%.1f" x2="%d" y1="%.1f" y2="%.1f"/>\n', paper.left, paper.width, y, y)
    paper:cover(paper.left, y - 2, paper.width, y + 2)
    if (line - 1) % step == 0 then
      paper:add('<text class="name" x="%.1f" y="%.1f">%s</text>\n', paper.left - 8, y + 4, escape(name))
    end
  end
  for _, life in ipairs(self:filter(self.scan.lives)) do
    self:span("life", life)
  end
  for _, state in ipairs(self:filter(self.scan.states)) do
    if state.key == self.key then
      self:state(state)
    end
  end
end

-- The number of a kind's colour, nil beyond the colours.
local function colour(self, kind)
  local number <const> = kind and self.scan.kinds[kind]
  return number and number <= look.KINDS and number - 1 or nil
end

function Still:arrow(arrow)
  local paper <const>, send <const> = self.sheet, arrow.send
  local x1, y1, x2, y2 = paper:x(send.time), paper:y(send.line), paper:x(arrow.time), paper:y(arrow.to)
  local number <const> = colour(self, send.kind)
  local name <const> = number and ("k%d"):format(number) or ""
  local bend = send.line == arrow.to and ("Q%.1f %.1f "):format((x1 + x2) / 2, y1 - paper.height * 0.6) or "L"
  paper:add('<path class="arrow %s%s" d="M%.1f %.1f%s%.1f %.1f" marker-end="url(#%s%sEnd)"/>\n', arrow.kind,
    number and " " .. name or "", x1, y1, bend, x2, y2, name, arrow.kind)
  self.shown[arrow.kind] = true
  self.shown["kind " .. (send.kind or "")] = true
  if paper.height >= DENSE then
    paper:cover_line(x1, y1, x2, y2)
    if send.line ~= arrow.to and send.text ~= "" and send.time >= paper.from then
      self.labels:arrow(send, x1, y1, x2, y2)
    end
  end
end

function Still:mark(mark)
  local paper <const> = self.sheet
  local x <const>, y <const> = paper:x(mark.time), paper:y(mark.line)
  local size <const> = paper.height < DENSE and ' scale(0.7)' or ""
  paper:add('<path class="mark %s" d="%s" transform="translate(%.1f %.1f)%s"/>\n', escape(mark.kind),
    look.path[mark.kind] or look.other, x, y, size)
  paper:cover(x - 7, y - 9, x + 7, y + 9)
  self.shown[mark.kind] = true
  if mark.text then
    local isclock <const> = mark.kind == "clock"
    self.labels:add(isclock and "below" or "above", mark.line, { x = x + 9, y = y + (isclock and 17 or -7), text = mark.text,
      kind = isclock and "shaded" or mark.kind, flag = true,
      short = mark.kind == "fault" and mark.text:match "^[^,]+" or nil })
  end
end

-- Marks that are rare in a run come first where there are too many.
function Still:marks(most)
  local rare, others = {}, {}
  for _, mark in ipairs(self:filter(self.scan.marks)) do
    local list <const> = ordinary[mark.kind] and others or rare
    list[#list + 1] = mark
  end
  local total <const>, drawn = #rare + #others, thin(rare, most)
  if self.sheet.height >= DENSE and #drawn < most then
    table.move(thin(others, most - #drawn), 1, #others, #drawn + 1, drawn)
  end
  self.unmarked = total - #drawn
  table.sort(drawn, function(a, b) return a.number < b.number end)
  for _, mark in ipairs(drawn) do
    self:mark(mark)
  end
end

function Still:violations()
  local paper <const> = self.sheet
  for _, violation in ipairs(self:filter(self.scan.violations)) do
    local x <const> = paper:x(violation.time)
    paper:add('<line class="violation" x1="%.1f" x2="%.1f" y1="%d" y2="%.1f"/>\n', x, x, paper.top, paper.bottom)
    paper:cover_line(x, paper.top, x, paper.bottom)
    self.labels:place { lane = "violations", x = math.max(paper.left, math.min(x + 3, paper.width
      - width_of(violation.text) - 6)), y = paper.bottom + 14, text = violation.text, kind = "violation" }
  end
end

-- The line below the legend that counts everything left out.
function Still:omitted(arrows, all, y)
  local parts, unlabelled, wordless = {}, self.labels.left, self.labels.wordless
  local function part(condition, text, ...)
    parts[#parts + 1] = condition and text:format(...) or nil
  end
  part(self.scan.busy, "the time without datagrams")
  part(arrows < all, "%d of %d arrows", all - arrows, all)
  part(self.unmarked > 0, "%s", counted(self.unmarked, "mark"))
  part(unlabelled > 0, "%s", counted(unlabelled, "label"))
  part(wordless > 0, "the text%s of %s", wordless == 1 and "" or "s", counted(wordless, "datagram"))
  if #parts == 0 then
    return y
  end
  self.sheet:add('<text class="omitted" x="%.1f" y="%.1f">left out: %s</text>\n', self.sheet.left, y + 12,
    table.concat(parts, ", "))
  return y + 20
end

-- Draws everything; returns the picture's height.
function Still:everything(most)
  local paper <const>, all <const> = self.sheet, self:filter(self.scan.arrows)
  local arrows <const> = thin(all, most)
  local dense <const> = paper.height < DENSE and ' class="dense"' or ""
  paper:axis()
  for _, shade in ipairs(self:filter(self.scan.shades)) do
    self:shade(shade)
  end
  paper:add("<g%s>\n", dense)
  self:rows()
  paper:add "</g>\n"
  paper:add('<clipPath id="view"><rect x="%.1f" y="0" width="%d" height="%.1f"/></clipPath><g clip-path="url(#view)"%s>\n',
    paper.left - 8, paper.width, paper.bottom, dense)
  for _, arrow in ipairs(arrows) do
    self:arrow(arrow)
  end
  self:marks(most)
  paper:add "</g>\n"
  self:violations()
  self.labels:draw()
  self.labels:carried()
  local y <const> = paper.bottom + (#self.scan.violations > 0 and 24 or 10)
  return self:omitted(#arrows, #all, legend.draw(self, y))
end

local function nanoseconds(seconds)
  return seconds and math.floor(seconds * 1e9 + 0.5)
end

-- Draws by put, a function of text; words is a function of a datagram's bytes, that returns a text and a kind or nil.
function still.draw(trace, put, words, options)
  local scanned <const> = scan.read(trace, words, nanoseconds(options.from), nanoseconds(options.till), options.nodes)
  local wide <const>, letters <const> = options.width or 960, options.letters or 11
  local width <const> = wide * 11 // letters | 0
  local title <const> = options.title and sheet.lines(options.title, math.max(4, (width - 24) * 10 // 83)) or {}
  local paper <const> = sheet.new(scanned.nodes, scanned.from, scanned.till, width, 26 + (#title > 0 and 8 or 0) + 18 * #title)
  local self <const> = setmetatable({ scan = scanned, sheet = paper, labels = labels.new(paper), shown = {}, unmarked = 0,
    key = options.state or scanned.keys[1] }, Still)
  local height <const> = self:everything(options.arrows or 1000)
  put(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img">\n'):format(
    width, height, wide, height * wide / width))
  put(("<title>%s</title>\n"):format(escape(options.title or "Space-time diagram")))
  put(style)
  put(look.defs(math.min(#scanned.kinds, look.KINDS)))
  put(('<rect width="%d" height="%.0f" class="back"/>\n'):format(width, height))
  for i, text in ipairs(title) do
    put(('<text class="title" x="12" y="%d">%s</text>\n'):format(4 + 18 * i, escape(text)))
  end
  put(table.concat(paper.body))
  put "</svg>\n"
end

return still
