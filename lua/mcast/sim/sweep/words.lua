-- Values by name as text, in reports and in the environment: "loss=0.21 nodes=12 kinds=+crash+pause".
local words = {}

local function escape(byte)
  return ("%%%02x"):format(byte:byte())
end

-- By the fewest digits from which it is read back; without "+", which begins a value of a list.
local function float_text(value)
  for digits = 1, 17 do
    local text <const> = ("%." .. digits .. "g"):format(value):gsub("+", "")
    if tonumber(text) == value then
      return text:find "[.e]" and text or text .. ".0"
    end
  end
end

local function totext(value)
  if type(value) == "table" then
    local list = {}
    for i, one in ipairs(value) do
      list[i] = "+" .. totext(one)
    end
    return table.concat(list)
  elseif type(value) == "string" then
    local text <const> = value:gsub("[^%w_./:-]", escape)
    return (tonumber(text) or text == "true" or text == "false") and text:gsub("^.", escape) or text
  end
  return math.type(value) == "float" and float_text(value) or tostring(value)
end

local function tovalue(text)
  if text:find "^%+" then
    local list = {}
    for one in text:gmatch "%+([^+]*)" do
      list[#list + 1] = tovalue(one)
    end
    return list
  elseif text == "true" or text == "false" then
    return text == "true"
  end
  return tonumber(text) or (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- The text of the values in a table, sorted by name.
function words.text(p)
  local list = {}
  for name, value in pairs(p) do
    list[#list + 1] = name .. "=" .. totext(value)
  end
  table.sort(list)
  return table.concat(list, " ")
end

-- The values that a text names, as a table; or nil and the word that is wrong.
function words.read(text)
  local p = {}
  for word in text:gmatch "%S+" do
    local name <const>, value = word:match "^([%a_][%w_]*)=(.*)$"
    if not name then
      return nil, word
    end
    p[name] = tovalue(value)
  end
  return p
end

return words
