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

-- The arguments of the program, where it has some.
local function arguments()
  local list = {}
  for i = 1, arg and #arg or 0 do
    list[i] = ("%q"):format(arg[i])
  end
  return list[1] and ("arg = { [0] = %q, %s }"):format(arg[0] or "", table.concat(list, ", "))
end

-- The lines of a file: those that define the scenario, by its text, and those that replay it. Nil where they are too many.
local function compose(story, definition, scenario)
  local options <const>, cause <const> = story.options, attempts.cause(story.message)
  local head = { ("-- %s, with %d of %d faults."):format(story.message, #story.faults, story.before) }
  head[#head + 1] = arguments()
  table.move(definition, 1, #definition, #head + 1, head)
  local begin <const> = { "", "local function replay()",
    ("  require(\"mcast.sim\").replay(%s, %s, {"):format(scenario, source.literal(story.seed, {})) }
  local finish <const> = { ("  }%s)"):format(next(options) and ", " .. source.literal(options, {}) or ""), "end", "",
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
