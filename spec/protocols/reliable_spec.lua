-- examples/protocols/reliable.lua on hosts beside uftp, with mutants of its packets, with forged ones, and in the simulator.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const>, group <const>, port <const> = "examples/protocols/reliable.lua", "239.255.57.40", 5740
local NORM_DATA <const>, NORM_NACK <const>, SEGMENT <const> = 2, 4, 1400

local read <const> = peer.read

-- The packets that were recorded, the path of the file that they carry, its bytes and its digest in a packet.
local function recorded()
  local packets <const>, blocks <const> = mutants.packets "reliable", {}
  for _, data in ipairs(packets) do
    if data:byte() == NORM_DATA then blocks[string.unpack(">I4", data, 10) + 1] = data:sub(14) end
  end
  local bytes <const> = table.concat(blocks)
  return packets, helper.script(bytes), bytes, packets[1]:sub(2, 9)
end

-- Runs the rows of a benchmark's table, on ten hosts that lose 5 %; returns the figures of a row.
local function measure(row)
  local enter <const> = "unshare --net --mount --pid --fork --kill-child --mount-proc "
  local output <const> = helper.check(("%s%s bench/reliable.lua 5 5 %s"):format(enter, helper.lua, row), 120)
  local whole <const>, sent <const> = output:match "\n| [^|]+ | (%d+) of 10 | [%d.]+ | [%d.]+ | ([%d.]+) | %d+ |\n$"
  return tonumber(whole), tonumber(sent), output
end

-- A node that sends a packet to the group each millisecond, for some seconds.
local function forger(packet, seconds)
  local mcast <const> = require "mcast"
  local sock <close> = assert(mcast.socket())
  local till <const> = mcast.now() + seconds
  repeat
    assert(sock:sendto(packet, group, port))
    mcast.sleep(0.001)
  until mcast.now() >= till
end

-- The times of a node's blocks in a trace.
local function blocks_of(net, name)
  local times <const> = {}
  for _, event in ipairs(net.trace) do
    if event.kind == "send" and event.node == name and event.data:byte() == NORM_DATA then times[#times + 1] = event.time end
  end
  return times
end

-- How many NACKs n receivers send that all miss one block; the delay is half of GRTT.
local function nacks(n, seed)
  local options <const> = { "--grtt", "0.02", "--gsize", tostring(n) }
  local net <const> = sim.new { seed = seed, delay = 0.01 }
  local function node(name, role, file) net:node(name, path, { options[1], options[2], options[3], options[4], role, file }) end
  node("sender", "send", "LICENSE")
  for i = 1, n do node("receiver-" .. i, "receive", "/tmp/copy") end
  net:rule(function(packet) if packet.data:byte() == NORM_DATA and net:now() < 0.17 then return false end end)
  net:run(1)
  local count = 0
  for _, event in ipairs(net.trace) do
    count = count + (event.kind == "send" and event.data:byte() == NORM_NACK and 1 or 0)
  end
  for i = 1, n do assert.equal(read "LICENSE", net.byname["receiver-" .. i].on:file "/tmp/copy") end
  return count
end

-- A copy of the examples, in a folder.
local function copy()
  local folder <const> = helper.check("mktemp -d"):match "%S+"
  helper.defer(function() helper.run("rm -rf " .. folder) end)
  helper.check("cp -r examples " .. folder)
  return folder
end

helper.long("a reliable transfer", function()
  peer.it("reaches ten receivers, one late, one killed, at 5 % loss #slow", { "ip", "iptables" }, function()
    local whole <const>, sent <const>, output <const> = measure "late"
    assert.equal(10, whole, output)
    assert.is_true(sent > 1.3 and sent < 3, output)
  end)

  peer.it("sends no more than uftp does, by a tenth #slow", { "ip", "iptables", "uftp", "uftpd" }, function()
    local whole <const>, sent <const>, output <const> = measure "iptables"
    local theirs_whole <const>, theirs <const>, their_output <const> = measure "uftp"
    assert.equal(10, whole, output)
    assert.equal(10, theirs_whole, their_output)
    assert.is_true(sent < 1.1 * theirs, output .. their_output)
  end)

  it("works over IPv6 #slow", function()
    local lan <const>, received <const> = peer.lan(), helper.script ""
    local _, file <const>, bytes <const> = recorded()
    local command <const> = ("%s %s --interface eth0 --group ff15::57:40 --grtt 0.02 "):format(helper.lua, path)
    peer.start(lan.there, command .. "receive " .. received)
    helper.check(lan.here .. command .. "send " .. file)
    assert.is_true(bytes == read(received))
  end)

  it("answers mutants by few NACKs as a receiver", function()
    local result <const> = mutants.run { script = path, args = { "receive", "/tmp/copy" }, packets = recorded(), port = port,
      group = group }
    assert.equal(0, result.unprompted)
    assert.is_true(result.answered > 0 and result.answered < 50 and result.answered_bytes < 70000, result.answered)
  end)

  it("keeps to its rate beside mutants as a sender", function()
    local packets <const>, file <const> = recorded()
    local rate <const> = 100000
    local result <const> = mutants.run { script = path, args = { "--grtt", "0.3", "--rate", tostring(rate), "send", file },
      packets = packets, port = port, group = group }
    assert.is_true(result.answered > result.unprompted)
    assert.is_true(result.answered_bytes < 17 * rate, result.answered_bytes)
    assert.is_true(result.answered_bytes < result.sent_bytes)
  end)

  it("keeps to its rate and to twenty files beside forged NACKs", function()
    local _, file <const>, bytes <const>, id <const> = recorded()
    local rate <const>, count <const> = 100000, -(-#bytes // SEGMENT)
    local net <const> = sim.new { output = function() end }
    local sender <const> = net:node("sender", path, { "--grtt", "0.02", "--rate", tostring(rate), "send", file })
    net:node("forger", forger, { string.pack(">Bc8I4I4I2", NORM_NACK, id, 0, 0, 0xFFFF), 20 })
    net:run(20)
    local times <const> = blocks_of(net, "sender")
    assert.equal("ended", sender.status)
    assert.is_true(#times >= 20 * count and #times <= 21 * count, #times)
    local within <const> = math.ceil(rate / SEGMENT) + 1 -- of one second
    for i = within + 1, #times do assert.is_true(times[i] - times[i - within] >= 0.99, i) end
  end)

  it("ends though receivers vanish", function()
    local net <const> = sim.new { output = function() end }
    local sender <const> = net:node("sender", path, { "send", "LICENSE" })
    local receiver <const> = net:node("receiver", path, { "receive", "/tmp/copy" })
    net:rule(function(packet) if packet.data:byte() == NORM_DATA then return false end end)
    net:at(3, function() receiver:crash() end)
    net:run(30)
    assert.equal("ended", sender.status)
  end)

  it("begins again where a forged block made the copy wrong", function()
    local _, file <const>, bytes <const>, id <const> = recorded()
    local net <const> = sim.new { output = function() end }
    net:node("sender", path, { "send", file }, { start = 0.01 })
    local receiver <const> = net:node("receiver", path, { "receive", "/tmp/copy" })
    net:node("forger", forger, { string.pack(">Bc8I4", NORM_DATA, id, 3) .. ("x"):rep(SEGMENT), 0.001 }, { start = 0.3 })
    net:node("another", path, { "send", "LICENSE" }, { start = 0.05 })
    net:sometimes "begins again"
    net:run(10)
    assert.is_true(net.seen["begins again"])
    assert.is_true(bytes == receiver.on:file "/tmp/copy")
  end)

  it("joins another transfer where the sender of one is gone", function()
    local _, file <const> = recorded()
    local net <const> = sim.new { output = function() end }
    local sender <const> = net:node("sender", path, { "--rate", "20000", "send", file })
    local receiver <const> = net:node("receiver", path, { "receive", "/tmp/copy" })
    net:at(0.5, function() sender:crash() end)
    net:node("another", path, { "send", "LICENSE" }, { start = 1 })
    net:run(15)
    assert.is_true(read "LICENSE" == receiver.on:file "/tmp/copy")
  end)

  it("sends as many NACKs as RFC 5401 expects", function()
    local sum, squares, n, rounds = 0, 0, 10, 100
    for seed = 1, rounds do
      local count <const> = nacks(n, seed)
      sum, squares = sum + count, squares + count ^ 2
    end
    local err <const> = math.sqrt((squares - sum ^ 2 / rounds) / (rounds - 1) / rounds)
    local L <const> = math.log(n) + 1
    local a <const> = math.exp(L / 2 / 4) -- the delay is half of GRTT, and T is four of them
    local formula <const> = n * (a - 1) / (math.exp(L) - 1) + a * (1 - ((1 - 1 / a) / (1 - math.exp(-L))) ^ n)
    assert.near(1.706, formula, 0.001)
    assert.near(formula, sum / rounds, 4 * err)
  end)

  it("holds in the simulator for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(helper.lua .. " examples/simulator/reliable.lua 1000", 120))
  end)

  peer.it("makes the mistake of its page in its first version", { "patch" }, function()
    local folder <const>, page <const> = first_version "reliable"
    local command <const>, story <const> = page:match "%$ mcast sim (examples/simulator/reliable%.lua [^\n]+)\n%.%.%.\n(.-)```"
    local output <const> = helper.run(("%s bin/mcast sim %s%s"):format(helper.lua, folder, command))
    assert.is_truthy(output:find(story, 1, true), output)
  end)

  it("fails in the simulator where nobody compares digests", function()
    local folder <const> = copy()
    helper.check(("sed -i 's/digest(t.file) == id and //' %s/%s"):format(folder, path))
    local command <const> = "%s bin/mcast sim %s/examples/simulator/reliable.lua --seeds 165..165"
    local output <const> = helper.run(command:format(helper.lua, folder))
    assert.matches("seed 165, .*: no receiver has a wrong file does not hold", output)
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.run(("%s examples/simulator/reliable.lua 1 %s"):format(helper.lua, picture))
    assert.is_true(read "examples/simulator/reliable.svg" == read(picture))
  end)
end)
