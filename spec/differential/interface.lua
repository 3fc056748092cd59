-- Sets an interface of a real host up or down, and changes addresses; Linux forgets routes and addresses of one that is down.
-- `restore` sets all up again.
local interface = {}

local touched = false
local number

local restore <const> = {
  eth0 = [[
    ip route replace default dev eth0 src 10.0.0.%d
    ip -6 addr replace fe80::%d/64 dev eth0 nodad
    ip -6 route replace default dev eth0 src fd00::%d
  ]],
  eth1 = "ip -6 addr replace fe80::2/64 dev eth1 nodad",
}

local function getnumber()
  if not number then
    local pipe <const> = assert(io.popen "ip -o -4 addr show dev eth0")
    number = tonumber(pipe:read "a":match "10%.0%.0%.(%d+)/")
    pipe:close()
  end
  return number
end

-- The commands; those for an interface that is up wait for its routes, which the kernel adds a moment later.
local function commands(name, up)
  if not up then return ("ip link set %s down\n"):format(name) end
  local n <const> = getnumber()
  return ("ip link set %s up\n"):format(name) .. restore[name]:format(n, n, n) .. ([[

    until ip -6 route show table local dev %s | grep -q ^multicast; do sleep 0.01; done
  ]]):format(name)
end

local function run(text)
  assert(os.execute("set -e\n" .. text), text)
end

function interface.set(name, up)
  touched = true
  assert(restore[name] and os.execute("test -e /proc/sys/net/ipv4/conf/" .. name), "no such interface")
  run(commands(name, up))
end

-- Adds an address to eth1, or removes it.
function interface.renumber(address, present)
  touched = true
  local six <const> = address:find ":" and true
  os.execute(("ip addr %s %s/%d dev eth1 %s 2>/dev/null"):format(present and "add" or "del", address, six and 64 or 16,
    present and six and "nodad" or ""))
end

-- Routes of groups are in the order in which interfaces were set up. `always`: another process may have changed one.
function interface.restore(always)
  if not (touched or always) then return end
  touched = false
  local text = ""
  for _, name in ipairs { "eth0", "eth1" } do
    if os.execute("test -e /proc/sys/net/ipv4/conf/" .. name) then
      text = text .. commands(name, false) .. commands(name, true)
    end
  end
  if text:find "eth1" then
    text = text .. [[
      ip -4 addr flush dev eth1
      ip -6 addr flush dev eth1
      ip addr add 172.16.0.1/16 dev eth1
      for address in fe80::2 fd00:0:0:1::1; do ip addr add $address/64 dev eth1 nodad; done
    ]]
  end
  run(text)
end

return interface
