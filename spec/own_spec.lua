-- Which datagrams recvmsg calls the host's own, while its addresses change.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local sim <const> = require "mcast.sim"

helper.each_family(function(family)
  local inet <const> = family.name == "inet"

  local function address(host, n)
    return inet and ("10.9.%d.%d"):format(host.number, n) or ("fd09:%d::%d"):format(host.number, n)
  end

  -- (Linux lets a worker of its own send the notice of an IPv6 address, and add its route.)
  local function change(action, text)
    helper.check(("ip addr %s %s/%d dev lo %s"):format(action, text, inet and 32 or 128,
      action == "add" and not inet and "nodad" or ""))
    if action == "add" and not inet then
      helper.check(("until ip -6 route show table local | grep -q '^local %s '; do sleep 0.001; done"):format(text))
    end
  end

  -- A socket on a wire, and a function by which the host at its other end sends to it.
  local function receiver()
    local host <const> = helper.host()
    local sock <const> = assert(mcast.socket { family = family.name, interface = host.near, metadata = true })
    helper.defer(function() sock:close() end)
    assert(sock:join(family.group))
    local script <const> = helper.script(([[
      local sock <close> = assert(require "mcast".socket { family = %q, interface = %q })
      assert(sock:sendto("from afar", %q, %d))
    ]]):format(family.name, address(host, 2), family.group, sock:getsockname().port))
    return sock, function() helper.check(host.enter .. helper.lua .. " " .. script) end, host
  end

  local function own(sock)
    return assert(sock:recvmsg(5)).own
  end

  it("reports datagrams of another host as not own", function()
    local sock, send = receiver()
    send()
    assert.is_false(own(sock))
  end)

  it("reports an address as own while the host has it", function()
    local sock, send, host = receiver()
    local far <const> = address(host, 2)
    send()
    change("add", far)
    helper.defer(function() helper.run(("ip addr del %s dev lo"):format(far)) end)
    assert.is_true(own(sock))
    change("del", far)
    send()
    assert.is_false(own(sock))
  end)

  it("reports what came from a removed address as not own", function()
    local sock <close> = assert(mcast.socket { family = family.name, metadata = true })
    local text <const> = inet and "10.72.0.1" or "fd72::1"
    change("add", text)
    local sender <close> = assert(mcast.socket { family = family.name, interface = text })
    assert(sock:join(family.group, { interface = "lo" }))
    for _ = 1, 2 do
      assert(sender:sendto("x", family.group, sock:getsockname().port))
    end
    assert.is_true(own(sock))
    change("del", text)
    assert.is_false(own(sock))
  end)

  it("reports own addresses after more changes than their queue holds", function()
    if helper.portable then
      pending "the portable path has no queue of changes"
      return
    end
    local sock, send, host = receiver()
    send()
    change("add", address(host, 2))
    helper.defer(function() helper.run(("ip addr del %s dev lo"):format(address(host, 2))) end)
    local batch <const> = {}
    for i = 1, 1000 do
      local text <const> = inet and ("10.73.%d.%d/32"):format(i // 250, i % 250) or ("fd73::%d/128"):format(i)
      batch[#batch + 1] = ("addr add %s dev lo\naddr del %s dev lo"):format(text, text)
    end
    local path <const> = helper.script(table.concat(batch, "\n") .. "\n")
    helper.check("ip -batch " .. path)
    assert.is_true(own(sock))
  end)

  it("reports own addresses of the simulator as they are at receipt", function()
    local net <const> = sim.new { delay = 0.001 }
    local seen <const> = {}
    net:node("receiver", function()
      local sim_mcast <const> = require "mcast"
      local sock <const> = assert(sim_mcast.socket { family = family.name, port = 10000, metadata = true })
      assert(sock:join(family.group))
      for i = 1, 4 do
        sim_mcast.sleep(0.5)
        seen[i] = assert(sock:recvmsg(5)).own
        if i == 1 then assert(sock:sendto("x", family.group, 10000)) end
      end
    end)
    net:node("sender", function()
      local sim_mcast <const> = require "mcast"
      local sock <const> = assert(sim_mcast.socket { family = family.name })
      assert(sock:sendto("x", family.group, 10000))
      sim_mcast.sleep(0.6)
      assert(sock:sendto("x", family.group, 10000))
      assert(sock:sendto("x", family.group, 10000))
    end)
    local far <const> = inet and "10.0.0.2" or "fd00::2"
    net:at(0.7, function() net.hosts.sender:setaddress("eth0", far, false) end)
    net:at(1.7, function() net.hosts.receiver:setaddress("eth0", far, true) end)
    net:run()
    assert.same({ false, true, false, true }, seen)
  end)
end)

helper.network("own addresses of link scope", function()
  it("counts as own on their interface only", function()
    helper.check [[
      ip link add left type veth peer name right && ip link set left addrgenmode none && ip link set right addrgenmode none
      ip link set left up && ip link set right up
      ip addr add fe80::5 dev left nodad && ip addr add fe80::6 dev right nodad
    ]]
    helper.defer(function() helper.run "ip link del left" end)
    helper.carried "left"
    helper.carried "right"
    local seen <const> = {}
    local sender <close> = assert(mcast.socket { family = "inet6", interface = "left" })
    for i, name in ipairs { "left", "right" } do
      local sock <close> = assert(mcast.socket { family = "inet6", metadata = true })
      assert(sock:join("ff15::1:3", { interface = name }))
      assert(sender:sendto("x", "ff15::1:3", sock:getsockname().port))
      local msg <const> = assert(sock:recvmsg(5))
      seen[i] = ("%s %s"):format(msg.from.interface, msg.own)
    end
    assert.same({ "left true", "right false" }, seen)
  end)
end)
