-- Captures: files of this module are read back, here and by other programs; files of
-- other programs are read; a malformed file returns an error.
local helper <const> = require "spec.support.helper"
local pcapng <const> = require "mcast.pcapng"

local function temporary(text)
  return helper.script(text or "")
end

local function write(path, options)
  local writer = assert(pcapng.writer(path, options))
  assert(writer:interface { name = "left", description = "to the left" })
  assert(writer:interface { name = "right" })
  assert(writer:packet(0, 1700000000123456789, "", { direction = "out" }))
  assert(writer:packet(1, 1, "one", { comment = "a comment", length = 100 }))
  assert(writer:packet(0, 2, "four", { comment = "two\nlines", direction = "in" }))
  assert(writer:packet(0, 3, ("x"):rep(70000)))
  assert(writer:close())
  return path
end

local function slurp(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- The packets of a capture; nil, the message and the number of packets before the fault
-- where it is malformed.
local function read(path)
  local reader, message = pcapng.reader(path)
  if not reader then
    return nil, message, 0
  end
  local list = {}
  for _ = 1, 1000 do
    local packet
    packet, message = reader:packet()
    if not packet then
      assert.same({ nil, message }, { reader:packet() })
      reader:close()
      return not message and list or nil, message, #list
    end
    assert.is_true(#packet.data <= 1 << 24)
    list[#list + 1] = packet
  end
  error "more packets than were written"
end

-- Blocks of a capture, in either byte order.
local function block(order, kind, body)
  body = body .. ("\0"):rep(-#body & 3)
  return string.pack(order .. "I4I4", kind, #body + 12) .. body .. string.pack(order .. "I4", #body + 12)
end

local function option(order, code, value)
  return string.pack(order .. "I2s2", code, value) .. ("\0"):rep(-#value & 3)
end

local function section(order, major)
  return block(order, 0x0a0d0d0a, string.pack(order .. "I4I2I2i8", 0x1a2b3c4d, major or 1, 0, -1))
end

local function interface(order, options)
  return block(order, 1, string.pack(order .. "I2I2I4", 1, 0, 100) .. (options or ""))
end

local function packet(order, number, units, data, length)
  return block(order, 6, string.pack(order .. "I4I4I4I4I4", number, units >> 32, units & 0xffffffff, length or #data,
    #data) .. data)
end

helper.in_lua("captures", function()
  it("accepts a time that is a float of integral value", function()
    local path = temporary()
    local writer = assert(pcapng.writer(path))
    assert(writer:interface { name = "left" })
    assert(writer:packet(0, 17e17, "x", { length = 1e2 }))
    assert(writer:close())
    assert.equal(17 * 10 ^ 17 | 0, read(path)[1].time)
  end)

  it("returns the packets that were written", function()
    local left = { number = 0, name = "left", description = "to the left", link = 1, snaplen = 0 }
    local right = { number = 1, name = "right", link = 1, snaplen = 0 }
    assert.same({
      { interface = left, time = 1700000000123456789, data = "", length = 0, direction = "out" },
      { interface = right, time = 1, data = "one", length = 100, comment = "a comment" },
      { interface = left, time = 2, data = "four", length = 4, comment = "two\nlines", direction = "in" },
      { interface = left, time = 3, data = ("x"):rep(70000), length = 70000 },
    }, read(write(temporary(), { application = "spec", comment = "of the whole" })))
  end)

  it("writes and reads an open file, and leaves it open", function()
    local file <close> = assert(io.open(temporary(), "w+b"))
    local writer = assert(pcapng.writer(file))
    assert(writer:packet(assert(writer:interface()), 5, "data"))
    assert(writer:close())
    assert(writer:close())
    file:seek "set"
    local reader = assert(pcapng.reader(file))
    for got in reader:packets() do
      assert.equal("data", got.data)
    end
    reader:close()
    assert.equal("file", io.type(file))
  end)

  it("raises for unknown interfaces and options", function()
    local writer <close> = assert(pcapng.writer(temporary()))
    assert.has_error(function() writer:packet(0, 1, "x") end, "no interface 0")
    assert(writer:interface())
    assert.has_error(function() writer:packet(0, 1, "x", { coment = "" }) end, "unknown option 'coment'")
    helper.raises(function() writer:packet(0, 1.5, "x") end)
    assert.has_error(function() pcapng.writer("/dev/null", { name = "x" }) end, "unknown option 'name'")
  end)

  it("returns the errno of a file that cannot be opened", function()
    local _, message, errno = pcapng.writer "/nonexistent/file"
    assert.same({ "/nonexistent/file: No such file or directory", 2 }, { message, errno })
    _, _, errno = pcapng.reader "/nonexistent/file"
    assert.equal(2, errno)
    _, _, errno = pcapng.reader "/"
    assert.equal(21, errno)
  end)

  it("returns ENOSPC where the disk is full", function()
    if not io.open "/dev/full" then
      pending "needs /dev/full"
      return
    end
    local writer = assert(pcapng.writer "/dev/full")
    local _, _, errno = writer:close()
    assert.equal(28, errno)
  end)
end)

helper.in_lua("readers", function()
  for name, order in pairs { little = "<", big = ">" } do
    it("reads " .. name .. "-endian files, skipping unknown blocks and options", function()
      local text = section(order) .. block(order, 0xbad, "?????") .. interface(order, option(order, 99, "?")
        .. option(order, 2, "eth0") .. option(order, 9, "\9")) .. packet(order, 0, 1 << 40, "data")
        .. block(order, 3, string.pack(order .. "I4", 200) .. ("x"):rep(100))
      local list = assert(read(temporary(text)))
      assert.same({ 2, 1 << 40, "data", "eth0" }, { #list, list[1].time, list[1].data, list[1].interface.name })
      assert.same({ 200, 100 }, { list[2].length, #list[2].data })
      assert.is_nil(list[2].time)
    end)
  end

  it("restarts interfaces and byte order with each section", function()
    local text = section "<" .. interface "<" .. packet("<", 0, 1, "a") .. section ">" .. interface(">",
      option(">", 2, "other")) .. packet(">", 0, 1, "b")
    local list = assert(read(temporary(text)))
    assert.same({ "a", "b", "other" }, { list[1].data, list[2].data, list[2].interface.name })
    local _, message = read(temporary(section "<" .. interface "<" .. section "<" .. packet("<", 0, 1, "a")))
    assert.matches("a packet of interface 0, of 0$", message)
  end)

  for unit, magics in pairs {
    microseconds = { ["<"] = "\xd4\xc3\xb2\xa1", [">"] = "\xa1\xb2\xc3\xd4" },
    nanoseconds = { ["<"] = "\x4d\x3c\xb2\xa1", [">"] = "\xa1\xb2\x3c\x4d" },
  } do
    it("reads classic pcap of " .. unit .. " in either byte order, empty packets too", function()
      for order, magic in pairs(magics) do
        local list = assert(read(temporary(magic .. string.pack(order .. "I2I2i4I4I4I4", 2, 4, 0, 0, 65535, 1)
          .. string.pack(order .. "I4I4I4s4", 1, 2, 4, "data") .. string.pack(order .. "I4I4I4I4", 3, 4, 0, 0))))
        assert.same({ interface = { number = 0, link = 1, snaplen = 65535 }, time = 3000000000
          + 4 * (unit == "nanoseconds" and 1 or 1000), data = "", length = 0 }, list[2])
      end
    end)
  end

  it("converts all units and offsets of time", function()
    local function time(resolution, units, offset)
      local options = (resolution and option("<", 9, string.char(resolution)) or "")
        .. (offset and option("<", 14, string.pack("<i8", offset)) or "")
      return read(temporary(section "<" .. interface("<", options) .. packet("<", 0, units, "x")))[1].time
    end
    assert.equal(1500000000, time(nil, 1500000))
    assert.equal(3000000000, time(0, 3))
    assert.equal(1500000000, time(3, 1500))
    assert.equal(1500000000, time(12, 1500000000000))
    assert.equal(0, time(127, 5))
    assert.equal(1500000000, time(0x80 | 1, 3))
    assert.equal(1500000000, time(0x80 | 20, 3 << 19))
    assert.equal(1500000000, time(0x80 | 40, 3 << 39))
    assert.equal(999999999, time(0xff, -1) + 999999999) -- 2^-127 rounds to 0
    assert.equal(11500000000, time(9, 1500000000, 10))
  end)

  it("returns the fault of a malformed file", function()
    local start <const> = section "<" .. interface "<"
    local cases <const> = {
      [""] = "the file ends within the header",
      ["GET / HTTP/1.0"] = "neither pcapng nor pcap",
      [section("<", 2)] = "version 2 of the format",
      [start .. "\6\0\0"] = "the file ends within a block",
      [start .. string.pack("<I4I4", 6, 8)] = "a block of 8 bytes",
      [start .. string.pack("<I4I4", 6, 33) .. ("x"):rep(33)] = "a block of 33 bytes",
      [start .. string.pack("<I4I4", 6, 0xfffffffc)] = "a block of 4294967292 bytes",
      [start .. string.pack("<I4I4", 6, 64) .. ("x"):rep(40)] = "the file ends within a block",
      [start .. string.pack("<I4I4I4I4", 0xbad, 16, 0, 20)] = "a block of 16 bytes that ends as one of 20",
      [start .. packet("<", 0, 1, "data", 5)] = "a packet of 5 bytes, with 4 left",
      [start .. packet("<", 1, 1, "data")] = "a packet of interface 1, of 1",
      [start .. block("<", 6, "12345678")] = "a packet's block of 8 bytes",
      [start .. block("<", 3, "")] = "a packet's block of 0 bytes",
      [start .. block("<", 1, "1234")] = "an interface's description of 4 bytes",
      [start .. interface("<", "\2\0\9\0")] = "option 2 of 9 bytes, with 0 left",
      ["\xd4\xc3\xb2\xa1\2\0"] = "the file ends within the header",
      ["\xd4\xc3\xb2\xa1\3\0\4\0" .. ("\0"):rep(16)] = "version 3 of the format",
      ["\xd4\xc3\xb2\xa1\2\0\4\0" .. ("\0"):rep(24) .. ("\xff"):rep(8)] = "a packet of 4294967295 bytes",
    }
    for text, message in pairs(cases) do
      local list, got = read(temporary(text))
      assert.is_nil(list)
      assert.is_truthy(got:find(message, 1, true), got)
    end
  end)

  it("returns an error for each file truncated within a block", function()
    local text = slurp(write(temporary())):sub(1, 300)
    local path, complete = temporary(), 0
    for n = 0, #text - 1 do
      local file <close> = assert(io.open(path, "wb"))
      file:write(text:sub(1, n))
      file:close()
      local list, message = read(path)
      complete = complete + (list and 1 or 0)
      assert.is_true(list ~= nil or #message > 0)
    end
    assert.equal(6, complete) -- after the section, two interfaces, and three packets
  end)

  it("reads a block of empty comments in time that its length bounds", function()
    local n <const>, order = 2000000, "<"
    local text <const> = section(order) .. interface(order) .. packet(order, 0, 1, "")
    local comments <const> = option(order, 1, ""):rep(n)
    local body <const> = string.pack("<I4I4I4I4I4", 0, 0, 1, 0, 0) .. option(order, 1, "a") .. comments .. option(order, 1, "b")
    local began <const> = os.clock()
    local list <const> = assert(read(temporary(text .. block(order, 6, body))))
    assert.is_true(os.clock() - began < 30)
    assert.is_nil(list[1].comment)
    assert.equal("a" .. ("\n"):rep(n + 1) .. "b", list[2].comment)
  end)

  it("refuses a section with interfaces beyond a bound", function()
    local reader <const> = assert(pcapng.reader(temporary(section "<" .. interface "<":rep(200000))))
    local none, message = reader:packet()
    reader:close()
    assert.is_nil(none)
    assert.matches("more than 104857 interfaces, or too long names", message, 1, true)
    local long <const> = interface("<", option("<", 2, ("x"):rep(65535)))
    assert.matches("more than 1014 interfaces", select(2, read(temporary(section "<" .. long:rep(1100)))), 1, true)
    assert.same({}, read(temporary(section "<" .. long:rep(1000) .. section "<" .. long:rep(1000))))
  end)

  it("returns packets or an error for each mutated file #slow", function()
    local texts = { slurp(write(temporary())):sub(1, 380), section ">" .. interface ">" .. packet(">", 0, 1, "data"),
      "\xa1\xb2\x3c\x4d\0\2\0\4" .. ("\0"):rep(8) .. "\0\0\xff\xff\0\0\0\1" .. string.pack(">I4I4I4s4", 1, 2, 4, "data") }
    local path, broken, seed = temporary(), 0, 1
    local function random(n) -- of its own stream, so that a failure repeats
      seed = seed * 6364136223846793005 + 1442695040888963407
      return (seed >> 33) % n
    end
    for i = 1, 4000 do
      local text = texts[i % #texts + 1]
      for _ = 0, random(3) do
        local at = random(#text)
        text = text:sub(1, at) .. string.char(random(4) == 0 and 255 or random(256)) .. text:sub(at + 2)
      end
      local file <close> = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
      local list, message = read(path)
      broken = broken + (list and 0 or #message > 0 and 1)
    end
    assert.is_true(broken > 1000 and broken < 4000, broken)
  end)
end)

helper.in_lua("other programs", function()
  local function needs(program)
    return helper.has(program) or pending("needs " .. program)
  end

  it("writes files that tshark reads", function()
    if not needs "tshark" then
      return
    end
    local path = write(temporary())
    local fields <const> = "tshark -r " .. path .. " -T fields -E separator='|' -e frame.number -e frame.interface_name "
      .. "-e frame.time_epoch -e frame.len -e frame.comment 2>/dev/null"
    assert.equal([[
1|left|1700000000.123456789|0|
2|right|0.000000001|100|a comment
3|left|0.000000002|4|two
lines
4|left|0.000000003|70000|
]], (helper.check(fields):gsub("\\n", "\n")))
    assert.equal("1\n", helper.check("tshark -r " .. path .. " -Y 'frame.packet_flags_direction == 2' "
      .. "-T fields -e frame.number 2>/dev/null"))
  end)

  for name, command in pairs {
    tshark = "tshark -r %s -w %s",
    ["tshark, as pcap"] = "tshark -F pcap -r %s -w %s",
    ["tshark, as pcap of nanoseconds"] = "tshark -F nsecpcap -r %s -w %s",
    tcpdump = "tcpdump -r %s -w %s",
  } do
    it("reads files of " .. name, function()
      if not needs(name:match "%a+") then
        return
      end
      local ours, theirs = temporary(), temporary()
      local writer = assert(pcapng.writer(ours))
      local eth0 = assert(writer:interface { name = "eth0" })
      for i = 1, 3 do
        assert(writer:packet(eth0, 1700000000123456000 + i * 1000, ("%d"):format(i):rep(60)))
      end
      assert(writer:close())
      helper.check(command:format(ours, theirs))
      local list = assert(read(theirs))
      assert.equal(3, #list)
      for i, got in ipairs(list) do
        assert.same({ ("%d"):format(i):rep(60), 1700000000123456000 + i * 1000, 1 },
          { got.data, got.time, got.interface.link })
      end
    end)
  end
end)
