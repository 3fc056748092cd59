-- Sends by an interface whose address changes, in a network namespace of its own, as
-- whole.lua uses all else: its arguments and results are the same.
local injected <const> = ...
local mcast <const> = require "mcast"

local reported, first, transcript = 0, "", {}

-- Checks that an operation works, or that its failure names it.
local function works(names, value, message, errno)
  transcript[#transcript + 1] = value and names
  if value then return value end
  assert(type(message) == "string" and math.type(errno) == "integer", names)
  assert(injected ~= 0, message)
  assert(names:find(message:match "^%a+", 1, true), names .. ": " .. message)
  reported = reported + 1
  if reported == 1 then
    first = errno .. " " .. message
  end
end

local function sh(command)
  assert(os.execute(command))
end

local chosen <const> = { interface = "left" }

sh [[ip link show left >/dev/null 2>&1 || ip link add left type veth peer name right
  ip link set left up && ip link set right up
  ip -4 addr flush dev left; ip addr add 10.9.9.1/24 dev left]]
local sock <close> = works("socket bind interface reuseaddr all", mcast.socket { interface = "left" })
local other <close> = works("socket bind reuseaddr all", mcast.socket())
if sock and other then
  works("sendto", sock:sendto("x", "239.1.2.3", 5000))
  works("sendto", other:sendto("x", "239.1.2.3", 5000, chosen))
  sh "ip addr add 10.9.9.2/16 dev left; ip addr del 10.9.9.1/24 dev left"
  works("sendto", sock:sendto("x", "239.1.2.3", 5000))
  works("sendto", other:sendto("x", "239.1.2.3", 5000, chosen))
  sh "ip -4 addr flush dev left; ip addr add 10.9.9.1/24 dev left"
  local sent, why, errno = sock:sendmany({ "x", "y" }, "239.1.2.3", 5000)
  works("sendmany", why == nil and sent or nil, why, errno)
  works("sendto", sock:sendto("x", "239.1.2.3", 5000))
end
return reported, first, table.concat(transcript, "\n")
