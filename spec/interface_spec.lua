local mcast <const> = require "mcast"
local helper <const> = require "spec.helper"

local E <const> = mcast.errno

local function find(name)
  for _, interface in ipairs(assert(mcast.interfaces())) do
    if interface.name == name then
      return interface
    end
  end
end

helper.network("interfaces", function()
  it("are listed with what is known of them", function()
    local lo = find "lo"
    assert.same({ 1, true, true, true, true, 65536 },
      { lo.index, lo.up, lo.running, lo.loopback, lo.multicast, lo.mtu })
    assert.equal("127.0.0.1", lo.addresses[1])
    assert.equal("::1", lo.addresses[#lo.addresses] == "::1" and "::1"
      or table.concat(lo.addresses, " "):match "::1")
  end)

  it("tell when they are down, and zones of their addresses", function()
    helper.check "ip link add quiet type veth peer name peer && ip link set quiet mtu 1400"
    helper.defer(function() helper.run "ip link del quiet" end)
    local quiet = find "quiet"
    assert.same({ false, false, 1400, 0 }, { quiet.up, quiet.loopback, quiet.mtu, #quiet.addresses })
    helper.check "ip link set quiet up && ip addr add fe80::5 dev quiet nodad && ip addr add 10.77.0.1/24 dev quiet"
    local addresses = table.concat(find "quiet".addresses, " ")
    assert.matches("fe80::5%quiet", addresses, 1, true)
    assert.matches("10.77.0.1", addresses, 1, true)
  end)

  it("are named by name, index and own address wherever one is named", function()
    local group = "239.1.2.3"
    for _, name in ipairs { "lo", 1, "1", "127.0.0.1", "10.8.0.1", "::1", "fd08::1" } do
      local sock <close> = assert(mcast.socket { family = "inet", interface = name })
      assert.equal("lo", sock:getoption "interface")
      assert.same({ true, "lo" }, { sock:setoption("device", name) })
      assert.equal("lo", sock:join(group, { interface = name }))
      assert.is_true(sock:block(group, "10.8.0.1", { interface = name }))
      assert.is_true(sock:unblock(group, "10.8.0.1", { interface = name }))
      assert.is_true(sock:filter(group, "exclude", {}, { interface = name }))
      assert.is_true(sock:leave(group, { interface = name }))
    end
  end)

  it("that have one address in common are told apart by its zone", function()
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

  it("that are not there are an error that lists those that are", function()
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { "nowhere", 4711, "10.99.99.99", "fd99::1", "lo\0", ("x"):rep(70000) } do
      local ok, message, errno = sock:join("239.1.2.3", { interface = name })
      assert.is_nil(ok)
      assert.equal(E.ENODEV, errno)
      assert.matches("no such interface %(there are lo", message)
      assert.equal(E.ENODEV, select(3, mcast.socket { interface = name }))
      assert.equal(E.ENODEV, select(3, sock:setoption("interface", name)))
      assert.equal(E.ENODEV, select(3, sock:setoption("device", name)))
    end
    assert.same({}, sock:groups())
    assert.equal("", sock:getoption "interface")
  end)

  it("raise where they are named by something else", function()
    local sock <close> = assert(mcast.socket())
    for _, name in ipairs { 0, -1, 1.5, 2 ^ 40, true, {} } do
      assert.has_error(function() sock:join("239.1.2.3", { interface = name }) end)
      assert.has_error(function() mcast.socket { interface = name } end)
    end
  end)

  it("keep a membership and an option when they are renamed", function()
    helper.check "ip link add before type veth peer name peer && ip link set before up"
    helper.defer(function() helper.run "ip link del after" end)
    local sock <close> = assert(mcast.socket { interface = "before" })
    assert.equal("before", sock:join "239.1.2.3")
    helper.check "ip link set before down && ip link set before name after && ip link set after up"
    assert.equal("after", sock:getoption "interface")
    assert.same({ { group = "239.1.2.3", interface = "after", mode = "exclude", sources = {} } }, sock:groups())
    assert.is_true(sock:leave("239.1.2.3", { interface = "after" }))
  end)
end)
