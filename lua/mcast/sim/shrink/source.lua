-- The source of a function, with the values that it refers to, as text of a file of its own.
local body <const> = require "mcast.sim.shrink.body"

local source = {}

local literal

-- The key of a table's field.
local function field(key, text)
  local isname <const> = type(key) == "string" and key:find "^[%a_][%w_]*$" and load(("local %s"):format(key))
  return isname and key or ("[%s]"):format(text)
end

local function entries(value, seen)
  local list = {}
  for key, entry in pairs(value) do
    local name <const>, text <const> = literal(key, seen), literal(entry, seen)
    if not name or not text then
      return nil
    end
    local position <const> = math.type(key) == "integer" and key <= #value and key > 0
    list[#list + 1] = position and "" or ("%s = %s"):format(field(key, name), text)
  end
  table.sort(list)
  return list
end

-- A plain value as text; nil for anything else.
function literal(value, seen)
  local kind <const> = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    return body.quote(value)
  elseif kind ~= "table" or getmetatable(value) or seen[value] then
    return nil
  end
  seen[value] = true
  local named <const>, list = entries(value, seen), {}
  for i = 1, #value do
    list[i] = literal(value[i], {})
  end
  for _, text in ipairs(named or {}) do
    list[#list + 1] = text ~= "" and text or nil
  end
  return named and ("{ %s }"):format(table.concat(list, ", "))
end

-- A value of a module that is loaded, as text: by its shortest name.
local function module(value)
  local found
  for name, loaded in pairs(package.loaded) do
    if loaded == value and type(name) == "string" and type(value) == "table" and name ~= "_G" then
      found = found and (#found < #name or #found == #name and found < name) and found or name
    end
  end
  return found and ("require %q"):format(found)
end

local add_all

-- The text of a value, after the values that it refers to; nil and a message where one of these cannot be written.
local function define(lines, known, name, value)
  if type(value) ~= "function" then
    local text <const> = module(value) or literal(value, {})
    return text and ("local %s = %s"):format(name, text)
  end
  local text <const>, constants = body.find(value)
  if not text then
    return nil
  end
  constants.assert = text:find "%f[%w_]assert[.:]" and package.loaded.luassert or constants.assert -- that of busted
  local self <const>, place <const> = known[name], #lines + 1
  self.open = true
  local ok <const>, message = add_all(lines, known, name, constants)
  self.open = false
  if not ok then
    return nil, message
  elseif self.early then
    table.insert(lines, place, "local " .. name)
  end
  return ("%sfunction %s%s"):format(self.early and "" or "local ", name, text:match "^function(.*)$")
end

-- Adds a value by its name, after those that it refers to; nil and a message where it cannot be written. A function that refers
-- to one whose text is to come is after a declaration of that.
local function add(lines, known, name, value, user)
  local before <const> = known[name]
  if before and before[1] ~= value then
    return nil, ("'%s' is the name of two values"):format(name)
  elseif before then
    before.early = before.early or before.open and name ~= user
    return true
  elseif name == "_ENV" then
    return true
  end
  known[name] = { value }
  local text <const>, message = define(lines, known, name, value)
  if not text then
    local kind <const> = type(value) == "function" and "function without source" or type(value)
    return nil, message or ("'%s' cannot be written: it is a %s"):format(name, kind)
  end
  lines[#lines + 1] = text
  return true
end

-- Adds the values that a function refers to, by upvalues, and constants.
function add_all(lines, known, user, constants)
  local f <const>, names = known[user][1], {}
  for name in pairs(constants) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local ok <const>, message = add(lines, known, name, constants[name], user)
    if not ok then
      return nil, message
    end
  end
  for i = 1, math.huge do
    local name <const>, value = debug.getupvalue(f, i)
    if not name then
      return true
    end
    local ok <const>, message = add(lines, known, name, value, user)
    if not ok then
      return nil, message
    end
  end
end

source.literal = literal

-- Text that defines a function by a name, with all that it refers to; nil and a message where that cannot be written.
function source.define(name, f)
  local lines = {}
  local ok <const>, message = add(lines, {}, name, f)
  return ok and lines, message
end

return source
