-- Checks of arguments and of tables of options. An error points at the line that called this library, however deep in
-- it the check is.
local options = {}

local format <const> = string.format

-- The folder that this file is in: sources of the library have paths that begin with it.
local root <const> = debug.getinfo(1, "S").source:match "^(@.*)options%.lua$"

local function isown(info)
  return info.what == "C" or root ~= nil and info.source:sub(1, #root) == root
end

--- Raises an error at the innermost line outside this library.
-- @tparam string message a format of string.format
-- @param ... its values
function options.fail(message, ...)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and isown(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(format(message, ...), level)
end

--- Like assert, but the error is raised by `options.fail`.
-- @param condition
-- @tparam string message a format of string.format
-- @param ... its values
-- @return the condition, where it is true
function options.expect(condition, message, ...)
  return condition or options.fail(message, ...)
end

--- Raises where a table of options has a key that is not allowed.
-- @tparam ?table given
-- @tparam table allowed true by key
-- @treturn table the options; an empty table where none were given
function options.check(given, allowed)
  options.expect(given == nil or type(given) == "table", "a table of options expected, got %s", type(given))
  for key in pairs(given or {}) do
    options.expect(allowed[key], "unknown option '%s'", tostring(key))
  end
  return given or {}
end

return options
