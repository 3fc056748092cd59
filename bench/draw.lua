-- Draws ratios to C as bars: a function of a path and two lists of ratios.

local labels <const> = { lone = { "C", "mcast", "LuaSocket", "luv", "Python" },
  burst = { "C", "C by offload", "mcast", "mcast to LuaSocket", "LuaSocket", "luv", "Python" } }

local width <const>, left <const>, line <const> = 640, 150, 18

local function panel(out, y, title, names, ratios, field, scale)
  out[#out + 1] = ('<text x="8" y="%d" class="title">%s</text>'):format(y, title)
  local top = y + 6
  for i, name in ipairs(names) do
    local ratio = ratios[i][field]
    out[#out + 1] = ('<text x="%d" y="%d" class="name">%s</text>'):format(left - 8, top + 13, name)
    out[#out + 1] = ('<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>'):format(left, top + 2,
      math.max(ratio * scale, 1), line - 4, name:find "^mcast" and "ours" or "peer")
    out[#out + 1] = ('<text x="%.1f" y="%d">%.2f</text>'):format(left + ratio * scale + 6, top + 13, ratio)
    top = top + line
  end
  return top + 30
end

return function(path, lone, burst)
  local most = 0
  for _, list in ipairs { lone, burst } do
    for _, ratios in ipairs(list) do
      most = math.max(most, ratios.send, ratios.receive)
    end
  end
  local scale = (width - left - 60) / most
  local out, y = {}, 24
  y = panel(out, y, "Send one datagram of 64 bytes, C = 1", labels.lone, lone, "send", scale)
  y = panel(out, y, "Receive one", labels.lone, lone, "receive", scale)
  y = panel(out, y, "Send 64 in a row", labels.burst, burst, "send", scale)
  table.remove(burst, 3) -- there mcast is not the receiver
  y = panel(out, y, "Receive 64 in a row", labels.lone, burst, "receive", scale)
  local file = assert(io.open(path, "w"))
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
  file:close()
end
