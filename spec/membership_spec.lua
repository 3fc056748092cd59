local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno
local fails <const> = helper.fails

helper.each_family(function(family)
  local S <const> = family.sources

  local function open() return helper.open(family) end

  it("distinguishes memberships of one group on several interfaces", function()
    local host = helper.host()
    local sock = open()
    assert.equal("lo", sock:join(family.group, { interface = "lo" }))
    assert.equal(host.near, sock:join(family.group, { interface = host.near }))
    assert.equal(2, #sock:groups())
    fails(E.EINVAL, "several interfaces", sock:leave(family.group))
    assert.is_true(sock:leave(family.group, { interface = host.near }))
    assert.is_true(sock:leave(family.group))
    assert.same({}, sock:groups())
  end)

  it("changes no membership by a filter that could mean several", function()
    local host = helper.host()
    local sock = open()
    assert(sock:join(family.group, { interface = "lo" }))
    assert(sock:join(family.group, { interface = host.near }))
    local before = sock:groups()
    for _, mode in ipairs { "include", "exclude" } do
      fails(E.EINVAL, "several interfaces", sock:filter(family.group, mode, { S[1] }))
      fails(E.EINVAL, "several interfaces", sock:filter(family.group, mode, {}))
    end
    assert.same(before, sock:groups())
    assert.is_true(sock:filter(family.group, "include", { S[1] }, { interface = host.near }))
    assert.equal("include", sock:groups()[2].mode)
  end)

  -- Makes two interfaces, and a function that returns which of their hosts' own datagrams, each sent by its interface, a
  -- socket receives.
  local function wires()
    local hosts, senders = { helper.host(), helper.host() }, {}
    for i, host in ipairs(hosts) do
      host.own = family.name == "inet" and ("10.9.%d.1"):format(host.number) or ("fd09:%d::1"):format(host.number)
      senders[i] = assert(mcast.socket { family = family.name, interface = host.own })
      helper.defer(function() senders[i]:close() end)
    end
    return hosts[1], hosts[2], function(sock)
      local names = {}
      for i, sender in ipairs(senders) do
        assert(sender:sendto(tostring(i), family.group, sock:getsockname().port))
      end
      while mcast.poll({ sock }, 0) do
        names[#names + 1] = assert(sock:recvfrom())
      end
      return table.concat(names)
    end
  end

  it("applies the filter of each interface, whatever is joined last", function()
    local one, two, heard = wires()
    local narrow, any = { interface = one.near, source = S[1] }, { interface = two.near }
    for _, order in ipairs { { narrow, any }, { any, narrow } } do
      local sock <close> = open()
      assert(sock:join(family.group, order[1]))
      assert(sock:join(family.group, order[2]))
      assert.equal("2", heard(sock))
      assert.equal(2, #sock:groups())
      assert(sock:join(family.group, { interface = one.near, source = one.own }))
      assert.equal("12", heard(sock))
      assert(sock:block(family.group, two.own, { interface = two.near }))
      assert.equal("1", heard(sock))
      assert(sock:filter(family.group, "exclude", {}, { interface = one.near }))
      assert.equal("1", heard(sock))
      assert(sock:leave(family.group, { interface = one.near }))
      assert.equal("", heard(sock))
      assert(sock:unblock(family.group, two.own))
      assert.equal("2", heard(sock))
      assert(sock:leave(family.group))
      assert.same({}, sock:groups())
      assert.equal("", heard(sock))
    end
  end)

  it("joins on lo beside interfaces with filters", function()
    local one, two, heard = wires()
    local sock <close> = open()
    assert(sock:filter(family.group, "exclude", { one.own }, { interface = one.near }))
    assert(sock:filter(family.group, "include", { two.own }, { interface = two.near }))
    assert.equal("2", heard(sock))
    assert.equal("lo", sock:join(family.group, { interface = "lo" }))
    assert.equal("2", heard(sock))
    assert.equal(3, #sock:groups())
    assert.is_true(sock:leave(family.group, { interface = "lo" }))
    assert.equal("2", heard(sock))
    assert.is_true(sock:unblock(family.group, one.own, { interface = one.near }))
    assert.equal("12", heard(sock))
  end)

  it("applies a filter of lo beside those of other interfaces", function()
    local one, two, heard = wires()
    for _, all in ipairs { false, true } do
      local sock <close> = assert(mcast.socket { family = family.name, all = all })
      local sender <close> = assert(mcast.socket { family = family.name, interface = family.own })
      local lo = { interface = "lo", source = family.own }
      local function by_lo()
        assert(sender:sendto("lo", family.group, sock:getsockname().port))
        return (sock:recvfrom(0.01))
      end
      assert(sock:join(family.group, { interface = one.near, source = S[1] }))
      assert(sock:join(family.group, { interface = two.near }))
      assert(sock:join(family.group, { interface = "lo", source = S[2] }))
      assert.same({ "2" }, { heard(sock), by_lo() })
      assert.same({ S[2] }, sock:groups()[3].sources)
      assert(sock:join(family.group, lo))
      assert.same({ "2", "lo" }, { heard(sock), by_lo() })
      assert(sock:filter(family.group, "exclude", { family.own }, { interface = "lo" }))
      assert.same({ "2" }, { heard(sock), by_lo() })
      assert(sock:filter(family.group, "exclude", { one.own }, { interface = one.near }))
      assert(sock:unblock(family.group, family.own, { interface = "lo" }))
      assert.same({ "2", "lo" }, { heard(sock), by_lo() })
      assert(sock:leave(family.group, { interface = two.near }))
      assert(sock:leave(family.group, { interface = "lo" }))
      assert.equal("", all and "" or heard(sock))
      assert(sock:leave(family.group))
      assert.same({}, sock:groups())
    end
  end)

  it("survives finalizers that join and leave during other calls", function()
    local sock = open()
    local wanted = {}
    for i = 1, 10 do
      local group = family.group:gsub("3$", tostring(100 + i))
      wanted[i] = group
      assert(sock:join(group))
    end
    local fired = 0
    for i = 1, 300 do
      local group = family.group:gsub("3$", tostring(200 + i % 5))
      setmetatable({}, { __gc = function()
        fired = fired + 1
        sock:join(family.other)
        sock:leave(wanted[1])
        sock:leave(family.other)
        sock:join(wanted[1])
      end })
      collectgarbage "step"
      sock:join(group, { source = S[1] })
      sock:join(group, { source = S[2] })
      sock:filter(group, "exclude", { S[3] })
      sock:groups()
      assert(sock:leave(group, i % 2 == 0 and {} or nil))
    end
    collectgarbage()
    assert.is_true(fired > 0)
    local got = {}
    for i, group in ipairs(sock:groups()) do
      assert.is_nil(group.lost)
      got[i] = group.group
    end
    table.sort(got)
    table.sort(wanted)
    assert.same(wanted, got)
  end)

  it("joins on the socket's interface unless the call names another", function()
    local host = helper.host()
    local sock <close> = assert(mcast.socket { family = family.name, interface = host.near })
    assert.equal(host.near, sock:join(family.group))
    assert.equal("lo", sock:join(family.other, { interface = "lo" }))
    assert.is_true(sock:filter(family.ssm, "include", { S[1] }))
    assert.equal(host.near, sock:groups()[3].interface)
    assert.is_true(sock:leave(family.group))
  end)

  local function link()
    helper.check "ip link add wire index 777 type veth peer name end_of_wire && ip link set wire up"
    helper.defer(function() helper.run "ip link del wire" end)
  end

  it("reports a membership as lost once its interface is gone", function()
    link()
    local sock = open()
    assert.equal("wire", sock:join(family.group, { interface = "wire" }))
    assert.is_nil(sock:groups()[1].lost)
    helper.check "ip link del wire"
    assert.same({ { group = family.group, interface = "wire", mode = "exclude", sources = {}, lost = true } },
      sock:groups())
    link()
    assert.is_true(sock:groups()[1].lost)
  end)

  it("joins anew where an interface was made again under its index", function()
    link()
    local sock = open()
    assert(sock:join(family.group, { interface = "wire" }))
    helper.check "ip link del wire"
    link()
    assert.equal("wire", sock:join(family.group, { interface = "wire" }))
    assert.is_nil(sock:groups()[1].lost)
    assert.equal(1, #sock:groups())
  end)

  it("leaves memberships whose interface is gone", function()
    link()
    local sock = open()
    assert(sock:join(family.group, { interface = "wire" }))
    assert(sock:join(family.ssm, { interface = "wire", source = S[1] }))
    helper.check "ip link del wire"
    assert.is_true(sock:leave(family.ssm, { source = S[1] }))
    assert.is_true(sock:leave(family.group))
    assert.same({}, sock:groups())
  end)
end)

helper.network("memberships", function()
  it("returns ENOBUFS and names the sysctl past igmp_max_memberships", function()
    local sock <close> = assert(mcast.socket())
    for i = 1, 20 do
      assert(sock:join("239.2.0." .. i))
    end
    fails(E.ENOBUFS, "igmp_max_memberships", sock:join "239.2.0.21")
    fails(E.ENOBUFS, "igmp_max_memberships", sock:join("239.2.0.21", { source = "10.8.0.1" }))
    assert.equal(20, #sock:groups())
    assert.is_true(sock:leave "239.2.0.1")
    assert.equal("lo", sock:join "239.2.0.21")
  end)

  it("returns ENOMEM and names the sysctl past optmem_max", function()
    local inet6 <close> = assert(mcast.socket { family = "inet6" })
    local n, message, errno = 0
    repeat
      local ok
      ok, message, errno = inet6:join(("ff15::%x"):format(n))
      n = n + 1
    until not ok or n > 100000
    assert.equal(E.ENOMEM, errno)
    assert.matches("optmem_max", message)
    assert.equal(n - 1, #inet6:groups())
    -- The group still fits, its source does not: the failed join leaves nothing behind.
    assert.is_true(inet6:leave "ff15::1")
    fails(E.ENOBUFS, "optmem_max", inet6:join("ff35::1", { source = "::1" }))
    assert.is_true(inet6:leave "ff15::2")
    assert.equal("lo", inet6:join "ff35::1")
  end)

  it("names the option and the usable interfaces without a route", function()
    local script = helper.script [[
      local mcast = require "mcast"
      for _, family in ipairs { { "inet", "239.1.2.3" }, { "inet6", "ff15::1" } } do
        local sock = assert(mcast.socket { family = family[1] })
        print(sock:join(family[2]))
        print(sock:sendto("x", family[2], 1))
        print(sock:sendmany({ "x" }, family[2], 1))
        print(sock:join(family[2], { interface = "lo" }))
      end
    ]]
    local output = helper.check("unshare --net sh -c 'ip link set lo up; exec " .. helper.lua .. " " .. script .. "'")
    local n = select(2, output:gsub("interface[^\n]*\"lo\"[^\n]*available: lo", ""))
    assert.equal(6, n, output)
    assert.matches("\nlo\n", output)
  end)

  it("joins a group with a zone on the zone's interface", function()
    local host = helper.host()
    helper.check("ip addr add fe80::7/64 nodad dev " .. host.near)
    local sock <close> = assert(mcast.socket { family = "inet6" })
    assert.equal(host.near, sock:join("ff02::5%" .. host.near))
    assert.equal("lo", sock:join "ff02::5%lo")
    assert.equal("ff02::5", sock:groups()[1].group)
    fails(E.EINVAL, "zone", sock:join("ff02::6%lo", { interface = host.near }))
    assert.equal("lo", sock:join("ff02::6%lo", { interface = "lo" }))
    assert.is_true(sock:leave "ff02::6")
    local sender <close> = assert(mcast.socket { family = "inet6" })
    assert(sender:sendto("hello", "ff02::5%lo", sock:getsockname().port))
    assert.equal("hello", (sock:recvfrom(5)))
    assert(sender:sendto("hello", "ff02::5%" .. host.near, sock:getsockname().port))
    local _, from = sock:recvfrom(5)
    assert.equal("fe80::7", from.host)
    assert.equal(host.near, from.interface)
    assert.is_true(sock:leave("ff02::5%" .. host.near))
    assert.equal("lo", sock:groups()[1].interface)
  end)
end)
