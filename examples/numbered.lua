-- Sends numbered datagrams, and goes on with the next number after a restart, also after a crash.
-- usage: lua5.4 numbered.lua file [--count N] [--interface I] [--group G] [--port P]
local mcast <const> = require "mcast"

local usage <const> = "usage: numbered.lua file [--count N] [--interface I] [--group G] [--port P]"
local options = { group = "224.3.29.71", port = 10000, interface = "", count = math.huge }
local path <const> = assert(arg[1], usage)
for i = 2, #arg, 2 do
  local key = arg[i]:match "^%-%-(%l+)$"
  assert(options[key] and arg[i + 1], usage)
  options[key] = arg[i + 1]
end

local function restore()
  local file <close> = io.open(path)
  return file and assert(file:read "a":match "^(%d+)\n$", path .. ": damaged") or 0 -- which is not the same as none
end

-- A crash of this program leaves the whole old file or the whole new one. (One of the machine may damage it: Lua has no fsync.)
local function save(number)
  local file = assert(io.open(path .. ".new", "w"))
  assert(file:write(number, "\n"))
  assert(file:close())
  assert(os.rename(path .. ".new", path))
end

local group = assert(mcast.address(options.group, options.port))
local sock <close> = assert(mcast.socket { family = group.family, interface = options.interface })

-- Saved before it is sent, a number may be skipped, but never used twice.
local first <const> = restore() + 1
for number = first, first + options.count - 1 do
  save(number)
  assert(sock:sendto(("datagram %d"):format(number), group))
  mcast.sleep(0.01)
end
