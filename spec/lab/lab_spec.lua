-- Hosts on two LANs, with a snooping switch and a router between them.
local helper <const> = require "spec.support.helper"
local lab <const> = require "spec.lab.lab"

local receivers <const> = { lua = helper.lua .. " examples/receiver.lua", python = "python3 spec/lab/receiver.py" }
local senders <const> = { lua = helper.lua .. " examples/sender.lua", python = "python3 spec/lab/sender.py" }

-- Starts a receiver, and waits until it has joined.
local function start(at, language, family)
  local output = lab.start(at, ("%s --interface eth0 --group %s"):format(receivers[language], family.group))
  lab.expect(output, "^waiting")
  return output
end

-- Sends a message from host A; the hosts that answered, in the order of their names.
local function ask(net, language, family, ttl, message)
  local output = helper.check(net.a.enter .. ("%s --interface eth0 --group %s --ttl %d --timeout 0.5 %s")
    :format(senders[language], family.group, ttl, message))
  assert.matches(('^sending "%s"\n'):format(message), output)
  assert.matches("timed out, no more responses\nclosing socket\n$", output)
  local hosts = {}
  for answer, from in output:gmatch 'received "(%l+)" from ([%x.:%[%]]+)' do
    assert.equal("ack", answer)
    for _, name in ipairs { "a", "b", "c" } do
      local address = family[name]
      if from == address or from == lab.bracketed(address) .. ":10000" then hosts[#hosts + 1] = name end
    end
  end
  table.sort(hosts)
  return hosts
end

for _, family in ipairs(lab.families) do
  lab.describe("hosts on two LANs, " .. family.name, function(net)
    for _, pair in ipairs { { "lua", "lua" }, { "lua", "python" }, { "python", "lua" } } do
      local sender, receiver = table.unpack(pair)
      it(("reaches the other LAN by TTL 2 from %s to %s"):format(sender, receiver), function()
        lab.route(net(), family.group)
        start(net().b, receiver, family)
        local far = start(net().c, receiver, family)
        lab.joined(net(), "b", family.group)
        lab.joined(net(), "router", family.group)
        assert.same({ "b" }, ask(net(), sender, family, 1, "near"))
        assert.same({ "b", "c" }, ask(net(), sender, family, 2, "farther"))
        assert.matches("^received 7 bytes from ", far:read "l")
        assert.equal("farther", far:read "l")
      end)
    end

    it("reports the TTL after a router, and the sender's address", function()
      lab.route(net(), family.group)
      local near, far = lab.hear(net().b, family.group), lab.hear(net().c, family.group)
      lab.joined(net(), "b", family.group)
      lab.joined(net(), "router", family.group)
      lab.say(net().a, 3, "hello", family.group)
      assert.equal(("%s %s 3 hello"):format(family.a, family.group), near:read "l")
      assert.equal(("%s %s 2 hello"):format(family.a, family.group), far:read "l")
    end)

    it("receives from the source that it joined, and no other", function()
      lab.route(net(), family.ssm)
      local one, any = lab.hear(net().c, family.ssm, family.a), lab.hear(net().c, family.ssm)
      lab.joined(net(), "router", family.ssm)
      lab.say(net().b, 2, "from the other", family.ssm)
      lab.say(net().a, 2, "from the one", family.ssm)
      assert.equal(("%s %s 1 from the other"):format(family.b, family.ssm), any:read "l")
      assert.equal(("%s %s 1 from the one"):format(family.a, family.ssm), any:read "l")
      assert.equal(("%s %s 1 from the one"):format(family.a, family.ssm), one:read "l")
    end)
  end, lab.unroutable("smcrouted", family))
end

lab.describe("hosts behind a router that learns memberships, inet", function(net)
  local family <const> = lab.families[1]

  it("receives the groups that it joined, and no other #slow", function()
    lab.learn(net())
    local wire = lab.capture(net().c, "eth0")
    local one, source = lab.hear(net().c, family.group), lab.hear(net().c, family.ssm, family.a)
    local function spread()
      for _, at in ipairs { net().b, net().a } do
        lab.say(at, 1, "near", family.group)
        lab.say(at, 2, "far", family.other, family.group, family.ssm)
      end
    end
    lab.await("a route to the group that host C joined", function()
      spread()
      return #wire(("ip.src == %s && ip.dst == %s"):format(family.a, family.group), "ip.dst") > 0
    end, 40)
    spread()
    assert.matches(("^%%S+ %s 1 far$"):format(family.group), one:read "l")
    assert.matches(("^%s %s 1 far$"):format(family.a, family.ssm), source:read "l")
    assert.same({}, wire("ip.dst == " .. family.other, "ip.dst"))
    assert.same({}, wire("udp contains near", "ip.dst"))
  end)
end, lab.unroutable("pimd", lab.families[1]))
