-- examples/every-interface.lua, on both networks: interfaces come, go and are renumbered while it runs.
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local families <const> = {
  inet = { group = "224.3.29.71", own = "10.9.%d.1", other = "10.9.%d.77", bits = 24 },
  inet6 = { group = "ff15::71", own = "fd09:%d::1", other = "fd09:%d::77", bits = 64 },
}

-- Asks from another host until an answer comes; returns the host that it came from.
local function ask(host, family)
  return helper.check(host.enter .. helper.lua .. " " .. helper.script(([[
    local mcast = require "mcast"
    local sock = assert(mcast.socket { family = %q, interface = %q })
    for _ = 1, 40 do
      sock:sendto("who is there?", %q, 10031) -- which fails until IPv6 has an address
      local data, from = sock:recvfrom(0.25)
      if data then
        assert(data == "ack")
        print(from.host)
        return
      end
    end
    error "no answer"
  ]]):format(family.name, host.far, family.group))):match "^(%S+)\n$"
end

local function start(family)
  return helper.start(("timeout 60 %s examples/every-interface.lua --group %s --port 10031"):format(helper.lua, family.group))
end

-- Reads the example's lines until one of them comes.
local function wait(output, expected)
  for line in output:lines() do
    if line == expected then return end
    assert(not line:find "^%S*lua%S*: ", line)
  end
  error("the example ended before: " .. expected)
end

helper.network("examples/every-interface.lua", function()
  for name, family in pairs(families) do
    family.name = name

    it("answers on an interface that is added with " .. name, function()
      local output <const> = start(family)
      wait(output, "joined on lo")
      local host <const> = helper.host()
      wait(output, "joined on " .. host.near)
      assert.equal(family.own:format(host.number), ask(host, family))
    end)

    it("answers from the address of the moment with " .. name, function()
      local host <const> = helper.host()
      local output <const> = start(family)
      wait(output, "joined on " .. host.near)
      local own <const>, other <const> = family.own:format(host.number), family.other:format(host.number)
      assert.equal(own, ask(host, family))
      helper.check(("ip addr del %s/%d dev %s && ip addr add %s/%d dev %s %s"):format(own, family.bits, host.near, other,
        family.bits, host.near, name == "inet6" and "nodad" or ""))
      wait(output, ("%s address added %s"):format(host.near, other))
      assert.equal(other, ask(host, family))
    end)

    it("answers again on an interface that was removed with " .. name, function()
      local host <const> = helper.host()
      local output <const> = start(family)
      wait(output, "joined on " .. host.near)
      helper.check("ip link del " .. host.near)
      wait(output, host.near .. " removed")
      host.plug()
      wait(output, "joined on " .. host.near)
      assert.equal(family.own:format(host.number), ask(host, family))
    end)
  end

  it("answers by the interface of the question where another has the route", function()
    local output <const> = start(families.inet)
    local hosts <const> = { helper.host(), helper.host() }
    for i, host in ipairs(hosts) do -- each has a neighbour of the same address
      helper.check(([[ip addr add 10.99.0.%d/24 dev %s && echo 0 >/proc/sys/net/ipv4/conf/%s/rp_filter &&
        echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter]]):format(2 + i, host.near, host.near))
      helper.check(("%s sh -c 'ip -4 addr flush dev %s && ip addr add 10.99.0.2/24 dev %s && ip route add 224.0.0.0/4 dev %s'")
        :format(host.enter, host.far, host.far, host.far))
    end
    wait(output, "joined on " .. hosts[2].near)
    for i, host in ipairs(hosts) do
      assert.equal("10.99.0." .. 2 + i, ask(host, families.inet))
    end
  end)

  it("answers on each of two interfaces at a time", function()
    local one <const>, two <const> = helper.host(), helper.host()
    local output <const> = start(families.inet)
    wait(output, "joined on " .. two.near)
    for _, host in ipairs { one, two } do
      assert.equal(families.inet.own:format(host.number), ask(host, families.inet))
    end
  end)
end)

describe("examples/every-interface.lua in the simulator", function()
  -- Answers to a host on each of two LANs, as texts.
  local function play(group, change)
    local net <const> = sim.new { output = function() end }
    local lans <const> = { net.lans.lan, net:lan "far" }
    net:node("all", "examples/every-interface.lua", { "--group", group }, { lans = lans })
    local answers <const> = {}
    for _, one in ipairs(lans) do
      net:node("asker on " .. one.name, function()
        local mcast <const> = require "mcast"
        local sock <const> = assert(mcast.socket { family = mcast.address(group, 1).family, interface = "eth0" })
        for i = 1, 3 do
          mcast.sleep(i - mcast.now())
          assert(sock:sendto("who is there?", group, 10000))
          for data, from in sock:datagrams(0.5) do
            answers[#answers + 1] = ("%d %s %s %s"):format(i, one.name, data, from.host)
          end
        end
      end, {}, { lans = { one } })
    end
    change(net, net.hosts.all)
    net:run(5)
    table.sort(answers)
    return answers
  end

  for group, addresses in pairs { ["224.3.29.71"] = { "10.0.0.1", "172.16.0.1", "172.16.0.77" },
    ["ff15::71"] = { "fd00::1", "fd00:0:0:1::1", "fd00:0:0:1::77" } } do
    it("answers by the interface and from its address of the moment to " .. group, function()
      local near <const>, far <const>, other <const> = table.unpack(addresses)
      local answers <const> = play(group, function(net, host)
        net:at(1.6, function()
          host:setaddress("eth1", other, true)
          host:setaddress("eth1", far, false)
          host:setinterface("eth0", false)
        end)
        net:at(2.6, function() host:setinterface("eth0", true) end)
      end)
      assert.same({ "1 far ack " .. far, "1 lan ack " .. near, "2 far ack " .. other, "3 far ack " .. other,
        "3 lan ack " .. near }, answers)
    end)
  end
end)
