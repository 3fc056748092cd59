-- The causes of failures, in words: those that both networks have, and then those of Linux alone.
local helper <const> = require "spec.support.helper"
local two <const> = require "spec.support.two"

local fails <const> = helper.fails

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
      local cause <const> = "join " .. family.group .. " on " .. near .. ": the socket is bound to " .. first .. ", .*leave out host"
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
