-- Draws ratios to C as bars: a function of a path and the rows of a table of ratios.

-- Each panel has a title, a column, and bars by row and label.
local one <const> = { { "C", "C" }, { "mcast, `sendto` and `recvfrom`", "mcast" }, { "LuaSocket", "LuaSocket" },
  { "luv", "luv" }, { "Python", "Python" } }
local panels <const> = {
  { "Send one datagram of 64 bytes, C = 1", "send", one },
  { "Receive one", "receive", one },
  { "Send 64 in a row", "send", { { "C", "C" }, { "C, 64 by offload", "C by offload" },
    { "mcast, `sendmany` of 64 and `recvfrom`", "mcast" },
    { "mcast, `sendmany` of 64, to LuaSocket", "mcast to LuaSocket" }, { "LuaSocket, 64 in a row", "LuaSocket" },
    { "luv, 64 in a row", "luv" }, { "Python, 64 in a row", "Python" } } },
  { "Receive 64 in a row", "receive", { { "C", "C" }, { "mcast, `sendmany` of 64 and `recvfrom`", "mcast, recvfrom" },
    { "mcast, `sendmany` of 64 and `recvmany`", "mcast, recvmany" }, { "LuaSocket, 64 in a row", "LuaSocket" },
    { "luv, 64 in a row", "luv" }, { "Python, 64 in a row", "Python" } } },
}

local width <const>, left <const>, line <const> = 640, 150, 18

-- The ratio at 64 bytes, or nil.
local function ratio(rows, name, column)
  return name == "C" and 1 or rows[name] and tonumber(rows[name][column]:match "^[%d.]+")
end

local function most(rows)
  local value = 1
  for _, panel in ipairs(panels) do
    for _, bar in ipairs(panel[3]) do
      value = math.max(value, ratio(rows, bar[1], panel[2]) or 0)
    end
  end
  return value
end

local function draw(out, y, panel, rows, scale)
  out[#out + 1] = ('<text x="8" y="%d" class="title">%s</text>'):format(y, panel[1])
  local top = y + 6
  for _, bar in ipairs(panel[3]) do
    local value <const> = ratio(rows, bar[1], panel[2])
    if value then
      out[#out + 1] = ('<text x="%d" y="%d" class="name">%s</text>'):format(left - 8, top + 13, bar[2])
      out[#out + 1] = ('<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>'):format(left, top + 2,
        math.max(value * scale, 1), line - 4, bar[2]:find "^mcast" and "ours" or "peer")
      out[#out + 1] = ('<text x="%.1f" y="%d">%.2f</text>'):format(left + value * scale + 6, top + 13, value)
      top = top + line
    end
  end
  return top + 30
end

return function(path, rows)
  local scale <const> = (width - left - 60) / most(rows)
  local out <const>, y = {}, 24
  for _, panel in ipairs(panels) do
    y = draw(out, y, panel, rows, scale)
  end
  local file <close> = assert(io.open(path, "w"))
  file:write(([[
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<style>
text { fill: #222 } .title { font-weight: bold } .name { text-anchor: end }
.ours { fill: #0072b2 } .peer { fill: #999 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>
%s
</svg>
]]):format(width, y - 20, table.concat(out, "\n")))
end
