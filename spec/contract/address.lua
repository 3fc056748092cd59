local mcast <const>, helper <const> = ...

local E <const> = mcast.errno

helper.describe("addresses", function()
  it("has host, port, family, interface and multicast as fields", function()
    local a = assert(mcast.address("224.3.29.71", 10000))
    assert.same({ "224.3.29.71", 10000, "inet", true }, { a.host, a.port, a.family, a.multicast })
    assert.is_nil(a.interface)
    local b = assert(mcast.address("fe80::1%lo", 65535))
    assert.same({ "fe80::1", 65535, "inet6", false, "lo" },
      { b.host, b.port, b.family, b.multicast, b.interface })
  end)

  it("converts to text that parses to the same address", function()
    for _, text in ipairs { "224.3.29.71:10000", "[ff02::1%lo]:10000", "[::1]:0", "0.0.0.0:65535",
      "[::ffff:10.0.0.1]:1", "[ff01::1%lo]:5" } do
      local a = assert(mcast.address(text))
      assert.equal(text, tostring(a))
      assert.equal(a, mcast.address(tostring(a)))
    end
  end)

  it("returns one object for equal addresses, and for these only", function()
    local a = mcast.address("10.0.0.1", 5)
    assert.is_true(rawequal(a, mcast.address "10.0.0.1:5"))
    assert.is_true(rawequal(mcast.address("FF02::0001%1", 9), mcast.address "[ff02::1%lo]:9"))
    assert.not_equal(a, mcast.address("10.0.0.1", 6))
    assert.not_equal(a, mcast.address("10.0.0.2", 5))
    assert.not_equal(mcast.address("fe80::1%lo", 9), mcast.address("fe80::1", 9))
    assert.is_true(rawequal(mcast.address("10.0.0.1", 6), mcast.address(a, 6)))
  end)

  it("joins text and numbers by ..", function()
    local a, b = mcast.address "10.0.0.1:5", mcast.address "[ff02::1%lo]:6"
    assert.same({ "from 10.0.0.1:5", "10.0.0.1:5!", "10.0.0.1:5[ff02::1%lo]:6", "710.0.0.1:5" },
      { "from " .. a, a .. "!", a .. b, 7 .. a })
  end)

  it("raises for .. with a value that is no text", function()
    local a = mcast.address "10.0.0.1:5"
    for _, value in ipairs { true, {}, print, io.stdout } do
      assert.error_matches(function() return a .. value end, "attempt to concatenate a " .. type(value))
      assert.error_matches(function() return value .. a end, "attempt to concatenate a " .. type(value))
    end
  end)

  it("sorts by family, numeric host, zone and port", function()
    local sorted = { "9.0.0.0:7", "10.0.0.9:10", "10.0.0.10:2", "10.0.0.10:9", "10.0.0.10:10", "200.0.0.0:1", "[::9]:1",
      "[fe80::1]:9", "[fe80::1%lo]:1", "[fe80::1%lo]:2", "[fe80::2]:1", "[ff02::1]:1" }
    local list = {}
    for i, text in ipairs(sorted) do
      table.insert(list, i % 3 + 1 <= #list and i % 3 + 1 or 1, (assert(mcast.address(text))))
    end
    table.sort(list)
    for i, a in ipairs(list) do
      assert.equal(sorted[i], tostring(a))
    end
  end)

  it("compares by < and <= as by order", function()
    local a, b = mcast.address "10.0.0.1:5", mcast.address "10.0.0.1:6"
    assert.same({ true, true, false, false, false, true }, { a < b, a <= b, b < a, b <= a, a < a, a <= a })
  end)

  it("raises for a comparison with another type", function()
    local a = mcast.address "10.0.0.1:5"
    for _, value in ipairs { 5, "10.0.0.1:6", {}, io.stdout } do
      assert.error_matches(function() return a < value end, "attempt to compare mcast.address with " .. type(value))
      assert.error_matches(function() return value <= a end, "attempt to compare " .. type(value) .. " with mcast.address")
    end
  end)

  it("sets multicast for group addresses only", function()
    local groups = {
      ["223.255.255.255"] = false, ["224.0.0.0"] = true, ["230.255.255.255"] = true,
      ["231.0.0.0"] = true, ["239.255.255.255"] = true, ["240.0.0.0"] = false,
      ["fe00::"] = false, ["ff00::"] = true, ["ffff::"] = true, ["::ffff:224.0.0.1"] = false,
    }
    for host, multicast in pairs(groups) do
      assert.equal(multicast, mcast.address(host, 1).multicast, host)
    end
  end)

  it("raises for an assignment to a field", function()
    local a = mcast.address "10.0.0.1:5"
    assert.error_matches(function() a.port = 6 end, "attempt to index a mcast.address")
    assert.equal(5, a.port)
  end)

  it("returns nil for unknown fields", function()
    local a = mcast.address "10.0.0.1:5"
    assert.is_nil(a.hots)
    assert.is_nil(a[1])
  end)

  it("returns nil and EINVAL for malformed text", function()
    for _, text in ipairs { "", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:65536", "10.0.0.1:-1",
      "10.0.0.1:99999999999999999999", "10.0.0.256:1", "10.0.0:1", "::1:5", "[::1]", "[::1]5", "[::1]:", "[::1:5",
      "[10.0.0.1]:5", "localhost:5", "10.0.0.1\0:5", "10.0.0.1:5\0", " 10.0.0.1:5", ("1"):rep(1000) .. ":5",
      "[fd00::1%lo]:5", "[ff05::1%lo]:5", "10.0.0.1%lo:5" } do
      local a, message, errno = mcast.address(text)
      assert.is_nil(a, text)
      assert.is_string(message)
      assert.equal(E.EINVAL, errno, text)
    end
    assert.equal(E.EINVAL, select(3, mcast.address("localhost", 5)))
  end)

  it("returns ENODEV and lists the interfaces for an unknown zone", function()
    for _, zone in ipairs { "nowhere", "", "99999", ("x"):rep(100) } do
      local a, message, errno = mcast.address("fe80::1%" .. zone, 5)
      assert.is_nil(a)
      assert.equal(E.ENODEV, errno)
      assert.matches("available: .*lo", message)
    end
  end)

  it("raises for arguments of a wrong type or range", function()
    for _, arguments in ipairs { {}, { 5 }, { {} }, { "10.0.0.1", {} }, { "10.0.0.1", 65536 }, { "10.0.0.1", -1 },
      { "10.0.0.1", 1.5 }, { io.stdout } } do
      helper.raises(function() mcast.address(table.unpack(arguments)) end)
    end
    helper.raises(function() getmetatable(mcast.address "10.0.0.1:5").__index(io.stdout, "host") end)
  end)
end)
