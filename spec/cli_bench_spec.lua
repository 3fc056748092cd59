-- mcast bench, by itself and with iperf 2.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local json <const> = helper.plain and require "dkjson"
local numbered <const> = require "mcast.cli.numbered"

-- Runs mcast bench --json; returns its records, its exit status and all of its output.
local function bench(words, enter)
  local output <const>, status <const> = helper.run(("%s bin/mcast bench --json %s"):format(enter or "", words))
  local list <const> = {}
  for line in output:gsub("mcast: [^\n]*\n", ""):gmatch "[^\n]+" do
    list[#list + 1] = assert(json.decode(line), output)
  end
  return list, status, output
end

-- Starts mcast bench --receive --json; returns a function that returns its record.
local function receiver(words, enter)
  local pipe <const> = helper.start(("%s bin/mcast bench --receive --json %s"):format(enter or "", words or ""))
  assert.equal("joined", json.decode(pipe:read "l").event)
  return function() return json.decode(pipe:read "l") end
end

local function drop(rule)
  helper.check(("nft 'add table ip t; add chain ip t o { type filter hook input priority 0; }; add rule ip t o %s drop'")
    :format(rule))
  helper.defer(function() helper.run "nft delete table ip t" end)
end

-- The body of a test that needs iperf 2.
local function with_iperf(body)
  local is_two <const> = helper.has "iperf" and helper.run "iperf -v":find "iperf version 2"
  return is_two and body or function() pending "needs iperf 2" end
end

-- A sender of the test's own.
local function sender()
  local sock <const> = assert(mcast.socket { interface = "lo" })
  helper.defer(function() sock:close() end)
  return function(data) assert(sock:sendto(data, "239.255.50.1", 5001)) end
end

helper.long("mcast bench", function()
  helper.network("on lo", function()
    it("measures each receiver", function()
      local list <const>, status <const> = bench "--receivers 2 --rate 200 --for 0.25 --size 100"
      assert.equal(0, status)
      assert.equal(3, #list)
      assert.same({ "sender", 51, 5100 }, { list[1].event, list[1].datagrams, list[1].bytes })
      for i = 1, 2 do
        local one <const> = list[i + 1]
        assert.same({ i, 51, 5100, 0, 0, 0, "same" }, { one.receiver, one.datagrams, one.bytes, one.lost, one.repeated,
          one.others, one.clock })
        assert.is_true(-0.001 < one.least and one.least <= one.median and one.median <= one.p90 and one.p90 <= one.p99
          and one.p99 <= one.most and one.most < 1)
        assert.is_true(one.rate > 100 and one.rate < 300, one.rate) -- the last of 0.25 s may be late
      end
    end)

    it("measures by IPv6", function()
      local list <const>, status <const> = bench "ff15::5 --rate 100 --for 0.2 --rcvbuf 100000"
      assert.equal(0, status)
      assert.equal(21, list[2].datagrams)
    end)

    it("stays on the loopback interface by default", function()
      assert.equal("lo", bench("239.1.2.3 --rate 100 --for 0.1")[1].interface)
    end)

    it("counts each loss, also of the first datagram", function()
      drop "udp dport 5001 numgen inc mod 4 == 0"
      local list <const>, status <const>, output <const> = bench "--rate 200 --for 0.25 --max-loss 25"
      assert.equal(13, list[2].lost) -- of 51
      assert.equal(1, status)
      assert.matches("receiver 1 lost 25.5 %% %(at most 25 %% expected%)", output)
    end)

    it("accepts a loss up to --max-loss", function()
      drop "udp dport 5001 numgen inc mod 4 == 0"
      assert.equal(0, select(2, bench "--rate 200 --for 0.25 --max-loss 26"))
    end)

    it("ends with 1 where a receiver gets nothing", function()
      drop "udp dport 5001"
      local output <const>, status <const> = helper.run "bin/mcast bench --rate 100 --for 0.1 2>&1"
      assert.equal(1, status)
      assert.matches("\nmcast: receiver 1 received nothing\n", output)
    end)

    it("ends its receivers when it fails", function()
      local start <const> = mcast.now()
      local _ <const>, status <const>, output <const> = bench "--size 65527 --for 60"
      assert.equal(1, status)
      assert.matches("mcast: sendto [^\n]*: Message too long", output)
      assert.is_true(mcast.now() - start < 20)
    end)

    it("prints the figures on Ctrl-C", function()
      local sock <close> = assert(mcast.socket { host = "239.255.50.1", port = 5001 })
      assert(sock:join("239.255.50.1", { interface = "lo" }))
      local pipe <const>, pid <const> = helper.start "bin/mcast bench --rate 100"
      assert(sock:recvfrom(20))
      helper.check("kill -INT " .. pid)
      local output <const> = pipe:read "a"
      assert.matches("^sent %d+ datagrams, %d+ bytes, to 239.255.50.1:5001 on lo in ", output)
      assert.matches("\n1 +%d+ +0 %(0 %%%)", output)
    end)

    it("ends with 1 for an interface that is missing", function()
      local _ <const>, status <const>, output <const> = bench "239.1.2.3%nosuch"
      assert.equal(1, status)
      assert.matches("nosuch: no such interface", output)
    end)

    for _, words in ipairs { "--size 15", "--receivers 0", "--rate 0", "--send --receive", "--for -1" } do
      it("ends with 2 for " .. words, function()
        assert.equal(2, select(2, helper.run("bin/mcast bench " .. words)))
      end)
    end
  end)
end)

helper.long("mcast bench --receive", function()
  helper.network("on lo", function()
    it("measures the time since the sender's", function()
      local clock <const> = require "mcast.clock"
      local result <const>, send <const> = receiver(), sender()
      for _, number in ipairs { 1, 2, 3, -4 } do
        send(numbered.pack(number, clock() / 1e9 - 0.25))
      end
      local one <const> = result()
      assert.equal(4, one.datagrams)
      assert.is_true(one.least > 0.249 and one.median < 0.5, one.median)
    end)

    it("counts late and repeated datagrams", function()
      local result <const>, send <const> = receiver(), sender()
      for _, number in ipairs { 1, 3, 2, 3, 6, -7 } do
        send(numbered.pack(number, os.time()))
      end
      local one <const> = result()
      assert.same({ 6, 2, 1, 1 }, { one.datagrams, one.lost, one.late, one.repeated })
    end)

    it("counts other datagrams and senders apart", function()
      local result <const>, first <const>, second <const> = receiver(), sender(), sender()
      math.randomseed(16)
      first(numbered.pack(1, os.time()))
      for i = 1, 50 do
        second(numbered.pack(-i, os.time()))
        local other <const> = {}
        for k = 1, math.random(0, 40) do
          other[k] = string.char(math.random(0, 255))
        end
        first(table.concat(other))
      end
      first(numbered.pack(-2, os.time()))
      local one <const> = result()
      assert.same({ 2, 100, 0 }, { one.datagrams, one.others, one.lost })
    end)

    it("ends after --for seconds", function()
      local list <const>, status <const>, output <const> = bench "--receive --for 0.1"
      assert.equal(1, status)
      assert.equal(0, list[2].datagrams)
      assert.matches("the receiver received nothing", output)
    end)

    it("reports that the clock is another one", function()
      local host <const> = helper.host()
      local result <const> = receiver("239.1.2.3%" .. host.far, host.enter)
      assert.equal(0, select(2, bench(("239.1.2.3%%%s --send --rate 100 --for 0.1"):format(host.near))))
      local one <const> = result()
      assert.same({ 11, 0, "other" }, { one.datagrams, one.lost, one.clock })
    end)
  end)
end)

helper.long("mcast bench with iperf", function()
  local families <const> = {
    { name = "IPv4", group = "239.255.50.1", options = "", listed = "0132FFEF /proc/net/igmp", bytes = 1470 },
    { name = "IPv6", group = "ff15::5", options = "-V", listed = "ff150000000000000000000000000005 /proc/net/igmp6",
      bytes = 1450 },
  }
  for _, family in ipairs(families) do
    helper.network("on lo, by " .. family.name, function()
      it("sends to it", with_iperf(function()
        local pipe <const>, pid <const> = helper.start(("iperf -s -u %s -B %s -e"):format(family.options, family.group))
        helper.check(("for i in $(seq 100); do grep -q %s && exit; sleep 0.05; done; exit 1"):format(family.listed))
        assert.equal(0, select(2, bench(family.group .. " --send --rate 200 --for 0.5")))
        local line
        repeat
          line = assert(pipe:read "l")
        until line:find "Lost/Total"
        line = pipe:read "l"
        assert.matches(" 0/101 %(0%%%) ", line)
        assert.matches(" 145 KBytes ", line) -- 101 times 1,470 bytes
        helper.check("kill " .. pid)
      end))

      it("receives from it", with_iperf(function()
        local result <const> = receiver(family.group .. " --for 10")
        helper.check(("iperf -c %s %s -u -T 1 -t 1 -b 1m"):format(family.group, family.options))
        local one <const> = result()
        assert.same({ 0, 0, "same" }, { one.lost, one.others, one.clock })
        assert.is_true(80 <= one.datagrams and one.datagrams <= 95) -- 1,048,576 bits are 89.2 or 90.4
        assert.equal(one.datagrams * family.bytes, one.bytes)
        assert.is_true(-0.001 < one.least and one.most < 1)
      end))
    end)
  end
end)
