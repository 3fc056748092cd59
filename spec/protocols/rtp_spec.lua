-- examples/protocols/rtp.lua with ffmpeg, ffprobe and tshark, with mutants of their packets, and in the simulator.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local mutants <const> = require "spec.support.mutants"
local peer <const> = require "spec.support.peer"
local sim <const> = require "mcast.sim"
local topic <const> = require "spec.support.topic"

local path <const> = "examples/protocols/rtp.lua"
local script <const> = ("%s %s "):format(helper.lua, path)
local sine <const> = "-f lavfi -i sine=frequency=440 -t 2 -ar 8000 -ac 1 -acodec pcm_mulaw"

local function read(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

local function write(name, text)
  local file <close> = assert(io.open(name, "wb"))
  assert(file:write(text))
end

local function folder()
  local name <const> = helper.check("mktemp -d"):match "[^\n]+" .. "/"
  helper.defer(function() helper.run("rm -r " .. name) end)
  return name
end

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
  local net, text = nil, ""
  net = sim.new { output = function(node, line) text = text .. (node.name == "receiver" and line .. "\n" or "") end }
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
    helper.check(("%s timeout -s INT 1 %s; true"):format(lan.there, sends:gsub("239.1.2.3", "239.1.2.4")))
    write(sdp, (read(sdp):gsub("239.1.2.4", "239.1.2.3")))
    helper.check(("%s %s %s %s"):format(lan.there, helper.lua, helper.script(announce), sdp))
    await_member(lan.here, "239.1.2.3")
    helper.check(lan.there .. sends)
    local whole <const> = tone(lan)
    receiver:stop "INT"
    assert.is_true(read(file) == whole)
  end)
end)
