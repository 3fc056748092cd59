-- Topologies: star, chain, tree, grid, random geometric, and hosts over a matrix of latencies.
local sim <const> = require "mcast.sim"

local function quiet(options)
  options = options or {}
  options.output = function() end
  return sim.new(options)
end

-- Joins, and adds up the TTLs of the datagrams, by place: each is sent once.
local function hear(heard, place, group, family)
  local mcast <const> = require "mcast"
  local sock <const> = assert(mcast.socket { port = 5000, family = family })
  assert(sock:join(group))
  for data in sock:datagrams() do
    heard[place] = (heard[place] or "") .. data
  end
end

-- Sends a datagram with each TTL to the group.
local function send(most, group, family)
  local mcast <const> = require "mcast"
  mcast.sleep(1)
  for ttl = 1, most do
    local sock <close> = assert(mcast.socket { ttl = ttl, family = family })
    assert(sock:sendto(tostring(ttl), group, 5000))
  end
end

-- By place: the digits of the TTLs with which datagrams of place `from` arrive.
local function flood(made, net, from, most, family)
  local heard, group = {}, family == "inet6" and "ff15::7" or "239.1.2.3"
  for i, host in ipairs(made.hosts) do
    net:node("receiver-" .. i, hear, { heard, i, group, family }, { host = host })
  end
  net:node("sender", send, { most, group, family }, { host = made.hosts[from] })
  net:run()
  return heard
end

local families <const> = { "inet", "inet6" }

describe("topologies", function()
  for _, family in ipairs(families) do
    it("forwards with TTL 2 in a star, " .. family, function()
      local net <const> = quiet()
      assert.same({ "23", "23", "123", "23" }, flood(net:star(4), net, 3, 3, family))
    end)

    it("forwards with one more TTL a place in a chain, " .. family, function()
      local net <const> = quiet()
      assert.same({ "1234", "234", "34", "4" }, flood(net:chain(4), net, 1, 4, family))
    end)

    it("forwards with one more TTL a level in a tree, " .. family, function()
      local net <const> = quiet()
      local heard <const> = flood(net:tree(2, 2), net, 1, 3, family)
      assert.same({ "123", "23", "23", "3", "3", "3", "3" }, heard)
    end)

    it("forwards by the shortest ways in a grid, " .. family, function()
      local net <const> = quiet()
      local heard <const> = flood(net:grid(3, 2), net, 1, 4, family)
      assert.same({ "1234", "234", "34", "234", "34", "4" }, heard)
    end)

    it("needs no router in a matrix, " .. family, function()
      local net <const> = quiet()
      assert.same({ "1", "1" }, flood(net:matrix { { 0, 1 }, { 1, 0 } }, net, 1, 1, family))
    end)
  end

  it("names places and routers by the kind", function()
    local net <const> = quiet()
    local made <const> = net:tree(2, 1)
    assert.equal(net.hosts["tree-3"], made.hosts[3])
    assert.equal(net.lans["tree-3"], made.lans[3])
    assert.equal(net.hosts["tree-1-3"], made.routers[2])
    assert.equal("star-centre", net:star(2).routers[1].name)
  end)

  it("names places by the option name", function()
    local net <const> = quiet()
    net:chain(2)
    assert.equal("west-1-2", net:chain(2, { name = "west" }).routers[1].name)
  end)

  it("refuses the same name twice", function()
    local net <const> = quiet()
    net:chain(2)
    assert.error_matches(function() net:chain(2) end, "the net has a LAN 'chain%-1' already")
  end)

  it("passes options to the LANs", function()
    local net <const> = quiet()
    local heard = {}
    local made <const> = net:chain(3, { delay = 0.25 })
    net:node("receiver", function()
      local mcast <const> = require "mcast"
      local sock <close> = assert(mcast.socket { port = 5000 })
      sock:join "239.1.2.3"
      assert(sock:recvfrom())
      heard.at = mcast.now()
    end, {}, { host = made.hosts[3] })
    net:node("sender", send, { 3, "239.1.2.3" }, { host = made.hosts[1] })
    net:run()
    assert.near(1.75, heard.at, 1e-9)
  end)

  for _, case in ipairs {
    { "star", { 1 }, "bad argument #1 to 'star'" },
    { "chain", { 1.5 }, "bad argument #1 to 'chain'" },
    { "tree", { 2, -1 }, "bad argument #2 to 'tree'" },
    { "tree", { 2, 1e15 }, "tree: more than 10000 places" },
    { "grid", { 1 << 40, 1 << 40 }, "grid: more than 10000 places" },
    { "star", { 10001 }, "star: more than 10000 places" },
    { "chain", { 3, { prefix = "10.0.0.0/8" } }, "unknown option 'prefix'" },
    { "chain", { 3, { unit = 1 } }, "unknown option 'unit'" },
    { "geometric", { 2001, 1 }, "bad argument #1 to 'geometric'" },
    { "geometric", { 5, -1 }, "bad argument #2 to 'geometric'" },
    { "matrix", { 5 }, "bad argument #1 to 'matrix' %(list of rows or path expected" },
    { "matrix", { {} }, "1 to 32767 rows expected" },
    { "matrix", { { { 0, "x" }, { 1, 0 } } }, "latency matrix has 'x' in column 2" },
  } do
    it("refuses in " .. case[1] .. ": " .. case[3]:gsub("%%", ""), function()
      local net <const> = quiet()
      local ok, message = pcall(net[case[1]], net, table.unpack(case[2]))
      assert.is_false(ok)
      assert.matches(case[3], message)
      assert.matches("sim_generators_spec.lua", message)
    end)
  end

  it("has addresses for a thousand LANs", function()
    local made <const> = quiet():grid(40, 25)
    assert.equal("172.16.0.1", made.hosts[1].address)
    assert.equal("172.255.0.1", made.hosts[240].address)
    assert.equal("173.0.0.1", made.hosts[241].address)
    assert.equal("175.247.0.1", made.hosts[1000].address)
    assert.equal(1000 * 2 - 40 - 25, #made.routers)
  end)
end)

describe("a random geometric topology", function()
  local function names(seed, places, radius)
    local list = {}
    for i, router in ipairs(quiet { seed = seed }:geometric(places, radius).routers) do
      list[i] = router.name
    end
    return list
  end

  it("is drawn from the seed", function()
    assert.same(names(5, 20, 0.3), names(5, 20, 0.3))
    assert.not_same(names(5, 20, 0.3), names(6, 20, 0.3))
  end)

  it("shifts no draws of the scenario", function()
    local plain <const>, net <const> = quiet(), quiet()
    net:geometric(20, 0.3)
    assert.equal(plain:random(), net:random())
  end)

  it("joins the places within the radius", function()
    local made <const> = quiet():geometric(40, 0.4)
    local joined, count = {}, 0
    for _, router in ipairs(made.routers) do
      joined[router.name] = true
    end
    for i, a in ipairs(made.points) do
      for k = i + 1, #made.points do
        local b <const> = made.points[k]
        if (a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2 <= 0.4 ^ 2 then
          count = count + 1
          assert.is_true(joined[("geometric-%d-%d"):format(i, k)])
        end
      end
    end
    assert.is_true(count > 39)
    assert.is_true(#made.routers <= count + 5)
  end)

  it("joins all places, whatever the radius", function()
    local net <const> = quiet()
    local made <const> = net:geometric(12, 0)
    assert.equal(11, #made.routers)
    local heard <const> = flood(made, net, 1, 12)
    for place = 1, 12 do
      assert.matches("12$", heard[place])
    end
  end)
end)

describe("a matrix of latencies", function()
  -- The microseconds after which the other hosts receive a datagram of the first one.
  local function times(net, made)
    local list = {}
    for i = 2, #made.hosts do
      net:node("receiver-" .. i, function()
        local mcast <const> = require "mcast"
        local sock <close> = assert(mcast.socket { port = 5000 })
        assert(sock:join "239.1.2.3")
        assert(sock:recvfrom())
        list[i - 1] = math.floor((mcast.now() - 1) * 1e6 + 0.5)
      end, {}, { host = made.hosts[i] })
    end
    net:node("sender", send, { 1, "239.1.2.3" }, { host = made.hosts[1] })
    net:run()
    return list
  end

  local function file(text)
    local path <const> = os.tmpname()
    local out <close> = assert(io.open(path, "w"))
    out:write(text)
    return path
  end

  local function timesof(text, options)
    local net <const>, path <const> = quiet(), file(text)
    local made <const> = net:matrix(path, options)
    os.remove(path)
    return times(net, made)
  end

  it("delays from host to host", function()
    local net <const> = quiet()
    assert.same({ 20000, 30000 }, times(net, net:matrix { { 0, 0.02, 0.03 }, { 0.1, 0, 0.1 }, { 0.1, 0.1, 0 } }))
  end)

  it("is of its own hosts, after others", function()
    local net <const> = quiet()
    net:chain(3)
    assert.same({ 20000, 100 }, times(net, net:matrix { { 0, 0.02 }, { 0.1, 0 }, {} }))
  end)

  it("refuses a net with latencies", function()
    local net <const> = quiet { latency = { { 0 } } }
    assert.error_matches(function() net:matrix { { 0 } } end, "the net has latencies already")
  end)

  it("reads King's matrix of round trips", function()
    assert.same({ 20000, 30000 }, timesof "0 40000\t60000\n40000 0 5\n60000 5 0\n")
  end)

  it("reads a topology of p2psim", function()
    assert.same({ 20000, 30000 },
      timesof "topology E2EGraph 3\nfailure_model NullFailureModel\n\nnode 1\nnode 2\nnode 3\n1,2 20000\n1,3 30000\n2,3 5\n")
  end)

  it("reads milliseconds by the option unit", function()
    assert.same({ 20000 }, timesof("topology E2EGraph 2\n1,2 20\n", { unit = 0.001 }))
  end)

  it("has the median for pairs that were not measured", function()
    assert.same({ 10000, 30000 }, timesof "# times\n0 20000 -1\n20000 0 60000\n-1 60000 0\n")
  end)

  for _, case in ipairs {
    { "0 1\n1\n", ":2: 2 numbers expected, got 1" },
    { "0 x\n1 0\n", ":1: number expected, got 'x'" },
    { "0 1\n", "2 rows expected, got 1" },
    { "", "no latencies" },
    { "topology E2EGraph 2\n1;2 7\n", ":2: pair of nodes expected" },
    { "topology E2EGraph 2\n1,3 7\n", ":2: nodes of 1 to 2 expected" },
    { "topology E2EGraph 1000000000000\n", ":1: at most 32767 nodes expected" },
    { "topology E2EGraph 2\n1,2 -\n", ":2: number expected, got '%-'" },
    { "0 9e9\n9e9 0\n", "latency matrix has '4500.0' in column 2" },
  } do
    it("refuses a file: " .. case[2]:gsub("%%", ""), function()
      local path <const> = file(case[1])
      local ok, message = pcall(quiet().matrix, quiet(), path)
      os.remove(path)
      assert.is_false(ok)
      assert.matches(case[2], message)
    end)
  end

  it("names the file or the matrix, whatever the file has", function()
    local random <const> = quiet { seed = 3 }
    local words <const> = { "0", "5", "-1", "1e9", "x", "1,2", "3,1", "\n", "\n", "\n", "node", "topology E2EGraph 3\n", "nan",
      "\0" }
    local read, refused = 0, 0
    for _ = 1, 500 do
      local list = {}
      for k = 1, random:random(12) do
        list[k] = words[random:random(#words)]
      end
      local path <const> = file(table.concat(list, " "))
      local ok <const>, message = pcall(quiet().matrix, quiet(), path)
      os.remove(path)
      read, refused = read + (ok and 1 or 0), refused + (ok and 0 or 1)
      assert.is_true(ok or message:find(path, 1, true) ~= nil or message:find "latency matrix has" ~= nil, message)
    end
    assert.is_true(read > 20 and refused > 100, read)
  end)

  it("names a file that is absent", function()
    assert.error_matches(function() quiet():matrix "absent.txt" end, "absent.txt: No such file")
  end)

  it("stays in the end of all faults", function()
    local net <const> = quiet()
    local made <const> = net:matrix { { 0, 0.02 }, { 0.1, 0 } }
    net:eventually(function() return true end, "all is well", { after = 0.5, within = 0.1 })
    assert.same({ 20000 }, times(net, made))
  end)

  it("reads the example", function()
    assert.equal(12, #quiet():matrix("examples/simulator/latencies.txt").hosts)
  end)
end)
