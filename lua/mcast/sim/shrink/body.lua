-- The text of a function, from the file that defines it.
local body = {}

local function readlines(path)
  local file <close> = io.open(path)
  local lines = {}
  for line in file and file:lines() or function() end do
    lines[#lines + 1] = line
  end
  return lines
end

-- A plain value as text of one line; a float in decimal digits, where few of them are read back as the same.
function body.quote(value)
  local text <const> = math.type(value) == "float" and ("%.14g"):format(value) or ""
  return tonumber(text) == value and text:find "^-?%d+%.[%de+-]+$" and text or (("%q"):format(value):gsub("\\\n", "\\n"))
end

-- The names of a function's upvalues, in their order.
local function upvalues(f)
  local names = {}
  for i = 1, math.huge do
    local name <const> = debug.getupvalue(f, i)
    if not name then
      return names
    end
    names[i], names[name] = name, true
  end
end

-- The value of `local name <const> = 5`, as true and the value, where that is the nearest definition above a line.
local function constant(lines, number, name)
  for i = number, 1, -1 do
    local text <const> = lines[i]:match("%f[%w_]" .. name .. "%s*<const>%s*=%s*(.*)$")
    if text then
      local chunk <const> = load("return " .. (text ~= "" and text or lines[i + 1]), "=", "t", {})
      local results <const> = table.pack(pcall(chunk))
      local value <const> = results[results.n]
      return results[1] and results.n > 1 and (type(value) ~= "table" and type(value) ~= "function"), value
    end
  end
end

-- Constants of compile time are no upvalues: by their names in a text, those that are defined above it.
local function constants(lines, info, text, own)
  local found = {}
  for name in text:gmatch "%f[%a_][%a_][%w_]*" do
    if not own[name] and found[name] == nil then
      local ok <const>, value = constant(lines, info.linedefined, name)
      found[name] = ok and value or nil
    end
  end
  return found
end

-- Text that differs between functions that begin on one line: parameters, upvalues, and the lines that have code.
local function signature(f)
  local info <const>, lines = debug.getinfo(f, "uSL"), {}
  for line in pairs(info.activelines) do
    lines[#lines + 1] = line - info.linedefined
  end
  table.sort(lines)
  return ("%d %s %s: %s"):format(info.nparams, info.isvararg, table.concat(upvalues(f), " "), table.concat(lines, " "))
end

-- The function of a text, among the upvalues and constants of another one.
local function compile(text, own, found)
  local words = {}
  for _, name in ipairs(own) do
    words[#words + 1] = name ~= "_ENV" and ("local %s"):format(name) or nil
  end
  for name, value in pairs(found) do
    words[#words + 1] = ("local %s <const> = %s"):format(name, body.quote(value))
  end
  local chunk <const> = load(table.concat(words, " ") .. " return " .. text)
  local ok <const>, f = pcall(chunk)
  return ok and type(f) == "function" and f or nil
end

-- The text of a function, and the constants that it names; nil where it has no file. Several functions may begin on its
-- first line: it is the one with the same signature, else the first.
function body.find(f)
  local info <const> = debug.getinfo(f, "S")
  local lines <const> = info.source:sub(1, 1) == "@" and readlines(info.source:sub(2)) or {}
  if #lines < info.lastlinedefined or info.linedefined < 1 then
    return nil
  end
  local text <const>, own <const> = table.concat(lines, "\n", info.linedefined, info.lastlinedefined), upvalues(f)
  local found <const>, wanted <const>, first = constants(lines, info, text, own), signature(f), nil
  local ends <const> = #text - #lines[info.lastlinedefined]
  for from in text:match "^[^\n]*":gmatch "()%f[%w_]function%f[^%w_]" do
    for _, till in text:gmatch("()%f[%w_]end%f[^%w_]()", math.max(ends, from)) do
      local one <const> = text:sub(from, till - 1):gsub("^function%s+[%w_.]+%s*%(", "function(")
      local compiled <const> = compile(one, own, found)
      first = first or compiled and one
      if compiled and signature(compiled) == wanted then
        return one, found
      end
    end
  end
  return first, found
end

return body
