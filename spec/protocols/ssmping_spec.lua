-- examples/protocols/ssmping.lua with ssmping, asmping and ssmpingd, with mutants of their packets, and in the simulator.
local broken <const> = require "spec.support.broken"
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/ssmping.lua"
local script <const> = helper.lua .. " " .. path .. " "

-- Runs a program that asks on one host, beside one that answers on the other; returns the former's output, and the latter.
local function run(asks, answers)
  local lan <const> = peer.lan()
  local responder <const> = peer.start(lan.there, answers)
  helper.check(lan.there .. "sh -c 'until grep -q :10E1 /proc/net/udp && grep -q :10E1 /proc/net/udp6; do sleep 0.02; done'")
  return helper.check(lan.here .. asks), responder
end

-- ssmpingd answers each query of our script by unicast and by multicast.
local function asks_ssmpingd(words, host)
  local output <const> = run(script .. words .. " --count 2 --interval 0.1 --interface eth0", "ssmpingd")
  for _, way in ipairs { "unicast", "multicast" } do
    for number = 1, 2 do
      assert.matches(("%s from %s: number %d, hops 0, %%d+%%.%%d+ ms\n"):format(way, host, number), output)
    end
    assert.matches(("\n%s: sent 2, answered 2, lost 0\n"):format(way), output)
  end
end

-- Our script answers each query of the program by unicast and by multicast, to a group.
local function is_asked(command, group)
  local output <const>, responder <const> = run(command, script .. "answer")
  for _, way in ipairs { "unicast", "multicast" } do
    assert.matches(way .. " from %S+, seq=1 dist=0 time=", output)
  end
  assert.matches("unicast:\n +1 packets received, 0%% packet loss.*multicast:\n +1 packets received, 0%% packet loss", output)
  responder:expect("answered %S+, " .. group:gsub("%p", "%%%0"))
end

-- The lines that an asker of an address prints in the simulator, where the root has two, beside another node.
local function simulate(address, other)
  local lines <const> = {}
  local net <const> = sim.new { output = function(node, line) if node.name == "asker" then table.insert(lines, line) end end }
  net:node("root", path, { "answer" }, { addresses = { "10.0.0.77" } })
  net:node("asker", path, { address, "--count", "1" }, { start = 1 })
  if other then other(net) end
  net:run(10)
  return lines
end

-- Sends the answers of the root to the asker, as if they were its own.
local function repeat_answers()
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket { metadata = true, port = 32768 })
  assert(sock:join "232.43.211.234")
  while true do
    local msg <const> = assert(sock:recvmsg())
    assert(sock:sendto(msg.data, "10.0.0.2", 32768))
  end
end

helper.long("ssmping", function()
  it("answers from the address that was asked", function()
    local lines <const> = simulate "10.0.0.77"
    assert.matches("^unicast from 10.0.0.77: number 1, hops 0, ", lines[1])
    assert.matches("^multicast from 10.0.0.77: number 1, hops 0, ", lines[2])
    assert.same({ "unicast: sent 1, answered 1, lost 0", "multicast: sent 1, answered 1, lost 0" }, { table.unpack(lines, 3) })
  end)

  it("prints no answer of another host", function()
    local lines <const> = simulate("10.0.0.1", function(net)
      net:node("forger", repeat_answers)
      net:rule(function(packet) if packet.sender == "root" and packet.receiver == "asker" then return false end end)
    end)
    assert.same({ "unicast: sent 1, answered 0, lost 1", "multicast: sent 1, answered 0, lost 1" }, lines)
  end)

  peer.it("asks ssmpingd as ssmping does", { "ssmpingd" }, function() asks_ssmpingd("10.9.0.2", "10.9.0.2") end)

  peer.it("asks ssmpingd as asmping does", { "ssmpingd" }, function()
    asks_ssmpingd("10.9.0.2 --any 239.1.2.234", "10.9.0.2")
  end)

  peer.it("asks ssmpingd over IPv6", { "ssmpingd" }, function() asks_ssmpingd("fd09::2", "fd09::2") end)

  peer.it("answers ssmping", { "ssmping" }, function() is_asked("ssmping -4 -c 1 10.9.0.2", "232.43.211.234") end)

  peer.it("answers asmping", { "asmping" }, function() is_asked("asmping -4 -c 1 239.1.2.234 10.9.0.2", "239.1.2.234") end)

  peer.it("answers ssmping over IPv6", { "ssmping" }, function()
    is_asked("ssmping -6 -c 1 -I eth0 fd09::2", "ff3e::4321:1234")
  end)

  it("answers mutants by no more than two datagrams each #slow", function()
    for _, host in ipairs { "10.0.0.1", "fd00::1" } do -- it joins no group
      local result <const> = mutants.run { script = path, args = { "answer" }, packets = mutants.packets "ssmping", port = 4321,
        group = host }
      assert.is_true(result.answered > 2000 and result.answered <= 2 * result.sent, result.answered)
      assert.is_true(result.answered_bytes <= 2 * result.sent_bytes)
      assert.equal(0, result.unprompted)
    end
  end)

  it("asks no more when mutants answer #slow", function()
    local result <const> = mutants.run { script = path, args = { "10.0.0.2", "--count", "10" }, port = 32768, ends = true,
      packets = mutants.packets "ssmping", group = "232.43.211.234" }
    assert.equal(result.unprompted, result.answered)
    assert.equal(10, result.unprompted)
  end)

  it("holds in the simulator for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(helper.lua .. " examples/simulator/ssmping.lua 1000"))
  end)

  it("fails in the simulator where an answer to any client counts", function()
    local output <const> = broken("ssmping", " and values%[CLIENT_ID%] == client", "", 200)
    assert.matches("^120 of 200 seeds failed\n.*asker%-1 prints multicast from ", output)
  end)

  it("fails in the simulator where an answer counts after its loss", function()
    assert.matches("seeds failed\n.* prints ", (broken("ssmping", "WAIT <const> = 1 ", "WAIT <const> = 1.3 ", 200)))
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.run(("%s examples/simulator/ssmping.lua 1 %s"):format(helper.lua, picture))
    assert.equal(io.open "examples/simulator/ssmping.svg":read "a", io.open(picture):read "a")
  end)
end)
