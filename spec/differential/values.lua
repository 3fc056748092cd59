-- The values of random programs, as text. Those that come first, or more than once, are more frequent.
local values <const> = {}

values.families = {
  inet = {
    groups = { "239.1.1.1", "239.1.1.1", "239.1.1.2", "232.1.1.1", "224.0.0.1", "224.0.0.251" },
    others = { "10.0.0.9", "10.9.9.9", "192.0.2.1", "255.255.255.255" },
    own = { { "127.0.0.1", "127.0.0.5", "10.0.0.1", "10.0.0.77", "172.16.0.1", "0.0.0.0" },
      { "127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "0.0.0.0" } },
  },
  inet6 = {
    groups = { "ff15::1", "ff15::1", "ff05::2", "ff35::1", "ff02::1", "ff02::1%eth0", "ff02::5%eth0", "ff02::5%lo",
      "ff01::3", "ff02::5" },
    others = { "fd00::9", "fe80::9%eth0", "fe80::9" },
    own = { { "::1", "fd00::1", "fd00::77", "fd00:0:0:1::1", "fe80::1%eth0", "fe80::1", "fe80::2%eth1", "fe80::1%eth1",
      "fe80::1%lo", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1" },
      { "::1", "fd00::1", "fd00::2", "fd00::3", "fe80::1%eth0", "fe80::2%eth0", "::", "::ffff:127.0.0.1" } },
  },
}
values.wrong = { '""', '"x"', '"1.2.3"', '"256.1.1.1"', '"ff02::1%eth9"', '"::1%"', "5", "true", "{}", '"fe80::1%2"',
  '"239.1.1.1:5000"', '"[ff15::1]:5000"', '"224.0.0.0/4"' }
values.ports = { 5000, 5000, 5000, 5001, 5002 }
values.wrongports = { "0", "65536", "-1", '"5000"', "5000.5", "5000.0", "nil" }
values.sizes = { 0, 1, 5, 100, 100, 200, 1000, 1452, 1453, 1472, 1473, 3000, 8000, 20000, 65507, 65508, 65527, 65528 }
values.interfaces = { '"eth0"', '"eth0"', '"lo"', '"eth1"', "1", "2", "3", "9", '"eth9"', '""', '"10.0.0.1"',
  '"fd00::1"', '"172.16.0.1"', '"127.0.0.1"', '"10.0.0.77"', '"fe80::1%eth0"', "0", "true", '"192.0.2.1"' }

local booleans <const> = { "true", "false", "true", "false", "true", "false", "nil", "1", '"yes"' }
values.options = {
  interface = values.interfaces, device = { '"eth0"', '"eth1"', '"lo"', '""', '"eth9"', "2", "true" },
  ttl = { "0", "1", "2", "255", "256", "-1", "1.5", '"1"', "1.0" }, unicast_ttl = { "1", "64", "255", "0", "256" },
  loopback = booleans, all = booleans, broadcast = booleans, fragment = booleans,
  reuseaddr = booleans, reuseport = booleans, v6only = booleans, metadata = booleans,
  rcvbuf = { "1", "1000", "4096", "20000", "65536", "100000", "0", "-1", '"big"', "1 << 40" },
  sndbuf = { "1", "2000", "4096", "20000", "100000", "0" }, dscp = { "0", "46", "63", "64", "-1" },
  spin = { "0", "0.001", "-1", '"x"' }, family = { '"inet"', '"inet6"', '"ipx"', "4" }, tll = { "1" },
}
values.settable = { "interface", "interface", "device", "ttl", "unicast_ttl", "loopback", "all", "broadcast",
  "fragment", "reuseaddr",
  "reuseport", "v6only", "rcvbuf", "sndbuf", "dscp", "spin", "metadata", "tll" }

values.odd = { "nil", "1", "-1", "0/0", '"x"', "true", "{}", "print", "S[1]", "1e300", "{ 1 }", "{ S[1], 2 }", '"\\0"',
  'mcast.address("239.1.1.1", 5000)', 'mcast.address("ff15::1", 5000)', "{ tll = 1 }", "{ interface = {} }", "{ source = 5 }",
  "{ interface = 2.0 }", "{ interface = 1.5 }", '{ source = "x" }', "math.huge", "1 << 40",
  "coroutine.create(print)", '"exclude"' }

return values
