-- The causes of failures, in words: those that both networks have, and then those of Linux alone.
local helper <const> = require "spec.support.helper"
local two <const> = require "spec.support.two"

local fails <const> = helper.fails
local port <const> = 10033

local function tests(network, family)
  local inet <const> = family.name == "inet"
  local first <const>, second <const> = inet and "10.71.0.1" or "fd71::1", inet and "10.71.0.2" or "fd71::2"

  -- Runs a test on a host that has an address on each interface.
  local function run(body)
    network(function(mcast, near, far, set)
      set(near, first, true)
      set(far, second, true)
      body(mcast, near, far, set)
    end)
  end

  it("refuses to join where bound to an address of the host", function()
    run(function(mcast, near)
      local sock <close> = assert(mcast.socket { host = first, interface = near })
      local cause <const> = "join " .. family.group .. " on " .. near .. ": the socket is bound to " .. first
        .. ", .*leave out host"
      fails(mcast.errno.EINVAL, cause, sock:join(family.group))
      fails(mcast.errno.EINVAL, "bound to " .. first, sock:join(family.ssm, { source = second }))
      fails(mcast.errno.EINVAL, "bound to " .. first, sock:filter(family.group, "exclude", {}))
      assert.same({}, sock:groups())
    end)
  end)

  it("joins the group that it is bound to, and no other", function()
    run(function(mcast, near)
      local sock <close> = assert(mcast.socket { host = family.group, interface = near })
      fails(mcast.errno.EINVAL, "bound to " .. family.group, sock:join(family.other))
      assert.equal(near, sock:join(family.group))
    end)
  end)

  it("refuses to join on an interface that is not its device", function()
    run(function(mcast, near, far)
      local sock <close> = assert(mcast.socket { family = family.name, device = near })
      local cause <const> = " on " .. far .. ": the socket receives by its device " .. near .. " alone"
      fails(mcast.errno.EINVAL, cause, sock:join(family.group, { interface = far }))
      fails(mcast.errno.EINVAL, cause, sock:filter(family.group, "include", { first }, { interface = far }))
      if not inet then
        fails(mcast.errno.EINVAL, cause, sock:join("ff02::77%" .. far))
      end
      assert.same({}, sock:groups())
    end)
  end)

  it("joins on its device where no interface is named", function()
    run(function(mcast, near, far)
      for _, name in ipairs { near, far } do
        local sock <close> = assert(mcast.socket { family = family.name, device = name })
        assert.equal(name, sock:join(family.group))
        assert.is_true(sock:filter(family.other, "include", { first }))
        assert.same({ name, name }, { sock:groups()[1].interface, sock:groups()[2].interface })
        local sender <close> = assert(mcast.socket { family = family.name, interface = name })
        assert(sender:sendto("x", family.group, sock:getsockname().port))
        assert.equal("x", sock:recvfrom(5))
      end
    end)
  end)

  it("names the two options that disagree", function()
    run(function(mcast, near, far)
      local function conflict(...)
        fails(mcast.errno.EINVAL, "the options 'interface' %(" .. far .. "%) and 'device' %(" .. near .. "%) disagree", ...)
      end
      conflict(mcast.socket { family = family.name, device = near, interface = far })
      local sock <close> = assert(mcast.socket { family = family.name, device = near })
      conflict(sock:setoption("interface", far))
      if not inet then
        conflict(sock:sendto("x", family.group, port, { interface = far }))
        assert(sock:setoption("ttl", 0))
        conflict(sock:sendto("x", family.group, port, { interface = far }))
      end
    end)
  end)

  it("reports a host that is not an address of this one", function()
    run(function(mcast)
      fails(mcast.errno.EADDRNOTAVAIL, "no address of this host: see mcast.interfaces",
        mcast.socket { host = inet and "10.98.0.1" or "fd98::1" })
    end)
  end)

  if inet then
    it("names the option for broadcast", function()
      run(function(mcast, near)
        local sock <close> = assert(mcast.socket { device = near })
        fails(mcast.errno.EACCES, "broadcast address: set broadcast = true", sock:sendto("x", "255.255.255.255", port))
      end)
    end)

    it("names a host that reaches this host alone", function()
      run(function(mcast, near)
        local sock <close> = assert(mcast.socket { host = "127.0.0.1", interface = near })
        fails(mcast.errno.EINVAL, "'host' %(127.0.0.1%) and 'interface' %(" .. near .. "%) disagree",
          sock:sendto("x", family.group, port))
        fails(mcast.errno.EINVAL, "'host' %(127.0.0.1%) is for this host alone", sock:sendto("x", "10.71.0.9", port))
      end)
    end)
  else
    it("names the option for IPv4 addresses", function()
      run(function(mcast)
        local E <const> = mcast.errno
        local sock <close> = assert(mcast.socket { family = "inet6" })
        fails(E.EINVAL, "an IPv4 address needs v6only = false", mcast.socket { host = "::ffff:127.0.0.1" })
        fails(E.ENETUNREACH, "an IPv4 address needs v6only = false", sock:sendto("x", "::ffff:127.0.0.1", port))
        for _, choice in ipairs { { interface = "lo" }, { source = "::ffff:127.0.0.1" } } do
          fails(E.ENETUNREACH, "an IPv4 address needs v6only = false", sock:sendto("x", "::ffff:127.0.0.1", port, choice))
        end
        fails(E.EINVAL, "set it at creation", sock:setoption("v6only", false))
      end)
    end)

    it("reports the causes of IPv4 for mapped addresses", function()
      run(function(mcast, near, _, set)
        set(near, "10.71.0.1", true)
        local sock <close> = assert(mcast.socket { family = "inet6", v6only = false, device = "lo" })
        fails(mcast.errno.EACCES, "broadcast address: set broadcast = true", sock:sendto("x", "::ffff:255.255.255.255", port))
        local bound <close> = assert(mcast.socket { host = "::ffff:127.0.0.1", v6only = false })
        fails(mcast.errno.EINVAL, "'host' %(::ffff:127.0.0.1%) is for this host alone",
          bound:sendto("x", "::ffff:10.71.0.9", port))
      end)
    end)

    it("names the interface that a host of link scope lacks", function()
      run(function(mcast)
        fails(mcast.errno.EINVAL, "link scope needs its interface, as in fe80::1%%lo", mcast.socket { host = "fe80::1" })
      end)
    end)

    it("reports why a socket sends to no address of a family", function()
      run(function(mcast)
        local E <const> = mcast.errno
        local sock <close> = assert(mcast.socket { family = "inet6" })
        local mapped <close> = assert(mcast.socket { host = "::ffff:127.0.0.1", v6only = false })
        fails(E.EAFNOSUPPORT, "bound to an IPv4 address, and sends to no others", mapped:sendto("x", "ff05::1", port))
        fails(E.EAFNOSUPPORT, "the socket is inet6", sock:sendto("x", "239.1.2.3", port))
      end)
    end)
  end

  it("reports too many sources of a filter before any work", function()
    run(function(mcast, near)
      local sock <close> = assert(mcast.socket { family = family.name, interface = near })
      local list <const> = {}
      for i = 1, 1000000 do list[i] = false end -- no address is read
      fails(mcast.errno.ENOBUFS, "too many sources %(raise sysctl net.*" .. family.sysctl,
        sock:filter(family.group, "include", list))
    end)
  end)
end

for name, network in pairs(two) do
  for _, family in ipairs(helper.families) do
    (name == "real" and helper.network or helper.describe)(("on the %s network with %s"):format(name, family.name), function()
      tests(network, family)
    end)
  end
end

describe("a simulated host", function()
  local sim <const> = require "mcast.sim"

  -- Runs a test on a host of a net with these options.
  local function run(options, body)
    options.output = function() end
    local net <const> = sim.new(options)
    local ok, message
    local node = net:node("node", function() ok, message = pcall(body, require "mcast") end)
    net:at(1, function() node.on:setinterface("eth0", false) end)
    net:run()
    return ok or error(message, 0)
  end

  it("names the MTU that IPv6 lacks", function()
    run({ mtu = 1000 }, function(mcast)
      local sock <close> = assert(mcast.socket { family = "inet6", interface = "eth0" })
      local cause <const> = "%(IPv6 needs an MTU of 1280, and eth0 has 1000%)$"
      fails(mcast.errno.ENETUNREACH, cause, sock:sendto("x", "ff05::7", port))
      fails(mcast.errno.EINVAL, cause, sock:join "ff05::7")
    end)
  end)

  it("names an interface that is down", function()
    run({}, function(mcast)
      local sock <close> = assert(mcast.socket { interface = "eth0" })
      assert.equal(1, sock:sendto("x", "239.1.2.3", port))
      mcast.sleep(2)
      fails(mcast.errno.ENETUNREACH, "the interface is down: .*available: lo", sock:sendto("x", "239.1.2.3", port))
    end)
  end)
end)

helper.network("a port of a device", function()
  it("accepts a join, for those of a VRF receive by it", function()
    helper.check [[
      ip link add bridge0 type bridge && ip link set bridge0 up && ip link add port0 type veth peer name peer0 &&
      ip link set port0 up && ip link set port0 master bridge0 && ip link set peer0 up
    ]]
    helper.defer(function() helper.run "ip link del port0; ip link del bridge0" end)
    local sock <close> = assert(require "mcast".socket { device = "bridge0" })
    assert.equal("port0", sock:join("239.1.2.3", { interface = "port0" }))
    fails(22, "its device bridge0 alone", sock:join("239.1.2.3", { interface = "peer0" }))
  end)
end)
