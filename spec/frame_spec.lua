-- Frames of the simulator's captures.
local frame <const> = require "mcast.pcapng.frame"
local helper <const> = require "spec.support.helper"
local pcapng <const> = require "mcast.pcapng"
local tshark <const> = require "spec.support.tshark"

local complaints <const>, count <const> = tshark.complaints, tshark.count

local function frames(list)
  local path = helper.script ""
  local writer <close> = assert(pcapng.writer(path))
  local eth0 = writer:interface { name = "eth0" }
  for i, text in ipairs(list) do
    assert(writer:packet(eth0, i, text))
  end
  return path
end

helper.describe("frames", function()
  if not helper.has "tshark" then
    pending "needs tshark"
    return
  end

  local four <const>, six <const> = { "10.0.0.1", "239.255.1.2" }, { "fd00::1", "ff05::1:3" }

  local function datagram(hosts, data)
    return frame.datagram(frame.bytes(hosts[1]), 5000, frame.bytes(hosts[2]), 50000, data, 1, 0, 1, false)
  end

  it("has correct lengths and checksums for data of any length", function()
    local list = {}
    for _, n in ipairs { 0, 1, 2, 5, 6, 7, 95, 96, 97, 191, 192, 1473, 65507 } do
      local data = ("\xfe\xff\x01\x80\7"):rep(n // 5 + 1):sub(1, n)
      list[#list + 1] = datagram(four, data)
      list[#list + 1] = datagram(six, data)
    end
    local path = frames(list)
    assert.equal("", complaints(path))
    assert.equal(#list, count(path, "udp.checksum.status == 1"))
    assert.equal(#list // 2, count(path, "ip.checksum.status == 1"))
    assert.equal(#list // 2, count(path, "eth.dst == 01:00:5e:7f:01:02 && eth.src == 02:00:00:00:00:01"))
  end)

  it("has the broadcast address of Ethernet for a broadcast", function()
    local path = frames { datagram({ "10.0.0.1", "255.255.255.255" }, "x") }
    assert.equal(1, count(path, "eth.dst == ff:ff:ff:ff:ff:ff"))
  end)

  it("has a UDP checksum of 0xffff in place of 0", function()
    local zeros = datagram(four, "\0\0")
    local all = datagram(four, zeros:sub(41, 42))
    assert.equal("\xff\xff", all:sub(41, 42))
    assert.equal("", complaints(frames { all }))
  end)

  it("causes a complaint of tshark for each wrong bit", function()
    local list = {}
    for _, at in ipairs { 17, 19, 25, 27, 34, 35, 38, 39, 41, 43, 46 } do -- in the headers of IPv4 and UDP, and data
      local text = datagram(four, "data")
      list[#list + 1] = text:sub(1, at - 1) .. string.char(text:byte(at) ~ 4) .. text:sub(at + 1)
    end
    local _, n = complaints(frames(list)):gsub("\n", "")
    assert.equal(#list, n)
  end)

  it("encodes each notation of an address", function()
    for text, hex in pairs {
      ["10.1.2.255"] = "0a0102ff", ["::"] = ("0"):rep(32), ["::1"] = ("0"):rep(31) .. "1",
      ["fe80::1%eth0"] = "fe80" .. ("0"):rep(27) .. "1", ["ff00::"] = "ff" .. ("0"):rep(30),
      ["1:22:333:4444:5:6:7:8"] = "00010022033344440005000600070008",
      ["::ffff:10.1.2.3"] = "00000000000000000000ffff0a010203",
    } do
      assert.equal(hex, (frame.bytes(text):gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
    end
  end)
end)
