-- Datagrams of captures: the decoder's results are compared with tshark, for each link type, and with the datagrams that
-- were sent while tcpdump captured.
local frame <const> = require "mcast.pcapng.frame"
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local pcapng <const> = require "mcast.pcapng"
local tshark <const> = require "spec.support.tshark"
local udp <const> = require "mcast.pcapng.udp"

local four <const> = { "10.0.0.1", "239.255.1.2" }
local six <const> = { "fe80::1:0:0:5", "ff05::1:3" }

local function ethernet(hosts, data)
  return frame.datagram(frame.bytes(hosts[1]), 5000, frame.bytes(hosts[2]), 50000, data, 7, 46 << 2 | 1, 1, false)
end

local function ip(hosts, data)
  return ethernet(hosts, data):sub(15)
end

-- The headers of each link type before an IP packet, by a name.
local links <const> = {
  ethernet = { 1, function(kind) return ("x"):rep(12) .. kind end },
  vlan = { 1, function(kind) return ("x"):rep(12) .. "\x81\0\0\5" .. kind end },
  ["two vlans"] = { 1, function(kind) return ("x"):rep(12) .. "\x88\xa8\0\5\x81\0\0\6" .. kind end },
  cooked = { 113, function(kind) return "\0\4\0\1\0\6" .. ("x"):rep(8) .. kind end },
  ["cooked, version 2"] = { 276, function(kind) return kind .. "\0\0\0\0\0\2\0\1\4\6" .. ("x"):rep(8) end },
  ["null of a little-endian host"] = { 0, function(kind) return kind == "\8\0" and "\2\0\0\0" or "\x1e\0\0\0" end },
  loop = { 108, function(kind) return kind == "\8\0" and "\0\0\0\2" or "\0\0\0\x1e" end },
  raw = { 101, function() return "" end },
}

local function decode(data, link)
  return udp.decode { data = data, time = 5, interface = { link = link or 1 } }
end

-- IPv6 with extension headers between its header and the rest of a packet.
local function extended(packet, kind, headers)
  return packet:sub(1, 4) .. string.pack(">I2", #packet - 40 + #headers) .. string.char(kind) .. packet:sub(8, 40) .. headers
    .. packet:sub(41)
end

helper.in_lua("a decoder of packets", function()
  it("finds datagrams behind the header of each link type", function()
    for name, link in pairs(links) do
      for kind, hosts in pairs { ["\8\0"] = four, ["\x86\xdd"] = six } do
        local got <const> = assert(decode(link[2](kind) .. ip(hosts, "data"), link[1]), name)
        assert.same({ from = { host = hosts[1], port = 5000 }, to = { host = hosts[2], port = 50000 }, ttl = 7, dscp = 46,
          ecn = 1, data = "data", time = 5, interface = { link = link[1] },
          direction = name:find "cooked" and "out" or nil }, got, name)
      end
    end
  end)

  it("returns the same as tshark", function()
    if not helper.has "tshark" then
      pending "needs tshark"
      return
    end
    local path <const> = helper.script ""
    local writer <const> = assert(pcapng.writer(path))
    for name, link in pairs(links) do
      local number <const> = assert(writer:interface { name = name, link = link[1] })
      assert(writer:packet(number, 1, link[2] "\8\0" .. ip(four, name)))
      assert(writer:packet(number, 2, link[2] "\x86\xdd" .. ip(six, name)))
    end
    assert(writer:close())
    local lines <const> = {}
    for packet in assert(pcapng.reader(path)):packets() do
      local got <const> = assert(udp.decode(packet))
      lines[#lines + 1] = ("%s|%s|%d|%d|%s\n"):format(got.from.host, got.to.host, got.from.port, got.to.port,
        got.data:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
    end
    local theirs <const> = tshark.fields(path, "ip.src ipv6.src ip.dst ipv6.dst udp.srcport udp.dstport udp.payload")
    assert.equal(theirs:gsub("||", "|"):gsub("\n|", "\n"):gsub("^|", ""), table.concat(lines))
    assert.equal(16, #lines)
  end)

  it("removes the padding of short frames", function()
    assert.equal("x", decode(ethernet(four, "x") .. ("\0"):rep(17)).data)
    assert.equal("", decode(ethernet(four, "") .. ("\0"):rep(18)).data)
  end)

  it("finds datagrams behind IPv4 options and IPv6 extension headers", function()
    local packet <const> = ip(four, "data")
    assert.equal("data", decode("\x46" .. packet:sub(2, 20) .. "\x94\4\0\0" .. packet:sub(21), 101).data)
    local hop <const>, route <const> = "\60\0\5\2\0\0\1\0", "\44\1" .. ("\0"):rep(14)
    local atomic <const> = "\17\0\0\0\0\0\0\1"
    assert.equal("data", decode(extended(ip(six, "data"), 0, hop .. route .. atomic), 101).data)
  end)

  it("returns the reason where there is no datagram", function()
    local packet <const> = ip(four, "data")
    local cases <const> = {
      { "link type 105", packet, 105 },
      { "no UDP", ("x"):rep(12) .. "\8\6" .. packet },
      { "no UDP", "" },
      { "no UDP", "", 101 },
      { "no UDP", packet:sub(1, 9) .. "\6" .. packet:sub(11), 101 },
      { "fragment", packet:sub(1, 6) .. "\x20\0" .. packet:sub(9), 101 },
      { "fragment", packet:sub(1, 6) .. "\0\5" .. packet:sub(9), 101 },
      { "fragment", extended(ip(six, "data"), 44, "\17\0\0\1\0\0\0\1"), 101 },
      { "fragment", extended(ip(six, "data"), 44, "\17\0\0\8\0\0\0\1"), 101 },
      { "malformed", "\x41" .. packet:sub(2), 101 },
      { "malformed", packet:sub(1, 24) .. "\0\7" .. packet:sub(27), 101 },
    }
    for n = 1, #packet - 1 do
      cases[#cases + 1] = { "truncated", packet:sub(1, n), 101 }
    end
    for n = 1, 59 do
      cases[#cases + 1] = { "truncated", extended(ip(six, "data"), 60, "\17\0\0\0\0\0\0\0"):sub(1, n), 101 }
    end
    for i, case in ipairs(cases) do
      assert.same({ n = 2, [2] = case[1] }, table.pack(decode(case[2], case[3])), i)
    end
  end)

  it("writes addresses as the module does", function()
    for _, host in ipairs { "::", "::1", "1::", "fd00::1:0:0:2", "1:0:2:3:4:5:6:7", "1:0:0:2::3", "ff02::1",
      "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8" } do
      local got <const> = assert(decode(ethernet({ host, "ff02::1" }, "")))
      assert.equal(host, got.from.host)
      assert.equal(mcast.address(host, 1).host, got.from.host)
    end
  end)

  it("returns a datagram or a reason for random packets", function()
    local random <const> = math.random
    math.randomseed(7)
    local numbers <const> = { 0, 1, 12, 101, 108, 113, 228, 276 }
    local starts <const> = { "\x45\0", "\x60\0\0\0\0\0\0\17", ("x"):rep(12) .. "\8\0\x45", ("x"):rep(12) .. "\x86\xdd\x60" }
    for i = 1, 5000 do
      local bytes <const> = {}
      for k = 1, random(0, 90) do
        bytes[k] = string.char(random(0, 3) == 0 and random(0, 60) or random(0, 255))
      end
      local got, reason = decode((starts[i % 5 + 1] or "") .. table.concat(bytes), numbers[i % #numbers + 1])
      assert.equal("string", type(got and got.data or reason))
    end
  end)
end)

helper.network("a decoder of tcpdump's captures", function()
  -- The datagrams in a capture that tcpdump made with these options while some were sent.
  local function capture(options)
    local path <const> = os.tmpname()
    helper.defer(function() os.remove(path) end)
    local pipe <const> = helper.start(("tcpdump -Z root -U -c 4 -w %s %s udp"):format(path, options))
    repeat until assert(pipe:read "l"):find "listening on"
    for _, family in ipairs(helper.families) do
      local receiver <close> = assert(mcast.socket { family = family.name, interface = "lo" })
      local sender <close> = assert(mcast.socket { family = family.name, interface = "lo", ttl = 3 })
      assert(receiver:join(family.group))
      assert(sender:sendto("data of " .. family.name, family.group, receiver:getsockname().port))
      assert(sender:sendto("", family.group, receiver:getsockname().port))
    end
    pipe:read "a"
    local list <const> = {}
    for packet in assert(pcapng.reader(path)):packets() do
      local got <const> = assert(udp.decode(packet))
      list[#list + 1] = ("%s %d %s"):format(got.to.host, got.ttl, got.data)
    end
    return list
  end

  for name, options in pairs {
    ["one interface"] = "-i lo", ["nanoseconds"] = "-i lo --time-stamp-precision=nano",
    ["all interfaces"] = "-i any", ["all interfaces, in the older format"] = "-i any -y LINUX_SLL",
  } do
    it("finds all datagrams of " .. name, function()
      if not helper.has "tcpdump" then
        pending "needs tcpdump"
        return
      end
      assert.same({ "239.1.2.3 3 data of inet", "239.1.2.3 3 ", "ff15::1:3 3 data of inet6", "ff15::1:3 3 " },
        capture(options))
    end)
  end
end)
