-- Traces of a sender and receivers on hosts of their own, whose wall clocks differ by seconds.
local helper <const> = require "spec.support.helper"
local trace <const> = require "mcast.trace"

local COUNT <const> = 40

-- Sends numbers to a group, each after a host has acknowledged the one before, and prints the acknowledgements.
local sender <const> = [[
  local mcast = require "mcast"
  local group = assert(mcast.address(arg[1]))
  local sock <close> = assert(mcast.socket { interface = "eth0", family = group.family, loopback = false })
  for i = 1, %d do
    assert(sock:sendto("number " .. i, group))
    repeat
      local data, from = assert(sock:recvfrom(5))
      print(data, from.host)
    until from.host == arg[2]
    mcast.sleep(0.02)
  end
  for data, from in sock:datagrams(0.3) do print(data, from.host) end
]]

-- Acknowledges each datagram, and prints it.
local receiver <const> = [[
  local mcast = require "mcast"
  local group = assert(mcast.address(arg[1]))
  local sock <close> = assert(mcast.socket { interface = "eth0", family = group.family, port = group.port })
  assert(sock:join(group.host))
  io.stderr:write "ready\n"
  for data, from in sock:datagrams(1) do
    print(data, from.host)
    assert(sock:sendto("got " .. data, from))
  end
]]

local families <const> = {
  { name = "inet", host = "239.7.1.2", group = "239.7.1.2:5000", network = "10.7.0.", length = 24 },
  { name = "inet6", host = "ff15::7:2", group = "[ff15::7:2]:5000", network = "fd07::", length = 64 },
}

-- Hosts on one LAN, each a namespace with a number.
local function build(family, count)
  local hosts, library = {}, helper.compile "spec/support/ahead.c"
  helper.check "ip link add wire type bridge mcast_snooping 0 && ip link set wire up"
  helper.defer(function() helper.run "ip link del wire" end)
  for number = 1, count do
    local pid <const>, enter <const> = helper.namespace()
    helper.check(([[ip link add port%d type veth peer name eth0 netns %s && ip link set port%d master wire up &&
      %s sh -c 'ip link set lo up && ip addr add %s%d/%d dev eth0 %s && ip link set eth0 up']])
      :format(number, pid, number, enter, family.network, number, family.length, family.name == "inet6" and "nodad" or ""))
    helper.defer(function() helper.run("ip link del port" .. number) end)
    helper.carried("eth0", enter)
    hosts[number] = { enter = enter, address = family.network .. number, trace = helper.script "",
      library = library }
  end
  return hosts
end

-- The command that runs a script at a host whose clock is ahead by seconds. It has a boot identifier of its own, as another
-- machine has.
local function command(host, name, script, family, ahead, options, environment)
  return ([[%s unshare --mount sh -c 'mount --bind %s /proc/sys/kernel/random/boot_id && exec env LD_PRELOAD=%s/ahead.so \
    MCAST_AHEAD=%d MCAST_NODE=%s MCAST_TRACE=%s %s %s %s -l mcast.trace %s "%s" %s2']]):format(host.enter,
    helper.script(name .. "\n"), host.library, ahead * 1000000000 // 1, name, host.trace, environment or "", helper.lua,
    options or "", helper.script(script), family.group, family.network)
end

-- Starts a receiver, and waits until it has joined.
local function start(...)
  local output <const> = helper.start(command(...))
  assert.equal("ready", output:read "l")
  return output
end

-- The lines of an output, as a list.
local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

-- The lines that a node would have printed, by the arrows: bytes and sender of each datagram that arrived.
local function arrows(run, node)
  local sends, list = {}, {}
  for _, event in ipairs(run) do
    if event.kind == "send" then
      sends[event.packet] = event
    elseif event.kind == "deliver" and event.node == node then
      local send <const> = assert(sends[event.packet], "an arrow without a send before it")
      list[#list + 1] = ("%s\t%s"):format(send.data, send.from.host)
      assert.equal(send.from.host, event.from.host)
    end
  end
  return list
end

-- The steps of the numbers on their way to a node, and of its acknowledgements on their way back, in the order of time.
local function steps(run, node, address)
  local list = {}
  for _, event in ipairs(run) do
    local number <const> = event.data and event.data:match "%d+"
    local back <const> = number and event.data:find "^got" and event.from.host == address
    if number and (back or event.node == node or event.kind == "send") and (back or not event.data:find "^got") then
      list[#list + 1] = ("%s %s %s"):format(event.kind, back and "back" or "there", number)
    end
  end
  return list
end

-- The same lines in one order.
local function sorted(list)
  table.sort(list)
  return list
end

-- The data of the datagrams that a node lost.
local function losses(run, node)
  local list = {}
  for _, event in ipairs(run) do
    list[#list + 1] = event.kind == "drop" and event.node == node and event.data or nil
  end
  return list
end

local obstacle <const> = not helper.plain and helper.not_plain or not helper.has "dumpcap" and "needs dumpcap" or nil

helper.network("a trace of three hosts", obstacle and function() pending(obstacle) end or function()
  for _, family in ipairs(families) do
    it("has the arrows that the scripts printed, " .. family.name, function()
      local hosts <const> = build(family, 3)
      local one <const> = start(hosts[2], "one", receiver, family, 3.5)
      local two <const> = start(hosts[3], "two", receiver, family, -7.25, "-l mcast.impair", "MCAST_IMPAIR=loss=0.3,seed=3")
      local answers <const> = helper.check(command(hosts[1], "sender", sender:format(COUNT), family, 0))
      local printed <const> = { one = lines(one:read "a"), two = lines(two:read "a") }
      local run <const> = trace.merge { assert(trace.read(hosts[1].trace)), assert(trace.read(hosts[2].trace)),
        assert(trace.read(hosts[3].trace)) }
      assert.equal(COUNT, #printed.one)
      assert.is_true(#printed.two > 10 and #printed.two < COUNT - 3, #printed.two)
      for node, list in pairs(printed) do
        assert.same(list, arrows(run, node))
      end
      assert.same(sorted(lines(answers)), sorted(arrows(run, "sender")))
      local expected = {}
      for i = 1, COUNT do
        for k, step in ipairs { "send there", "deliver there", "send back", "deliver back" } do
          expected[4 * i - 4 + k] = ("%s %d"):format(step, i)
        end
      end
      assert.same(expected, steps(run, "one", hosts[2].address))
      assert.same({}, losses(run, "one"))
      local missing, got = {}, table.concat(printed.two, "\n") .. "\n"
      for i = 1, COUNT do
        missing[#missing + 1] = not got:find(("number %d\t"):format(i), 1, true) and "number " .. i or nil
      end
      assert.same(missing, losses(run, "two"))
      for i, ahead in ipairs { 3.5, -7.25 } do
        local clock <const> = run.clocks[i]
        assert.equal("both", clock.ways)
        assert.is_true(math.abs(clock.offset - ahead) <= clock.bound, clock.text)
        assert.is_true(clock.bound < 0.1, clock.text)
      end
      assert.equal(COUNT - #printed.two, trace.stats(run).two[family.host].lost)
    end)

    it("merges with a capture of one of the hosts, " .. family.name, function()
      local hosts <const>, file <const> = build(family, 2), helper.script ""
      local capture <const> = helper.start(hosts[2].enter .. "dumpcap -q -i eth0 -P -w " .. file)
      repeat until assert(capture:read "l"):find "^File:"
      local one <const> = start(hosts[2], "one", receiver, family, 3.5)
      helper.check(command(hosts[1], "sender", sender:format(3), family, -20))
      one:read "a"
      local captured <const> = assert(trace.read(file, { node = "wire", addresses = { hosts[2].address } }))
      local run <const> = trace.merge { captured, assert(trace.read(hosts[1].trace)) }
      local groups, sent, answers = {}, 0, 0
      for _, event in ipairs(run) do
        groups[#groups + 1] = event.kind == "join" and event.group == family.host and event.address or nil
        sent = sent + (event.kind == "send" and event.node == "wire" and event.data:find "^got" and 1 or 0)
        answers = answers + (event.kind == "deliver" and event.node == "sender" and 1 or 0)
      end
      assert.same({ { "number 1\t" .. hosts[1].address, "number 2\t" .. hosts[1].address, "number 3\t" .. hosts[1].address },
        3, 3 }, { arrows(run, "wire"), sent, answers })
      assert.is_true(#groups > 0)
      assert.is_true(math.abs(run.clocks[1].offset + 20) <= run.clocks[1].bound, run.clocks[1].text)
    end)
  end
end)
