-- Plain text in UTF-8.
return function(data)
  local text = data:match "^(.-)\0?$"
  if text:find "[^%C\t\r\n]" or text:find "\xc2[\x80-\x9f]" or not utf8.len(text) then
    return nil
  end
  text = text:sub(1, (utf8.offset(text, 500) or 0) - 1):gsub("%s+", " "):match "^ ?(.-) ?$"
  if text ~= "" then
    return text, text:match "^%a+" or "text"
  end
end
