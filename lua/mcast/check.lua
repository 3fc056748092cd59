-- Checks of arguments and of tables of options. An error points at the line that called this library, however deep in
-- it the check is.
local check = {}

local format <const> = string.format

-- The folder of this file: sources of the library have paths that begin with it.
local root <const> = debug.getinfo(1, "S").source:match "^(@.*)check%.lua$"

local function isown(info)
  return info.what == "C" or root ~= nil and info.source:sub(1, #root) == root
end

-- The level, for the function that calls this one, of the innermost line outside this library.
local function outside()
  local level = 3
  local info = debug.getinfo(level, "S")
  while info and isown(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  return level - 1
end

-- Raises an error at the innermost line outside this library; the message is a format of string.format.
function check.fail(message, ...)
  error(format(message, ...), outside())
end

-- The innermost line outside this library, as "path:line".
function check.caller()
  local info <const> = debug.getinfo(outside(), "Sl")
  return info and ("%s:%d"):format(info.source:match "^@(.*)" or info.short_src, info.currentline) or "?"
end

-- Like assert, but the error is raised by check.fail.
function check.expect(condition, message, ...)
  return condition or check.fail(message, ...)
end

local function returned(ok, ...)
  if not ok then
    check.fail("%s", tostring((...)))
  end
  return ...
end

-- Calls a function of the core; its errors are raised by check.fail.
function check.call(f, ...)
  return returned(pcall(f, ...))
end

-- The message of a function that has another name for pcall, and where a method's object counts as an argument.
local function rename(name, method, message)
  local number <const>, rest <const> = message:match "^bad argument #(%d+) to '%?'(.*)$"
  if not number then
    return message
  end
  local place <const> = tonumber(number) - (method and 1 or 0)
  return place > 0 and format("bad argument #%d to '%s'%s", place, name, rest)
    or format("calling '%s' on bad self%s", name, rest)
end

local function returnedby(name, method, ok, ...)
  if ok then
    return ...
  end
  local message <const> = ...
  if type(message) ~= "string" or message == "interrupted!" then
    error(message, 0)
  end
  check.fail("%s", rename(name, method, message))
end

-- Calls a function of C in place of one of this name: its errors are the same, at the line that called this library.
function check.named(name, f, ...)
  local first <const> = ...
  return returnedby(name, type(first) == "userdata", pcall(f, ...))
end

--
-- Kinds of values: {expected = text, accepts = function}. A function that refuses a value may return a reason, too.
--

local function kind(expected, accepts)
  return { expected = expected, accepts = accepts }
end
check.kind = kind

local function typed(name, expected)
  return kind(expected or name, function(value) return type(value) == name end)
end

-- Is it a table whose keys are 1, 2, 3 ...?
local function islist(value)
  local count = 0
  for key in next, type(value) == "table" and value or {} do
    count = math.type(key) == "integer" and key > 0 and count + 1 or math.huge
  end
  return type(value) == "table" and count == #value
end

check.text, check.list, check.boolean = typed "string", kind("list", islist), typed "boolean"
check.name = kind("name", function(value) return type(value) == "string" and value ~= "" end)

-- A list, or one entry of it: a name or an object.
local function isone(value)
  return type(value) == "string" or type(value) == "table" and getmetatable(value) ~= nil
end
check.many = kind("list", function(value) return isone(value) or islist(value) end)

-- The list that check.many accepts.
function check.tolist(value)
  return isone(value) and { value } or value
end

check.table, check.func = typed "table", typed "function"

-- Also a table that can be called, such as a spy of busted.
check.callable = kind("function", function(value)
  local metatable <const> = debug.getmetatable(value)
  return type(value) == "function" or metatable and metatable.__call
end)

-- Also a float of integral value, such as 1e6, as in Lua's functions.
function check.integer(least, most)
  local expected = least and format(most < math.maxinteger and "integer of %d to %d" or "integer of %d or more", least, most)
    or "integer"
  return kind(expected, function(value)
    local integer <const> = type(value) == "number" and math.tointeger(value)
    return integer and (not least or least <= integer and integer <= most)
  end)
end

function check.number(expected, least, most)
  return kind(expected, function(value)
    return type(value) == "number" and least <= value and value <= most
  end)
end

check.seconds = check.number("seconds of 0 or more", 0, math.huge)
check.probability = check.number("probability of 0 to 1", 0, 1)

-- A value as messages show it.
local function shown(value)
  if type(value) == "string" then
    return format("%q", value)
  end
  local plain = value == nil or type(value) == "number" or type(value) == "boolean"
  return plain and tostring(value) or type(value)
end

-- A value, or a list of a few plain ones, as messages show it.
function check.shown(value)
  local words = {}
  for i, entry in ipairs(islist(value) and value or {}) do
    words[i] = shown(entry)
  end
  return 0 < #words and #words <= 4 and ("{%s}"):format(table.concat(words, ", ")) or shown(value)
end

-- A name as messages quote it; an object by its type, which depends on no address of memory.
function check.quoted(value)
  local metatable <const> = debug.getmetatable(value)
  local name <const> = type(value) == "string" and value or type(metatable) == "table" and rawget(metatable, "__name")
  return type(name) == "string" and "'" .. name .. "'" or shown(value)
end

-- Checks an argument of a function, by its number and the function's name.
function check.argument(number, name, value, expected)
  if not expected.accepts(value) then
    check.fail("bad argument #%d to '%s' (%s expected, got %s)", number, name, expected.expected, shown(value))
  end
  return value
end

-- Checks a table of options by kinds, or true for any value, by key. Returns it, or an empty table for nil.
function check.options(given, allowed)
  if given == nil then
    return {}
  elseif type(given) ~= "table" then
    check.fail("table of options expected, got %s", shown(given))
  end
  for key, value in next, given do
    local expected = allowed[key]
    if not expected then
      check.fail("unknown option '%s'", tostring(key))
    end
    local ok, reason = expected == true, nil
    if not ok then
      ok, reason = expected.accepts(value)
    end
    if not ok then
      check.fail("bad option '%s' (%s)", key, reason or format("%s expected, got %s", expected.expected, check.shown(value)))
    end
  end
  return given
end

return check
