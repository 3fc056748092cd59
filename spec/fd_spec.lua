-- Descriptors that another program opened, as systemd's socket activation passes them.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local E <const> = mcast.errno

-- Runs a Lua script with a socket `s` that lines of Python make, whose descriptor is `fd`; returns its output.
local function run(python, lua)
  local script <const> = helper.script([[
    local mcast <const> = require "mcast"
    local fd <const> = tonumber(arg[1])
    -- Is it open, and to be closed by programs that are started?
    local function state()
      local file <const> = io.open("/proc/self/fdinfo/" .. fd)
      return not file and "closed" or file:read "a":find "flags:%s*0?2%d%d%d%d%d%d" and "owned" or "lent"
    end
  ]] .. lua)
  return (helper.check("python3 " .. helper.script(([[
import os, socket
%s
os.set_inheritable(s.fileno(), True)
os.execvp("sh", ["sh", "-c", "exec " + %q + " " + %q + " " + str(s.fileno())])
]]):format(python, helper.lua, script))):gsub("\n$", ""))
end

local plain <const> = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
local bound <const> = plain .. 's.bind(("127.0.0.1", 10040))\n'
local bound6 <const> = 's = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.bind(("::", 10040))\n'

helper.network("an adopted descriptor", function()
  it("is used, owned and closed by the socket", function()
    assert.equal("lent\nowned\t127.0.0.1:10040\nhello\nclosed", run(bound, [[
      print(state())
      local sock <const> = assert(mcast.socket { fd = fd })
      print(state(), sock:getsockname())
      assert(sock:sendto("hello", sock:getsockname()))
      print((sock:recvfrom(5)))
      sock:close()
      print(state())
    ]]))
  end)

  it("is bound where it was not", function()
    assert.equal("0.0.0.0:10041\ttrue", run(plain, [[
      local sock <const> = assert(mcast.socket { fd = fd, port = 10041 })
      print(sock:getsockname(), sock:getoption "reuseaddr")
    ]]))
  end)

  it("keeps its values of options that are not named", function()
    assert.equal("7 9 46 true false true false ", run(bound .. [[
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 9)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 7)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.IPPROTO_IP, 10, 2)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.8.0.1"))
]], [[
      local sock <const> = assert(mcast.socket { fd = fd, dscp = 46, metadata = true })
      for _, name in ipairs { "unicast_ttl", "ttl", "dscp", "broadcast", "fragment", "metadata", "all", "interface" } do
        io.write(tostring(sock:getoption(name)), name == "interface" and "" or " ")
      end
    ]]))
  end)

  for _, family in ipairs(helper.families) do
    it("joins what its earlier owner joined with " .. family.name, function()
      local constant <const> = family.name == "inet" and "IP" or "IPV6"
      assert.equal("lo\tnil\ttrue\nhello\t1\nlo\n", run(([[
s = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM)
s.bind(("", 10042))
lo = socket.if_nametoindex("lo")
group = socket.inet_pton(s.family, %q)
import struct
s.setsockopt(socket.IPPROTO_%s, %s, %s)
]]):format(family.name == "inet" and "" or "6", family.group, constant,
        family.name == "inet" and "socket.IP_ADD_MEMBERSHIP" or "socket.IPV6_JOIN_GROUP",
        family.name == "inet" and 'struct.pack("=4s4si", group, bytes(4), lo)' or 'group + struct.pack("=i", lo)'), ([[
        local sock <const> = assert(mcast.socket { fd = fd })
        print(assert(sock:join(%q)), (sock:join(%q)), select(3, sock:join(%q)) == mcast.errno.EADDRINUSE)
        assert(mcast.socket { family = %q }:sendto("hello", %q, 10042))
        print(sock:recvfrom(5), #sock:groups())
        assert(sock:leave(%q))
        print((assert(sock:join(%q, { interface = "lo" }))))
      ]]):format(family.group, family.group, family.group, family.name, family.group, family.group, family.group)) .. "\n")
    end)
  end

  it("receives no groups of others", function()
    for _, python in ipairs { plain .. 's.bind(("0.0.0.0", 10040))', bound6 } do
      assert.equal("ours\nnil", run(python, [[
        local sock <const> = assert(mcast.socket { fd = fd })
        local inet <const> = sock:getoption "family" == "inet"
        local groups <const> = inet and { "239.1.2.3", "239.1.2.4" } or { "ff15::1", "ff15::2" }
        local other <const> = assert(mcast.socket { family = sock:getoption "family" })
        assert(other:join(groups[2]))
        assert(sock:join(groups[1]))
        assert(other:sendto("theirs", groups[2], 10040))
        assert(other:sendto("ours", groups[1], 10040))
        print((sock:recvfrom(5)))
        print((sock:recvfrom(0)))
      ]]))
    end
  end)

  it("keeps its ttl of 0 on the host", function()
    local host <const> = helper.host()
    local heard <const> = helper.start(host.enter .. helper.lua .. " " .. helper.script(([[
      local sock <const> = assert(require "mcast".socket { port = 10042, interface = %q })
      assert(sock:join "239.1.2.3")
      io.stdout:setvbuf "no"
      print "ready"
      print((sock:recvfrom(5)))
    ]]):format(host.far)))
    assert.equal("ready", heard:read "l")
    assert.equal("0", run(plain .. "s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)\n", ([[
      local sock <const> = assert(mcast.socket { fd = fd, interface = %q })
      print(sock:getoption "ttl")
      assert(sock:sendto("here", "239.1.2.3", 10042))
      assert(sock:setoption("ttl", 1))
      assert(sock:sendto("there", "239.1.2.3", 10042))
    ]]):format(host.near)))
    assert.equal("there", heard:read "l")
  end)

  it("receives what came in trains one by one", function()
    if helper.portable then
      pending "the portable path has no trains"
      return
    end
    assert.equal("10 x10", run(bound .. "s.setsockopt(17, 104, 1)\n", [[
      local sock <const> = assert(mcast.socket { fd = fd })
      local sender <const> = assert(mcast.socket())
      local list <const> = {}
      for i = 1, 10 do list[i] = ("x"):rep(10) end
      assert(sender:sendmany(list, sock:getsockname()))
      local count, size = 0, nil
      for data in sock:datagrams(0) do count, size = count + 1, #data end
      print(count .. " x" .. size)
    ]]))
  end)

  it("accepts the host, port, family and v6only that it has", function()
    assert.equal("true", run(bound, [[
      print(mcast.socket { fd = fd, host = "127.0.0.1", port = 10040, family = "inet" } ~= nil)
    ]]))
    assert.equal("true", run(bound6, [[
      print(mcast.socket { fd = fd, host = "::", port = 0, v6only = false } ~= nil)
    ]]))
  end)

  it("is refused and not closed where an option contradicts it", function()
    for options, message in pairs {
      ['host = "10.8.0.1"'] = "it is bound to 127.0.0.1:10040, not to host and port",
      ["port = 10041"] = "it is bound to 127.0.0.1:10040, not to host and port",
      ['family = "inet6"'] = 'its family is "inet"',
      ['host = "::1"'] = "its family is not that of the socket",
      ['interface = "nowhere"'] = "no such interface",
    } do
      local output <const> = run(bound, ([[
        local sock <const>, message <const>, errno <const> = mcast.socket { fd = fd, %s }
        collectgarbage()
        print(sock, message, math.type(errno), state())
      ]]):format(options))
      assert.matches(message, output, 1, true)
      assert.matches("\tinteger\tlent$", output)
    end
    assert.matches("another v6only", run(bound6, "print(mcast.socket { fd = fd, v6only = true })"))
  end)

  it("is refused and not closed where it is no free UDP socket", function()
    for python, expected in pairs {
      ["s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)"] = "EPROTONOSUPPORT not a UDP socket",
      ["s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"] = "EAFNOSUPPORT not a socket of family inet or inet6",
      ['s = open("/dev/null")'] = "ENOTSOCK not a socket",
      [plain .. 's.connect(("127.0.0.1", 9))'] = "EISCONN connected",
    } do
      local name <const>, message <const> = expected:match "^(%u+) (.*)$"
      local output <const> = run(python, [[
        local sock <const>, message <const>, errno <const> = mcast.socket { fd = fd }
        print(sock, message, errno, state())
      ]])
      assert.matches(message, output, 1, true)
      assert.matches(("\t%d\tlent$"):format(E[name]), output)
    end
    helper.fails(E.EBADF, "^fd 9999: it is not open$", mcast.socket { fd = 9999 })
  end)

  it("is not closed by a call that raises", function()
    assert.equal("false\tlent", run(bound, [[
      local ok <const> = pcall(mcast.socket, { fd = fd, interface = 0 })
      collectgarbage()
      print(ok, state())
    ]]))
  end)

  it("is an option for creation only", function()
    local sock <close> = assert(mcast.socket())
    helper.fails(E.ENOPROTOOPT, "getfd", sock:getoption "fd")
    assert.error_matches(function() sock:setoption("fd", 5) end, "for mcast.socket{} only", 1, true)
    for _, value in ipairs { -1, 1.5, "x", true, 2 ^ 31 } do
      assert.error_matches(function() mcast.socket { fd = value } end, "bad option 'fd'")
    end
  end)

  it("raises in the simulator", function()
    local ok, message
    local net <const> = sim.new()
    net:node("a", function() ok, message = pcall(require "mcast".socket, { fd = 3 }) end)
    net:run()
    assert.is_false(ok)
    assert.matches("option 'fd' is not available in the simulator", message, 1, true)
  end)
end)
