-- One line of bounded length, in UTF-8 without control characters, of any bytes.
local MOST <const> = 120 -- characters

return function(text)
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  if utf8.len(text) > MOST then
    text = text:sub(1, utf8.offset(text, MOST - 2) - 1) .. "..."
  end
  return (text:gsub("%c", " "):gsub("\xc2[\x80-\x9f]", " "))
end
