-- The labels of a still: flags above the rows, states and shades below them, and texts of datagrams at their arrows.
local sheet <const> = require "mcast.timeline.sheet"

local labels = {}

local SHORT <const> = 20 -- characters of a datagram's text that is longer, where the whole has no room
local TALL <const> = 30 -- pixels of a row, below which it has no labels

local Labels = {}
Labels.__index = Labels

function labels.new(paper)
  return setmetatable({ paper = paper, list = {}, ends = {}, words = {}, left = 0, wordless = 0 }, Labels)
end

-- Adds a label of a lane of a row: "above" or "below" it. Labels are drawn last, over everything else. Those that are known
-- are in the legend, too.
function Labels:add(lane, row, label)
  label.lane, label.row, label.order = lane .. row, row, #self.list + 1 -- the sort is not stable
  self.list[#self.list + 1] = label
end

-- Where a label stands left of its mark instead of right of it: its right edge, as it has no room in the picture.
local function other_side(self, label)
  local width <const> = sheet.width_of(label.short or label.text)
  return label.flag and label.x + width > self.paper.width - 4 and label.x - 18 or nil, width
end

-- Draws a label, or a shorter one, unless it would touch another one of its lane.
function Labels:place(label)
  local paper <const> = self.paper
  local x, room = label.x, math.min(label.till or math.huge, paper.width - 4) - label.x
  local edge <const>, short <const> = other_side(self, label)
  if edge then
    x, room = edge - short, short
  end
  local text <const> = label.short and sheet.width_of(label.text) > room and label.short or label.text
  local width <const> = sheet.width_of(text)
  if x < (self.ends[label.lane] or 0) or width > room then
    self.left = self.left + (label.known and 0 or 1)
    return false
  end
  self.ends[label.lane] = x + width + 8
  paper:cover(x - 2, label.y - 10, x + width + 4, label.y + 4)
  paper:add('<text class="label %s" x="%.1f" y="%.1f">%s</text>\n', sheet.escape(label.kind), x, label.y, sheet.escape(text))
  return true
end

-- A text ends before the next flag of its row; a fault's only before the next text that stands left of its flag.
local function bound(self)
  local after <const> = {}
  for _, label in ipairs(self.list) do
    local last <const> = after[label.lane]
    if not last or label.x - last.x >= 1 then -- of two at one time, the first is labelled
      local edge <const>, width <const> = other_side(self, label)
      if last and label.flag and (edge or not last.short) then
        last.till = edge and edge - width - 8 or label.x - 9
      end
      after[label.lane] = label
    end
  end
end

-- Draws the labels from left to right; a row's words are not repeated while they stay the same.
function Labels:draw()
  bound(self)
  table.sort(self.list, function(a, b)
    if a.x ~= b.x then
      return a.x < b.x
    end
    return a.order < b.order
  end)
  local said <const> = {} -- by lane, the text that was labelled last
  for _, label in ipairs(self.list) do
    if self.paper.height < TALL then
      self.left = self.left + (label.known and 0 or 1)
    elseif label.text ~= said["above" .. label.row] and label.text ~= said["below" .. label.row] and self:place(label) then
      said[label.lane] = label.text
    end
  end
end

-- Adds an arrow of a datagram that has a text, from x1 and y1 to x2 and y2.
function Labels:arrow(send, x1, y1, x2, y2)
  local words = self.words[send]
  if not words then
    words = { send = send, x = x1 }
    self.words[send] = words
    self.words[#self.words + 1] = words
  end
  words[#words + 1] = { x1, y1, x2, y2 }
end

-- The left and right edge of the arrows between two heights; nil where none goes through both.
local function edges(words, y1, y2)
  local left, right
  for _, arrow in ipairs(words) do
    local ax <const>, ay <const>, bx <const>, by <const> = table.unpack(arrow)
    if math.min(ay, by) <= y1 and math.max(ay, by) >= y2 then
      local one <const>, other <const> = ax + (bx - ax) * (y1 - ay) / (by - ay), ax + (bx - ax) * (y2 - ay) / (by - ay)
      left, right = math.min(left or one, one, other), math.max(right or one, one, other)
    end
  end
  return left, right
end

-- Draws a text beside the arrows, in the space between two rows, if there is room.
local function beside(paper, words, text, y)
  local width <const> = sheet.width_of(text)
  local left <const>, right <const> = edges(words, y - 13, y + 7) -- a cell more on both sides
  for _, x in ipairs { right and right + 6 or false, left and left - width - 6 or false } do
    if x and paper:has_room(x - 2, y - 9, x + width + 2, y + 3) then
      paper:cover(x - 2, y - 9, x + width + 4, y + 3)
      paper:add('<text class="label sent" x="%.1f" y="%.1f">%s</text>\n', x, y, sheet.escape(text))
      return true
    end
  end
end

-- Draws the text of a datagram at the first place with room, from its sender on.
local function carry(paper, words)
  local row <const> = words.send.line
  local short <const> = sheet.cut(words.send.text, SHORT)
  for _, text in ipairs { words.send.text, short ~= words.send.text and short or nil } do
    for away = 1, paper.rows do
      for _, gap in ipairs { row + away - 1, row - away } do
        if gap >= 1 and gap < paper.rows and beside(paper, words, text, paper:y(gap) + paper.height / 2 + 3) then
          return true
        end
      end
    end
  end
end

-- Draws the texts of datagrams, once for all copies.
function Labels:carried()
  table.sort(self.words, function(a, b)
    if a.x ~= b.x then
      return a.x < b.x
    end
    return a.send.number < b.send.number
  end)
  for _, words in ipairs(self.words) do
    if self.paper.height < TALL or not carry(self.paper, words) then
      self.wordless = self.wordless + 1
    end
  end
end

return labels
