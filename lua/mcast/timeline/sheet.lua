-- The sheet of a still: its scale of time, its rows, its elements of SVG, and the cells that they cover.
local sheet = {}

local CELL <const> = 4 -- pixels

local escapes <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- XML is UTF-8 without control characters, and without U+FFFE and U+FFFF.
function sheet.escape(text)
  text = text:gsub("[\0-\31\127]", " ")
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  return (text:gsub("\xef\xbf[\xbe\xbf]", "\u{FFFD}"):gsub('[&<>"]', escapes))
end

function sheet.width_of(text)
  return (utf8.len(text) or #text) * 6.7
end

-- The first characters of a text in UTF-8.
function sheet.cut(text, most)
  return utf8.len(text) <= most and text or text:sub(1, utf8.offset(text, most - 2) - 1) .. "..."
end

-- A text as one line, or as two of about the same length, cut between words where it can be.
function sheet.lines(text, most)
  text = utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")
  local length <const> = utf8.len(text)
  if length > most then
    local half <const> = text:sub(1, utf8.offset(text, math.min(most, (length + 10) // 2) + 2) - 1)
    local first <const> = half:match "^(.*%S) "
    if first then
      return { first, sheet.cut(text:sub(#first + 1):match "%S.*" or "", most) }
    end
  end
  return { sheet.cut(text, most) }
end

local Sheet = {}
Sheet.__index = Sheet

-- A sheet of a part of time, with rows of these names; the margin is above the rows.
function sheet.new(names, from, till, width, margin)
  local longest = 4
  for _, name in ipairs(names) do
    longest = math.max(longest, sheet.width_of(name))
  end
  local self <const> = setmetatable({ body = {}, cells = {}, rows = math.max(1, #names), from = from, till = till,
    width = width, left = longest + 16, top = margin }, Sheet)
  self.height = math.max(3, math.min(44, 700 / self.rows))
  self.bottom = self.top + self.rows * self.height
  self.scale = (self.width - self.left - 22) / math.max(1, till - from)
  return self
end

function Sheet:x(time)
  return self.left + (time - self.from) * self.scale
end

function Sheet:y(row)
  return self.top + (row - 0.5) * self.height
end

function Sheet:within(from, till)
  return till >= self.from and from <= self.till
end

function Sheet:add(form, ...)
  self.body[#self.body + 1] = form:format(...)
end

-- Calls a function for the number of each cell of a rectangle; ends where it returns false.
local function each(self, x1, y1, x2, y2, f)
  local across <const> = self.width // CELL + 1 | 0
  for row = y1 // CELL | 0, y2 // CELL | 0 do
    for column = x1 // CELL | 0, x2 // CELL | 0 do
      if f(self.cells, row * across + column) == false then
        return false
      end
    end
  end
  return true
end

local function mark(cells, number)
  cells[number] = true
end

local function isfree(cells, number)
  return not cells[number]
end

function Sheet:cover(x1, y1, x2, y2)
  each(self, math.max(0, x1), math.max(0, y1), math.min(self.width, x2), y2, mark)
end

-- Covers a straight line.
function Sheet:cover_line(x1, y1, x2, y2)
  local steps <const> = math.max(1, math.ceil(math.max(math.abs(x2 - x1), math.abs(y2 - y1)) / (CELL - 1)))
  for i = 0, steps do
    local x <const>, y <const> = x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps
    if x >= 0 and x <= self.width then
      each(self, x, y, x, y, mark)
    end
  end
end

-- Is nothing of the picture within a rectangle, which lies within the rows?
function Sheet:has_room(x1, y1, x2, y2)
  return x1 >= self.left and x2 <= self.width - 4 and y1 >= self.top and y2 <= self.bottom
    and each(self, x1, y1, x2, y2, isfree)
end

function Sheet:axis()
  local room <const> = 90 / self.scale
  local unit <const> = 10.0 ^ math.floor(math.log(room, 10))
  local step <const> = room <= unit and unit or room <= 2 * unit and 2 * unit or room <= 5 * unit and 5 * unit or 10 * unit
  local digits <const> = math.max(0, -math.floor(math.log(step / 1e9, 10) + 1e-9))
  for i = math.ceil(self.from / step - 1e-9), math.floor(self.till / step + 1e-9) do
    local x <const> = self:x(i * step)
    self:add('<line class="tick" x1="%.1f" x2="%.1f" y1="%d" y2="%.1f"/>\n', x, x, self.top - 6, self.bottom)
    if x + 30 < self.width then
      self:add('<text class="tick" x="%.1f" y="%d">%.' .. digits .. 'f s</text>\n', x, self.top - 12, i * step / 1e9)
    end
  end
end

return sheet
