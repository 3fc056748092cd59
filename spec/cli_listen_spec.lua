-- mcast listen and mcast send: beside each other, beside the module's sockets, and beside other programs.
local command <const> = require "spec.support.command"
local helper <const> = require "spec.support.helper"
local json <const> = helper.plain and require "dkjson"
local mcast <const> = require "mcast"
local receiving <const> = helper.plain and require "mcast.cli.receiver"

-- A socket of this process that sends over loopback.
local function sender(family)
  local sock <const> = assert(mcast.socket { family = family, interface = "lo" })
  helper.defer(function() sock:close() end)
  return sock
end

-- A socket that joined a group, and its port.
local function receiver(group, family, interface)
  local sock <const> = assert(mcast.socket { family = family, interface = interface or "lo", metadata = true })
  helper.defer(function() sock:close() end)
  assert(sock:join(group))
  return sock, sock:getsockname().port
end

-- Describes a part of the command that needs a network.
local function part(name, block)
  helper.long(name, helper.private and block or function() pending(helper.no_network) end)
end

part("mcast listen", function()
  it("prints time, addresses, interface, TTL, size and text", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 1"
    local sock <const> = sender()
    assert(sock:setoption("ttl", 3))
    assert(sock:sendto("hello", "239.1.2.3", 10101))
    assert.matches(("^%%d%%d:%%d%%d:%%d%%d%%.%%d+ 127%%.0%%.0%%.1:%d > 239%%.1%%.2%%.3:10101 lo ttl 3 5 bytes \"hello\"$")
      :format(sock:getsockname().port), program:line())
    assert.equal(0, select(2, program:finish()))
  end)

  it("receives several groups of both families", function()
    local program <const> = command.listen("listen 239.1.2.3:10101 '[ff15::7]:10102' 239.1.2.4:10101%lo --count 3", 3)
    assert(sender():sendto("one", "239.1.2.3", 10101))
    assert(sender "inet6":sendto("two", "ff15::7", 10102))
    assert(sender():sendto("none", "239.1.2.5", 10101))
    assert(sender():sendto("three", "239.1.2.4", 10101))
    local output <const>, status <const> = program:finish()
    assert.equal(0, status)
    assert.matches('> 239%.1%.2%.3:10101 [^\n]*"one"\n.*> %[ff15::7%]:10102 [^\n]*"two"\n.*> 239%.1%.2%.4:10101 [^\n]*"three"',
      output)
  end)

  it("joins the group of a source only", function()
    local program <const>, lines <const> = command.listen "listen 10.8.0.2@232.1.2.3:10101 --count 1"
    assert.equal("mcast: joined 10.8.0.2@232.1.2.3:10101 on lo", lines[1])
    for _, source in ipairs { "10.8.0.1", "10.8.0.2" } do
      assert(sender():sendto(source, "232.1.2.3", 10101, { source = source }))
    end
    assert.matches('"10.8.0.2"', program:line())
  end)

  it("lets other programs receive their unicast on the port", function()
    local own <close> = assert(mcast.socket { port = 10101 })
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 1"
    assert(sender():sendto("for me", "127.0.0.1", 10101))
    assert.equal("for me", own:recvfrom(5))
    assert(sender():sendto("for all", "239.1.2.3", 10101))
    assert.matches('"for all"', program:line())
  end)

  it("shows letters of UTF-8 where the locale has them", function()
    for locale, shown in pairs { ["C.UTF-8"] = "Ûber", C = "\\xc3\\x9bber" } do
      local program <const> = command.start("listen 239.1.2.3:10101 --count 1", ("env LC_ALL=%s bin/mcast"):format(locale))
      assert.matches("joined", program:line())
      assert(sender():sendto("Ûber", "239.1.2.3", 10101))
      assert.matches(' 5 bytes "' .. shown .. '"$', program:line())
    end
  end)

  it("shows other bytes than text in hexadecimal digits", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 3"
    assert(sender():sendto("\0\1\255", "239.1.2.3", 10101))
    assert(sender():sendto("", "239.1.2.3", 10101))
    assert(sender():sendto("u\t\\ \n", "239.1.2.3", 10101))
    assert.matches(" 3 bytes 0001ff$", program:line())
    assert.matches(' 0 bytes ""$', program:line())
    assert.matches(' 5 bytes "u\\t\\\\ \\n"$', program:line())
  end)

  it("passes no control character to a terminal", function()
    local decode <const> = helper.script "return function(data) return data, data end"
    for _, options in ipairs { "", "--json", "--decode " .. decode } do
      local program <const> = command.start("listen 239.1.2.3:10101 --count 4 " .. options,
        "python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' bin/mcast")
      assert.matches("joined", program:line())
      for _, data in ipairs { "\27[31mred", "a\127b\8", "\xc2\x9b31m", "\x9b31m" } do
        assert(sender():sendto(data, "239.1.2.3", 10101))
      end
      local output <const> = program:finish():gsub("\27%[%d+m", ""):gsub("\r\n", "\n") -- our colours and line ends
      assert.is_truthy(output:find "4 datagrams, 21" or output:find '"datagrams":4', output)
      assert.is_nil(output:find "[\0-\9\11-\31\127]", options)
      assert.is_nil(output:find("\xc2\x9b", 1, true), options)
      assert.is_nil(output:find("\x9b", 1, true), options)
    end
  end)

  it("colours its lines on a terminal only, and never with NO_COLOR", function()
    local terminal <const> = "python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "
    for prefix, coloured in pairs { [terminal] = true, ["env NO_COLOR=1 " .. terminal] = false, [""] = false } do
      local program <const> = command.start("listen 239.1.2.3:10101 --count 1", prefix .. "bin/mcast")
      assert.matches("joined", program:line())
      assert(sender():sendto("hello", "239.1.2.3", 10101))
      assert.equal(coloured, program:finish():find "\27" ~= nil, prefix)
    end
  end)

  it("prints an object a line with --json", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 2 --json"
    local sock <const> = sender()
    assert(sock:sendto("hello", "239.1.2.3", 10101))
    assert(sock:sendto("\255", "239.1.2.3", 10101))
    local list <const> = {}
    for line in program:finish():gmatch "[^\n]+" do
      list[#list + 1] = assert(json.decode(line))
    end
    local port <const> = sock:getsockname().port
    assert.is_true(math.abs(list[1].time - os.time()) < 60)
    list[1].time, list[2].time, list[3].seconds, list[3].gap, list[3].rate = nil, nil, nil, nil, nil
    assert.same({
      { event = "datagram", group = "239.1.2.3", port = 10101, interface = "lo", ttl = 1, source = "127.0.0.1",
        source_port = port, size = 5, text = "hello" },
      { event = "datagram", group = "239.1.2.3", port = 10101, interface = "lo", ttl = 1, source = "127.0.0.1",
        source_port = port, size = 1, hex = "ff" },
      { event = "figures", group = "239.1.2.3", port = 10101, source = "127.0.0.1", source_port = port, datagrams = 2,
        bytes = 6 },
      { event = "summary", datagrams = 2, bytes = 6, dropped = 0 },
    }, list)
  end)

  it("words datagrams by the function of a file", function()
    local path <const> = helper.script "return function(data) return #data == 1 and 'byte ' .. data:byte() or nil, 'byte' end"
    local program <const> = command.listen("listen 239.1.2.3:10101 --count 3 --decode " .. path)
    for _, data in ipairs { "\7", "\7\7", string.pack(">I4I4I4I4", 8, os.time(), 0, 0) } do
      assert(sender():sendto(data, "239.1.2.3", 10101))
    end
    assert.matches(" 1 bytes byte 7$", program:line())
    assert.matches(" 2 bytes 0707$", program:line())
    assert.matches(" 16 bytes number 8$", program:line())
  end)

  it("words datagrams by the name of a protocol", function()
    local program <const> = command.listen "listen 224.0.0.251:10101 --count 2 --json --decode dns"
    local query <const> = string.pack(">I2I2I2I2I2I2s1s1s1BI2I2", 0, 0, 1, 0, 0, 0, "_ipp", "_tcp", "local", 0, 12, 1)
    assert(sender():sendto(query, "224.0.0.251", 10101))
    assert(sender():sendto("other", "224.0.0.251", 10101))
    assert.matches('"words":"query PTR _ipp._tcp.local","kind":"DNS query"', program:line())
    assert.matches('"text":"other"', program:line())
  end)

  it("ends with 1 where the function of a file raises", function()
    local path <const> = helper.script "return function() error 'no words' end"
    local program <const> = command.listen("listen 239.1.2.3:10101 --decode " .. path)
    assert(sender():sendto("x", "239.1.2.3", 10101))
    local output <const>, status <const> = program:finish()
    assert.equal(1, status)
    assert.matches("raised, for 1 bytes: .*no words", output)
  end)

  it("ends with 2 for a file that returns no function", function()
    assert.matches("function of the data expected", command.run("listen 239.1.2.3 --decode "
      .. helper.script "return 7", 2))
    assert.matches("No such file", command.run("listen 239.1.2.3 --decode /nonexistent.lua", 2))
  end)

  it("ends with 1 where fewer datagrams come than expected", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --for 0.3 --expect 2"
    assert(sender():sendto("one", "239.1.2.3", 10101))
    local output <const>, status <const> = program:finish()
    assert.equal(1, status)
    assert.matches("mcast: expected 2 datagrams, got 1", output)
  end)

  it("ends with 0 where as many datagrams come as expected", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 1 --expect 1"
    assert(sender():sendto("one", "239.1.2.3", 10101))
    assert.equal(0, select(2, program:finish()))
  end)

  for expect, status in pairs { [1] = 0, [2] = 1 } do
    it(("ends with its summary and %d on Ctrl-C"):format(status), function()
      local program <const> = command.listen("listen 239.1.2.3:10101 --expect " .. expect)
      assert(sender():sendto("one", "239.1.2.3", 10101))
      program:line()
      program:interrupt()
      local output <const>, got <const> = program:finish()
      assert.equal(status, got)
      assert.matches("1 datagrams, 3 bytes; the kernel dropped 0\n", output)
      assert.is_nil(output:find "traceback")
    end)
  end

  it("ends well by Ctrl-C at the line that names the group", function()
    local stderr <const> = io.stderr
    helper.defer(function() rawset(io, "stderr", stderr) end)
    rawset(io, "stderr", { write = function() error "interrupted!" end })
    local args <const> = { groups = { assert(require "mcast.cli.group".parse "239.1.2.3:10201%lo") } }
    local list <close> = receiving.open(args)
    local count = 0
    receiving.run(list, args, function() count = count + 1 end)
    assert.equal(0, count)
  end)

  it("reports rate, longest gap, and missing, late and repeated numbers", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 7"
    local sock <const>, numbered <const> = sender(), require "mcast.cli.numbered"
    for _, number in ipairs { 1, 2, 5, 4, 4, 7, -9 } do
      if number == 7 then
        mcast.sleep(0.2)
      end
      assert(sock:sendto(numbered.pack(number, os.time()), "239.1.2.3", 10101))
    end
    local output <const> = program:finish()
    local rate <const>, gap <const>, rest <const> = output:match "0%.%d s +([%d.]+)/s +([%d.]+) s +(.-)\n"
    assert.is_true(tonumber(rate) <= 30 and tonumber(rate) > 0.1, output)
    assert.is_true(tonumber(gap) >= 0.2 and tonumber(gap) < 10, output)
    assert.equal("3 1 1", (rest:gsub(" +", " "))) -- 3, 6 and 8; 4; 4
  end)

  it("reports the datagrams that the kernel dropped", function()
    local program <const> = command.listen "listen 239.1.2.3:10101 --rcvbuf 2048"
    helper.check("kill -STOP " .. program.pid)
    local sock <const> = sender()
    for _ = 1, 50 do
      assert(sock:sendto(("x"):rep(1000), "239.1.2.3", 10101))
    end
    helper.check("kill -CONT " .. program.pid)
    program:line()
    assert(sock:sendto("more", "239.1.2.3", 10101))
    repeat until program:line():find "^239.1.2.3:10101 dropped %d+ datagrams: the receive buffer was full$"
    program:interrupt()
    assert.matches("the kernel dropped %d%d\n", (program:finish()))
  end)

  it("receives from socat", function()
    if not helper.has "socat" then
      return pending "needs socat"
    end
    local program <const> = command.listen "listen 239.1.2.3:10101 --count 1"
    helper.check "printf hello | socat - UDP4-DATAGRAM:239.1.2.3:10101,ip-multicast-ttl=4"
    assert.matches('ttl 4 5 bytes "hello"', program:line())
  end)

  it("reports the losses of iperf's datagrams", function()
    if not helper.has "iperf" then
      return pending "needs iperf"
    end
    local program <const> = command.listen "listen 239.1.2.3:10101 --for 3"
    helper.check "iperf -u -c 239.1.2.3%lo -p 10101 -n 5000 -l 500 -b 1M"
    program:interrupt()
    assert.matches("/s +[%d.]+ s +0 +0 +0\n", (program:finish()))
  end)

  it("names the address of a command line that is wrong", function()
    for words, message in pairs {
      [""] = "missing argument 'groups'",
      ["10.0.0.1:5"] = "10%.0%.0%.1 is no group",
      ["239.1.2.3 --for 0"] = "%-%-for: positive number of seconds expected, got '0'",
      ["239.1.2.3 --count x"] = "%-%-count: integer of 1 or more expected, got 'x'",
      ["239.1.2.3:0"] = "expected, got '239.1.2.3:0'",
      ["239.1.2.3:99999999999999999999"] = "expected, got '239.1.2.3:9",
    } do
      assert.matches(message, command.run("listen " .. words, 2))
    end
    assert.matches("mcast: .*no such interface.*available: lo", command.run("listen 239.1.2.3%eth7", 1))
  end)
end)

part("mcast send", function()
  it("sends its argument, by the options of sockets", function()
    local sock <const>, port <const> = receiver "239.1.2.3"
    assert.equal(("sent 1 datagram, 5 bytes, to 239.1.2.3:%d\n"):format(port),
      command.run(("send 239.1.2.3:%d hello --ttl 7 --dscp 46 --interface lo --port 10103"):format(port)))
    local msg <const> = assert(sock:recvmsg(5))
    assert.same({ "hello", 7, 46, 10103 }, { msg.data, msg.ttl, msg.dscp, msg.from.port })
  end)

  it("sends nothing to its own host with --loopback false", function()
    local host <const> = helper.host()
    local sock <const>, port <const> = receiver("239.1.2.3", "inet", host.near)
    for _, loopback in ipairs { "true", "false" } do
      command.run(("send 239.1.2.3:%d%%%s hello --loopback %s"):format(port, host.near, loopback))
      assert.equal(loopback == "true" and "hello" or nil, (sock:recvfrom(0.1)))
    end
  end)

  it("sends each line of stdin", function()
    local sock <const>, port <const> = receiver("ff15::7", "inet6")
    command.run(("send '[ff15::7]:%d'"):format(port), 0, "one\\n\\nthree")
    for _, data in ipairs { "one", "", "three" } do
      assert.equal(data, sock:recvfrom(5))
    end
  end)

  it("sends numbered datagrams of a size at a rate", function()
    local sock <const>, port <const> = receiver "239.1.2.3"
    local unpack <const> = require "mcast.cli.numbered".unpack
    local output <const> = command.run(("send 239.1.2.3:%d --count 21 --size 100 --rate 50"):format(port))
    local first
    for n = 1, 21 do
      local msg <const> = assert(sock:recvmsg(5))
      local number <const>, time <const> = unpack(msg.data, msg.time)
      assert.same({ n, 100 }, { number, #msg.data })
      assert.is_true(math.abs(time - msg.time) < 1, time - msg.time)
      first = first or msg.time
      assert.is_true(msg.time - first > (n - 1) / 50 - 0.01, n)
    end
    assert.matches("sent 21 datagrams, 2100 bytes, to [%d.:]+ in 0%.[4-9]", output)
  end)

  it("ends with its summary on Ctrl-C", function()
    local sock <const>, port <const> = receiver "239.1.2.3"
    local program <const> = command.start(("send 239.1.2.3:%d again --count 1000 --rate 20 --json"):format(port))
    assert(sock:recvfrom(5))
    program:interrupt()
    local output <const>, status <const> = program:finish()
    assert.equal(0, status)
    assert.equal("summary", json.decode(output).event)
  end)

  it("ends with the cause where nothing can be sent", function()
    assert.matches("^mcast: .*no such interface", command.run("send 239.1.2.3%eth7 hello", 1))
    assert.matches("^mcast: .*65507", command.run("send 239.1.2.3 --size 65520", 1))
    command.run("send 10.0.0.1:5 hello", 2)
    command.run("send 239.1.2.3 hello --size 5", 2)
    command.run("send 10.0.0.1@232.1.2.3 hello", 2)
  end)

  it("names options in messages as in a shell", function()
    local words <const> = ("send 239.1.2.3%%%s --size 2000 --fragment false"):format(helper.host().near)
    assert.matches("with %-%-fragment false", command.run(words, 1))
  end)

  it("sends to socat", function()
    if not helper.has "socat" then
      return pending "needs socat"
    end
    local pipe <const>, pid <const> = helper.start
      "socat -u UDP4-RECVFROM:10104,reuseaddr,ip-add-membership=239.1.2.3:lo STDOUT"
    helper.check(("until grep -qs '030201EF' /proc/%s/net/igmp; do sleep 0.01; done"):format(pid))
    command.run "send 239.1.2.3:10104 hello"
    assert.equal("hello", pipe:read "a")
  end)

  it("sends numbers that iperf's server counts", function()
    if not helper.has "iperf" then
      return pending "needs iperf"
    end
    local pipe <const>, pid <const> = helper.start "iperf -s -u -B 239.1.2.4%lo -p 10105 -i 0.2 -t 3"
    helper.check(("until grep -qs '040201EF' /proc/%s/net/igmp; do sleep 0.01; done"):format(pid))
    command.run "send 239.1.2.4:10105 --count 30 --rate 50"
    assert.matches(" 0/%d+ %(0%%%)", pipe:read "a")
  end)
end)

part("mcast", function()
  it("listens and sends in an unprivileged namespace", function()
    assert.matches('"hello"', helper.check [[
      nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
      [ "$(id -u)" = 0 ] && $nobody test -r bin/mcast && as=$nobody
      exec $as unshare --map-root-user --net sh -c 'ip link set lo up multicast on
        ip route add 224.0.0.0/4 dev lo src 127.0.0.1
        bin/mcast listen 239.1.2.3 --count 1 & while ! ip maddr show dev lo | grep -q 239.1.2.3; do sleep 0.01; done
        bin/mcast send 239.1.2.3 hello; wait'
    ]])
  end)

  it("ends well when the reader of its lines is gone", function()
    local pipe <const>, pid <const> = helper.start
      "sh -c 'bin/mcast listen 239.1.2.3:10106 2>/dev/null | head -n 1; sleep 0.1; echo end'"
    helper.check(("until grep -qs '030201EF' /proc/%s/net/igmp; do sleep 0.01; done"):format(pid))
    for _ = 1, 100 do
      assert(sender():sendto("hello", "239.1.2.3", 10106))
    end
    assert.matches('^[^\n]*"hello"\nend\n$', pipe:read "a")
  end)
end)
