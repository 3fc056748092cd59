-- CoAP: RFC 7252, section 3; codes of sections 12.1, and of RFC 7959, RFC 8132 and RFC 8516.
local types <const> = { [0] = "CON", "NON", "ACK", "RST" }

local methods <const> = { "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "iPATCH" }

local responses <const> = { ["2.01"] = "Created", ["2.02"] = "Deleted", ["2.03"] = "Valid", ["2.04"] = "Changed",
  ["2.05"] = "Content", ["2.31"] = "Continue", ["4.00"] = "Bad Request", ["4.01"] = "Unauthorized", ["4.02"] = "Bad Option",
  ["4.03"] = "Forbidden", ["4.04"] = "Not Found", ["4.05"] = "Method Not Allowed", ["4.06"] = "Not Acceptable",
  ["4.08"] = "Request Entity Incomplete", ["4.09"] = "Conflict", ["4.12"] = "Precondition Failed",
  ["4.13"] = "Request Entity Too Large", ["4.15"] = "Unsupported Content-Format", ["4.22"] = "Unprocessable Entity",
  ["4.29"] = "Too Many Requests", ["5.00"] = "Internal Server Error", ["5.01"] = "Not Implemented", ["5.02"] = "Bad Gateway",
  ["5.03"] = "Service Unavailable", ["5.04"] = "Gateway Timeout", ["5.05"] = "Proxying Not Supported" }

local PATH <const>, QUERY <const> = 11, 15

-- An extended delta or length: its value and the place after it; nil where it is reserved or cut.
local function extended(data, value, at)
  if value < 13 then
    return value, at
  elseif value == 13 and at <= #data then
    return data:byte(at) + 13, at + 1
  elseif value == 14 and at < #data then
    return (">I2"):unpack(data, at) + 269, at + 2
  end
end

-- Reads one option; returns its number, its value and the place after it.
local function option(data, number, at)
  local byte <const> = data:byte(at)
  local delta <const>, after = extended(data, byte >> 4, at + 1)
  local length
  if delta then
    length, after = extended(data, byte & 15, after)
  end
  if length and after + length - 1 <= #data then
    return number + delta, data:sub(after, after + length - 1), after + length
  end
end

-- The path and query of a request, and the bytes of the payload; nil where the options are wrong.
local function contents(data, at)
  local path, queries, number = {}, {}, 0
  while at <= #data and data:byte(at) ~= 0xff do
    local value
    number, value, at = option(data, number, at)
    if not number then
      return nil
    end
    local list <const> = number == PATH and path or number == QUERY and queries
    if list then
      list[#list + 1] = value
    end
  end
  if at ~= #data then -- a marker without a payload is an error (3)
    local query <const> = #queries > 0 and "?" .. table.concat(queries, "&") or ""
    return "/" .. table.concat(path, "/") .. query, math.max(0, #data - at)
  end
end

local function sized(size)
  return size == 0 and "" or (", %d byte%s"):format(size, size == 1 and "" or "s")
end

return function(data)
  if #data < 4 or data:byte() >> 6 ~= 1 then
    return nil
  end
  local first <const>, code <const> = data:byte(1, 2)
  local kind <const>, token <const>, class <const> = types[first >> 4 & 3], first & 15, code >> 5
  if code == 0 then
    return #data == 4 and token == 0 and kind .. " empty" or nil, "CoAP " .. kind
  elseif token > 8 or #data < 4 + token or class == 1 or class == 3 or class > 5 then
    return nil
  end
  local path <const>, size <const> = contents(data, 5 + token)
  if path and class == 0 then
    local method <const> = methods[code] or ("0.%02d"):format(code)
    return ("%s %s %s%s"):format(kind, method, path, sized(size)), "CoAP " .. method
  elseif path then
    local number <const> = ("%d.%02d"):format(class, code & 31)
    local name <const> = responses[number] and number .. " " .. responses[number] or number
    return ("%s %s%s"):format(kind, name, sized(size)), "CoAP " .. name
  end
end
