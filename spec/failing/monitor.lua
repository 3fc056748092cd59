-- Uses a monitor, in a network namespace of its own, as whole.lua uses all else: its
-- arguments and results are the same. Whatever fails, each change is read once.
local injected <const>, patience <const> = ...
local mcast <const> = require "mcast"

local reported, first, transcript = 0, "", {}

-- Checks that a failure names the operation.
local function failed(name, message, errno)
  assert(type(message) == "string" and math.type(errno) == "integer", name)
  assert(injected ~= 0, message)
  assert(message:sub(1, #name + 1) == name .. ":", message)
  reported = reported + 1
  if reported == 1 then
    first = errno .. " " .. message
  end
end

local function sh(command)
  assert(os.execute(command))
end

-- Reads until so many changes came: their texts, sorted, since those of a comparison
-- have another order. A failed read is repeated.
local function read(monitor, n)
  local list = {}
  for _ = 1, 10 do
    local ready, why, number = mcast.poll({ monitor }, 5)
    if not ready then
      failed("poll", why, number)
    else
      local changes, message, errno = monitor:read(patience)
      if not changes and message ~= "timeout" then
        failed("read", message, errno)
      end
      for _, change in ipairs(changes or {}) do
        list[#list + 1] = ("%s %s %s"):format(change.kind, change.interface, change.address)
      end
    end
    if #list >= n then break end
  end
  table.sort(list)
  return table.concat(list, ", ")
end

local function expect(expected, found)
  transcript[#transcript + 1] = found
  assert(expected == found, found)
end

sh [[ip link del left 2>/dev/null; ip link del other 2>/dev/null; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
  ip link add left type veth peer name right && ip addr add 10.9.9.1/24 dev left]]
local monitor <close>, message, errno = mcast.monitor()
if not monitor then
  failed("monitor", message, errno)
  return reported, first, ""
end
assert(select(2, monitor:read(0)) == "timeout" or reported == 0)
sh "ip addr add 10.9.9.2/24 dev left && ip link set left up"
expect("address added left 10.9.9.2, up left nil", read(monitor, 2))
sh "ip link set left down && ip link set left name other" -- this makes the monitor compare
expect("added other nil, address added other 10.9.9.1, address added other 10.9.9.2, address removed left 10.9.9.1, "
  .. "address removed left 10.9.9.2, down left nil, removed left nil", read(monitor, 7))
sh "ip link del other"
expect("address removed other 10.9.9.1, address removed other 10.9.9.2, removed other nil, removed right nil", read(monitor, 4))
monitor:close()
return reported, first, table.concat(transcript, "\n")
