-- A laboratory for specs: hosts A and B on one LAN, whose switch is a snooping
-- bridge, a router, and host C on the LAN behind it.
--
--   a --+
--       switch -- lan1 router lan2 -- c
--   b --+
--
-- Each is a network namespace without a name, which a process keeps. All of these
-- processes belong to spec/private-network: the kernel ends them when the first one
-- ends or is killed, and removes a namespace and its interfaces with its last process.
local busted <const> = require "busted"
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local lab = {}

-- Routing daemons exclude each other as packages: .ci/prerequisites unpacks them.
local path <const> = "PATH=$PATH:/usr/sbin:/sbin:" .. helper.check "pwd":gsub("\n", "") .. "/build/lab/usr/sbin "

lab.families = {
  { name = "inet", group = "224.3.29.71", other = "224.3.29.72", ssm = "232.1.2.3",
    all_hosts = "224.0.0.1", routing = "/proc/net/ip_mr_vif",
    a = "10.1.0.1", b = "10.1.0.2", c = "10.2.0.3" },
  { name = "inet6", group = "ff15::1:3", other = "ff15::1:4", ssm = "ff35::1:3",
    all_hosts = "ff02::1%eth0", routing = "/proc/net/ip6_mr_vif",
    a = "fd01::1", b = "fd01::2", c = "fd02::3" },
}

-- An address in the form that stands before a port.
function lab.bracketed(address)
  return address:find ":" and "[" .. address .. "]" or address
end

-- Repeats a function until it returns something, for a number of seconds; returns that.
function lab.await(event, ask, seconds)
  local deadline <const> = mcast.now() + (seconds or 10)
  repeat
    local answer = ask()
    if answer then return answer end
    mcast.sleep(0.02)
  until mcast.now() > deadline
  error(event .. " did not happen in time")
end

local function host()
  local made = {}
  made.pid, made.enter = helper.namespace()
  -- Addresses are valid at once, without a search for duplicates.
  helper.check(made.enter .. [[sh -c '
    ip link set lo up
    for of in all default; do
      echo 0 >/proc/sys/net/ipv6/conf/$of/accept_dad
      echo 0 >/proc/sys/net/ipv6/conf/$of/router_solicitations
    done']])
  return made
end

local function connect(one, its_interface, other, others_interface)
  helper.check(("ip link add %s netns %s type veth peer name %s netns %s")
    :format(its_interface, one.pid, others_interface, other.pid))
  helper.check(("%s ip link set dev %s up && %s ip link set dev %s up")
    :format(one.enter, its_interface, other.enter, others_interface))
end

local function configure(at, interface, lan, number, gateway)
  helper.carried(interface, at.enter)
  helper.check(at.enter .. ("sh -c 'ip addr add 10.%d.0.%d/24 dev %s && ip -6 addr add fd0%d::%x/64 dev %s nodad'")
    :format(lan, number, interface, lan, number, interface))
  if gateway then
    helper.check(at.enter .. ("sh -c 'ip route add default via 10.%d.0.254 && ip -6 route add default via fd0%d::fe'")
      :format(lan, lan))
  end
end

-- The querier is switched on last, after its intervals: until the first one is over, all
-- ports receive all groups. It asks for reports of version 3, which name sources.
local bridge <const> = [[sh -c '
  ip link add bridge type bridge mcast_snooping 1 mcast_igmp_version 3 mcast_mld_version 2 \
    mcast_query_response_interval 50 mcast_last_member_interval 10 &&
  for port in a b router; do ip link set dev $port master bridge || exit; done
  ip link set bridge up && ip link set bridge type bridge mcast_querier 1']]

-- Waits until the switch has a port in its list of a group (and source).
function lab.joined(net, port, group, source)
  local entry <const> = ("port %s grp %s %s"):format(port, group, source and "src " .. source or "temp")
  lab.await(entry .. " at the switch", function()
    return helper.check(net.switch.enter .. "bridge -d mdb show"):find(entry, 1, true)
  end)
end

-- The hosts, connected. They are removed after the test.
function lab.build()
  local net = { a = host(), b = host(), c = host(), switch = host(), router = host() }
  connect(net.a, "eth0", net.switch, "a")
  connect(net.b, "eth0", net.switch, "b")
  connect(net.router, "lan1", net.switch, "router")
  connect(net.router, "lan2", net.c, "eth0")
  helper.check(net.switch.enter .. bridge)
  configure(net.router, "lan1", 1, 254)
  configure(net.router, "lan2", 2, 254)
  helper.check(net.router.enter .. [[sh -c '
    echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding']])
  configure(net.a, "eth0", 1, 1, true)
  configure(net.b, "eth0", 1, 2, true)
  configure(net.c, "eth0", 2, 3, true)
  -- Hosts ask for each other's link addresses by groups, which the switch also reads.
  for port, number in pairs { a = "1", b = "2", router = "fe" } do
    lab.joined(net, port, "ff02::1:ff00:" .. number)
  end
  return net
end

-- Starts a program at a host. It ends with the test, or after 50 s, which also ends its
-- output.
function lab.start(at, command)
  return helper.start("timeout 50 " .. at.enter .. command)
end

-- Reads the output of a program up to a line that matches; returns the line.
function lab.expect(output, pattern)
  local seen = {}
  for line in output:lines() do
    if line:find(pattern) then return line end
    seen[#seen + 1] = line
  end
  error(("no line like '%s' but: %s"):format(pattern, table.concat(seen, "\n")))
end

-- Routes groups from LAN 1 to LAN 2, by static routes of smcroute. It also joins the
-- groups, or the switch would not forward them to the router.
function lab.route(net, ...)
  local configuration = {}
  for _, group in ipairs { ... } do
    configuration[#configuration + 1] = ("mgroup from lan1 group %s\nmroute from lan1 group %s to lan2\n")
      :format(group, group)
  end
  local file = helper.script(table.concat(configuration))
  local output = helper.start(("env %s %s smcrouted -n -f %s -P %s.pid -u %s.sock")
    :format(path, net.router.enter, file, file, file))
  lab.expect(output, "Ready, waiting")
end

-- Routes the groups that hosts joined: pimd learns of them from reports.
function lab.learn(net)
  local file = helper.script [[
phyint lan1 enable igmpv3
phyint lan2 enable igmpv3
bsr-candidate priority 5
rp-candidate time 10 priority 20
group-prefix 224.0.0.0 masklen 4
spt-threshold packets 0 interval 100
]]
  -- It keeps files in /run, so it has one of its own.
  helper.start(("env %s %s unshare --mount sh -c 'mount -t tmpfs none /run && exec pimd -f -c %s -s err'")
    :format(path, net.router.enter, file))
end

-- Captures the packets of an interface. Returns two functions: the first returns the fields
-- of the packets that match a display filter of tshark, as lines with tabs; the second,
-- which is fast, returns whether the capture contains a text.
function lab.capture(at, interface)
  local file = os.tmpname()
  helper.defer(function() os.remove(file) end)
  lab.expect(lab.start(at, ("dumpcap -q -i %s -w %s"):format(interface, file)), "^File:")
  local function list(filter, ...)
    local fields = ""
    for _, field in ipairs { ... } do
      fields = fields .. " -e " .. field
    end
    local lines = {}
    -- A packet that is still being written makes tshark fail, at the end.
    local output = helper.run(("tshark -n -r %s -Y %s -T fields %s 2>/dev/null"):format(file, helper.quote(filter), fields))
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    return lines
  end
  local function has(text)
    local capture <close> = assert(io.open(file, "rb"))
    return capture:read "a":find(text, 1, true) ~= nil
  end
  return list, has
end

-- Starts spec/lab/hear.lua; returns its output once it has joined.
function lab.hear(at, group, source)
  local output, pid = lab.start(at, ("%s spec/lab/hear.lua eth0 10000 %s %s"):format(helper.lua, group, source or ""))
  lab.expect(output, "^ready$")
  return output, pid
end

-- Sends a text to one group after the other.
function lab.say(at, ttl, text, ...)
  helper.check(at.enter .. ("%s spec/lab/say.lua eth0 10000 %d '%s' %s")
    :format(helper.lua, ttl, text, table.concat({ ... }, " ")))
end

local function installed(program)
  return select(2, helper.run("env " .. path .. "sh -c 'command -v " .. program .. "'")) == 0
end

local function allowed(command)
  return select(2, helper.run("unshare --net sh -c " .. helper.quote(command))) == 0
end

-- The reason why no lab can be built here, or nil.
local function obstacle()
  if not helper.private then return helper.no_network end
  if not helper.plain then return helper.not_plain end
  if os.getenv "MCAST_PROCESSES" ~= "private" then
    return "needs a namespace of processes, which this system does not allow"
  end
  if not allowed "ip link add x type veth peer name y && ip link add z type bridge" then
    return "needs wires and bridges (veth, bridge), which this kernel lacks"
  end
  if not allowed "echo 1 >/proc/sys/net/ipv4/ip_forward && echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad" then
    return "needs to write to /proc/sys, which this system does not allow"
  end
  for _, program in ipairs { "nsenter", "python3", "dumpcap", "tshark", "bridge" } do
    if not installed(program) then return "needs " .. program end
  end
end
local no_lab <const> = obstacle()

-- describe, for tests that each build a lab by the function that is passed to the block;
-- pending where no lab can be built, or for a reason.
function lab.describe(name, block, reason)
  reason = no_lab or reason
  helper.describe(name, function()
    if reason then return busted.pending(reason) end
    local net
    busted.before_each(function() net = nil end)
    block(function()
      net = net or lab.build()
      return net
    end)
  end)
end

-- The reason why a daemon cannot route a family here, or nil.
function lab.unroutable(daemon, family)
  local file = io.open(family.routing)
  if not file then return "needs multicast routing for " .. family.name .. ", which this kernel lacks" end
  file:close()
  return not installed(daemon) and "needs " .. daemon or nil
end

return lab
