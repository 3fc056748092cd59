-- examples/protocols/rtp.lua with ffmpeg, ffprobe and tshark, with mutants of their packets, and in the simulator.
local first_version <const> = require "spec.support.first"
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"

local path <const> = "examples/protocols/rtp.lua"
local script <const> = ("%s %s "):format(helper.lua, path)
local sine <const> = "-f lavfi -i sine=frequency=440 -t 2 -ar 8000 -ac 1 -acodec pcm_mulaw"

local read <const>, write <const>, folder <const> = peer.read, peer.write, peer.folder

local function await(done)
  local deadline <const> = mcast.now() + 30
  while not done() do
    assert(mcast.now() < deadline, "it does not happen")
    mcast.sleep(0.02)
  end
end

local function await_member(prefix, group)
  local words <const> = group:gsub("(%d+)%.(%d+)%.(%d+)%.(%d+)", function(a, b, c, d)
    return ("%02X%02X%02X%02X"):format(d, c, b, a)
  end)
  helper.check(prefix .. ("sh -c 'until grep -q %s /proc/net/igmp; do sleep 0.02; done'"):format(words))
end

-- A receiver that listens for announcements, and writes to a file.
local function receive(lan, file, words)
  local receiver <const> = peer.start(lan.here, script .. "receive --interface eth0 --file " .. file .. " " .. (words or ""))
  if not words then await_member(lan.here, "224.2.127.254") end
  return receiver
end

local function ours(words)
  return script .. "send --interface eth0 " .. words
end

-- The bytes that ffmpeg makes of the tone that it also sends.
local function tone(lan)
  local file <const> = folder() .. "tone"
  helper.check(("%s ffmpeg -v error %s -f mulaw %s"):format(lan.here, sine, file))
  return read(file), file
end

-- SAP around the SDP of a file.
local announce <const> = [[
  local sdp <const> = assert(io.open(arg[1])):read "a":gsub("\r?\n", "\r\n")
  local sock <const> = assert(require "mcast".socket { interface = "eth0" })
  sock:sendto("\x20\0\1\2\10\9\0\2application/sdp\0" .. sdp:match "v=0.*", "224.2.127.254", 9875)]]

-- Our sender, with packets that are lost, or sent twice, or after the next one, and times that vary.
local faulty <const> = [[
  local mcast <const> = require "mcast"
  local sleep <const>, probe <close> = mcast.sleep, assert(mcast.socket())
  local methods <const> = getmetatable(probe).__index
  local sendto <const>, count, held = methods.sendto, 0, nil
  function mcast.sleep(seconds) sleep(seconds + 0.015 * math.random()) end
  function methods.sendto(sock, data, group)
    count = count + 1
    if data:byte() >> 6 == 2 and count % 9 == 0 then return #data end
    if data:byte() >> 6 == 2 and count % 11 == 0 then held = data return #data end
    assert(sendto(sock, data, group))
    if count % 7 == 0 then assert(sendto(sock, data, group)) end
    if held then assert(sendto(sock, held, group)) end
    held = nil
    return #data
  end
  dofile "examples/protocols/rtp.lua"]]

-- The numbers of a report.
local function report(output)
  local names <const> = { "first", "last", "written", "lost", "late", "reordered", "duplicate", "jitter", "most" }
  local values <const>, i = {}, 0
  for value in assert(output:match "\nsource %x+: (.*)\n$", output):gmatch "%-?%d+%.?%d*" do
    i = i + 1
    values[names[i]] = tonumber(value)
  end
  return values
end

-- That of tshark, about the session in a capture.
local function analysed(capture)
  local output <const> = helper.check(("tshark -r %s -q -d udp.port==5004,rtp -z rtp,streams 2>&1"):format(capture))
  local packets <const>, lost <const>, rest <const> = output:match "g711U +(%d+) +(%-?%d+) %([^)]*%)([ %d.]+)"
  local figures <const> = {}
  for figure in (rest or ""):gmatch "[%d.]+" do figures[#figures + 1] = tonumber(figure) end
  return { packets = tonumber(packets), lost = tonumber(lost), jitter = figures[5], most = figures[6] }
end

local function near(expected, got)
  assert.is_true(math.abs(expected - got) <= 0.05 * expected, ("%s expected, got %s"):format(expected, got))
end

-- A packet of RTP; `bits` are those of the first byte but the version.
local function packet(source, number, payload, bits)
  return (">BBI2I4I4"):pack(2 << 6 | (bits or 0), 0, number & 0xffff, number * 160 & 0xffffffff, source) .. payload
end

local function announcement(group, port, name)
  local sdp <const> = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=%s\r\nc=IN IP4 %s/1\r\nt=0 0\r\nm=audio %s RTP/AVP 0\r\n"
  return (">BBI2c4z"):pack(0x20, 0, 7, "\10\0\0\2", "application/sdp") .. sdp:format(name or "audio", group, port)
end

-- Runs a receiver beside a node that announces a session, and then sends datagrams to it, with so many seconds between
-- them; returns what it has written, its output, and the net.
local function simulate(datagrams, pause, sap)
  local text = ""
  local net <const> = sim.new { output = function(node, line)
    text = text .. (node.name == "receiver" and line .. "\n" or "")
  end }
  local receiver <const> = net:node("receiver", path, { "receive", "--file", "out" })
  net:node("sender", function()
    local its <const> = require "mcast"
    local sock <close> = assert(its.socket())
    for _, data in ipairs(sap or { announcement("239.1.2.3", 5004) }) do assert(sock:sendto(data, "224.2.127.254", 9875)) end
    for _, data in ipairs(datagrams) do
      its.sleep(pause or 0.02)
      assert(sock:sendto(data, "239.1.2.3", 5004))
    end
  end)
  net:run(#datagrams * (pause or 0.02) + 60)
  return receiver.on:file "out" or "", text, net
end

local function numbered(source, first, last)
  local list <const> = {}
  for number = first, last do list[#list + 1] = packet(source, number, ("<%d>"):format(number)) end
  return list
end

helper.long("rtp", function()
  peer.it("receives a session that ffmpeg announces, until its end #slow", { "ffmpeg" }, function()
    local lan <const>, file <const> = peer.lan(), folder() .. "out"
    local receiver <const> = receive(lan, file)
    helper.check(lan.there .. "ffmpeg -v error -re " .. sine
      .. " -f sap 'sap://239.1.2.3:5004?announce_addr=224.2.127.254&ttl=1&same_port=0'")
    receiver:expect '"No Name" at 239.1.2.3:5004 is announced by 10.9.0.2\nsource %x+ begins'
    receiver:expect '"No Name" at 239.1.2.3:5004 is deleted by 10.9.0.2\nsource %x+: [^\n]+ 0 lost, 0 late[^\n]*\n'
    assert.equal(0, receiver:stop "CONT") -- it has ended by itself
    -- ffmpeg sends at once: packets before the membership are not there.
    local whole <const>, out <const> = tone(lan), read(file)
    assert.is_true(#out > 12000, #out)
    assert.is_true(out == whole:sub(-#out))
  end)

  peer.it("receives what ffmpeg sends, byte for byte #slow", { "ffmpeg" }, function()
    local lan <const>, file <const>, sdp <const> = peer.lan(), folder() .. "out", folder() .. "sdp"
    local receiver <const> = receive(lan, file)
    local sends <const> = ("ffmpeg -v error -re %s -f rtp -sdp_file %s 'rtp://239.1.2.3:5004?ttl=1'"):format(sine, sdp)
    local elsewhere <const> = peer.start(lan.there, (sends:gsub("239.1.2.3", "239.1.2.4"))) -- for its SDP
    await(function() return select(2, helper.run("grep -q m=audio " .. sdp)) == 0 end)
    elsewhere:stop "INT"
    write(sdp, (read(sdp):gsub("239.1.2.4", "239.1.2.3")))
    helper.check(("%s %s %s %s"):format(lan.there, helper.lua, helper.script(announce), sdp))
    await_member(lan.here, "239.1.2.3")
    helper.check(lan.there .. sends)
    local whole <const> = tone(lan)
    receiver:stop "INT"
    assert.is_true(read(file) == whole)
  end)

  peer.it("sends to ffmpeg by its SDP, byte for byte #slow", { "ffmpeg" }, function()
    local lan <const>, file <const>, sdp <const> = peer.lan(), folder() .. "out", folder() .. "sdp"
    local whole <const>, audio <const> = tone(lan)
    local sender <const> = peer.start(lan.there, ours "--seconds 0.02 --port 5006")
    write(sdp, (sender:expect("(v=0.-AVP 0\r?\n)"):gsub("5006", "5004")))
    peer.start(lan.here, ("ffmpeg -v error -protocol_whitelist file,udp,rtp -i %s -f mulaw -acodec copy -flush_packets 1 %s")
      :format(sdp, file))
    await_member(lan.here, "239.1.2.3")
    helper.check(lan.there .. ours("--file " .. audio))
    await(function() return #read(file) >= #whole end)
    assert.is_true(read(file) == whole)
  end)

  peer.it("is found by ffprobe by its announcement #slow", { "ffprobe" }, function()
    local lan <const> = peer.lan()
    local probe <const> = peer.start(lan.here, "ffprobe -v error -show_streams -i 'sap://'")
    await_member(lan.here, "224.2.127.254")
    peer.start(lan.there, ours "--seconds 20")
    probe:expect "codec_name=pcm_mulaw\n.*sample_rate=8000\nchannels=1\n"
  end)

  peer.it("agrees with tshark about loss and jitter #slow", { "tshark" }, function()
    local lan <const>, capture <const> = peer.lan(), folder() .. "capture"
    local dump <const> = peer.start(lan.here, "tshark -i eth0 -w " .. capture .. " udp")
    dump:expect "Capturing on"
    local receiver <const> = receive(lan, "/dev/null")
    local sends <const> = "send --interface eth0 --seconds 3 --sequence 65500"
    helper.check(("%s %s %s %s"):format(lan.there, helper.lua, helper.script(faulty), sends))
    receiver:expect "jitter"
    local counts <const> = report(receiver:output())
    local received <const> = counts.written + counts.late + counts.duplicate
    await(function()
      return tonumber(helper.check("tshark -r " .. capture .. " -Y 'udp.port == 5004' 2>/dev/null | wc -l")) == received
    end)
    local theirs <const> = analysed(capture)
    assert.is_true(counts.lost > 10 and counts.duplicate > 10 and counts.reordered > 5 and counts.last > 0xffff)
    assert.equal(theirs.packets, received)
    assert.equal(theirs.lost, counts.lost - counts.duplicate)
    near(theirs.jitter, counts.jitter)
    near(theirs.most, counts.most)
  end)

  it("sends to itself over IPv6", function()
    local lan <const>, file <const>, audio <const> = peer.lan(), folder() .. "out", folder() .. "audio"
    write(audio, ("0123456789"):rep(100))
    local receiver <const> = receive(lan, file, "--sap ff05::2:7ffe")
    helper.check(lan.here .. "sh -c 'until grep -q ff05.*00027ffe /proc/net/igmp6; do sleep 0.02; done'")
    helper.check(lan.there .. ours("--sap ff05::2:7ffe --group ff15::1:3 --file " .. audio))
    receiver:expect "at %[ff15::1:3%]:5004 is deleted by fd09::2\nsource %x+: [^\n]+\n"
    assert.equal(read(audio), read(file))
  end)

  it("reads past contributing sources, an extension and padding", function()
    local whole <const> = { packet(1, 0, "a"), packet(1, 1, "sourcessb", 2), packet(1, 2, "\0\0\0\1wordc", 16),
      packet(1, 3, "d\0\0\3", 32), packet(1, 4, "four\0\0\0\0e\1", 49) }
    assert.equal("abcde", (simulate(whole)))
  end)

  it("ignores packets that end too early, and other types", function()
    local list <const> = numbered(1, 1, 2)
    for _, data in ipairs { packet(1, 3, "b", 2), packet(1, 3, "\0\0\0\9c", 16), packet(1, 3, "d\9", 32), packet(1, 3, "", 0),
      packet(1, 3, "e"):sub(1, 11), "\x80\8" .. packet(1, 3, "f"):sub(3), "\x40" .. packet(1, 3, "g"):sub(2) } do
      list[#list + 1] = data
    end
    list[#list + 1] = packet(1, 3, "<3>")
    assert.equal("<1><2><3>", (simulate(list)))
  end)

  it("writes packets in order, and each once", function()
    local all <const> = numbered(1, 65533, 65540)
    local list <const> = { all[1], all[2], all[4], all[5], all[3], all[5], all[6], all[8], all[7], all[7] }
    local text <const>, output <const> = simulate(list)
    assert.equal("<65533><65534><65535><65536><65537><65538><65539><65540>", text)
    assert.matches(": 65533 to 65540, 8 written, 0 lost, 0 late, 2 reordered, 2 duplicate,", output)
  end)

  it("leaves out what is lost or late", function()
    local all <const> = numbered(1, 1, 20)
    table.remove(all, 12)
    table.insert(all, 15, table.remove(all, 4)) -- 0.2 s late
    local text <const>, output <const> = simulate(all)
    assert.matches("<3><5>.*<11><13>", text)
    assert.matches(": 1 to 20, 18 written, 1 lost, 1 late, 0 reordered, 0 duplicate,", output)
  end)

  it("accepts a source with its second packet in sequence", function()
    local list <const> = {}
    for i, source in ipairs { 1, 2, 3, 3, 3 } do list[i] = packet(source, 6 + i + i // 4, "a") end
    local _, output <const> = simulate(list)
    assert.matches("\nsource 00000003 begins with 11\n", output)
    assert.equal(1, select(2, output:gsub("begins", "")))
  end)

  it("begins anew where a source's numbers jump", function()
    local list <const> = numbered(1, 10, 15)
    table.move(numbered(1, 30000, 30003), 1, 4, 7, list)
    local text <const>, output <const> = simulate(list)
    assert.equal("<10><11><12><13><14><15><30000><30001><30002><30003>", text)
    assert.matches(": 10 to 15, 6 written, 0 lost.*: 30000 to 30003, 4 written, 0 lost", output)
  end)

  it("receives another source after a second of silence alone", function()
    local list <const> = numbered(1, 10, 15)
    table.move(numbered(2, 100, 160), 1, 61, 7, list)
    local text <const>, output <const> = simulate(list)
    local first <const> = tonumber(output:match "source 00000002 begins with (%d+)")
    assert.is_true(first > 145 and first < 155, first)
    assert.matches("^<10><11><12><13><14><15><" .. first, text)
  end)

  it("joins nothing but the group of a session", function()
    local bad <const> = { announcement("10.0.0.2", 5004), announcement("239.1.2.3", 0), announcement("239.1.2.3", 70000),
      announcement("239.1.2.3", -1), announcement("localhost", 5004), announcement("1:2", 5004),
      announcement("239.1.2.3", ("9"):rep(30)) }
    local text <const>, output <const>, net <const> = simulate(numbered(1, 1, 9), nil, bad)
    assert.same({ "", "" }, { text, output })
    for _, event in ipairs(net.trace) do assert.is_true(event.kind ~= "join" or event.group == "224.2.127.254") end
  end)

  it("receives the session with a name, and none beside it", function()
    local sap <const> = { announcement("239.1.2.3", 5004), announcement("239.1.2.4", 5004), announcement("239.1.2.5", 5004) }
    local _, _, net <const> = simulate({}, nil, sap)
    local groups <const> = {}
    for _, event in ipairs(net.trace) do
      if event.kind == "join" then groups[#groups + 1] = event.group end
    end
    assert.same({ "224.2.127.254", "239.1.2.3" }, groups)
  end)

  it("ends 50 s after the last announcement", function()
    local _, _, net <const> = simulate(numbered(1, 1, 9))
    assert.equal("ended", net.byname.receiver.status)
    assert.is_true(net.trace[#net.trace].time >= 50 and net.trace[#net.trace].time < 51)
  end)

  it("ignores mutants, and answers none #slow", function()
    local begun = 0
    local function again()
      print = function(line) begun = begun + (line:find " begins " and 1 or 0) end -- luacheck: ignore
      while true do dofile(path) end -- a deletion is among them
    end
    local result <const> = mutants.run { script = again, args = { "receive", "--file", "out", "--name", "tone" }, port = 9875,
      group = "224.2.127.254", packets = mutants.packets "rtp" }
    assert.equal(10000, result.sent)
    assert.equal(0, result.answered)
    assert.is_true(begun > 0)
  end)

  it("keeps less than 1 MiB of a flood", function()
    local net <const> = sim.new { trace = false, output = function() end }
    net:node("receiver", path, { "receive", "--file", "/dev/null" })
    net:node("sender", function()
      local its <const> = require "mcast"
      local sock <close> = assert(its.socket())
      for i = 1, 10000 do
        local sap <const> = announcement(("239.1.%d.%d"):format(i >> 8, i & 255), 5004, ("x"):rep(1000) .. i)
        assert(sock:sendto(i == 1 and announcement("239.1.2.3", 5004) or sap, "224.2.127.254", 9875))
        assert(sock:sendto(packet(i < 9000 and 1 or i, i < 9 and i or i * 37, ("x"):rep(1000)), "239.1.2.3", 5004))
        its.sleep(0.001)
      end
    end)
    collectgarbage()
    local before <const> = collectgarbage "count"
    net:run(10)
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 1024)
  end)

  it("holds in the simulator for 1,000 seeds, and draws its picture #slow", function()
    local picture <const> = helper.script ""
    local output <const> = helper.check(("%s examples/simulator/rtp.lua 1000 %s"):format(helper.lua, picture), 300)
    assert.equal("0 of 1000 seeds failed\n", output)
    assert.is_true(read "examples/simulator/rtp.svg" == read(picture), "the committed picture differs")
  end)

  peer.it("fails without its mend, as the page shows #slow", { "patch" }, function()
    local copy <const>, page <const> = first_version "rtp"
    local command <const>, shown <const> = page:match "\n%$ lua5.4 (examples/simulator[^\n]+)\n%.%.%.\n(.-)```"
    assert.equal(shown, helper.check(("cd %s && %s %s"):format(copy, helper.lua, command)):sub(-#shown))
  end)

  it("names its usage for wrong arguments", function()
    for _, words in ipairs { "", "hear", "send --nonsense 1", "receive --file", "receive --seconds x" } do
      local output <const>, status <const> = helper.run(script .. words)
      assert.is_true(status ~= 0 and output:find("usage: see the top of rtp.lua", 1, true) ~= nil, words)
    end
  end)
end)
