-- The files of a story: a picture, a page, and a Lua file that replays it.
local files = {}

local LONGEST <const> = 150 -- characters of a name without its seed

local KINDS <const> = { { "svg", "write_svg" }, { "html", "write_timeline" }, { "lua", "write_lua" } }

-- A name of letters, digits, "_" and "-". Another text has another name: where characters are left out, it has their hash.
local function safe(text)
  text = text:gsub("^%.?/+", ""):gsub("%.lua%f[^%w]", "")
  local name <const>, hash = (text:gsub("[^%w_]+", "-")), 0
  for i = 1, #text do
    hash = (hash * 31 + text:byte(i)) & 0xffffffff
  end
  local plain <const> = not text:find "[^%w_/ ]" and not text:find "[/ ][/ ]" and #name <= LONGEST
  return plain and name or ("%s-%08x"):format((name:sub(1, LONGEST):gsub("%-$", "")), hash)
end

-- Writes the files of a story into a folder, and reports their paths. The text names the sweep.
function files.write(story, folder, text, report)
  local made <const>, why = require "pl.dir".makepath(folder) -- of Penlight, which busted needs, too
  if not made then
    return report(("not written: %s: %s"):format(folder, why))
  end
  local base <const> = ("%s/%s-seed-%s."):format((folder:gsub("(.)/+$", "%1")), safe(text), safe(tostring(story.seed)))
  for _, kind in ipairs(KINDS) do
    local path <const> = base .. kind[1]
    local ok <const>, cause = story[kind[2]](story, path)
    report(ok and "written: " .. path or ("not written: %s (%s)"):format(path, cause))
  end
end

return files
