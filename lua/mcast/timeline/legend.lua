-- The legend of a still: the arrows, kinds, marks, shades and states that are drawn in it, in rows below the picture.
local look <const> = require "mcast.timeline.look"
local sheet <const> = require "mcast.timeline.sheet"

local legend = {}

local ROW <const>, PICTURE <const>, GAP <const> = 20, 26, 16

local function arrow(kind)
  return ('<path class="arrow %s" d="M0 8H21" marker-end="url(#%sEnd)"/>'):format(kind, kind)
end

-- The entries, as {picture, text}; a picture is 26 by 16 pixels.
local function entries(still)
  local list, shown = {}, still.shown
  for _, kind in ipairs(look.arrows) do
    list[#list + 1] = shown[kind[1]] and { arrow(kind[1]), kind[2] } or nil
  end
  for i, kind in ipairs(still.scan.kinds) do
    if shown["kind " .. kind] and i <= look.KINDS then
      list[#list + 1] = { ('<path class="arrow k%d" d="M2 8H24"/>'):format(i - 1), kind }
    end
  end
  for _, symbol in ipairs(look.symbols) do
    local kind, path, y = symbol[1], symbol[2], symbol[3]
    if shown[kind] and (kind ~= "restart" or not shown.start) then
      list[#list + 1] = { ('<path class="sign mark %s" d="%s" transform="translate(11 %d)"/>'):format(kind, path, y), kind }
    end
  end
  for _, kind in ipairs(look.shades) do
    if shown["shade " .. kind[1]] then
      list[#list + 1] = { ('<rect class="sign shade %s" width="26" height="16"/>'):format(kind[1]), kind[2] }
    end
  end
  for i, value in ipairs(still.scan.values[still.key] or {}) do
    if shown["state " .. value] and i <= look.STATES then
      list[#list + 1] = { ('<line class="state s%d" x1="2" x2="24" y1="8" y2="8"/>'):format(i - 1), value }
    end
  end
  return list
end

-- Draws below y; returns where the legend ends.
function legend.draw(still, y)
  local paper <const> = still.sheet
  local x = paper.left
  for _, entry in ipairs(entries(still)) do
    local width <const> = PICTURE + 6 + sheet.width_of(entry[2])
    if x > paper.left and x + width > paper.width - 8 then
      x, y = paper.left, y + ROW
    end
    paper:add('<g transform="translate(%.1f %.1f)">%s<text x="%d" y="12">%s</text></g>\n', x, y, entry[1], PICTURE + 6,
      sheet.escape(entry[2]))
    x = x + width + GAP
  end
  return x > paper.left and y + ROW + 6 or y + 6
end

return legend
