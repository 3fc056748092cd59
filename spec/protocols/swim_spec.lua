-- examples/protocols/swim.lua: processes that find each other and fail, mutants, a sweep, and the figures of the paper.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/swim.lua"

-- So many members on two hosts, which have all found each other: programs with their addresses.
local function group(count, period, options)
  local lan <const>, members <const> = peer.lan(), {}
  for i = 1, count do
    local prefix <const> = i % 2 == 1 and lan.here or lan.there
    members[i] = peer.start(prefix, ("%s %s --interface eth0 --period %g %s"):format(helper.lua, path, period, options or ""))
  end
  for _, member in ipairs(members) do
    member.address = member:expect "begins\t(%S+)\tlife 1\n":gsub("%p", "%%%0")
  end
  for _, member in ipairs(members) do
    for _, other in ipairs(members) do
      if member ~= other then member:expect("joined\t" .. other.address .. "\t") end
    end
  end
  return members
end

-- Waits until all but one have printed an event of that one.
local function await(members, event, of)
  for _, member in ipairs(members) do
    if member ~= of then member:expect(event .. "\t" .. of.address .. "\tlife 1\n") end
  end
end

helper.long("a member of a group", function()
  it("reports a killed one of five as failed #slow", function()
    local members <const> = group(5, 0.3)
    members[3]:stop "KILL"
    await(members, "failed", members[3])
  end)

  it("reports a killed one of three as failed over IPv6", function()
    local members <const> = group(3, 0.3, "--group ff15::4f2e")
    members[3]:stop "KILL"
    await(members, "failed", members[3])
  end)

  it("trusts a stopped one again, which refutes its suspicion #slow", function()
    local members <const> = group(5, 0.5)
    helper.check("kill -STOP " .. members[2].pid)
    members[1]:expect("suspected\t" .. members[2].address)
    helper.check("kill -CONT " .. members[2].pid)
    members[2]:expect("refutes\t" .. members[2].address .. "\tlife 1\n")
    for _, member in ipairs(members) do
      if member:output():find("suspected\t" .. members[2].address) then
        member:expect("trusted\t" .. members[2].address .. "\tlife 1\n")
      end
      assert.is_nil(member:output():find "failed")
    end
  end)

  it("hears of one that leaves by Ctrl-C", function()
    local members <const> = group(3, 0.3)
    members[2]:stop "INT"
    await(members, "left", members[2])
  end)
end)

-- The script beside senders of mutants, which its socket for the group receives, or its own one.
local function attack(port, args)
  return mutants.run { script = path, args = args, packets = mutants.packets "swim", port = port, group = "239.255.79.46" }
end

-- Its turns in 17 s: an announcement, a ping, and three members that are asked to ping.
local own <const> = 18 * 5

helper.long("a member beside mutants", function()
  it("does not answer mutants that its group receives", function()
    local result <const> = attack(7946)
    assert.is_true(result.answered <= own, result.answered)
    assert.is_true(result.unprompted > 10)
  end)

  it("answers mutants by no more datagrams and bytes", function()
    local result <const> = attack(7000, { "--own", "7000" })
    assert.is_true(result.answered > 500 + own and result.answered <= result.sent // 3 + own, result.answered)
    assert.is_true(result.answered_bytes <= result.sent_bytes // 3 + own * 512)
  end)
end)

-- A member beside a sender of datagrams: the lines that the member prints, and all that it sends.
local function beside(send)
  local lines <const>, sent <const> = {}, {}
  local net <const> = sim.new { seed = 1, output = function(_, line) table.insert(lines, line) end }
  net:node("member", path, { "--own", "7000" })
  net:node("sender", send)
  net:run(6)
  for _, event in ipairs(net.trace) do
    if event.kind == "send" and event.node == "member" then table.insert(sent, event) end
  end
  return table.concat(lines, "\n") .. "\n", sent
end

-- Sends texts to the member of `beside` once it has begun.
local function receiving(...)
  local texts <const> = { ... }
  return function()
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket { port = 7000 })
    mcast.sleep(0.5)
    for _, text in ipairs(texts) do
      assert(sock:sendto(text, "10.0.0.1", 7000))
      mcast.sleep(0.01)
    end
    mcast.sleep(10)
  end
end

helper.long("a member", function()
  it("keeps at most 1,000 records in a flood of names", function()
    local output <const> = beside(function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket())
      mcast.sleep(0.5)
      for i = 1, 3000 do
        assert(sock:sendto(("news 0\nalive 1 0 10.1.%d.%d:7000\n"):format(i >> 8, i & 255), "10.0.0.1", 7000))
        mcast.sleep(0.001)
      end
    end)
    assert.equal(1000, select(2, output:gsub("joined", "")))
  end)

  it("pings for others members alone that it knows", function()
    local _, sent <const> = beside(receiving("req 1 10.0.0.9:7000\nalive 1 0 me\n"))
    for _, event in ipairs(sent) do assert.not_equal("10.0.0.9", event.to.host) end
  end)

  it("does not take itself for another member", function()
    local _, sent <const> = beside(receiving "news 0\nalive 1 0 127.0.0.1:7000\n")
    local pings = 0
    for _, event in ipairs(sent) do
      if event.to.host == "127.0.0.1" then
        pings = pings + 1
        assert.matches("^ping", event.data)
      end
    end
    assert.is_true(pings > 0)
  end)

  it("answers a ping-req by one ping, and its ack by one ack", function()
    local pad <const> = ("\n"):rep(200)
    local _, sent <const> = beside(receiving("news 0\nalive 1 0 10.0.0.9:7000\n",
      "req 77 10.0.0.9:7000\nalive 1 0 me\n" .. pad, "ack 78 10.0.0.9:7000\nalive 1 0 me\n" .. pad))
    local pings, acks = 0, 0
    for _, event in ipairs(sent) do
      if event.data:find "^ping 77 10%.0%.0%.2:7000\n" and event.to.host == "10.0.0.9" then pings = pings + 1 end
      if event.data:find "^ack 78\n" and event.to.host == "10.0.0.9" then acks = acks + 1 end
    end
    assert.same({ 1, 1 }, { pings, acks })
  end)

  it("answers a forged ping by no more bytes than it has", function()
    local _, sent <const> = beside(receiving "ping 1\n")
    local answers = 0
    for _, event in ipairs(sent) do
      if event.data:find "^ack" then
        answers = answers + 1
        assert.equal(#"ping 1\n", #event.data)
      end
    end
    assert.equal(1, answers)
  end)

  it("does not let an old message end its suspicion, or its failure", function()
    local output <const> = beside(receiving("news 0\nsuspected 1 2 10.0.0.9:7000\n", "news 0\nalive 1 2 10.0.0.9:7000\n",
      "news 0\nfailed 1 0 10.0.0.9:7000\n", "news 0\nalive 1 9 10.0.0.9:7000\n", "news 0\nalive 2 0 10.0.0.9:7000\n"))
    assert.same({ "joined 1", "failed 1", "joined 2" }, (function(list)
      for event, life in output:gmatch "(%l+)\t10%.0%.0%.9:7000\tlife (%d)\n" do
        if event ~= "suspected" then table.insert(list, event .. " " .. life) end
      end
      return list
    end) {})
  end)

  it("sends an update at most lambda log n times", function()
    local _, sent <const> = beside(receiving("ping 1\nalive 1 0 me\nalive 1 0 10.0.0.9:7000\n" .. ("\n"):rep(400),
      table.unpack((function(list)
        for i = 1, 40 do list[i] = ("ping %d\nalive 1 0 me\n"):format(i) .. ("\n"):rep(400) end
        return list
      end) {})))
    local copies = 0
    for _, event in ipairs(sent) do copies = copies + (event.data:find("alive 1 0 10.0.0.9:7000", 1, true) and 1 or 0) end
    assert.equal(6, copies) -- 3 log2 of 4, rounded: members, and one
  end)
end)

local scenario <const> = "examples/simulator/swim.lua"

helper.long("SWIM in the simulator", function()
  it("agrees in the end for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(("%s %s 1000"):format(helper.lua, scenario), 300))
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.check(("%s %s 1 %s"):format(helper.lua, scenario, picture))
    assert.equal(io.open "examples/simulator/swim.svg":read "a", io.open(picture):read "a")
  end)

  it("names its options where one is wrong", function()
    for _, wrong in ipairs { "--bogus 1", "--period", "--period 0", "--own x", "--stay nan" } do
      local output <const>, status <const> = helper.run(("%s %s %s"):format(helper.lua, path, wrong))
      assert.equal(1, status)
      assert.matches("usage: swim.lua [--interface I]", output, 1, true)
    end
  end)
end)

helper.long("the first version of SWIM", function()
  peer.it("fails by the story of its page #slow", { "patch" }, function()
    local folder <const>, page <const> = first_version "swim"
    local shown <const> = page:match "\n(seed 22: all agree does not hold .-)```"
    assert.equal(shown, helper.run(("cd %sexamples/simulator && %s swim.lua 22"):format(folder, helper.lua), 120):sub(-#shown))
  end)
end)

-- The rows that the example of the figures prints: n, mean, standard error and formula by name.
local function figures(runs)
  local rows <const> = {}
  local output <const> = helper.check(("%s examples/simulator/swim-figures.lua %d"):format(helper.lua, runs), 300)
  for name, n, mean, err, formula in output:gmatch "\n(%l[^\n]-) +(%d+) +(%S+) +(%S+) +(%S+)" do
    rows[name .. " " .. n] = { mean = tonumber(mean), err = tonumber(err), formula = tonumber(formula) }
  end
  return rows
end

helper.long("SWIM beside the figures of its paper", function()
  local rows
  lazy_setup(function() rows = helper.plain and figures(50) end)

  -- Asserts that these means are within four standard errors of their formulas, which have these values.
  local function agree(known)
    for name, formula in pairs(known) do
      local row <const> = rows[name]
      assert.equal(formula, row.formula, name)
      assert(math.abs(row.mean - formula) <= 4 * row.err, ("%s: %g, not %g, error %g"):format(name, row.mean, formula, row.err))
    end
  end

  it("agrees with the formula on the periods to the first ping #slow", function()
    agree { ["first ping of a crashed member, by chance 8"] = 1.515, ["first ping of a crashed member, by chance 32"] = 1.5671 }
  end)

  it("keeps the bound on the latest ping in rounds #slow", function()
    for n, bound in pairs { [8] = 15, [32] = 63 } do
      local row <const> = rows["its latest time, and the bound " .. n]
      assert.equal(bound, row.formula)
      assert.is_true(row.mean <= bound)
    end
  end)

  it("needs no more periods for the detection among more members #slow", function()
    local few <const>, many <const> = rows["first ping of a crashed member, in rounds 8"],
      rows["first ping of a crashed member, in rounds 32"]
    assert.is_true(math.abs(few.mean - many.mean) <= 4 * math.sqrt(few.err ^ 2 + many.err ^ 2))
  end)

  it("sends two messages of each member in a period #slow", function()
    for _, name in ipairs { "pings sent by a member in a period ", "acks sent by a member in a period " } do
      agree { [name .. 8] = 1, [name .. 32] = 1 }
    end
  end)

  it("agrees with the formula on the time of dissemination, about ln n #slow", function()
    agree { ["all know an update 8"] = 2.2688, ["all know an update 32"] = 3.9014 }
  end)

  it("agrees with the formula on the silent probes of living members #slow", function()
    agree { ["silent probes, loss 0.1 8"] = 0.0077, ["silent probes, loss 0.2 8"] = 0.0741 }
  end)

  it("reports a tenth of the false failures by suspicion #slow", function()
    for _, loss in ipairs { "0.1", "0.2" } do
      local with <const> = rows[("false failures with suspicion, loss %s 8"):format(loss)]
      local without <const> = rows[("false failures without suspicion, loss %s 8"):format(loss)]
      assert.is_true(without.mean > 4 * without.err and with.mean <= without.mean / 10)
    end
  end)
end)
