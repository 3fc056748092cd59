-- Reads a file of lines for a scenario.
local check <const> = require "mcast.check"

-- Calls a function with each line; a text that it returns is the reason of an error.
return function(path, f)
  local file <close>, message = io.open(path)
  check.expect(file, "%s", message)
  local line, why, number = file:read "l", nil, 1
  while line do
    local reason <const> = f(line)
    check.expect(not reason, "%s:%d: %s", path, number, reason)
    line, why = file:read "l"
    number = number + 1
  end
  check.expect(not why, "%s: %s", path, why)
end
