-- The host's memberships as Linux lists them in /proc/net, and the sockets there that could receive their datagrams.
local mcast <const> = require "mcast"

local memberships = {}

local little <const> = string.pack("=I2", 1) == "\1\0"

-- The bytes of a word of the system, which it prints as a number.
local function swap(hex)
  return little and hex:gsub("(%x%x)(%x%x)(%x%x)(%x%x)", "%4%3%2%1") or hex
end

-- The text of an address, from its bytes in hexadecimal digits; nil for anything else.
local function totext(hex)
  local host
  if #hex == 8 then
    host = hex:gsub("%x%x", function(byte) return tonumber(byte, 16) .. "." end):sub(1, -2)
  else
    host = hex:gsub("%x%x%x%x", "%0:"):sub(1, -2)
  end
  local address <const> = mcast.address(host, 0)
  return address and address.host
end

-- The lines of a file of /proc/net after its first one; none where the system has no such file.
local function lines(name)
  local file <close> = io.open("/proc/net/" .. name)
  local list = {}
  for line in file and file:lines() or function() end do
    list[#list + 1] = line
  end
  return list, file ~= nil
end

local function add(list, membership)
  membership.include, membership.exclude, membership.programs = {}, {}, {}
  list[#list + 1] = membership
end

local function read_inet(list)
  local all <const>, available <const> = lines "igmp"
  local index, interface
  for _, line in ipairs(all) do
    local number <const>, name <const> = line:match "^(%d+)%s+([^%s:]+)"
    local group <const>, users <const> = line:match "^%s+(%x+)%s+(%d+)"
    if number then
      index, interface = tonumber(number), name
    elseif group then
      add(list, { group = totext(swap(group)), interface = interface, index = index, users = tonumber(users) })
    end
  end
  return available
end

local function read_inet6(list)
  local all <const>, available <const> = lines "igmp6"
  for _, line in ipairs(all) do
    local index <const>, name <const>, group <const>, users <const> = line:match "^(%d+)%s+(%S+)%s+(%x+)%s+(%d+)"
    if index then
      add(list, { group = totext(group), interface = name, index = tonumber(index), users = tonumber(users) })
    end
  end
  return available
end

-- The number of sockets that accept a source, and of those that exclude it.
local function read_filters(list)
  local known = {}
  for _, membership in ipairs(list) do
    known[membership.index .. " " .. membership.group] = membership
  end
  for _, name in ipairs { "mcfilter", "mcfilter6" } do
    for _, line in ipairs((lines(name))) do
      local index <const>, group <const>, source <const>, included <const>, excluded <const> =
        line:gsub("0x", ""):match "^%s*(%d+)%s+%S+%s+(%x+)%s+(%x+)%s+(%d+)%s+(%d+)"
      local membership <const> = index and known[index .. " " .. totext(group)]
      if membership then
        local text <const> = totext(source)
        membership.include[text] = tonumber(included) > 0 and tonumber(included) or nil
        membership.exclude[text] = tonumber(excluded) > 0 and tonumber(excluded) or nil
      end
    end
  end
end

-- Returns a list of {group =, interface =, index =, users =, include =, exclude =, programs = {}}: `users` is the number of
-- sockets that joined, `include` and `exclude` have how many of these name a source. Or nil and a message.
function memberships.read()
  local list = {}
  local inet <const>, inet6 <const> = read_inet(list), read_inet6(list)
  if not inet and not inet6 then
    return nil, "memberships: neither /proc/net/igmp nor /proc/net/igmp6 is available (they are those of Linux)"
  end
  read_filters(list)
  return list
end

-- Sockets of UDP, and raw ones, by their inode: {family =, host =, port =, uid =, raw =}. The port of a raw one is
-- the number of its protocol.
function memberships.sockets()
  local all = {}
  for _, name in ipairs { "udp", "udplite", "raw", "udp6", "udplite6", "raw6" } do
    for _, line in ipairs((lines(name))) do
      local address <const>, port <const>, rest <const> =
        line:match "^%s*%d+:%s+(%x+):(%x+)%s+%S+%s+%x+%s+%S+%s+%S+%s+%S+(.*)$"
      local uid <const>, inode <const> = (rest or ""):match "^%s+(%d+)%s+%d+%s+(%d+)"
      if inode then
        all[inode] = { family = #address == 8 and "inet" or "inet6", host = totext((address:gsub("%x%x%x%x%x%x%x%x", swap))),
          port = tonumber(port, 16), uid = tonumber(uid), raw = name:find "^raw" ~= nil }
      end
    end
  end
  return all
end

return memberships
