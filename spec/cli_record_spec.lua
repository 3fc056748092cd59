-- mcast record and mcast replay: captures that other programs read, and captures of other programs.
local command <const> = require "spec.support.command"
local frame <const> = require "mcast.pcapng.frame"
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"
local mcast <const> = require "mcast"
local now <const> = require "mcast.clock"
local pcapng <const> = require "mcast.pcapng"
local tshark <const> = require "spec.support.tshark"
local udp <const> = require "mcast.pcapng.udp"

local function socket(options)
  options.interface = options.interface or "lo"
  local sock <const> = assert(mcast.socket(options))
  helper.defer(function() sock:close() end)
  return sock
end

local function receiver(group, port, family)
  local sock <const> = socket { port = port, family = family, metadata = true }
  assert(sock:join(group))
  return sock
end

local function temporary()
  return helper.script ""
end

-- The datagrams of a capture.
local function datagrams(path)
  local list <const> = {}
  for packet in assert(pcapng.reader(path)):packets() do
    list[#list + 1] = assert(udp.decode(packet))
  end
  return list
end

-- A capture of datagrams {seconds, data, group}, of port 10201 by default.
local function capture(list)
  local path <const> = temporary()
  local writer <close> = assert(pcapng.writer(path))
  local lo <const> = assert(writer:interface { name = "lo" })
  for _, one in ipairs(list) do
    local to <const> = frame.bytes(one[3] or "239.1.2.3")
    assert(writer:packet(lo, 10 ^ 18 + one[1] * 1e9 // 1 | 0, frame.datagram(frame.bytes(#to == 4 and "10.0.0.1" or "fd00::1"),
      4000, to, one[4] or 10201, one[2], 9, 0, 1, false)))
  end
  return path
end

-- Describes a part of the command that needs a network.
local function part(name, block)
  helper.long(name, helper.private and block or function() pending(helper.no_network) end)
end

part("mcast record", function()
  it("records data, addresses, TTL and the kernel's nanoseconds", function()
    local path <const> = temporary()
    local program <const> = command.listen(("record %s 239.1.2.3:10201 '[ff15::7]:10202' --count 3"):format(path), 2)
    local list <const> = {}
    for i, family in ipairs { "inet", "inet6", "inet" } do
      local group <const>, port <const> = family == "inet" and "239.1.2.3" or "ff15::7", 10200 + (family == "inet" and 1 or 2)
      local same <const> = receiver(group, port, family)
      local sock <const> = socket { family = family, ttl = i, dscp = 40 + i }
      assert(sock:sendto("data " .. i, group, port))
      local msg <const> = assert(same:recvmsg(5))
      list[i] = { from = { host = msg.from.host, port = msg.from.port }, to = { host = group, port = port }, ttl = i,
        dscp = 40 + i, ecn = 0, data = "data " .. i, time = msg.nanoseconds,
        interface = { name = "lo", number = 0, link = 101, snaplen = 0 } }
    end
    assert.equal(0, select(2, program:finish()))
    local got <const> = datagrams(path)
    for i, one in ipairs(got) do -- each socket has its own time of a datagram
      assert.is_true(math.abs(one.time - list[i].time) < 1e8)
      one.time = list[i].time
    end
    assert.same(list, got)
  end)

  it("writes a file in which tshark finds no fault", function()
    if not helper.has "tshark" then
      return pending "needs tshark"
    end
    local path <const> = temporary()
    local program <const> = command.listen(("record %s 239.1.2.3:10201 '[ff15::7]:10201' --count 4"):format(path), 2)
    for _, data in ipairs { "", ("x"):rep(3001) } do
      assert(socket {}:sendto(data, "239.1.2.3", 10201))
      assert(socket { family = "inet6" }:sendto(data, "ff15::7", 10201))
    end
    assert.matches("4 datagrams, 6002 bytes; the kernel dropped 0\n", (program:finish()))
    assert.equal("", tshark.complaints(path))
    assert.equal("lo|239.1.2.3||10201|8\nlo||ff15::7|10201|8\nlo|239.1.2.3||10201|3009\nlo||ff15::7|10201|3009\n",
      tshark.fields(path, "frame.interface_name ip.dst ipv6.dst udp.dstport udp.length"))
  end)

  it("writes to a pipe, which tshark reads at once", function()
    if not helper.has "tshark" then
      return pending "needs tshark"
    end
    local program <const> = command.start("-c 'bin/mcast record - 239.1.2.3:10201 --count 1 |"
      .. " tshark -l -r - -T fields -e udp.payload'", "sh")
    repeat until program:line():find "joined"
    assert(socket {}:sendto("\1\2\3", "239.1.2.3", 10201))
    repeat
      local line <const> = program:line()
    until line == "010203"
  end)

  it("leaves a complete file on Ctrl-C", function()
    local path <const> = temporary()
    local program <const> = command.listen(("record %s 239.1.2.3:10201 --json"):format(path))
    local same <const>, sock <const> = receiver("239.1.2.3", 10201), socket {}
    for i = 1, 100 do
      assert(sock:sendto("data " .. i, "239.1.2.3", 10201))
      assert(same:recvfrom(5))
    end
    program:interrupt()
    local output <const>, status <const> = program:finish()
    assert.same({ 0, { event = "summary", file = path, datagrams = 100, bytes = 692, dropped = 0 } },
      { status, (json.decode(output)) }, output)
    local list <const> = datagrams(path)
    assert.same({ 100, "data 100" }, { #list, list[100].data })
  end)

  it("has its datagrams in the file after a second, whatever ends it", function()
    local path <const> = temporary()
    local program <const> = command.listen(("record %s 239.1.2.3:10201"):format(path))
    assert(socket {}:sendto("data", "239.1.2.3", 10201))
    for _ = 1, 500 do
      if #datagrams(path) == 1 then
        break
      end
      mcast.sleep(0.01)
    end
    helper.check("kill -KILL " .. program.pid)
    program:finish()
    assert.equal("data", datagrams(path)[1].data)
  end)

  it("ends well when the reader of its pipe is gone", function()
    for trap, status in pairs { [""] = "141", ["trap '' PIPE; "] = "0" } do -- by the signal, and by EPIPE
      local program <const> = command.start("-c " .. helper.quote(trap
        .. "(bin/mcast record - 239.1.2.3:10201 --for 20; echo status $? >&2) | head -c 4; echo end"), "sh")
      repeat until program:line():find "joined"
      for _ = 1, 200 do
        assert(socket {}:sendto("data", "239.1.2.3", 10201))
        mcast.sleep(0.001)
      end
      local output <const> = program:finish()
      assert.matches("status " .. status .. "\n", output)
      assert.is_nil(output:find "mcast:", 1, true)
    end
  end)

  it("reports a full disk and a terminal", function()
    assert.equal("mcast: write: No space left on device\n", command.run("record /dev/full 239.1.2.3:10201", 1))
    assert.matches("stdout is a terminal", helper.run
      "python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' bin/mcast record - 239.1.2.3:10201")
    assert.matches("/nonexistent/file: No such file", command.run("record /nonexistent/file 239.1.2.3:10201", 1))
  end)

  it("draws its progress on a terminal only", function()
    for prefix, drawn in pairs { ["python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "] = true, [""] = false } do
      local program <const> = command.start(("record %s 239.1.2.3:10201 --count 2"):format(temporary()), prefix .. "bin/mcast")
      assert.matches("joined", program:line())
      for _ = 1, 2 do
        assert(socket {}:sendto("data", "239.1.2.3", 10201))
        mcast.sleep(0.2)
      end
      assert.equal(drawn, program:finish():find("recording [###", 1, true) ~= nil)
    end
  end)
end)

part("mcast replay", function()
  for name, options in pairs { pcap = "", ["pcap with nanoseconds"] = "--time-stamp-precision=nano" } do
    it("sends the datagrams of tcpdump's " .. name .. " at their distances", function()
      if not helper.has "tcpdump" then
        return pending "needs tcpdump"
      end
      local path <const> = temporary()
      local pipe <const> = helper.start(("tcpdump -Z root -U -i lo -c 4 -w %s %s udp"):format(path, options))
      repeat until assert(pipe:read "l"):find "listening on"
      local sock <const>, six <const> = socket { ttl = 9 }, socket { family = "inet6" }
      for i = 1, 2 do
        assert(sock:sendto("four " .. i, "239.1.2.3", 10201))
        assert(six:sendto("six " .. i, "ff15::7", 10201))
        mcast.sleep(0.3)
      end
      pipe:read "a"
      local four <const>, other <const> = receiver("239.1.2.3", 10201), receiver("ff15::7", 10201, "inet6")
      assert.matches("^sent 4 datagrams, 22 bytes, in 0%.[3-9]%d+ s\n$", command.run("replay " .. path))
      local one <const>, two <const> = assert(four:recvmsg(5)), assert(four:recvmsg(5))
      assert.same({ "four 1", "four 2", 1 }, { one.data, two.data, one.ttl })
      assert.is_true(two.time - one.time > 0.29 and two.time - one.time < 3)
      assert.equal("six 1", other:recvfrom(5))
      assert.equal("six 2", other:recvfrom(5))
    end)
  end

  it("sends what mcast record has recorded", function()
    local path <const> = temporary()
    local program <const> = command.listen(("record %s 239.1.2.3:10201 --count 2"):format(path))
    assert(socket {}:sendto("one", "239.1.2.3", 10201))
    assert(socket {}:sendto("", "239.1.2.3", 10201))
    program:finish()
    local same <const> = receiver("239.1.2.3", 10201)
    command.run("replay " .. path)
    assert.equal("one", same:recvfrom(5))
    assert.equal("", same:recvfrom(5))
  end)

  it("changes speed, group, port and TTL", function()
    local path <const> = capture { { 0, "one" }, { 2, "two", "10.0.0.2" } }
    local sock <const>, began <const> = receiver("239.1.2.4", 10203), now()
    assert.matches("^sent 2 datagrams", command.run(("replay %s --speed 10 --to 239.1.2.4:10203 --ttl 5"):format(path)))
    local one <const>, two <const> = assert(sock:recvmsg(5)), assert(sock:recvmsg(5))
    assert.same({ "one", "two", 5 }, { one.data, two.data, one.ttl })
    assert.is_true(two.nanoseconds - began >= 200000000 and two.time - one.time < 1.5)
  end)

  it("sends several rounds, at the mean distance", function()
    local path <const> = capture { { 0, "one" }, { 0.1, "two" }, { 0.2, "three" } }
    local sock <const>, began <const> = receiver("239.1.2.3", 10201), now()
    command.run(("replay %s --loop 2"):format(path))
    for i, data in ipairs { "one", "two", "three", "one", "two", "three" } do
      local msg <const> = assert(sock:recvmsg(5))
      assert.equal(data, msg.data)
      assert.is_true(msg.nanoseconds - began >= (i - 1) * 100000000, i)
    end
    assert.is_nil((sock:recvfrom(0.15)))
  end)

  it("loops until Ctrl-C, once a second for a single datagram", function()
    local path <const> = capture { { 0, "one" } }
    local sock <const>, began <const> = receiver("239.1.2.3", 10201), now()
    local program <const> = command.start(("replay %s --loop --json"):format(path))
    assert(sock:recvmsg(5))
    assert.is_true(assert(sock:recvmsg(5)).nanoseconds - began >= 1000000000)
    program:interrupt()
    local output <const>, status <const> = program:finish()
    assert.equal(0, status)
    assert.is_true(json.decode(output).datagrams >= 2)
  end)

  it("counts what it skips by reason", function()
    local path <const> = capture { { 0, "one" }, { 0, "host", "10.0.0.2" }, { 0, "no port", "239.1.2.3", 0 } }
    assert.equal("sent 1 datagram, 3 bytes, in 0.000 s; skipped 2: not to a group\n",
      command.run("replay " .. path):gsub("0%.%d+ s", "0.000 s"))
  end)

  it("sends the datagrams before a fault of the file, and reports it", function()
    local path <const> = capture { { 0, "one" }, { 0, "two" } }
    helper.check(("truncate -s -10 %s"):format(path))
    local output <const> = command.run("replay " .. path, 1)
    assert.matches("sent 1 datagram,", output)
    assert.matches("mcast: .*: at byte %d+: the file ends within a block", output)
  end)

  it("ends with the cause where nothing can be sent", function()
    assert.matches("no datagrams to groups", command.run("replay " .. capture {}, 1))
    assert.matches("No such file", command.run("replay /nonexistent/file", 1))
    assert.matches("neither pcapng nor pcap", command.run("replay spec/run.lua", 1))
    assert.matches("no such interface", command.run("replay --interface eth7 " .. capture { { 0, "one" } }, 1))
    assert.matches("%-%-loop needs a file", command.run("replay - --loop 2", 2))
  end)

  it("reports failing sends, and goes on", function()
    local path <const> = capture { { 0, "one", "ff02::7" }, { 0, "two" } }
    helper.defer(function() helper.run "ip -6 route add local ff00::/8 dev lo" end)
    helper.check "ip -6 route del local ff00::/8 dev lo"
    local output <const> = command.run("replay " .. path, 1)
    assert.matches("^mcast: [^\n]*ff02::7", output)
    assert.matches("sent 1 datagram, 3 bytes, in [%d.]+ s; 1 failed\n$", output)
  end)

  it("reads a pipe, and socat receives", function()
    if not helper.has "socat" then
      return pending "needs socat"
    end
    local pipe <const>, pid <const> = helper.start
      "socat -u UDP4-RECVFROM:10204,reuseaddr,ip-add-membership=239.1.2.3:lo STDOUT"
    helper.check(("until grep -qs '030201EF' /proc/%s/net/igmp; do sleep 0.01; done"):format(pid))
    local path <const> = capture { { 0, "hello", "239.1.2.3", 10204 } }
    helper.check(("cat %s | bin/mcast replay -"):format(path))
    assert.equal("hello", pipe:read "a")
  end)

  it("draws its progress on a terminal", function()
    local path <const> = capture { { 0, "one" }, { 0.3, "two" }, { 0.6, "three" } }
    assert.matches("replaying %[#+%.*%] +%d+ %%  %d datagrams", helper.check(
      "python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' bin/mcast replay " .. path))
  end)

  it("does not drift in 60 seconds #slow", function()
    local list <const> = {}
    for i = 0, 600 do
      list[i + 1] = { i / 10, tostring(i) }
    end
    local path <const>, sock <const> = capture(list), receiver("239.1.2.3", 10201)
    local program <const> = command.start("replay " .. path)
    local first, late = nil, {}
    for i = 0, 600 do
      local msg <const> = assert(sock:recvmsg(20))
      first = first or msg.nanoseconds
      assert.equal(tostring(i), msg.data)
      late[#late + 1] = (msg.nanoseconds - first) / 1e9 - i / 10
    end
    program:finish()
    local function median(from, till)
      local part_of <const> = table.move(late, from, till, 1, {})
      table.sort(part_of)
      return part_of[#part_of // 2 + 1]
    end
    local drift <const> = median(502, 601) - median(2, 101)
    assert.is_true(math.abs(drift) < 0.002, drift)
  end)
end)

part("mcast, as make installs it,", function()
  it("records, replays, listens and sends", function()
    local folder <const> = helper.check "mktemp -d":match "[^\n]+"
    helper.defer(function() helper.run("rm -r " .. folder) end)
    helper.check("make install DESTDIR=" .. folder .. " PREFIX=/usr")
    local output <const> = helper.check(([[
      cd /; bin=%s/usr/bin/mcast; file=%s/run.pcapng
      joined() { until grep -q "$1" /proc/net/igmp; do sleep 0.01; done; }
      $bin record $file 239.1.2.7:10205 --count 1 & joined 070201EF
      $bin send 239.1.2.7:10205 hello; wait
      $bin listen 239.1.2.7:10205 --count 1 & joined 070201EF
      $bin replay $file; wait
    ]]):format(folder, folder))
    assert.matches('"hello"', output)
  end)
end)
