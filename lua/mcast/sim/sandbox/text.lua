-- string.format and string.gsub where they show an object, or call a function of the script, which may wait. The core calls
-- Lua's own for all else, and adds a level to the stack.
local callbacks <const> = require "mcast.sim.sandbox.callbacks"
local core <const> = require "mcast.sim.core"
local show <const> = require "mcast.sim.sandbox.show"

-- Methods of strings may be those of the node.
local find <const>, gmatch <const>, gsub <const>, sub <const> = string.find, string.gmatch, string.gsub, string.sub
local native <const> = string.format

local text = {}

local CONVERSION <const> = "%%([-+ #0]*%d*%.?%d*)(.)"

local function format(form, ...)
  local values, at = table.pack(...), 0
  for _, letter in gmatch(form, CONVERSION) do
    local value <const> = values[at + 1]
    at = letter == "%" and at or at + 1
    if letter == "p" then
      values[at] = (show.isobject(value) or type(value) == "string") and show.number(value) or "(null)"
    elseif letter == "s" and show.isobject(value) then
      values[at] = show.tostring(value)
    end
  end
  form = gsub(form, CONVERSION, function(flags, letter) return letter == "p" and "%" .. flags .. "s" or nil end)
  local ok, result = pcall(native, form, table.unpack(values, 1, math.min(at, values.n)))
  return ok and result or error(gsub(result, "'string.format'", "'format'", 1), 3)
end

-- The text that replaces a match whose first capture and position are given.
local function replace(replacement, whole, ...)
  local value
  if type(replacement) == "function" then
    value = replacement(...)
  else
    value = replacement[(...)]
  end
  if type(value) == "string" or type(value) == "number" then
    return value
  end
  return not value and whole or error(native("invalid replacement value (a %s)", type(value)), 5)
end

local function search(subject, pattern, at)
  local found <const> = table.pack(pcall(find, subject, pattern, at))
  return found[1] and found or error(found[2], 6)
end

-- The match at or after a position: a list of true, its first byte, its last one and its captures. An empty one at the end of
-- the last match does not count.
local function next_match(subject, pattern, at, last)
  local found <const> = search(subject, pattern, at)
  if found[2] == at and found[3] == last then
    return at <= #subject and search(subject, pattern, at + 1) or {}
  end
  return found
end

local function substitute(subject, pattern, replacement, limit)
  local pieces, count, at, last = {}, 0, 1, nil
  while count < limit do
    local found <const> = next_match(subject, pattern, at, last)
    local from <const>, to <const> = found[2], found[3]
    if not from then
      break
    end
    local whole <const> = sub(subject, from, to)
    found[4] = found.n > 3 and found[4] or whole
    pieces[#pieces + 1] = sub(subject, at, from - 1)
    pieces[#pieces + 1] = replace(replacement, whole, table.unpack(found, 4, math.max(4, found.n)))
    count, at, last = count + 1, to + 1, to
    if sub(pattern, 1, 1) == "^" then
      break
    end
  end
  pieces[#pieces + 1] = sub(subject, at)
  return table.concat(pieces), count
end

local function checked(...)
  local ok <const>, message = pcall(gsub, ...)
  return ok or error(gsub(message, "'string.gsub'", "'gsub'", 1), 4)
end

local function replace_all(subject, pattern, replacement, limit)
  checked(subject, pattern, "", 0)
  checked("", "", "", limit)
  callbacks.enter()
  local result <const>, count = substitute(tostring(subject), tostring(pattern), replacement,
    limit and math.tointeger(tonumber(limit)) or math.huge)
  callbacks.leave()
  return result, count
end

text.format, text.gsub = core.format(native, callbacks.add(format)), core.gsub(gsub, callbacks.add(replace_all))

return text
