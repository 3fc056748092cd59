-- Questions to the system: files of /proc, and programs that print the rest. /sys is left out: it shows the network
-- namespace that it was mounted in, which need not be this one.
local json <const> = require "dkjson"

local system = {}

-- The text of a file, or nil and a message.
function system.read(path)
  local file <close>, message = io.open(path)
  if not file then
    return nil, message
  end
  local text <const>, failure = file:read "a" -- fails for a directory, or where reading is refused
  return text, failure
end

-- The number in a file of /proc/sys/, or nil.
function system.number(path)
  return tonumber(((system.read("/proc/sys/" .. path) or ""):match "^%s*(-?%d+)%s*$"))
end

-- The command that writes a number to a file of /proc/sys/. (In the form with dots, a dot in a name would be a slash.)
function system.set(path, number)
  local name <const> = path:find("%.") and path or path:gsub("/", ".")
  return ("sysctl -w %s=%d"):format(name, number)
end

-- A word of a command, quoted where a shell would read it otherwise.
function system.quote(word)
  return word:find "^[%w_.:/@%%+=,-]+$" and word or "'" .. word:gsub("'", "'\\''") .. "'"
end

local function execute(command)
  local pipe <const> = io.popen("PATH=$PATH:/usr/sbin:/sbin; export PATH LC_ALL=C; " .. command)
  local output = pipe and pipe:read "a"
  local ok = pipe and pipe:close()
  return ok and output, output
end

-- The output of a program, or nil and its message. (A program that fails is run again for its message: on success,
-- warnings are no part of the answer.)
function system.run(command)
  local output <const> = execute(command .. " 2>/dev/null")
  if output then
    return output
  end
  local _, message <const> = execute(command .. " 2>&1 >/dev/null")
  return nil, ((message or ""):match "[^\n]+" or command:match "^%S+" .. " failed")
end

-- The value that a program prints as JSON, in which null is system.null; or nil and a message.
system.null = json.null
function system.ask(command)
  local output <const>, message = system.run(command)
  if not output then
    return nil, message
  end
  local value = json.decode(output:find "%S" and output or "[]", 1, json.null)
  return value, value == nil and command .. " printed no JSON" or nil
end

return system
