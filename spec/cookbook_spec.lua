-- The recipes of docs/cookbook.md: files in examples/ that run on the real network, and where they can, in the simulator.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"
local sim <const> = require "mcast.sim"

local function example(name, arguments)
  return ("%s examples/%s.lua %s"):format(helper.lua, name, arguments or "")
end

-- A receiver in the group of the examples.
local function member()
  local sock <const> = assert(mcast.socket { port = 10000 })
  helper.defer(function() sock:close() end)
  assert(sock:join "224.3.29.71")
  return sock
end

-- A net whose output is a list of lines.
local function simulate(options)
  local lines = {}
  options.output = function(node, line) lines[#lines + 1] = node.name .. " " .. line end
  return sim.new(options), lines
end

-- Asserts that numbers grow; returns how many there are.
local function assertgrowing(numbers)
  for i = 2, #numbers do
    assert.is_true(numbers[i] > numbers[i - 1], table.concat(numbers, " "))
  end
  return #numbers
end

helper.network("cookbook", function()
  it("asks a group, and is answered by the one of that name", function()
    for _, name in ipairs { "ann", "bob" } do
      helper.start(example("answer", name .. " --port 10051"))
    end
    local output = helper.check(example("ask", "ann bob --port 10051 --deadline 20"))
    assert.matches("^ann\t127.0.0.1:10051\t%d+\nbob\t127.0.0.1:10051\t%d+\n$", output)
  end)

  it("asks no longer than its deadline", function()
    local began = mcast.now()
    assert.equal("nobody\tnil\tno answer to 3 questions\n",
      helper.check(example("ask", "nobody --port 10052 --deadline 0.35")))
    assert.is_true(mcast.now() - began >= 0.35)
  end)

  it("runs timers and sockets in one loop", function()
    local output = helper.check(example("loop", "1"))
    local counts = {}
    for count in output:gmatch "beats heard: (%d+)\n" do
      counts[#counts + 1] = tonumber(count)
    end
    assert.is_true(assertgrowing(counts) >= 3, output)
    assert.matches("stopped\n$", output)
  end)

  it("uses no number twice after it was killed", function()
    local path, sock = os.tmpname(), member()
    os.remove(path)
    helper.defer(function() helper.run(("rm -f %s %s.new"):format(path, path)) end)
    local numbers = {}
    for _ = 1, 5 do
      local _, pid = helper.start(example("numbered", path))
      for _ = 1, 3 do
        numbers[#numbers + 1] = tonumber(assert(sock:recvfrom(10)):match "^datagram (%d+)$")
      end
      helper.check("kill -9 " .. pid)
      for data in sock:datagrams(0.05) do
        numbers[#numbers + 1] = tonumber(data:match "^datagram (%d+)$")
      end
    end
    assert.is_true(assertgrowing(numbers) >= 15)
  end)

  it("refuses a damaged file of numbers", function()
    for _, text in ipairs { "", "12", "no number\n" } do
      local output, status = helper.run(example("numbered", helper.script(text) .. " --count 1"))
      assert.matches("damaged", output)
      assert.not_equal(0, status)
    end
  end)

  it("makes a private network where groups work over lo", function()
    local output = helper.check("examples/private-network " .. helper.lua .. " " .. helper.script [[
      local mcast = require "mcast"
      print(#assert(mcast.interfaces()))
      for _, group in ipairs { "224.3.29.71", "ff15::71" } do
        local sock = assert(mcast.socket { family = mcast.address(group, 1).family })
        print(assert(sock:join(group)))
        assert(sock:sendto("hello", group, sock:getsockname().port))
        print(assert(sock:recvfrom(5)))
      end
    ]])
    assert.matches("^1\nlo\nhello\t127.0.0.1:%d+\nlo\nhello\t%[::1%]:%d+\n$", output)
  end)
end)

describe("cookbook in the simulator", function()
  it("asks until an answer comes through loss", function()
    local net, lines = simulate { seed = 3, loss = 0.4, delay = { 0.001, 0.01 } }
    net:node("server", "examples/answer.lua", { "bob" })
    net:node("client", "examples/ask.lua", { "bob", "bob", "bob", "bob", "--deadline", "10" })
    net:run(40)
    assert.equal(4, #lines)
    local tries = 0
    for _, line in ipairs(lines) do
      tries = tries + assert(line:match "^client bob\t10%.0%.0%.1:10000\t(%d+)$")
    end
    assert.is_true(tries > 4)
  end)

  it("asks no longer than its deadline", function()
    local net, lines = simulate {}
    net:node("client", "examples/ask.lua", { "nobody", "--deadline", "0.35" })
    net:at(0.3499, function() assert.same({}, lines) end)
    net:run(0.351)
    assert.same({ "client nobody\tnil\tno answer to 3 questions" }, lines)
  end)

  it("runs timers and sockets in one loop", function()
    local net, lines = simulate {}
    net:node("node", "examples/loop.lua", { "0.8" })
    net:run(2)
    assert.same({ "node beats heard: 3", "node beats heard: 5", "node beats heard: 8", "node stopped" }, lines)
  end)

  it("uses no number twice after crashes", function()
    for seed = 1, 20 do
      local net <const> = sim.new { seed = seed, output = function() end }
      local numbers = {}
      net:node("receiver", function()
        local sock = assert(require "mcast".socket { port = 10000 })
        assert(sock:join "224.3.29.71")
        for data in sock:datagrams() do
          numbers[#numbers + 1] = tonumber(data:match "^datagram (%d+)$")
        end
      end)
      local node <const> = net:node("sender", "examples/numbered.lua", { "number" })
      for i = 1, 5 do
        net:at(i * 0.05, function() node:crash() end)
        net:at(i * 0.05 + 0.01, function() node:restart() end)
      end
      net:run(0.5)
      assert.is_true(assertgrowing(numbers) > 20)
    end
  end)
end)
