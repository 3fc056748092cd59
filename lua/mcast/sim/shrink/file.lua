-- The Lua file of a story: it replays the run without the sweep.
local attempts <const> = require "mcast.sim.shrink.attempts"
local place <const> = require "mcast.sim.sweep.place"
local source <const> = require "mcast.sim.shrink.source"

local file = {}

local MOST <const> = 40 -- lines

local function count(lines)
  return select(2, table.concat(lines, "\n"):gsub("\n", "")) + 1
end

-- The faults, one a line; more, where there are not so many lines.
local function faults_in(list, most)
  local lines, each = {}, math.max(1, math.ceil(#list / most))
  for from = 1, #list, each do
    local words = {}
    for i = from, math.min(from + each - 1, #list) do
      words[#words + 1] = ("%q"):format(list[i])
    end
    lines[#lines + 1] = ("    %s,"):format(table.concat(words, ", "))
  end
  return lines
end

-- The options of the replay: those of the story, and the program's arguments, where it has some and they are named.
local function options_of(story, needs)
  local all = {}
  for key, value in pairs(story.options) do
    all[key] = value
  end
  all.arg = needs and arg and arg[1] and table.move(arg, 1, #arg, 1, {}) or nil
  return next(all) and ", " .. source.literal(all, {}) or ""
end

-- The lines of a file: those that define the scenario, by its text, and those that replay it. Nil where they are too many.
local function compose(story, definition, scenario)
  local cause <const>, text <const> = attempts.cause(story.message), table.concat(definition, "\n")
  local head = { ("-- %s, with %d of %d faults."):format(story.message, #story.faults, story.before) }
  table.move(definition, 1, #definition, #head + 1, head)
  local begin <const> = { "", "local function replay()",
    ("  require(\"mcast.sim\").replay(%s, %s, {"):format(scenario, source.literal(story.seed, {})) }
  local finish <const> = { ("  }%s)"):format(options_of(story, text == "" or text:find "%f[%w_]arg%f[^%w_]")), "end", "",
    ("if it then it(%q, replay) else replay() end"):format(("%s (seed %s)"):format(cause:match "^[^\n]*", story.seed)) }
  local room <const> = MOST - count(head) - #begin - #finish
  if room < math.min(#story.faults, 10) then
    return nil
  end
  for _, part in ipairs { begin, faults_in(story.faults, math.max(1, room)), finish } do
    table.move(part, 1, #part, #head + 1, head)
  end
  return table.concat(head, "\n") .. "\n"
end

-- The file with the scenario's source, else by its place; nil and a message where neither can be written.
local function text_of(story)
  local definition <const>, message = source.define("scenario", story.plan.scenario)
  local text <const> = definition and compose(story, definition, "scenario")
  if text then
    return text
  elseif place.file(story.plan.place) then
    return compose(story, {}, ("%q"):format(story.plan.place))
  end
  return nil, message or ("the scenario has more than %d lines, and is in no file"):format(MOST)
end

-- See Story:write_lua.
function file.write(story, path)
  local text <const>, message = text_of(story)
  if not text then
    return nil, "write_lua: " .. message
  end
  local output <const>, why, errno = io.open(path, "wb")
  if not output then
    return nil, why, errno
  end
  output:write(text)
  return output:close()
end

return file
