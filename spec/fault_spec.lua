-- Faults without a link: failing calls, signals, forks, clocks, full buffers, no
-- descriptors. (link_spec has those of links, port_spec those of ports.)
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

local function open(options)
  local sock = assert(mcast.socket(options))
  helper.defer(function() sock:close() end)
  return sock
end

-- Asserts that a socket that joined the family's group receives from it and sends.
local function works(sock, family)
  local sender <close> = assert(mcast.socket { family = family.name })
  assert(sender:sendto("to the group", family.group, sock:getsockname().port))
  local data, from = sock:recvfrom(5)
  assert.equal("to the group", data)
  assert.equal(6, sock:sendto("answer", from))
  assert.equal("answer", (sender:recvfrom(5)))
end

-- Runs a script for which spec/support/fault.c is a module.
local function with_fault(text)
  local folder = helper.compile "spec/support/fault.c"
  return helper.check(("LUA_CPATH='%s/?.so;%s' %s %s"):format(folder, package.cpath, helper.lua, helper.script(
    'local mcast, fault = require "mcast", require "fault"\n' .. text)))
end

helper.each_family(function(family)
  local function joined(options)
    options = options or {}
    options.family = family.name
    local sock = open(options)
    assert(sock:join(family.group))
    return sock
  end

  it("works after each call that fails", function()
    local sock = joined()
    local other = helper.families[family.name == "inet" and 2 or 1]
    local calls = {
      { E.EMSGSIZE, "sendto", ("x"):rep(family.limit + 1), family.group, 5 },
      { E.EINVAL, "sendto", "x", family.group, 0 },
      { E.EAFNOSUPPORT, "sendto", "x", other.group, 5 },
      { E.EADDRINUSE, "join", family.group },
      { E.EADDRNOTAVAIL, "leave", family.other },
      { E.ENODEV, "join", family.other, { interface = "nowhere" } },
      { E.EINVAL, "join", family.own },
      { E.EADDRNOTAVAIL, "unblock", family.group, family.sources[1] },
      { E.ENODEV, "setoption", "interface", "nowhere" },
      { E.ETIMEDOUT, "recvfrom", 0 },
    }
    for _, call in ipairs(calls) do
      local before = sock:getsockname()
      local ok, message, errno = sock[call[2]](sock, table.unpack(call, 3))
      assert.same({ nil, call[1] }, { ok, errno }, message)
      assert.equal(before, sock:getsockname())
      works(sock, family)
    end
  end)

  it("keeps its memberships past the kernel's limit of sources", function()
    local sock = joined()
    local source, n, errno = family.sources[1]:gsub("1$", ""), 0
    repeat
      n = n + 1
      errno = select(3, sock:join(family.ssm, { source = source .. n + 20 }))
    until errno
    assert.same({ family.max_sources + 1, E.ENOBUFS }, { n, errno })
    works(sock, family)
    assert.is_true(sock:leave(family.ssm, { source = source .. 21 }))
    assert.equal("lo", sock:join(family.ssm, { source = family.sources[1] }))
    local sender <close> = assert(mcast.socket { interface = family.sources[1] })
    assert(sender:sendto("of the source", family.ssm, sock:getsockname().port))
    assert.equal("of the source", (sock:recvfrom(5)))
  end)

  it("joins and leaves a source once only", function()
    local sock = joined()
    local source = { source = family.sources[1] }
    assert(sock:join(family.ssm, source))
    assert.equal(E.EADDRINUSE, select(3, sock:join(family.ssm, source)))
    assert.equal(E.EADDRNOTAVAIL, select(3, sock:leave(family.ssm, { source = family.sources[2] })))
    assert.is_true(sock:leave(family.ssm, source))
    assert.equal(E.EADDRNOTAVAIL, select(3, sock:leave(family.ssm, source)))
    works(sock, family)
  end)

  it("sends to a port without a receiver, and reports nothing", function()
    local sock = joined()
    local gone = open { family = family.name }
    local port = gone:getsockname().port
    gone:close()
    for _ = 1, 3 do
      assert.equal(1, sock:sendto("x", family.own, port))
      assert.equal(E.ETIMEDOUT, select(3, sock:recvfrom(0.01)))
    end
    works(sock, family)
  end)

  it("counts a train that a full buffer drops as one", function()
    if helper.portable then
      pending "this build has no trains"
      return
    end
    local sock = joined()
    local sender, port, list = open { family = family.name }, sock:getsockname().port, {}
    for i = 1, 64 do
      list[i] = ("x"):rep(1000)
    end
    local function receive()
      local n = 0
      for _ in sock:datagrams(0) do
        n = n + 1
      end
      return n
    end
    assert.equal(64, sender:sendmany(list, family.group, port))
    assert.equal(64, receive() + sock:stats().dropped) -- without trains each one counts
    local before = sock:stats().dropped
    for _ = 1, 100 do
      assert.equal(64, sender:sendmany(list, family.group, port))
    end
    local got, dropped = receive(), sock:stats().dropped - before
    assert.is_true(dropped > 0)
    assert.equal(100 * 64, got + 64 * dropped)
    works(sock, family)
  end)

  -- A joined socket, and whether it receives. (A neighbour keeps the group on the interface.)
  local forking <const> = ([[
    local family, group = %q, %q
    local sock, sender = assert(mcast.socket { family = family }), assert(mcast.socket { family = family })
    local neighbour <close> = assert(mcast.socket { family = family })
    assert(neighbour:join(group) and sock:join(group))
    local function receives()
      assert(sender:sendto("x", group, sock:getsockname().port))
      return sock:recvfrom(0.1) == "x"
    end
  ]]):format(family.name, family.group)

  it("keeps its membership where a forked process closes its copy", function()
    assert.equal("true\ttrue\tnil\n", with_fault(forking .. [[
      print(fault.forked(function() sock:close() end), receives(), sock:groups()[1].lost)
    ]]))
  end)

  it("loses its membership where a forked process leaves the group", function()
    -- The portable path only has the module's own membership list to check groups.
    assert.equal(("true\t%s\ttrue\nlo\ttrue\tnil\t1\n"):format(helper.portable), with_fault(forking .. [[
      print(fault.forked(function() assert(sock:leave(group)) end), receives(), sock:groups()[1].lost)
      print(sock:join(group), receives(), sock:groups()[1].lost, #sock:groups())
    ]]))
  end)

  it("sends ttl 0 to members that a forked process joined", function()
    local host = helper.host()
    assert.equal("1\ttrue\ttrue\n", with_fault(([[
      local member = assert(mcast.socket { family = %q, port = 10020, interface = %q, all = true })
      local sender = assert(mcast.socket { family = %q, interface = %q, ttl = 0 })
      local function heard()
        assert(sender:sendto("x", %q, 10020))
        return member:recvfrom(0.1) == "x"
      end
      local sent = sender:sendto("x", %q, 10020)
      print(sent, fault.forked(function()
        assert(member:join(%q))
        assert(heard())
      end), heard())
    ]]):format(family.name, host.near, family.name, host.near, family.group, family.group, family.group)))
  end)
end)

helper.network("sockets", function()
  it("leaves a group by the interface joined on, without a route", function()
    local script = helper.script [[
      local mcast = require "mcast"
      for _, family in ipairs { { "inet", "239.1.2.3" }, { "inet6", "ff15::1" } } do
        local sock = assert(mcast.socket { family = family[1] })
        print(select(3, sock:join(family[2])), select(3, sock:sendto("x", family[2], 1)))
        print(sock:join(family[2], { interface = "lo" }), sock:leave(family[2]), #sock:groups())
        assert(sock:sendto("x", family[1] == "inet" and "127.0.0.1" or "::1", sock:getsockname().port))
        print(sock:recvfrom(5))
      end
    ]]
    local line = "%d\t%d\nlo\ttrue\t0\nx\t%%S+\n"
    assert.matches(("^" .. line .. line .. "$"):format(E.ENODEV, E.ENETUNREACH, E.ENODEV, E.ENETUNREACH),
      helper.check("unshare --net sh -c 'ip link set lo up; exec " .. helper.lua .. " " .. script .. "'"))
  end)

  it("returns EINVAL for a join of an IPv4-mapped group", function()
    local sock = open { family = "inet6", v6only = false }
    local ok, message, errno = sock:join "::ffff:239.1.2.3"
    assert.same({ nil, E.EINVAL }, { ok, errno })
    assert.matches("not a group %(ff00::/8%)", message)
    assert(sock:join(helper.families[2].group))
    works(sock, helper.families[2])
  end)

  it("waits for the whole timeout under thousands of signals", function()
    local output = with_fault [[
      local sock = assert(mcast.socket())
      local waits = {
        function() return select(3, sock:recvfrom(0.5)) end,
        function() return select(3, mcast.poll({ sock }, 0.5)) end,
        function() mcast.sleep(0.5) return mcast.errno.ETIMEDOUT end,
      }
      for _, wait in ipairs(waits) do
        fault.storm(100)
        local start = mcast.now()
        local errno = wait()
        local took, caught = mcast.now() - start, fault.storm(0)
        assert(errno == mcast.errno.ETIMEDOUT and took >= 0.5 and took < 2, took)
        assert(caught > 1000, caught)
      end
      print "waited"
    ]]
    assert.equal("waited\n", output)
  end)

  it("sends and receives each datagram under thousands of signals", function()
    local output = with_fault [[
      local sock = assert(mcast.socket())
      fault.storm(100)
      local sender = assert(mcast.socket { ttl = 1 })
      for i = 1, 10000 do
        assert(sender:sendto(tostring(i), "127.0.0.1", sock:getsockname().port))
        assert(sock:recvfrom(5) == tostring(i))
      end
      print(fault.storm(0) > 0)
    ]]
    assert.equal("true\n", output)
  end)

  it("waits for the whole timeout while the system's clock jumps", function()
    local folder = helper.compile "spec/support/clock.c"
    local output = helper.check(("LD_PRELOAD='%s %s/clock.so' %s %s"):format(os.getenv "LD_PRELOAD" or "", folder,
      os.getenv "MCAST_LUA" or "lua5.4", helper.script [[
      local mcast = require "mcast"
      local sock = assert(mcast.socket())
      local waits = {
        recvfrom = function() return sock:recvfrom(0.25) end,
        spin = function() sock:setoption("spin", 1) local _, _, errno = sock:recvfrom(0.25) sock:setoption("spin", 0)
          return nil, "", errno end,
        poll = function() return mcast.poll({ sock }, 0.25) end,
        datagrams = function() for _ in sock:datagrams(0.25) do end return nil, "", mcast.errno.ETIMEDOUT end,
        sleep = function() mcast.sleep(0.25) return nil, "", mcast.errno.ETIMEDOUT end,
      }
      local first, jumps = os.time(), { forward = 0, back = 0 }
      for name, wait in pairs(waits) do
        local start = mcast.now()
        local _, _, errno = wait()
        local took = mcast.now() - start
        assert(errno == mcast.errno.ETIMEDOUT and took >= 0.25 and took < 1.5, name .. " took " .. took)
      end
      local last, stop = first, mcast.now() + 0.5
      while mcast.now() < stop do
        local time = os.time()
        if time - last > 7000 then jumps.forward = jumps.forward + 1 end
        if time - last < -7000 then jumps.back = jumps.back + 1 end
        last = time
      end
      assert(jumps.forward >= 2 and jumps.back >= 2, "the clock was not set")
      assert(sock:sendto("x", "127.0.0.1", sock:getsockname().port))
      print(sock:recvfrom(5))
    ]]))
    assert.matches("^x\t127%.0%.0%.1:%d+\n$", output)
  end)

  -- Runs a script under a flood of datagrams to a group that its socket did not join.
  local function flooded(text)
    local folder = helper.compile "spec/support/flood.c"
    return (helper.run(("LD_PRELOAD='%s %s/flood.so' timeout --foreground -s INT 1 %s %s"):format(
      os.getenv "LD_PRELOAD" or "", folder, os.getenv "MCAST_LUA" or "lua5.4",
      helper.script("local mcast = require 'mcast' " .. text)), 20))
  end

  it("returns in time from a flood of foreign datagrams", function()
    local output = flooded [[
      local sock = assert(mcast.socket { family = "inet6" })
      for _, timeout in ipairs { 0, 0.05 } do
        print(sock:recvfrom(timeout))
        print(mcast.poll({ sock }, timeout))
      end
    ]]
    assert.equal(("nil\ttimeout\t%d\n"):rep(4):format(110, 110, 110, 110), output)
  end)

  it("lets Ctrl-C end a flood of foreign datagrams", function()
    for _, wait in ipairs { "sock:recvfrom()", "mcast.poll { sock }" } do
      assert.matches("interrupted!", flooded('local sock = assert(mcast.socket { family = "inet6" }) ' .. wait), 1, true)
    end
  end)

  it("collects garbage where descriptors are exhausted", function()
    collectgarbage() -- the files of other specs, whose descriptors a program inherits
    helper.check("ulimit -n 30; " .. helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      collectgarbage "stop"
      for _ = 1, 50 do
        assert(mcast.socket { metadata = true })
        assert(mcast.monitor())
      end
    ]])
  end)

  it("works while descriptors are exhausted", function()
    collectgarbage() -- as above
    local output = helper.check("ulimit -n 30; " .. helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      local sock, sender = assert(mcast.socket()), assert(mcast.socket { ttl = 0 })
      assert(sock:join("239.1.2.3", { interface = "lo" }))
      local port, full = sock:getsockname().port, {}
      repeat full[#full + 1] = mcast.socket() until #full == 30 or not full[#full] or select(3, mcast.socket())
      assert(select(3, mcast.socket()) == mcast.errno.EMFILE)
      sender:setoption("ttl", 1)
      assert(sender:sendto("x", "239.1.2.3", port))
      print(sock:recvfrom(5) ~= nil, sock:groups()[1].interface, sock:groups()[1].lost)
      print(sender:sendmany({ "a", "b" }, "127.0.0.1", port), sock:recvfrom(5) ~= nil, #mcast.poll({ sock }, 5))
      print(sock:leave("239.1.2.3"), #sock:groups())
      for _, one in ipairs(full) do one:close() end
      print(sock:join "239.1.2.3", mcast.socket() ~= nil)
    ]])
    assert.equal("true\tlo\tnil\n2\ttrue\t1\ntrue\t0\nlo\ttrue\n", output)
  end)
end)
