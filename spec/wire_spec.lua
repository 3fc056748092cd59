-- Packets read without errors, and addresses as bytes.
local helper <const> = require "spec.support.helper"
local mcast <const> = require "mcast"
local wire <const> = require "mcast.wire"

local function fails(pattern, name, ...)
  local ok <const>, message <const> = pcall(wire[name], ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

helper.in_lua("bytes of protocols", function()
  it("reads values and the position after them", function()
    assert.same({ 513, "ab", 6 }, { wire.unpack(">I2s1", "\2\1\2ab") })
    assert.same({ 2, 3 }, { wire.unpack("B", "\1\2", 2) })
  end)

  it("returns nothing where the data end too early", function()
    for _, case in ipairs { { ">I2", "a" }, { "z", "abc" }, { "s1", "\5abc" }, { "B", "a", 9 }, { "s8", ("\xff"):rep(16) },
      { ">I9", "\1" .. ("\0"):rep(8) } } do
      assert.equal(0, select("#", wire.unpack(table.unpack(case))), case[1])
    end
  end)

  it("names a wrong format or argument", function()
    fails("wire_spec.lua:%d+: invalid format option 'q'$", "unpack", "q", "abc")
    fails("bad argument #1 to 'unpack' %(string expected, got nil%)", "unpack")
    fails("bad argument #2 to 'unpack' %(string expected, got nil%)", "unpack", "B")
    fails("bad argument #3 to 'unpack' %(integer of 1 or more expected, got 0%)", "unpack", "B", "a", 0)
    fails("bad argument #4 to 'each' %(integer expected, got true%)", "each", "B", "a", 1, true)
    assert.error_matches(function() wire.each("", "a")() end,
      "bad argument #1 to 'each' %(a format of some bytes expected%)")
  end)

  it("reads records up to the last whole one", function()
    local seen <const> = {}
    for kind, value, after in wire.each(">I2s2", "x\0\1\0\1a\0\2\0\0\0\3\0\9b", 2) do
      seen[#seen + 1] = ("%d=%s<%d"):format(kind, value, after)
    end
    assert.same({ "1=a<7", "2=<11" }, seen)
  end)

  it("ends at the last byte of the records", function()
    local sum = 0
    for value in wire.each("B", "\1\2\4\8", 2, 3) do sum = sum + value end
    assert.equal(6, sum)
  end)

  it("reads no record where the last byte is before the first", function()
    for last = 1, -5, -1 do
      assert.is_nil(wire.each("B", "\1\2\4\8", 2, last)())
    end
  end)

  it("turns addresses into bytes and back", function()
    for text, bytes in pairs {
      ["224.3.29.71"] = "\224\3\29\71", ["0.0.0.0"] = "\0\0\0\0", ["::"] = ("\0"):rep(16), ["::1"] = ("\0"):rep(15) .. "\1",
      ["ff02::1:6"] = "\xff\2" .. ("\0"):rep(11) .. "\1\0\6", ["2001:db8::1:0:0:1"] = "\x20\1\r\xb8" .. ("\0"):rep(5) .. "\1"
        .. ("\0"):rep(5) .. "\1", ["::ffff:1.2.3.4"] = ("\0"):rep(10) .. "\xff\xff\1\2\3\4",
      ["1:2:3:4:5:6:7:8"] = "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\8", ["fe80::"] = "\xfe\x80" .. ("\0"):rep(14),
    } do
      assert.equal(bytes, wire.pton(text), text)
      assert.equal(text, wire.ntop(bytes))
      assert.equal(text, mcast.address(text, 0).host)
    end
  end)

  it("returns nil for other text and bytes", function()
    for _, text in ipairs { "", "x", "1.2.3", "1.2.3.256", "1.2.3.4:5", "fe80::1%lo", "1::2::3" } do
      assert.is_nil(wire.pton(text), text)
    end
    for _, bytes in ipairs { "", "abc", "abcde", ("a"):rep(17) } do
      assert.is_nil(wire.ntop(bytes))
    end
    fails("bad argument #1 to 'ntop' %(string expected, got nil%)", "ntop")
    fails("bad argument #1 to 'pton' %(string expected, got 1%)", "pton", 1)
  end)

  it("agrees with the module on random addresses", function()
    math.randomseed(1)
    for _ = 1, 2000 do
      local bytes = ""
      for _ = 1, 16 do bytes = bytes .. string.char(math.random(4) > 1 and 0 or math.random(0, 255)) end
      assert.equal(mcast.address(wire.ntop(bytes), 0).host, wire.ntop(bytes))
      assert.equal(bytes, wire.pton(wire.ntop(bytes)))
    end
  end)

  it("reads names with pointers, and the position after them", function()
    local data <const> = "\1b\0" .. "\1a\xc0\0" .. "\xc0\3" .. "\0"
    assert.same({ "\1b\0", 4 }, { wire.name(data) })
    assert.same({ "\1a\1b\0", 8 }, { wire.name(data, 4) })
    assert.same({ "\1a\1b\0", 10 }, { wire.name(data, 8) })
    assert.same({ "\0", 11 }, { wire.name(data, 10) })
    local longest <const> = ("\63" .. ("x"):rep(63)):rep(3) .. "\61" .. ("x"):rep(61) .. "\0"
    assert.same({ longest, 256 }, { wire.name(longest) })
  end)

  it("returns nothing for bytes that are no name", function()
    local long <const> = ("\63" .. ("x"):rep(63)):rep(3) .. "\62" .. ("x"):rep(62) .. "\0"
    for _, bytes in ipairs { "", "\1", "\1a", "\xc0", "\x40\0", long, ("\1a"):rep(128) .. "\0" } do
      assert.equal(0, select("#", wire.name(bytes)), bytes)
    end
    assert.equal(0, select("#", wire.name("\0", 2)))
    fails("bad argument #1 to 'name' %(string expected, got nil%)", "name")
    fails("bad argument #2 to 'name' %(integer of 1 or more expected, got 0%)", "name", "\0", 0)
  end)

  it("follows pointers of names only backwards", function()
    for _, bytes in ipairs { "\xc0\0", "\1a\xc0\0", "\xc0\2\xc0\0", "\xc0\2\0" } do -- to itself, in circles, forwards
      assert.equal(0, select("#", wire.name(bytes)), bytes)
    end
  end)

  it("bounds the work of a name", function()
    local chain = "\0"
    for i = 0, 5000 do chain = chain .. (">I2"):pack(0xc000 | math.max(0, 2 * i - 1)) end -- each one points to the one before
    assert.equal("\0", wire.name(chain, 402))
    assert.equal(0, select("#", wire.name(chain, 1002)))
  end)

  it("leaves captures, words and pictures without the module", function()
    for _, name in ipairs { "wire", "pcapng", "pcapng.udp", "describe", "timeline" } do
      helper.check(("LUA_CPATH= %s -e 'require \"mcast.%s\" assert(not package.loaded.mcast)'"):format(helper.lua, name))
    end
  end)
end)
