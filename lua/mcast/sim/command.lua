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

-- With these variables of its environment, and further ones, {name, value}.
function command.line(env, variables)
  local words, first = {}, 0
  for _, name in ipairs(env) do
    assignment(words, name, os.getenv(name))
  end
  for _, pair in ipairs(variables) do
    assignment(words, pair[1], pair[2])
  end
  while arg and arg[first - 1] do
    first = first - 1
  end
  for i = first, arg and #arg or -1 do
    words[#words + 1] = quote(arg[i])
  end
  return table.concat(words, " ")
end

return command
