-- Sets an interface of a real host up or down; Linux forgets routes and addresses of one that is down. `restore` sets
-- all up again.
local interface = {}

local touched = false

local function check(command)
  assert(os.execute(command), command)
end

function interface.set(name, up)
  check(("ip link set %s %s"):format(name, up and "up" or "down"))
  touched = true
  local pipe <const> = assert(io.popen "ip -o -4 addr show dev eth0")
  local number <const> = pipe:read "a":match "10%.0%.0%.(%d+)/"
  pipe:close()
  if up and name == "eth0" then
    check(("ip route replace default dev eth0 src 10.0.0.%s"):format(number))
    check(("ip -6 addr replace fe80::%s/64 dev eth0 nodad"):format(number))
    check(("ip -6 route replace default dev eth0 src fd00::%s"):format(number))
  elseif up and name == "eth1" then
    check "ip -6 addr replace fe80::2/64 dev eth1 nodad"
  end
  while up and not os.execute(("ip -6 route show table local dev %s | grep -q ^multicast"):format(name)) do
    check "sleep 0.01"
  end
end

function interface.restore()
  if not touched then return end
  touched = false
  for _, name in ipairs { "eth0", "eth1" } do -- routes of groups are in the order in which these were set up
    if os.execute(("ip link show %s >/dev/null 2>&1"):format(name)) then
      interface.set(name, false)
      interface.set(name, true)
    end
  end
  touched = false
end

return interface
