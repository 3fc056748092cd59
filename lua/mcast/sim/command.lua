-- The shell command that starts this process again.
local command = {}

local function quote(text)
  return text:find "^[%w/._=:,-]+$" and text or "'" .. text:gsub("'", "'\\''") .. "'"
end

local function assignment(words, name, value)
  if value then
    words[#words + 1] = ("%s=%s"):format(name, quote(tostring(value)))
  end
end

-- The words that started this process.
function command.words()
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  return arg and table.move(arg, first, #arg, 1, {}) or {}
end

-- With these variables of its environment, and further ones, {name, value}; and with other words, if there are any.
function command.line(env, variables, other)
  local words = {}
  for _, name in ipairs(env) do
    assignment(words, name, os.getenv(name))
  end
  for _, pair in ipairs(variables) do
    assignment(words, pair[1], pair[2])
  end
  for _, word in ipairs(other or command.words()) do
    words[#words + 1] = quote(word)
  end
  return table.concat(words, " ")
end

return command
