-- Sets options of a real socket, and of new ones, to values made from the input. A value
-- that is accepted is read back; one that is refused leaves the socket unchanged.
local mcast <const> = require "mcast"

local names <const> = { "ttl", "unicast_ttl", "dscp", "loopback", "all", "broadcast", "fragment", "reuseaddr",
  "reuseport", "rcvbuf", "sndbuf",
  "interface", "device", "spin", "v6only", "metadata", "host", "port", "family", "tll" }

local ranges <const> = { ttl = { 0, 255 }, unicast_ttl = { 1, 255 }, dscp = { 0, 63 } }
local flags <const> = { loopback = true, all = true, broadcast = true, fragment = true, reuseaddr = true, reuseport = true }

-- Reads the input from its start on; 0 after its end.
local function reader(data)
  local at = 1
  local read = {}
  function read.left() return at <= #data end
  function read.number(format)
    at = at + string.packsize(format)
    return at <= #data + 1 and string.unpack(format, data, at - string.packsize(format)) or 0
  end
  function read.byte() return read.number "B" end
  function read.text()
    local first, size = at + 1, read.byte()
    at = first + size
    return data:sub(first, at - 1)
  end
  return read
end

local kinds <const> = {
  function(read) return read.byte() end,
  function(read) return read.byte() % 2 == 0 end,
  function(read) return read.text() end,
  function(read) return read.number "<i8" end,
  function(read) return read.number "<d" end,
  function(read) return read.byte() - 128 end,
  function(read) return tostring(read.byte()) end,
  function(read) return mcast.address(read.text(), read.number "<I2") end,
  function(read) return mcast.address(read.byte() % 2 == 0 and "127.0.0.1" or "::1", 5) end,
  function() return {} end,
  function() return nil end,
  function(read) return read.number "<i2" end,
}

local loopback <const> = { lo = "lo", ["1"] = "lo", [1] = "lo", [""] = "" }

-- Must the option accept the value (or raise)? nil where the system may refuse it.
local function fits(name, value)
  local range <const> = ranges[name]
  if range then
    local n <const> = math.tointeger(tonumber(value))
    return n ~= nil and range[1] <= n and n <= range[2]
  elseif flags[name] then
    return type(value) == "boolean"
  elseif (name == "interface" or name == "device") and value ~= nil and loopback[value] then
    return true
  end
end

local function failed(message, errno)
  assert(type(message) == "string" and math.type(errno) == "integer")
end

local function set(sock, name, value)
  local before <const> = table.pack(pcall(sock.getoption, sock, name))
  local ran <const>, ok, granted, errno = pcall(sock.setoption, sock, name, value)
  local after <const> = table.pack(pcall(sock.getoption, sock, name))
  local accepted <const> = ran and ok == true
  assert(fits(name, value) == nil or fits(name, value) == accepted and accepted == ran, name)
  if accepted then
    assert(after[1] and after[2] == granted, name)
    assert(not ranges[name] or granted == tonumber(value), name)
    assert(not flags[name] or granted == value, name)
    assert(not (name == "interface" or name == "device") or granted == (loopback[value] or "lo"), name)
    return
  elseif ran then
    failed(granted, errno)
  else
    assert(type(ok) == "string")
  end
  assert(before[1] == after[1] and (not before[1] or before[2] == after[2]), name)
end

local function make(family, name, value)
  local ran <const>, sock, message, errno = pcall(mcast.socket, { family = family, [name] = value })
  if not ran then
    assert(type(sock) == "string" and not fits(name, value), name)
  elseif not sock then
    failed(message, errno)
    assert(fits(name, value) == nil, name)
  else
    assert(value == nil or fits(name, value) ~= false, name)
    sock:close()
  end
end

return function(data)
  local read <const> = reader(data)
  local family <const> = read.byte() % 2 == 0 and "inet" or "inet6"
  local sock <close> = assert(mcast.socket { family = family })
  for _ = 1, 8 do
    if not read.left() then
      break
    end
    local creates <const> = read.byte() % 4 == 0
    local name <const> = names[read.byte() % #names + 1]
    local value <const> = kinds[read.byte() % #kinds + 1](read)
    if creates then
      make(family, name, value)
    else
      set(sock, name, value)
    end
  end
end
