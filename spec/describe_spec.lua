-- Words for datagrams: the formats of protocols, byte by byte, and the same bytes as tshark words them.
local describe <const> = require "mcast.describe"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"
local tshark <const> = require "spec.support.tshark"

local function bytes(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function named(...) -- a DNS name
  local text = ""
  for _, label in ipairs { ... } do
    text = text .. string.char(#label) .. label
  end
  return text .. "\0"
end

local function message(flags, counts, ...)
  return (">I2I2I2I2I2I2"):pack(0, flags, table.unpack(counts)) .. table.concat { ... }
end

local function record(owner, kind, class, data)
  return owner .. (">I2I2I4s2"):pack(kind, class, 120, data)
end

-- A message of records whose names lead through so many pointers, which are in the data of the first one.
local function chained(pointers, records)
  local chain = { "\xc0\12" }
  for i = 2, pointers do
    chain[i] = (">I2"):pack(0xc000 | 23 + 2 * (i - 2))
  end
  local last <const> = (">I2"):pack(0xc000 | 23 + 2 * (pointers - 1))
  return message(0x8400, { 0, records + 1, 0, 0 }, record("\0", 10, 1, table.concat(chain)),
    record(last, 10, 1, ""):rep(records))
end

local ipp <const>, printer <const> = named("_ipp", "_tcp", "local"), named("printer", "local")

-- Packets by protocol: bytes, text and kind, and words that tshark has for them, too.
local packets <const> = {
  dns = {
    { message(0, { 1, 0, 0, 0 }, ipp, "\0\12\0\1"), "query PTR _ipp._tcp.local", "DNS query", "PTR _ipp._tcp.local" },
    { message(0, { 2, 0, 0, 0 }, printer, "\0\1\x80\1", "\xc0\12\0\28\0\1"), "query A printer.local +1", "DNS query",
      "A printer.local" },
    { message(0x8400, { 0, 1, 0, 1 }, record(printer, 1, 0x8001, "\xc0\0\2\1"),
        record("\xc0\12", 47, 0x8001, "\xc0\12\0\1\x40")),
      "response A printer.local 192.0.2.1", "DNS response", "192.0.2.1" },
    { message(0x8400, { 0, 2, 0, 0 }, record(ipp, 12, 1, "\7printer\xc0\12"), record("\xc0\12", 12, 1, "\1b\xc0\12")),
      "response PTR _ipp._tcp.local printer._ipp._tcp.local +1", "DNS response", "PTR printer._ipp._tcp.local" },
    { message(0x8400, { 0, 1, 0, 0 }, record(printer, 28, 1, ("\xfe\x80"):rep(8))), "response AAAA printer.local "
      .. "fe80:fe80:fe80:fe80:fe80:fe80:fe80:fe80", "DNS response", "AAAA fe80:fe80:fe80:fe80:fe80:fe80:fe80:fe80" },
    { message(0x8400, { 0, 1, 0, 0 }, record(named("printer", "_ipp"), 33, 1, "\0\0\0\0\2\x77" .. printer)),
      "response SRV printer._ipp printer.local:631", "DNS response", "SRV 0 0 631 printer.local" },
    { message(0x8183, { 1, 0, 0, 0 }, named("no", "example"), "\0\1\0\1"), "response NXDomain A no.example", "DNS response",
      "No such name A no.example" },
    { message(0x8400, { 0, 1, 0, 0 }, record(printer, 16, 1, "\7rp=main")), "response TXT printer.local rp=main",
      "DNS response", "TXT" },
  },
  rtp = {
    { bytes "80 00 0011 00000aa0 12345678" .. ("\xd5"):rep(160), "RTP PCMU seq=17 time=2720, 160 bytes", "RTP PCMU",
      "PCMU", "Seq=17, Time=2720" },
    { bytes "80 88 ffff ffffffff 12345678" .. ("\xd5"):rep(188), "RTP PCMA seq=65535 time=4294967295 mark, 188 bytes",
      "RTP PCMA", "Seq=65535, Time=4294967295, Mark" },
    { bytes "b1 60 0001 00000000 12345678 9abcdef0 bede0001 10ff0000 7777 0002", "RTP 96 seq=1 time=0, 2 bytes", "RTP 96",
      "Seq=1, Time=0" },
    { bytes "80c80006 12345678 e0000000 00000000 00000aa0 00000011 00000aa0 81ca0003 12345678 01016100 00000000",
      "RTCP sender report, source description", "RTCP", "Sender Report", "Source description" },
    { bytes "80c90001 12345678 81cb0001 12345678", "RTCP receiver report, bye", "RTCP", "Receiver Report", "Goodbye" },
  },
  coap = {
    { bytes "40 01 1234 b7" .. "sensors" .. "\4temp", "CON GET /sensors/temp", "CoAP GET", "CON", "GET", "/sensors/temp" },
    { bytes "51 02 1234 aa 39" .. "localhost" .. "\x81a\x43a=1\3b=2\xff12", "NON POST /a?a=1&b=2, 2 bytes", "CoAP POST", "NON",
      "POST", "/a?a=1&b=2" },
    { bytes "60 45 1234 c0 ff" .. "22.5 C", "ACK 2.05 Content, 6 bytes", "CoAP 2.05 Content", "ACK", "2.05 Content" },
    { bytes "60 84 1234", "ACK 4.04 Not Found", "CoAP 4.04 Not Found", "ACK", "4.04 Not Found" },
    { bytes "70 00 1234", "RST empty", "CoAP RST", "RST" },
    { bytes "40 01 1234 bd 00" .. ("p"):rep(13), "CON GET /ppppppppppppp", "CoAP GET", "/ppppppppppppp" },
  },
  text = {
    { "offer 17", "offer 17", "offer" },
    { "  repair\t1\r\n", "repair 1", "repair" },
    { "17 degrees", "17 degrees", "text" },
    { "grüße\0", "grüße", "gr" },
  },
}

-- Bytes that are not of a protocol: a rule of its format that they break.
local refused <const> = {
  dns = {
    ["cut in its header"] = ("\0"):rep(11),
    ["without any entry"] = ("\0"):rep(12),
    ["cut in a question"] = message(0, { 1, 0, 0, 0 }, ipp, "\0\12\0"),
    ["followed by bytes"] = message(0, { 1, 0, 0, 0 }, ipp, "\0\12\0\1x"),
    ["with a pointer to itself"] = message(0, { 1, 0, 0, 0 }, "\xc0\12\0\12\0\1"),
    ["with pointers in a circle"] = message(0, { 1, 0, 0, 0 }, "\1a\xc0\12\0\12\0\1"),
    ["with a chain of 300 pointers"] = chained(300, 1),
    ["with a name of 256 bytes"] = message(0, { 1, 0, 0, 0 }, ("\63" .. ("x"):rep(63)):rep(4), "\0\0\12\0\1"),
    ["with an unknown opcode"] = message(0x7800, { 1, 0, 0, 0 }, ipp, "\0\12\0\1"),
    ["with an unknown class"] = message(0, { 1, 0, 0, 0 }, ipp, "\0\12\0\9"),
    ["with an error in a query"] = message(3, { 1, 0, 0, 0 }, ipp, "\0\12\0\1"),
  },
  rtp = {
    ["of version 1"] = bytes "40 00 0011 00000aa0 12345678",
    ["cut in its header"] = bytes "80 00 0011 00000aa0 123456",
    ["cut in its sources"] = bytes "81 00 0011 00000aa0 12345678",
    ["cut in its extension"] = bytes "90 00 0011 00000aa0 12345678 bede0001",
    ["with more padding than bytes"] = bytes "a0 00 0011 00000aa0 12345678 0003",
    ["with no padding where it is announced"] = bytes "a0 00 0011 00000aa0 12345678 0000",
    ["with lengths of reports that do not add up"] = bytes "80c90001 12345678 81cb0002 12345678",
  },
  coap = {
    ["of version 2"] = bytes "80 01 1234",
    ["with a token of 9 bytes"] = bytes "49 01 1234 000000000000000000",
    ["cut in its token"] = bytes "42 01 1234 00",
    ["empty, with a token"] = bytes "41 00 1234 00",
    ["of a reserved class"] = bytes "40 21 1234",
    ["with a marker and no payload"] = bytes "60 45 1234 ff",
    ["with a reserved delta"] = bytes "40 01 1234 f1 00",
    ["cut in an option"] = bytes "40 01 1234 b7 73656e",
  },
  text = {
    ["empty"] = "",
    ["with a control character"] = "a\1b",
    ["with a NUL byte in it"] = "a\0b",
    ["that is not UTF-8"] = "a\xff",
    ["of spaces"] = " \n",
  },
}

local ports <const> = { dns = 5353, rtp = 5004, coap = 5683 }

-- A capture of all packets of a protocol.
local function captured(protocol)
  local net <const> = sim.new { seed = 1, output = function() end }
  net:node("sender", function(list, port)
    local mcast <const> = require "mcast"
    local sock <close> = assert(mcast.socket())
    for _, packet in ipairs(list) do
      assert(sock:sendto(packet[1], "239.1.2.3", port))
      mcast.sleep(0.001)
    end
  end, { packets[protocol], ports[protocol] })
  net:run(1)
  local path <const> = helper.script ""
  assert(net:write_pcapng(path))
  return path
end

-- Packets with bytes changed, removed, doubled and added at random, from a seed.
local function mutated(count, each)
  local all <const>, random <const> = {}, math.random
  math.randomseed(14)
  for _, list in pairs { packets.dns, packets.rtp, packets.coap, packets.text } do
    for _, packet in ipairs(list) do
      all[#all + 1] = packet[1]
    end
  end
  table.sort(all)
  for _ = 1, count do
    local data = all[random(#all)]
    for _ = 1, random(4) do
      local at <const>, kind <const> = random(0, #data), random(4)
      data = data:sub(1, at) .. (kind > 1 and string.char(random(0, 255)) or "")
        .. data:sub(kind == 2 and at + 1 or kind == 3 and at + 2 or at + random(4))
    end
    each(data)
  end
end

helper.long("describe", function()
  for _, protocol in ipairs { "dns", "rtp", "coap", "text" } do
    it(("words packets of %s"):format(protocol), function()
      for _, packet in ipairs(packets[protocol]) do
        assert.same({ packet[2], packet[3] }, { describe[protocol](packet[1]) })
      end
    end)

    it(("returns nil for bytes that are not %s"):format(protocol), function()
      assert.is_nil((describe[protocol] "\255\254"))
      for why, data in pairs(refused[protocol]) do
        assert.is_nil(describe[protocol](data), why)
      end
    end)
  end

  it("agrees with the words of tshark", function()
    if not helper.has "tshark" then
      pending "needs tshark"
      return
    end
    for protocol in pairs(ports) do
      local i = 0
      for info in tshark.fields(captured(protocol), "_ws.col.Info", "udp", "--enable-heuristic rtp_udp"):gmatch "[^\n]+" do
        i = i + 1
        for k = 4, #packets[protocol][i] do
          assert.matches(packets[protocol][i][k], info, 1, true)
        end
      end
      assert.equal(#packets[protocol], i)
    end
  end)

  it("returns short lines, or nil, for 10,000 mutated packets", function()
    local worded = 0
    mutated(10000, function(data)
      for _, protocol in ipairs { "dns", "rtp", "coap", "text" } do
        local text <const>, kind <const> = describe[protocol](data)
        if text or kind then
          worded = worded + 1
          assert.is_true(utf8.len(text) <= 120 and utf8.len(kind) <= 120 and not (text .. kind):find "%c", text)
        end
      end
    end)
    assert.is_true(worded > 2000 and worded < 15000, worded)
  end)

  it("words a million pointers of one datagram in bounded time", function()
    local start <const> = os.clock()
    assert.equal("response TYPE10 . +5000", (describe.dns(chained(250, 5000))))
    assert.is_true(os.clock() - start < 5, os.clock() - start)
  end)

  it("cuts long texts between characters", function()
    assert.equal(("é"):rep(117) .. "...", (describe.text(("é"):rep(30000))))
  end)

  it("raises for a value that is no string", function()
    for _, protocol in ipairs { "dns", "rtp", "coap", "text" } do
      assert.error_matches(function() describe[protocol](17) end, "bad argument #1 to '" .. protocol .. "'")
    end
  end)
end)

helper.long("a checked function of words", function()
  it("falls back to text, without a kind", function()
    assert.same({ "offer 17" }, { describe.checked() "offer 17" })
    assert.same({ "offer 17" }, { describe.checked(describe.dns) "offer 17" })
    assert.same({ "" }, { describe.checked(describe.dns) "\255" })
    assert.same({ "RST empty", "CoAP RST" }, { describe.checked(describe.coap)(bytes "70 00 1234") })
  end)

  it("makes one short line of any text", function()
    local words <const> = describe.checked(function() return ("a\n\xff"):rep(100), "k\0" end)
    assert.same({ ("a ?"):rep(39) .. "...", "k " }, { words "x" })
  end)

  it("names the function that raises", function()
    assert.error_matches(function() describe.checked(function() error "no words" end) "abc" end,
      "option 'describe' %(spec/describe_spec.lua:%d+%) raised, for 3 bytes: .*no words$")
  end)

  it("checks a function once", function()
    local words <const> = describe.checked(describe.dns)
    assert.equal(words, describe.checked(words))
  end)

  it("names the function that returns another type", function()
    for part, f in pairs { text = function() return 17 end, kind = function() return "a", {} end } do
      assert.error_matches(function() describe.checked(f) "abc" end,
        "option 'describe' %(spec/describe_spec.lua:%d+%) returned a bad " .. part .. " %(string or nil expected, got ")
    end
  end)
end)
