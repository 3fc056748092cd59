-- Files and output are the same in every locale: numbers have a decimal point, and texts are in the order of their bytes.
local locale = {}

-- Sets the C locale until the variable that keeps the result is closed: local _ <close> = locale.plain()
function locale.plain()
  local before <const> = os.setlocale()
  if before == "C" then
    return nil
  end
  os.setlocale "C"
  return setmetatable({}, { __close = function() os.setlocale(before) end })
end

return locale
