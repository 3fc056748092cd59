-- examples/protocols/rip.lua with BIRD, with mutants of their packets and forged responses, and in the simulator.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/rip.lua"
local script <const> = helper.lua .. " " .. path .. " --update 2"

local configuration <const> = [[
router id %s;
protocol device {}
protocol static { ipv4; route %s unreachable; }
protocol rip {
  ipv4 { import all; export all; };
  interface "*" { version 2; update time 2; timeout time %d; garbage time 2; };
}
]]

-- BIRD on a host, by the prefix of its commands, with a route, and with so many seconds until it drops one of a silent
-- neighbour. Returns the prefix of a command of its shell.
local function bird(enter, route, timeout)
  local file <const>, socket <const> = helper.script(configuration:format(route:match "[^/]+", route, timeout)), os.tmpname()
  helper.defer(function() os.remove(socket) end)
  peer.start(enter, ("bird -f -c %s -s %s -P %s.pid"):format(file, socket, file))
  helper.defer(function() os.remove(file .. ".pid") end)
  return ("%s birdc -s %s "):format(enter, socket)
end

-- A LAN with BIRD there, and our script here.
local function lan(timeout, arguments)
  local hosts <const> = peer.lan()
  local shell <const> = bird(hosts.there, "10.77.0.0/16", timeout)
  return shell, peer.start(hosts.here, script .. " --interface eth0 " .. (arguments or ""))
end

-- Waits until BIRD's table has, or lacks, a prefix; returns its lines about it.
local function await(shell, prefix, present)
  local deadline <const> = mcast.now() + 20
  repeat
    local output <const> = helper.run(shell .. "show route " .. prefix)
    if output:find(present and "\n" .. prefix:gsub("%p", "%%%0") .. " .*via" or "Network not found") then return output end
    mcast.sleep(0.05)
  until mcast.now() > deadline
  error(prefix .. (present and " is not" or " is still") .. " in BIRD's table")
end

helper.long("RIP with BIRD", function()
  peer.it("announces a route that BIRD uses, with its metric", { "bird", "birdc" }, function()
    local shell <const> = lan(20, "--announce 10.88.0.0/16")
    assert.matches("10%.88%.0%.0/16 .*%(120/2%)\n\tvia 10%.9%.0%.1 on eth0", await(shell, "10.88.0.0/16", true))
  end)

  peer.it("reads BIRD's route, and that BIRD withdraws it #slow", { "bird", "birdc" }, function()
    local shell <const>, ours <const> = lan(20)
    ours:expect "10%.77%.0%.0/16 +2 via 10%.9%.0%.2\n"
    helper.check(shell .. "disable static1")
    ours:expect "10%.77%.0%.0/16 +16 via 10%.9%.0%.2\n"
  end)

  peer.it("withdraws its route from BIRD by Ctrl-C #slow", { "bird", "birdc" }, function()
    local shell <const>, ours <const> = lan(100, "--announce 10.88.0.0/16")
    await(shell, "10.88.0.0/16", true)
    ours:stop "INT"
    await(shell, "10.88.0.0/16", false) -- long before BIRD's timeout
  end)

  peer.it("leaves a route that BIRD drops when killed #slow", { "bird", "birdc" }, function()
    local shell <const>, ours <const> = lan(3, "--announce 10.88.0.0/16")
    await(shell, "10.88.0.0/16", true)
    ours:stop "KILL"
    await(shell, "10.88.0.0/16", false)
  end)
end)

helper.once("RIP between two hosts with BIRD", function()
  peer.it("passes a route, and its end, to the other #slow", { "bird", "birdc" }, function()
    local left <const>, right <const> = helper.host(), helper.host()
    local near <const>, far <const> = bird(left.enter, "10.77.0.0/16", 20), bird(right.enter, "10.66.0.0/16", 20)
    peer.start("", ("%s --interface %s,%s"):format(script, left.near, right.near))
    assert.matches("%(120/3%)", await(far, "10.77.0.0/16", true))
    assert.matches("%(120/3%)", await(near, "10.66.0.0/16", true))
    helper.check(near .. "disable static1")
    await(far, "10.77.0.0/16", false)
  end)
end)

-- An entry, and a response of some.
local function entry(prefix, mask, metric, family)
  return string.pack(">I2I2I4I4I4I4", family or 2, 0, prefix, mask, 0, metric)
end
local function response(...) return "\2\2\0\0" .. table.concat({ ... }) end

-- Sends datagrams to the script, one a second, from a port, and from another network where it is so. Returns the script's node,
-- and a list of answers.
local function ask(datagrams, port, stranger, interface)
  local net <const>, answers <const> = sim.new { output = function() end }, {}
  local node <const> = net:node("router", path, { "--interface", interface or "eth0", "--announce", "10.88.0.0/16" })
  net:node("other", function()
    local sock <close> = assert(require "mcast".socket { port = port })
    for _, data in ipairs(datagrams) do
      assert(sock:sendto(data, "10.0.0.1", 520, { source = stranger and "10.0.7.7" or nil }))
      local answer = sock:recvfrom(1)
      while answer do
        answers[#answers + 1] = answer
        answer = sock:recvfrom(0.1)
      end
    end
  end, {}, { addresses = { "10.0.7.7" } })
  net:run(#datagrams * 2 + 2)
  return node, answers
end

-- A copy of the examples, to change.
local function copy()
  local folder <const> = helper.check("mktemp -d"):match "[^\n]+"
  helper.defer(function() helper.run("rm -r " .. folder) end)
  helper.check("cp -r examples/protocols examples/simulator " .. folder)
  return folder
end

local far <const> = 0x0a4d0000 -- 10.77.0.0

helper.long("RIP", function()
  it("learns from a response of its neighbour", function()
    assert.equal("6", ask({ response(entry(far, 0xffff0000, 5)) }, 520).notes["10.77.0.0/16"])
  end)

  it("accepts an interface by its index", function()
    assert.equal("6", ask({ response(entry(far, 0xffff0000, 5)) }, 520, false, "2").notes["10.77.0.0/16"])
  end)

  it("refuses responses from other ports and networks", function()
    local data <const> = { response(entry(far, 0xffff0000, 5)) }
    assert.is_nil(ask(data, 521).notes["10.77.0.0/16"])
    assert.is_nil(ask(data, 520, true).notes["10.77.0.0/16"])
  end)

  it("refuses entries with a wrong metric, prefix or family", function()
    local node <const> = ask({ response(entry(far, 0xffff0000, 0), entry(far, 0xffff0000, 17), entry(far, 0xffff0000, 5, 3),
      entry(far, 0xff00ff00, 5), entry(far + 1, 0xffff0000, 5), entry(0x7f000000, 0xff000000, 5),
      entry(0xe0000000, 0xff000000, 5), entry(0x00010000, 0xffff0000, 5), entry(0, 0, 16)) }, 520)
    assert.same({ ["10.88.0.0/16"] = "1" }, node.notes)
  end)

  it("keeps its own prefix against a neighbour's", function()
    assert.equal("1", ask({ response(entry(0x0a580000, 0xffff0000, 1)) }, 520).notes["10.88.0.0/16"])
  end)

  it("answers a request for some prefixes with their metrics", function()
    local _ <const>, answers <const> = ask({ "\1\2\0\0" .. entry(0x0a580000, 0xffff0000, 0) .. entry(far, 0xffff0000, 0) }, 999)
    assert.same({ response(entry(far, 0xffff0000, 16), entry(0x0a580000, 0xffff0000, 1)) }, answers)
  end)

  it("keeps at most 1,000 routes, whatever is forged", function()
    local datagrams <const> = {}
    for i = 1, 50 do
      local entries <const> = {}
      for k = 1, 25 do entries[k] = entry(0x0b000000 + (25 * i + k << 8), 0xffffff00, 3) end
      datagrams[i] = response(table.unpack(entries))
    end
    datagrams[51] = "\1\2\0\0" .. entry(0, 0, 16, 0)
    local node <const>, answers <const> = ask(datagrams, 520)
    local routes, entries = 0, 0
    for _ in pairs(node.notes) do routes = routes + 1 end
    for _, answer in ipairs(answers) do entries = entries + (#answer - 4) // 20 end
    assert.equal(1000, routes)
    assert.equal(1000, entries)
  end)

  it("answers mutants by less than they are #slow", function()
    local result <const> = mutants.run { script = path, args = { "--interface", "eth0", "--announce", "10.88.0.0/16" },
      packets = mutants.packets "rip", port = 520, group = "224.0.0.9", pause = 0.03 }
    assert.is_true(result.answered > 100 and result.answered < result.sent // 10, result.answered)
    assert.is_true(result.answered_bytes < result.sent_bytes // 10, result.answered_bytes)
  end)

  it("holds in the simulator for 1,000 seeds #slow", function()
    assert.equal("0 of 1000 seeds failed\n", helper.check(helper.lua .. " examples/simulator/rip.lua 1000", 200))
  end)

  it("holds no more without a rule of its bounds #slow", function()
    local folder <const> = copy()
    helper.check(([[sed -i 's/triggered = "yes"/triggered = "no"/; s/shrink = true, //' %s/*/rip.lua]]):format(folder))
    local output <const> = helper.run(("%s %s/simulator/rip.lua 20"):format(helper.lua, folder))
    assert.matches("^[1-9]%d* of 20 seeds failed\n", output)
    assert.matches("a lost prefix is unreachable does not hold", output)
  end)

  peer.it("makes the mistake of its page in its first version", { "patch" }, function()
    local folder <const>, page <const> = first_version "rip"
    local command <const>, story <const> = page:match "%$ mcast sim (examples/simulator/rip%.lua [^\n]+)\n%.%.%.\n(.-)```"
    local output <const> = helper.run(("%s bin/mcast sim %s%s"):format(helper.lua, folder, command))
    assert.is_truthy(output:find(story, 1, true), output)
  end)

  it("draws the picture of its page", function()
    local picture <const> = helper.script ""
    helper.check(("%s examples/simulator/rip.lua 1 %s || true"):format(helper.lua, picture))
    assert.equal(io.open "examples/simulator/rip.svg":read "a", io.open(picture):read "a")
  end)
end)
