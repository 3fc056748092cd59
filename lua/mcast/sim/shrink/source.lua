-- The source of a function, with the values that it refers to, as text of a file of its own.
local source = {}

-- The text of a function between the lines of its definition: the first that compiles.
local function body(f)
  local info <const> = debug.getinfo(f, "S")
  local file <const> = info.source:sub(1, 1) == "@" and io.open(info.source:sub(2))
  if not file then
    return nil
  end
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line
  end
  file:close()
  local text <const> = table.concat(lines, "\n", info.linedefined, info.lastlinedefined)
  local ends = #text - #lines[info.lastlinedefined]
  for from in text:match "^[^\n]*":gmatch "()function" do
    local last = math.max(ends, from)
    for _, till in text:gmatch("()%f[%w_]end%f[^%w_]()", last) do
      local found <const> = text:sub(from, till - 1):gsub("^function%s+[%w_.]+%s*%(", "function(")
      if load("return " .. found) then
        return found
      end
    end
  end
end

local literal

local function entries(value, seen)
  local list = {}
  for key, entry in pairs(value) do
    local name <const>, text <const> = literal(key, seen), literal(entry, seen)
    if not name or not text then
      return nil
    end
    list[#list + 1] = math.type(key) == "integer" and key <= #value and key > 0 and "" or ("[%s] = %s"):format(name, text)
  end
  table.sort(list)
  return list
end

-- A plain value as text; nil for anything else.
function literal(value, seen)
  local kind <const> = type(value)
  if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    return (("%q"):format(value):gsub("\\\n", "\\n"))
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

-- A value of a module that is loaded, as text.
local function module(value)
  for name, loaded in pairs(package.loaded) do
    if loaded == value and type(name) == "string" and type(value) == "table" and name ~= "_G" then
      return ("require %q"):format(name)
    end
  end
end

local add_all

-- Adds a value by its name, after those that it refers to; nil and a message where it cannot be written.
local function add(lines, known, name, value)
  local isfunction <const>, before <const> = type(value) == "function", known[name]
  if before and before[1] ~= value then
    return nil, ("'%s' is the name of two values"):format(name)
  elseif before or name == "_ENV" then
    return true
  end
  known[name] = { value }
  local ok, message = true, nil
  if isfunction then
    ok, message = add_all(lines, known, value)
  end
  local text <const> = isfunction and body(value) or not isfunction and (module(value) or literal(value, {}))
  if not text then
    return nil, ("'%s' cannot be written: it is a %s"):format(name, isfunction and "function without source" or type(value))
  end
  lines[#lines + 1] = isfunction and ("local function %s%s"):format(name, text:match "^function(.*)$")
    or ("local %s = %s"):format(name, text)
  return ok, message
end

-- Adds the values that a function refers to.
function add_all(lines, known, f)
  for i = 1, math.huge do
    local name <const>, value = debug.getupvalue(f, i)
    if not name then
      return true
    end
    local ok <const>, message = add(lines, known, name, value)
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
