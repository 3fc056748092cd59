-- A router to a LAN of a smaller MTU: the datagrams that arrive, on the real network and on the simulated one.
local helper <const> = require "spec.support.helper"
local lab <const> = require "spec.lab.lab"
local sim <const> = require "mcast.sim"

local sizes <const> = { 1232, 1252, 1233, 1253, 1452, 1472, 1473, 3000, 1300 }

local receiver <const> = [[
  local mcast = require "mcast"
  local family, group = table.unpack(arg)
  local sock = assert(mcast.socket { port = 10000, family = family })
  assert(sock:join(group, { interface = "eth0" }))
  io.stdout:setvbuf "line"
  print "ready"
  repeat
    local data = assert(sock:recvfrom(20))
    print(#data)
  until #data == 1
]]

local sender <const> = [[
  local mcast = require "mcast"
  local sock = assert(mcast.socket { interface = "eth0", ttl = 5, fragment = FRAGMENT, family = arg[1] })
  for i = 3, #arg do
    local sent, message = sock:sendto(("x"):rep(tonumber(arg[i])), arg[2], 10000)
    if not sent then print(message) end
    mcast.sleep(0.1) -- the router's answer comes meanwhile
  end
]]

-- The lines that a receiver prints, and those of the sender.
local function simulate(family, fragment, to)
  local lines, said, arguments = {}, {}, table.move(sizes, 1, #sizes, 3, { family.name, to or family.group })
  arguments[#arguments + 1] = 1
  local net = sim.new { output = function(node, line) table.insert(node.name == "c" and lines or said, line) end }
  net:router("router", { "lan", net:lan("small", { mtu = 1280, prefix = "10.2.0.0/24", prefix6 = "fd02::/64" }) })
  net:host("second", { lans = "small" })
  net:node("c", helper.script(receiver), { family.name, family.group }, { lans = "small" }) -- the third, as in the lab
  net:node("a", helper.script((sender:gsub("FRAGMENT", fragment))), arguments, { start = 1 })
  net:run()
  return table.concat(lines, " ") .. "\n" .. table.concat(said, "\n")
end

for _, family in ipairs(lab.families) do
  lab.describe("a router to a smaller MTU, " .. family.name, function(net)
    local function run(fragment, to)
      helper.check(net().router.enter .. "ip link set lan2 mtu 1280")
      helper.check(net().c.enter .. "ip link set eth0 mtu 1280")
      lab.route(net(), family.group)
      local output = lab.start(net().c, ("%s %s %s %s"):format(helper.lua, helper.script(receiver), family.name,
        family.group))
      lab.expect(output, "^ready$")
      lab.joined(net(), "router", family.group)
      local said = helper.check(net().a.enter .. ("%s %s %s %s %s 1"):format(helper.lua,
        helper.script((sender:gsub("FRAGMENT", fragment))), family.name, to or family.group, table.concat(sizes, " ")))
      return "ready " .. output:read "a":gsub("\n", " "):gsub(" $", "") .. "\n" .. said:gsub("\n$", "")
    end

    for _, fragment in ipairs { "true", "false" } do
      local with <const> = " with fragment = " .. fragment
      it("lets through the same of a group as the simulator's" .. with, function()
        assert.equal(simulate(family, fragment), run(fragment))
      end)

      it("lets through the same of unicast as the simulator's" .. with, function()
        local result <const> = simulate(family, fragment, family.c)
        assert.equal(fragment == "false", result:find("the MTU is 1280", 1, true) ~= nil)
        assert.equal(result, run(fragment, family.c))
      end)
    end
  end, lab.unroutable("smcrouted", family))
end
