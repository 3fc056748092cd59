-- The look of diagrams, shared by the page and the still: colours, symbols, arrow heads, patterns and style rules.
-- Colours differ for the colour-blind, too (blue, vermilion, reddish purple), and no colour is the only sign of anything.
local look = {}

look.light = {
  back = "#fff", text = "#1b1f24", weak = "#59636e", rule = "#d5dae0", box = "#f4f6f8", multicast = "#0060a8",
  unicast = "#9c3f7c", lost = "#c24700", focus = "#0060a8", stop = "#b8000f", s0 = "#008a64", s1 = "#937100",
  s2 = "#3a93cc", s3 = "#7a3e00", s4 = "#b35c8e", s5 = "#555", s6 = "#0072b2", s7 = "#d55e00",
  path = "#1818f0", k0 = "#599862", k1 = "#6c0027", k2 = "#1599c2", k3 = "#5d71f1", k4 = "#792000",
}
look.dark = {
  back = "#14171b", text = "#e6e8ea", weak = "#a2abb5", rule = "#363c44", box = "#1f242a", multicast = "#6cb6ff",
  unicast = "#e59ac9", lost = "#ff9d5c", focus = "#6cb6ff", stop = "#ff7a80", s0 = "#2fc79a", s1 = "#e6c229",
  s2 = "#9ad0f5", s3 = "#c98a5a", s4 = "#e39ac6", s5 = "#b0b0b0", s6 = "#56b4e9", s7 = "#ff8c42",
  path = "#5058f8", k0 = "#94fdbd", k1 = "#d33b00", k2 = "#ffd61f", k3 = "#9560a6", k4 = "#b05954",
}
look.STATES = 8 -- colours of states, s0 to s7
look.KINDS = 5 -- colours of kinds of datagrams, k0 to k4; further kinds have those of arrows

-- Symbols in the order of the legend: kind of event, path around a point, and the point's y in a legend of 16 pixels.
look.symbols = {
  { "start", "M0-6V6M0-4L7 0L0 4Z", 8 },
  { "restart", "M0-6V6M0-4L7 0L0 4Z", 8 },
  { "end", "M0-7V7M-3-7V7", 8 },
  { "fail", "M-5-5L5 5M5-5L-5 5", 8 },
  { "crash", "M-5-5L5 5M5-5L-5 5", 8 },
  { "pause", "M-2-6V6M3-6V6", 8 },
  { "resume", "M-3-5L5 0L-3 5Z", 8 },
  { "clock", "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0-5 0M0-3.5V0H3", 8 },
  { "interface", "M-6-3H6V3H-6ZM-3 3V6M0 3V6M3 3V6", 7 },
  { "hold", "M-5-4H5V5H-5ZM-6-6H6", 8 },
  { "release", "M-5-4V5H5V-4M0 3V-7M-3-4L0-7L3-4", 9 },
  { "join", "M-4-3L0-9L4-3Z", 13 },
  { "leave", "M-4 3L0 9L4 3Z", 3 },
  { "log", "M-3-3H3V3H-3Z", 8 },
  { "note", "M0 0V-14H7L4-11L7-8H0", 15 },
  { "fault", "M3-22L-4-12H0L-3-4L5-14H1Z", 21 },
  { "send", "M-2.5 0A2.5 2.5 0 1 0 2.5 0A2.5 2.5 0 1 0-2.5 0", 8 },
  { "forward", "M-3 0L0-3L3 0L0 3Z", 8 },
}
look.other = "M0-5L4 0L0 5L-4 0Z" -- of kinds without a symbol

look.path = {}
for _, symbol in ipairs(look.symbols) do
  look.path[symbol[1]] = symbol[2]
end

-- Kinds of arrows and of shades, and their names in a legend.
look.arrows = { { "multicast", "multicast received" }, { "unicast", "unicast received" }, { "lost", "lost" } }
look.chosen = { { "path", "path to the selected event" } }
look.shades = { { "crash", "crashed" }, { "pause", "paused" }, { "partition", "cut off" },
  { "hold", "holds copies" } }

-- The heads of arrows: their view box and size, and their path.
local heads <const> = {
  { "multicastEnd", 'viewBox="-9 -5 10 10" markerWidth="10" markerHeight="10" orient="auto"', "M-8-4L0 0L-8 4Z" },
  { "unicastEnd", 'viewBox="-10 -6 12 12" markerWidth="12" markerHeight="12" orient="auto"', "M-8-4L0 0L-8 4Z" },
  { "pathEnd", 'viewBox="-9 -7 12 14" markerWidth="12" markerHeight="14" orient="auto"', "M-8-6L2 0L-8 6Z" },
  { "lostEnd", 'viewBox="-6 -6 12 12" markerWidth="12" markerHeight="12"', "M-4-4L4 4M4-4L-4 4" },
}

local patterns <const> = [[
  <pattern id="crashFill" width="7" height="7" patternUnits="userSpaceOnUse"><path d="M-2 2L2-2M0 7L7 0M5 9L9 5"/></pattern>
  <pattern id="pauseFill" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M4 0V8"/></pattern>
  <pattern id="cutFill" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M-2 6L2 10M0 0L8 8M6-2L10 2"/></pattern>
  <pattern id="cutFill2" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M0 4H8"/></pattern>
</defs>
]]

-- The heads and patterns, with heads in the colours of so many kinds.
function look.defs(kinds)
  local list <const> = { "<defs>\n" }
  for k = -1, kinds - 1 do
    local kind <const> = k < 0 and "" or ("k%d"):format(k)
    for _, head in ipairs(heads) do
      list[#list + 1] = ('  <marker id="%s%s" class="%s %s" markerUnits="userSpaceOnUse" %s><path d="%s"/></marker>\n')
        :format(kind, head[1], head[1], kind, head[2], head[3])
    end
  end
  return table.concat(list) .. patterns
end

look.rules = [[
text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: var(--text); }
.name { text-anchor: end; }
text.tick { text-anchor: middle; fill: var(--weak); }
line.tick, line.axis { stroke: var(--rule); }
.line { stroke: var(--weak); stroke-dasharray: 1 5; }
.life { stroke: var(--weak); stroke-width: 1.5; }
.dense .life { stroke: var(--rule); stroke-width: 1; }
.dense .line { stroke: none; }
.dense .arrow { stroke-width: 1; opacity: .5; }
.label { paint-order: stroke; stroke: var(--back); stroke-width: 4px; stroke-linejoin: round; }
.label.violation { font-weight: bold; fill: var(--stop); }
.label.value, .label.shaded, .label.sent { font-size: 10.5px; }
.label.sent { fill: var(--weak); }
.arrow { fill: none; stroke-width: 1.4; }
.multicast { stroke: var(--multicast); }
.unicast { stroke: var(--unicast); stroke-width: 1.8; }
.lost { stroke: var(--lost); stroke-dasharray: 4 3; }
.multicastEnd path { fill: var(--multicast); }
.unicastEnd path { fill: var(--back); stroke: var(--unicast); stroke-width: 1.4; }
.pathEnd path { fill: var(--path); }
.lostEnd path { fill: none; stroke: var(--lost); stroke-width: 2; }
.mark { fill: var(--back); stroke: var(--text); stroke-width: 1.4; }
.mark.send, .mark.forward, .mark.start, .mark.restart, .mark.log { fill: var(--text); stroke: none; }
.mark.note { fill: var(--text); stroke-width: 1; }
.mark.fail, .mark.crash { stroke: var(--stop); stroke-width: 2.4; }
.mark.join, .mark.leave { stroke: var(--weak); stroke-width: 1.2; }
.mark.fault { fill: var(--lost); stroke: none; }
.label.fault { font-weight: bold; fill: var(--lost); }
.mark.drop { stroke: var(--lost); }
.shade.hold { fill: var(--rule); }
.shade.crash { fill: url(#crashFill); }
.shade.pause { fill: url(#pauseFill); }
.shade.partition { fill: url(#cutFill); }
.shade.partition.other { fill: url(#cutFill2); }
pattern path { fill: none; stroke-width: 2; stroke: var(--stop); stroke-opacity: .4; }
#pauseFill path { stroke: var(--weak); stroke-opacity: .55; }
#cutFill path, #cutFill2 path { stroke: var(--s1); stroke-opacity: .55; }
line.violation { stroke: var(--stop); stroke-width: 2; }
]]
for i = 0, look.STATES - 1 do
  look.rules = look.rules .. (".s%d { stroke: var(--s%d); }\n"):format(i, i)
end

for i = 0, look.KINDS - 1 do
  look.rules = look.rules .. ((".arrow.k#, .unicastEnd.k# path, .lostEnd.k# path { stroke: var(--k#); }\n"
    .. ".multicastEnd.k# path { fill: var(--k#); }\n"):gsub("#", i))
end

-- The colours of a theme as CSS variables.
function look.variables(theme)
  local names, list = {}, {}
  for name in pairs(theme) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    list[i] = ("--%s: %s;"):format(name, theme[name])
  end
  return table.concat(list, " ")
end

-- Rules with the colours of a theme, for programs that know no CSS variables.
function look.themed(rules, theme)
  return (rules:gsub("var%(%-%-(%w+)%)", theme))
end

-- The same as JavaScript, for the page.
function look.script()
  local paths, places = {}, {}
  for i, symbol in ipairs(look.symbols) do
    paths[i] = ("%s:%q"):format(symbol[1], symbol[2])
    places[i] = ("%s:%d"):format(symbol[1], symbol[3])
  end
  local function pairs_of(list)
    local texts = {}
    for i, pair in ipairs(list) do
      texts[i] = ("[%q,%q]"):format(pair[1], pair[2])
    end
    return table.concat(texts, ",")
  end
  return ("const SYMBOLS={%s},PLACES={%s},OTHER=%q,STATES=%d,KINDS=%d,ARROWS=[%s],CHOSEN=[%s],SHADES=[%s],DEFS=`%s`;\n")
    :format(table.concat(paths, ","), table.concat(places, ","), look.other, look.STATES, look.KINDS, pairs_of(look.arrows),
    pairs_of(look.chosen), pairs_of(look.shades), look.defs(look.KINDS))
end

return look
