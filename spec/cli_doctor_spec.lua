-- mcast doctor, in namespaces in which one thing is broken: it names that thing, and nothing else, and the commands that it
-- prints mend it.
local json <const> = require "dkjson"
local helper <const> = require "spec.support.helper"

local mcast <const> = helper.check "pwd":match "[^\n]+" .. "/bin/mcast"

-- Interfaces of this host: a wire `eth0` with addresses, and its other end `far`.
local function build(more)
  local pid <const>, enter <const> = helper.namespace()
  local at = { pid = pid, enter = enter }
  function at.run(command)
    return helper.check(("%s sh -c %s"):format(enter, helper.quote("set -e; export XTABLES_LOCKFILE=/dev/null; " .. command)))
  end
  at.run([[
    for of in all default; do
      echo 0 >/proc/sys/net/ipv6/conf/$of/accept_dad
      echo 0 >/proc/sys/net/ipv6/conf/$of/router_solicitations
      echo 0 >/proc/sys/net/ipv6/conf/$of/router_solicitation_delay
      echo 0 >/proc/sys/net/ipv4/conf/$of/rp_filter
    done
    ip link set lo up
    ip link add eth0 type veth peer name far
    ip link set far up
    ip addr add 10.7.0.1/24 dev eth0
    ip link set eth0 up
    ip route add 224.0.0.0/4 dev eth0
  ]])
  helper.carried("eth0", enter)
  at.run(more or "true")
  return at
end

-- Two hosts: the far end of the first one's wire is in the second one.
local function connect()
  local at <const>, far <const> = build "ip link del eth0", build "ip link del eth0"
  at.run(("ip link add eth0 type veth peer name far netns %d"):format(far.pid))
  far.run "ip link set far up"
  at.run "ip addr add 10.7.0.1/24 dev eth0; ip link set eth0 up; ip route add 224.0.0.0/4 dev eth0"
  helper.carried("eth0", at.enter)
  return at, far
end

-- Runs doctor; returns the findings that are no notes, the exit status, and the notes.
local function examine(at, groups)
  local output, status = helper.run(("%s %s %s doctor --json %s"):format(at.enter, at.as or "", mcast, groups or ""))
  local faults, notes, last = {}, {}, nil
  for line in output:gmatch "[^\n]+" do
    last = assert(json.decode(line), output)
    local list = last.severity == "note" and notes or faults
    list[#list + 1] = last.severity and last or nil
  end
  assert.equal(#faults, last.errors + last.warnings)
  return faults, status, notes
end

local function words(list)
  local lines = {}
  for i, one in ipairs(list) do
    lines[i] = ("%s %s: %s [%s]"):format(one.severity, one.subject, one.text, one.fix)
  end
  return table.concat(lines, "\n")
end

-- Asserts that the findings are these patterns of "severity subject: text", one each.
local function has(list, expected)
  local text <const> = words(list)
  assert.equal(#expected, #list, text)
  for i, pattern in ipairs(expected) do
    assert.matches(pattern, ("%s %s: %s"):format(list[i].severity, list[i].subject, list[i].text), nil, nil, text)
  end
end

local function sound(at, groups)
  local faults, status, notes = examine(at, groups)
  assert.equal("", words(faults))
  assert.equal(0, status)
  return notes
end

-- Asserts that doctor names these faults, and that all is well when their commands have been run.
local function mends(at, groups, status, expected)
  local faults, got <const> = examine(at, groups)
  has(faults, expected)
  assert.equal(status, got)
  for _ = 1, 3 do -- an address that is added is tentative, and so on
    for _, fault in ipairs(faults) do
      at.run(assert(fault.fix, fault.text))
    end
    faults = examine(at, groups)
    for _, pattern in ipairs(expected) do
      assert.is_nil(words(faults):find(pattern), pattern)
    end
    if #faults == 0 then break end
  end
  sound(at, groups)
end

local function breaks(name, case)
  it("names " .. name, function()
    if case.needs and select(2, helper.run("export XTABLES_LOCKFILE=/dev/null; " .. case.needs)) ~= 0 then
      return pending("needs " .. case.needs)
    end
    local at = build(case.by)
    at.as = case.as
    mends(at, case.group, case.status or 1, case.finds)
  end)
end

helper.long("mcast doctor", helper.private and function()
  it("finds nothing where lo alone is up", function()
    local at = { enter = helper.quote "env" }
    for _, group in ipairs { "", "239.1.2.3:5000", "ff15::1:3", "127.0.0.1@232.1.2.3:5000%lo", "[ff02::5%lo]:5000" } do
      sound(at, group)
    end
  end)

  it("finds nothing on a host with a wire, and tests it", function()
    local at = build()
    for _, group in ipairs { "", "239.1.2.3:5000", "239.1.2.3%eth0", "10.7.0.9@232.1.2.3", "ff15::1:3%eth0", "ff02::5%far" } do
      assert.matches("eth0 %(IPv4%)", words(sound(at, group)))
    end
  end)

  it("finds nothing on a host with a bridge that has a querier", function()
    sound(build [[
      ip link add name bridge type bridge mcast_snooping 1 mcast_querier 1
      ip link set far master bridge; ip link set bridge up
    ]], "239.1.2.3:5000%eth0")
  end)

  it("finds nothing wrong with a bridge that has heard a querier", function()
    local at <const> = build [[
      ip link add one type veth peer name two
      for of in one two; do
        ip link add name br$of type bridge mcast_snooping 1; ip link set $of master br$of
        ip link set $of up; ip link set br$of up
      done
      ip link set brtwo type bridge mcast_querier 1
      until bridge -d mdb show | grep -q 'router ports on brone'; do sleep 0.02; done
    ]]
    sound(at, "239.1.2.3%eth0")
  end)

  it("finds nothing behind nftables that accept the group", function()
    if not helper.has "nft" then return pending "needs nft" end
    sound(build [[nft -f - <<'X'
      table inet filter {
        set groups { type ipv4_addr; flags interval; elements = { 239.1.0.0/16 } }
        chain other { ip daddr 239.1.2.3 return; drop; }
        chain never { drop; }
        chain input { type filter hook input priority 0; policy drop;
          ct state established,related accept; iif lo accept; ip protocol { icmp, igmp } accept
          ct state invalid drop; tcp dport 5005 drop; udp dport != 5005 drop; iifname "wlan*" drop
          ip daddr 239.1.2.4-239.1.2.9 drop; ip6 daddr ff00::/8 drop; ip daddr 239.1.2.3 jump other
          ip daddr 239.1.2.0/25 udp dport { 53, 6000-6010 } goto never
          ip daddr @groups udp dport { 53, 5000-5010 } counter log accept; }
        chain output { type filter hook output priority 0; policy drop;
          ip protocol igmp accept; oif lo accept; udp dport vmap { 5005 : accept, 7 : drop }; }
      }
X]], "239.1.2.3:5005")
  end)

  it("finds nothing behind iptables that accept the group", function()
    if select(2, helper.run "iptables -S") ~= 0 then return pending "needs iptables" end
    sound(build [[
      iptables -P INPUT DROP; iptables -N own; iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -p igmp -j ACCEPT
      iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -A INPUT -p tcp --dport 5005 -j DROP
      iptables -A INPUT ! -d 239.0.0.0/8 -j DROP; iptables -A INPUT -p udp -m multiport --dports 1,6000:6010 -j DROP
      iptables -A INPUT -p udp -j own; iptables -A own -m addrtype --dst-type LOCAL -j DROP; iptables -A own -j RETURN
      iptables -A INPUT -i wlan+ -j REJECT; iptables -A INPUT -m limit --limit 1/second -j LOG
      iptables -A INPUT -m pkttype --pkt-type multicast -j ACCEPT
    ]], "239.1.2.3:5005")
  end)

  breaks("an interface that is down", { by = "ip link set eth0 down", group = "239.1.2.3%eth0",
    finds = { "error eth0: is down", "warning 239.1.2.3: no route to the group" } })

  breaks("an interface without a carrier", { by = "ip link set far down", group = "239.1.2.3%eth0",
    finds = { "error eth0: is up, but has no carrier" } })

  breaks("an interface without the MULTICAST flag", { by = "ip link set eth0 multicast off", status = 0,
    finds = { "warning eth0: has no MULTICAST flag" } })

  breaks("the lack of a route to IPv6 groups by an interface", { group = "ff15::1:3%eth0",
    by = "ip -6 route del multicast ff00::/8 dev eth0 table local",
    finds = { "error eth0: no route to IPv6 groups by it" } })

  breaks("an interface without an address", { by = "ip addr flush dev eth0 scope global", group = "239.1.2.3%eth0",
    finds = { "error eth0: has no IPv4 address", "warning 239.1.2.3: no route to the group" } })

  breaks("loopback that is down", { by = "ip link set lo down; ip link del eth0",
    finds = { "warning lo: is down", "error interfaces: no interface is up", "error 224.0.0.0/4: no route" } })

  breaks("the lack of a route", { by = "ip route del 224.0.0.0/4", group = "239.1.2.3",
    finds = { "error 239.1.2.3: no route to the group" } })

  breaks("the lack of a route to any group", { by = "ip route del 224.0.0.0/4", finds = { "error 224.0.0.0/4: no route" } })

  breaks("a route that refuses the group", { by = "ip route add unreachable 239.0.0.0/8", group = "239.1.2.3",
    finds = { "error 239.1.2.3: a route refuses the group %(No route to host%)" } })

  breaks("a black hole", { by = "ip route add blackhole 239.0.0.0/8", group = "239.1.2.3",
    finds = { "error 239.1.2.3: a route refuses the group" } })

  breaks("a route by another interface", { group = "239.1.2.3%eth0", status = 0,
    by = "ip addr add 10.8.0.1/24 dev far; ip route add 239.0.0.0/8 dev far",
    finds = { "warning eth0: the route to the group is by far" } })

  breaks("the lack of a route to IPv6 groups on lo", { group = "ff15::1:3%lo",
    finds = { "error lo: no route to IPv6 groups" } })

  breaks("strict rp_filter where the route back is another", { group = "10.6.0.9@232.1.2.3%eth0",
    by = "ip addr add 10.8.0.1/24 dev far; ip route add 10.6.0.0/24 dev far; echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter",
    finds = { "error eth0: rp_filter is strict, and the route to the source 10.6.0.9 is by far" } })

  breaks("rp_filter where no route leads back", { group = "10.6.0.9@232.1.2.3%eth0",
    by = "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter",
    finds = { "error eth0: no route to the source 10.6.0.9: rp_filter" } })

  breaks("a limit of memberships that is used up", { group = "239.1.2.1 239.1.2.2 239.1.2.3",
    by = "echo 2 >/proc/sys/net/ipv4/igmp_max_memberships",
    finds = { "error igmp_max_memberships: a socket may join 2 IPv4 groups only" } })

  breaks("a limit of sources that is used up", { by = "echo 1 >/proc/sys/net/ipv4/igmp_max_msf",
    group = "10.7.0.8@232.1.2.3 10.7.0.9@232.1.2.3", finds = { "error igmp_max_msf: a membership may name 1 sources only" } })

  breaks("too little memory for memberships", { by = "echo 100 >/proc/sys/net/core/optmem_max", group = "239.1.2.3",
    finds = { "error optmem_max: memberships and filters of a socket may occupy %d+ bytes" } })

  breaks("a forced IGMPv2 where a source is asked for", { by = "echo 2 >/proc/sys/net/ipv4/conf/all/force_igmp_version",
    group = "10.7.0.9@232.1.2.3", finds = { "error all interfaces: IGMPv2 is forced" } })

  breaks("a forced MLDv1 where a source is asked for", { by = "echo 1 >/proc/sys/net/ipv6/conf/eth0/force_mld_version",
    group = "fd00::9@ff35::1:3%eth0", finds = { "error eth0: MLDv1 is forced" } })

  breaks("a querier that asks in IGMPv2 where a source is asked for", { group = "10.7.0.9@232.1.2.3%eth0",
    by = [[
      ip link add name bridge type bridge mcast_snooping 1; ip link set far master bridge; ip link set bridge up
      ip link set bridge type bridge mcast_querier 1
      until grep -q 'eth0 .*V2' /proc/net/igmp; do sleep 0.02; done
    ]],
    finds = { "error eth0: a querier on its LAN asks in IGMPv2" } })

  breaks("memberships of 224.0.0.0/24 that are not reported", { group = "224.0.0.251:5353", status = 0,
    by = "echo 0 >/proc/sys/net/ipv4/igmp_link_local_mcast_reports", finds = { "warning 224.0.0.251: memberships" } })

  breaks("a bridge that snoops without a querier", { group = "239.1.2.3%eth0", status = 0,
    by = "ip link add name bridge type bridge mcast_snooping 1; ip link set far master bridge; ip link set bridge up",
    finds = { "warning bridge: it snoops IGMP and MLD, and no querier" } })

  breaks("IPv6 that is switched off", { by = "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6", group = "ff15::1:3%eth0",
    finds = { "error eth0: IPv6 is switched off" } })

  breaks("IPv6 that is switched off, without a group", { by = "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6",
    status = 0, finds = { "warning eth0: IPv6 is switched off" } })

  breaks("an MTU that is too small for IPv6", { by = "ip link set eth0 mtu 1000", group = "ff15::1:3%eth0",
    finds = { "error eth0: IPv6 needs an MTU of 1280, and this one is 1000" } })
  local filters <const> = {
    { "arriving datagrams", "ip daddr 239.0.0.0/8 drop", "input", "arriving datagrams to 239.1.2.3 port 5000" },
    { "datagrams sent to the port", "udp dport { 4000-6000 } counter reject", "output", "datagrams sent to 239.1.2.3" },
    { "reports", "ip protocol igmp drop", "output", "IGMP reports" },
    { "queries", "meta l4proto 2 drop", "input", "IGMP queries" },
  }
  for _, case in ipairs(filters) do
    breaks("a rule of nftables that drops " .. case[1], { needs = "nft list ruleset", group = "239.1.2.3:5000",
      by = ("nft 'table inet f { chain c { type filter hook %s priority 0; tcp dport 5000 drop; %s; }; }'")
        :format(case[3], case[2]),
      finds = { "error firewall: nft: the rule with handle %d+ of chain c in table inet f drops " .. case[4] } })
  end

  breaks("a policy of nftables that drops all", { needs = "nft list ruleset", group = "239.1.2.3:5000",
    by = "nft 'table ip f { chain c { type filter hook input priority 0; policy drop; iif lo accept; }; }'",
    finds = { "error firewall: nft: the policy of chain c in table ip f drops arriving datagrams",
      "error firewall: nft: the policy of chain c in table ip f drops IGMP queries" } })

  breaks("a chain of nftables for IPv6", { needs = "nft list ruleset", group = "[ff15::1:3]:5000%eth0",
    by = [[nft 'table ip6 f { chain d { drop; }; chain e { udp dport 5000 return; accept; }
      chain c { type filter hook output priority 0; jump e; ip6 daddr ff15::/16 jump d; }; }']],
    finds = { "error firewall: nft: the rule with handle %d+ of chain c in table ip6 f drops datagrams sent" } })

  breaks("a rule of nftables that it does not understand", { needs = "nft list ruleset", group = "239.1.2.3:5000",
    by = [[nft 'table ip f {
      chain c { type filter hook input priority 0; ip daddr 239.0.0.0/8 ip length > 20 drop; }; }']],
    finds = { "error firewall: nft: the rule with handle %d+ of chain c in table ip f may drop arriving" } })

  for _, tool in ipairs { "iptables", "iptables-legacy" } do
    breaks("a rule of " .. tool, { needs = tool .. " -S", group = "239.1.2.3:5000",
      by = tool .. " -A INPUT -d 239.0.0.0/8 -p udp -m udp --dport 5000 -j DROP",
      finds = { "error firewall: " .. tool:gsub("%-", "%%-") .. ": the rule .* of chain INPUT in table filter drops arriv" } })
  end

  breaks("a chain of ip6tables", { needs = "ip6tables -S", group = "[ff15::1:3]:5000%eth0",
    by = "ip6tables -N own; ip6tables -A own -p udp -j REJECT; ip6tables -A OUTPUT -o eth+ -j own",
    finds = { "error firewall: ip6tables: the rule .* of chain OUTPUT in table filter drops datagrams sent" } })

  breaks("a port that is kept for root", { group = "239.1.2.3:500", as = "setpriv --bounding-set -net_bind_service",
    finds = { "error port 500: .*ip_unprivileged_port_start" } })
  it("names the program that holds a port without SO_REUSEADDR", function()
    if not helper.has "socat" then return pending "needs socat" end
    local at = build()
    local _, pid = helper.start(at.enter .. "socat -u UDP4-RECV:5000 /dev/null")
    at.run "until grep -q :1388 /proc/net/udp; do sleep 0.01; done"
    local faults <const>, status <const> = examine(at, "239.1.2.3:5000")
    has(faults, { ("error port 5000: held without SO_REUSEADDR by socat %%(process %d%%)"):format(pid) })
    assert.equal(1, status)
    at.run(faults[1].fix .. "; while grep -q :1388 /proc/net/udp; do sleep 0.01; done")
    sound(at, "239.1.2.3:5000")
  end)

  it("names the programs that share a port", function()
    if not helper.has "socat" then return pending "needs socat" end
    local at = build()
    helper.start(at.enter .. "socat -u UDP4-RECV:5000,reuseaddr /dev/null")
    at.run "until grep -q :1388 /proc/net/udp; do sleep 0.01; done"
    assert.matches("note port 5000: shared with socat", words(sound(at, "239.1.2.3:5000")))
  end)

  it("names an address that is tentative", function()
    local at = build [[
      echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad
      ip -6 addr flush dev eth0; ip -6 addr add fe80::7/64 dev eth0
    ]]
    local faults <const>, status <const> = examine(at)
    has(faults, { "warning eth0: fe80::7 is tentative" })
    assert.equal(0, status)
    mends(at, "ff15::1:3%eth0", 1, { "error eth0: fe80::7 is tentative" })
  end)

  it("names an address that another host has, too", function()
    local at = build [[
      echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad; echo 100 >/proc/sys/net/ipv6/neigh/eth0/retrans_time_ms
      ip -6 addr add fd07::1/64 dev far nodad; ip -6 addr add fd07::1/64 dev eth0
      until ip -6 addr show dev eth0 | grep -q dadfailed; do sleep 0.02; done
      echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
    ]]
    mends(at, "ff15::1:3%eth0", 0, { "warning eth0: fd07:.* is no valid address: another host has it, too" })
  end)

  it("mends what keeps a datagram of another host away", function()
    local at <const>, far <const> = connect()
    far.run "ip addr add 10.6.0.9/32 dev far"
    at.run [[ip link add other type veth peer name end; ip link set other up; ip link set end up
      ip addr add 10.8.0.1/24 dev other; ip route add 10.6.0.0/24 dev other; echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter]]
    local function receives()
      local _, status = helper.run(([[
        %s %s listen 10.6.0.9@232.1.2.3:5000%%eth0 --expect 1 --count 1 --for 0.5 >/dev/null & sleep 0.2
        %s %s send 232.1.2.3:5000%%far --count 1; wait $!
      ]]):format(at.enter, mcast, far.enter, mcast))
      return status == 0
    end
    assert.is_false(receives())
    mends(at, "10.6.0.9@232.1.2.3:5000%eth0", 1, { "error eth0: rp_filter is strict" })
    assert.is_true(receives())
  end)

  it("names an interface that does not exist", function()
    local faults <const>, status <const> = examine(build(), "239.1.2.3%nowhere")
    has(faults, { "error nowhere: no such interface; available: .*eth0" })
    assert.equal(1, status)
  end)

  it("reports that a firewall may not be read as a note", function()
    if not helper.has "nft" then return pending "needs nft" end
    local at = build()
    at.as = "setpriv --bounding-set -net_admin"
    assert.matches("note firewall: could not be read", words(sound(at, "239.1.2.3")))
    at.run "nft 'table ip f { chain c { type filter hook input priority 0; iif eth0 drop; }; }'"
    local faults <const> = examine(at, "239.1.2.3")
    has(faults, { "error eth0: self%-test with 239.1.2.3: .* %(packet filters could not be read%)" })
    assert.equal("sudo mcast doctor 239.1.2.3", faults[1].fix)
  end)

  it("works without privileges, in a namespace of its own", function()
    local output <const>, status <const> = helper.run(
      ("unshare --user --map-root-user --net sh -c 'ip link set lo up; ip route add 224.0.0.0/4 dev lo; %s doctor'")
        :format(mcast))
    if output:find "unshare" then return pending "no user namespace can be made here" end
    assert.equal(0, status, output)
    assert.matches("nothing is broken", output)
  end)

  it("prints each command below its finding", function()
    local at = build "ip link set eth0 down"
    assert.matches("error    eth0: is down\n         ip link set eth0 up\n.*\n1 error, 1 warning\n$",
      (helper.run(("%s %s doctor 239.1.2.3%%eth0"):format(at.enter, mcast))))
  end)

  it("ends with 2 for a group that is none", function()
    local output <const>, status <const> = helper.run(mcast .. " doctor 10.0.0.1")
    assert.equal(2, status)
    assert.matches("10.0.0.1 is no group", output)
  end)

  it("sends only a report of the named group, and nothing without one", function()
    if not helper.has "nft" then return pending "needs nft" end
    local at <const>, far <const> = connect()
    far.run [[nft 'table netdev f { counter datagrams { }; counter reports { }
      chain c { type filter hook ingress device far priority 0
        meta l4proto udp counter name datagrams; ip protocol igmp counter name reports; }; }']]
    local function arrived(name)
      return tonumber(far.run("nft list counter netdev f " .. name):match "packets (%d+)")
    end
    assert.matches("eth0 %(IPv4%), eth0 %(IPv6%)", words(sound(at)))
    assert.equal(0, arrived "datagrams" + arrived "reports")
    sound(at, "239.1.2.3:5000")
    assert.equal(0, arrived "datagrams")
    assert.is_true(arrived "reports" > 0)
  end)
end or function()
  pending(helper.no_network)
end)
