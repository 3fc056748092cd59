-- Links that go down, lose their carrier, are renamed, deleted and made again while
-- sockets use them; and hops.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno
local port <const> = 10020

-- Has the far host answer each datagram of the group, to the group.
local function answer(host, family)
  local output = helper.start(host.enter .. helper.lua .. " " .. helper.script(([[
    local mcast = require "mcast"
    local sock = assert(mcast.socket { family = %q, port = %d, interface = %q })
    assert(sock:join %q)
    print "ready"
    io.stdout:flush()
    for data, from in sock:datagrams() do
      sock:sendto("answer to " .. data, %q, from.port)
    end
  ]]):format(family.name, port, host.far, family.group, family.group)))
  assert.equal("ready", output:read "l")
end

-- Asserts that a socket sends to the group and receives from it by its interface. (A
-- link that has just come up may lose some datagrams.)
local function works(sock, family)
  for i = 1, 100 do
    local text = "hello " .. i
    local sent = sock:sendto(text, family.group, port)
    local data = sent and sock:recvfrom(0.05)
    if data then
      assert.matches("^answer to hello %d+$", data)
      return
    end
    mcast.sleep(sent and 0 or 0.05)
  end
  error "the socket receives nothing"
end

local fails <const> = helper.fails

local function has(link, flag)
  return ("until ip -o link show %s | grep -q %s; do sleep 0.01; done"):format(link, flag)
end

-- A link that goes down loses its IPv6 addresses.
local function up(host)
  helper.check(("ip link set %s up && ip -6 addr replace fd09:%d::1/64 dev %s nodad; %s"):format(host.near, host.number,
    host.near, has(host.near, "LOWER_UP")))
end

helper.each_family(function(family)
  local function open(host)
    local sock = assert(mcast.socket { family = family.name, interface = host.near })
    helper.defer(function() sock:close() end)
    return sock
  end

  local function joined(host)
    local sock = open(host)
    answer(host, family)
    assert.equal(host.near, sock:join(family.group))
    works(sock, family)
    return sock
  end

  it("returns ENETUNREACH from sends by a link that is down", function()
    local host = helper.host()
    local sock = joined(host)
    helper.check("ip link set " .. host.near .. " down")
    local sent = sock:stats().sent
    fails(E.ENETUNREACH, "the interface is down.*available:", sock:sendto("x", family.group, port))
    fails(E.ENETUNREACH, "the interface is down.*available:", sock:sendmany({ "x", "y" }, family.group, port))
    assert.equal(sent, sock:stats().sent)
  end)

  it("keeps its memberships while a link is down", function()
    local host = helper.host()
    local sock = joined(host)
    helper.check("ip link set " .. host.near .. " down")
    repeat until not sock:recvfrom(0)
    assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0.01)))
    assert.is_nil(sock:groups()[1].lost)
    up(host)
    works(sock, family)
    assert.same({ { group = family.group, interface = host.near, mode = "exclude", sources = {} } }, sock:groups())
  end)

  it("joins on a link that is down, to receive later", function()
    local host = helper.host()
    answer(host, family)
    helper.check("ip link set " .. host.near .. " down")
    local sock = open(host)
    assert.equal(host.near, sock:join(family.group))
    assert.equal(host.near, sock:join(family.ssm, { source = family.sources[1] }))
    assert.is_true(sock:leave(family.ssm))
    assert.is_nil(sock:groups()[1].lost)
    up(host)
    works(sock, family)
  end)

  it("sends by a link without carrier, and receives once it returns", function()
    local host = helper.host()
    local sock = joined(host)
    local unnamed <close> = assert(mcast.socket { family = family.name, device = host.near })
    helper.check(host.enter .. "ip link set " .. host.far .. " down; " .. has(host.near, "NO-CARRIER"))
    assert.equal(1, sock:sendto("x", family.group, port))
    assert.equal(1, unnamed:sendto("x", family.group, port))
    assert.is_nil(sock:groups()[1].lost)
    helper.check(host.enter .. ("sh -c 'ip link set %s up && ip -6 addr replace fd09:%d::2/64 dev %s nodad'; %s"):format(
      host.far, host.number, host.far, has(host.near, "LOWER_UP")))
    works(sock, family)
  end)

  it("keeps the memberships of a renamed link, under its new name", function()
    local host = helper.host()
    local sock = joined(host)
    local function rename(from, to)
      helper.check(("ip link set %s down && ip link set %s name %s"):format(from, from, to))
      host.near = to
      up(host)
    end
    local before = host.near
    rename(before, "after")
    helper.defer(function() helper.run "ip link del after" end)
    assert.same({ { group = family.group, interface = "after", mode = "exclude", sources = {} } }, sock:groups())
    assert.equal("after", sock:getoption "interface")
    fails(E.EADDRINUSE, "on after: already joined", sock:join(family.group))
    works(sock, family)
    assert.is_true(sock:leave(family.group, { interface = "after" }))
    assert.equal("after", sock:join(family.group))
    fails(E.ENODEV, "no such interface", sock:join(family.other, { interface = before }))
    works(sock, family)
  end)

  it("returns ENETUNREACH from sends by a deleted link", function()
    local host = helper.host()
    local sock = joined(host)
    helper.check("ip link del " .. host.near)
    fails(E.ENETUNREACH, "the interface is gone.*available: lo", sock:sendto("x", family.group, port))
    fails(E.ENETUNREACH, "the interface is gone.*available: lo", sock:sendmany({ "x" }, family.group, port))
  end)

  it("reports memberships on a deleted link as lost", function()
    local host = helper.host()
    local sock = joined(host)
    assert.equal("lo", sock:join(family.other, { interface = "lo" }))
    helper.check("ip link del " .. host.near)
    repeat until not sock:recvfrom(0)
    assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0.01)))
    assert.equal(E.ETIMEDOUT, select(3, mcast.poll({ sock }, 0.01)))
    fails(E.ENODEV, "", sock:join(family.ssm))
    local groups = sock:groups()
    assert.same({ true, host.near }, { groups[1].lost, groups[1].interface })
    assert.same({ nil, "lo" }, { groups[2].lost, groups[2].interface })
  end)

  it("continues on another interface after its link is deleted", function()
    local host = helper.host()
    local sock = joined(host)
    assert.equal("lo", sock:join(family.other, { interface = "lo" }))
    helper.check("ip link del " .. host.near)
    repeat until not sock:recvfrom(0)
    assert.is_true(sock:leave(family.group))
    assert.same({ true, "lo" }, { sock:setoption("interface", "lo") })
    assert.equal("lo", sock:join(family.group))
    for _, group in ipairs { family.group, family.other } do
      assert.equal(5, sock:sendto("by lo", group, sock:getsockname().port))
      assert.equal("by lo", (sock:recvfrom(5)))
    end
  end)

  for name, same in pairs { ["its old index"] = true, ["a new index"] = false } do
    it("joins again on a link made again with " .. name, function()
      local host = helper.host()
      local sock = joined(host)
      local _, index = nil, nil
      for _, interface in ipairs(mcast.interfaces()) do
        index = interface.name == host.near and interface.index or index
      end
      helper.check("ip link del " .. host.near)
      host.plug(same and index or index + 1000)
      assert.is_true(sock:groups()[1].lost)
      answer(host, family)
      assert.same({ true, host.near }, { sock:setoption("interface", host.near) })
      repeat until not sock:recvfrom(0)
      assert.equal(host.near, sock:join(family.group))
      assert.same({ { group = family.group, interface = host.near, mode = "exclude", sources = {} } }, sock:groups())
      works(sock, family)
    end)
  end

  it("sends ttl 1 over one hop and ttl 2 over two", function()
    local host, beyond = helper.host(), helper.host()
    local source = family.name == "inet" and "10.9.%d.1" or "fd09:%d::1"
    local pid = beyond.enter:match "/proc/(%d+)/"
    helper.check(host.enter .. ([[sh -c 'ip link add leg type veth peer name other netns %s &&
      ip addr add 10.10.0.1/24 dev leg && ip -6 addr add fd10::1/64 dev leg nodad && ip link set leg up &&
      %s ip link set other up && %s' && %s]]):format(pid, beyond.enter, has("leg", "LOWER_UP"),
      beyond.enter .. "sh -c '" .. has("other", "LOWER_UP") .. "'"))
    helper.check(beyond.enter .. "sh -c 'ip addr add 10.10.0.2/24 dev other; ip -6 addr add fd10::2/64 dev other nodad'")
    local function listen(enter, interface)
      local output = helper.start(enter .. helper.lua .. " " .. helper.script(([[
        local mcast = require "mcast"
        local sock = assert(mcast.socket { family = %q, port = %d, interface = %q, metadata = true })
        assert(sock:join %q)
        io.stdout:setvbuf "line"
        print "ready"
        while true do
          local msg = assert(sock:recvmsg(10))
          print(msg.data, msg.ttl)
        end
      ]]):format(family.name, port, interface, family.group)))
      assert.equal("ready", output:read "l")
      return output
    end
    local one, two = listen(host.enter, host.far), listen(beyond.enter, "other")
    local router = helper.start(host.enter .. ("python3 spec/support/router.py %s %s %s leg"):format(source:format(host.number),
      family.group, host.far))
    assert.equal("routing", router:read "l")
    local sock <close> = assert(mcast.socket { family = family.name, interface = source:format(host.number) })
    for _, ttl in ipairs { 0, 1, 2, 3 } do
      assert.is_true(sock:setoption("ttl", ttl))
      assert(sock:sendto("ttl " .. ttl, family.group, port))
    end
    assert.same({ "ttl 1\t1", "ttl 2\t2", "ttl 3\t3" }, { one:read "l", one:read "l", one:read "l" })
    assert.same({ "ttl 2\t1", "ttl 3\t2" }, { two:read "l", two:read "l" })
  end)
end)
