local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local function find(name)
  for _, interface in ipairs(assert(mcast.interfaces())) do
    if interface.name == name then
      return interface
    end
  end
end

helper.network("interfaces", function()
  it("reports an interface's state, MTU and addresses with their zones", function()
    helper.check "ip link add quiet type veth peer name peer && ip link set quiet mtu 1400"
    helper.defer(function() helper.run "ip link del quiet" end)
    local quiet = find "quiet"
    assert.same({ false, false, 1400, 0 }, { quiet.up, quiet.loopback, quiet.mtu, #quiet.addresses })
    helper.check "ip link set quiet up && ip addr add fe80::5 dev quiet nodad && ip addr add 10.77.0.1/24 dev quiet"
    local addresses = table.concat(find "quiet".addresses, " ")
    assert.matches("fe80::5%quiet", addresses, 1, true)
    assert.matches("10.77.0.1", addresses, 1, true)
  end)

  it("distinguishes interfaces that share an address by its zone", function()
    helper.check [[
      ip link add left type veth peer name right && ip link set left up && ip link set right up
      ip addr add fe80::5 dev left nodad && ip addr add fe80::5 dev right nodad
    ]]
    helper.defer(function() helper.run "ip link del left" end)
    for _, name in ipairs { "left", "right" } do
      local sock <close> = assert(mcast.socket { interface = "fe80::5%" .. name })
      assert.same({ name, "inet6" }, { sock:getoption "interface", sock:getoption "family" })
    end
  end)

  it("keeps a membership and an option of a renamed interface", function()
    helper.check "ip link add before type veth peer name peer && ip link set before up"
    helper.defer(function() helper.run "ip link del after" end)
    local sock <close> = assert(mcast.socket { interface = "before" })
    assert.equal("before", sock:join "239.1.2.3")
    helper.check "ip link set before down && ip link set before name after && ip link set after up"
    assert.equal("after", sock:getoption "interface")
    assert.same({ { group = "239.1.2.3", interface = "after", mode = "exclude", sources = {} } }, sock:groups())
    assert.is_true(sock:leave("239.1.2.3", { interface = "after" }))
  end)

  it("finds an interface by its alternative names", function()
    local long <const> = ("alternative"):rep(10)
    helper.check(([[
      ip link add first type veth peer name peer && ip link set first up && ip link set peer up
      ip link property add dev first altname %s altname other
    ]]):format(long))
    helper.defer(function() helper.run "ip link del first" end)
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { long, "other" } do
      assert.equal("first", sock:join("239.1.2.3", { interface = name }))
      assert.is_true(sock:leave("239.1.2.3", { interface = name }))
      assert.same({ true, "first" }, { sock:setoption("interface", name) })
      assert.same({ true, "first" }, { sock:setoption("device", name) })
      assert.equal("[ff02::1%first]:5", tostring(mcast.address("ff02::1%" .. name, 5)))
    end
    helper.fails(mcast.errno.ENODEV, "no such interface", sock:setoption("interface", long .. "x"))
  end)

  it("finds a name of digits before an index", function()
    helper.check "ip link add 1 type veth peer name peer && ip link property add dev peer altname 2"
    helper.defer(function() helper.run "ip link del 1" end)
    local own <const>, far <const> = find "1", find "peer"
    for name, interface in pairs { ["1"] = own, ["2"] = far, [own.index] = own, [tostring(far.index)] = far } do
      local sock <close> = assert(mcast.socket { interface = name })
      assert.equal(interface.name, sock:getoption "interface")
      assert.equal(interface.name, mcast.address("ff02::1%" .. name, 5).interface)
    end
    local sock <close> = assert(mcast.socket { interface = 1 })
    assert.equal("lo", sock:getoption "interface")
  end)
end)
