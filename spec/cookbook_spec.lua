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

helper.once("cookbook", function()
  it("asks a group, and is answered by the one of that name", function()
    for _, name in ipairs { "ann", "bob" } do
      helper.start(example("answer", name .. " --port 10051"))
    end
    local output = helper.check(example("ask", "ann bob --port 10051 --deadline 20"))
    assert.matches("^ann\t127.0.0.1:10051\t%d+\nbob\t127.0.0.1:10051\t%d+\n$", output)
  end)

  it("asks no longer than its deadline", function()
    local began = mcast.now()
    assert.matches("^nobody\tnil\tno answer to %d questions\n$",
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

  it("hears itself, and programs of its host and of another one", function()
    local host = helper.host()
    assert.equal("heard this program\n", helper.check(example("own", "--count 2 --interface " .. host.near)))
    for _, place in ipairs { { "", host.near }, { host.enter, host.far } } do
      local output <const> = helper.start(("%s%s"):format(place[1], example("own", "--count 600 --interface " .. place[2])))
      assert.equal("heard this program", output:read "l")
    end
    local output = helper.check(example("own", "--count 20 --interface " .. host.near))
    assert.equal(3, select(2, output:gsub("heard ", "")), output)
    for _, origin in ipairs { "this program", "another program of this host", "another host" } do
      assert.matches("heard " .. origin .. "\n", output)
    end
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

-- Opens a socket, and at each first datagram starts a program with it, as systemd does. arguments: family, port, a count of
-- starts, a command
local starter <const> = [[
import os, select, socket, sys
family, port, starts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sock = socket.socket(socket.AF_INET6 if family == "inet6" else socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", port))
print("bound", flush=True)
for _ in range(starts):
    select.select([sock], [], [])
    child = os.fork()
    if child == 0:
        os.dup2(sock.fileno(), 100)
        os.dup2(100, 3)
        os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), "1"
        os.execvp(sys.argv[4], sys.argv[4:])
    os.waitpid(child, 0)
]]

-- Sends a question until an answer comes.
local function ask(sock, host, port)
  for _ = 1, 40 do
    assert(sock:sendto("who?", host, port))
    local data = sock:recvfrom(0.25)
    if data then
      return data
    end
  end
end

-- Reads lines until one matches.
local function await(output, pattern)
  for line in output:lines() do
    if line:find(pattern) then
      return line
    end
  end
  error("no line matches " .. pattern)
end

helper.once("cookbook of socket activation", function()
  for _, family in ipairs(helper.families) do
    it("is started by a datagram, then by one to its group with " .. family.name, function()
      local output = helper.start(("python3 %s %s 10053 3 %s"):format(helper.script(starter), family.name,
        example("activated", "--idle 0.5 --group " .. family.group)))
      await(output, "^bound$")
      local sock <close> = assert(mcast.socket { family = family.name })
      for _, to in ipairs { family.own, family.group, family.group } do
        assert.equal("ack", ask(sock, to, 10053))
        assert.matches("^started on .*:10053$", await(output, "^started"))
        assert.matches("^4 bytes from .* to " .. to .. "$", await(output, "bytes"))
        await(output, "^idle$")
      end
    end)
  end

  it("is started by systemd-socket-activate", function()
    if not helper.has "systemd-socket-activate" then
      return pending "needs systemd-socket-activate"
    end
    local output = helper.start("systemd-socket-activate --datagram --listen 0.0.0.0:10054 -E LUA_PATH -E LUA_CPATH "
      .. example("activated", "--idle 0.5"))
    await(output, "Listening")
    local sock <close> = assert(mcast.socket())
    assert.equal("ack", ask(sock, "127.0.0.1", 10054))
    await(output, "^started on 0.0.0.0:10054$")
    await(output, "^idle$")
  end)

  it("refuses to be started without a socket", function()
    for _, variables in ipairs { "", "LISTEN_PID=1 LISTEN_FDS=1 ", "LISTEN_PID=$$ LISTEN_FDS=2 exec " } do
      local output, status = helper.run(variables .. example("activated"))
      assert.matches("not started by systemd", output)
      assert.not_equal(0, status)
    end
  end)
end)

-- The interpreter, with the folder of Lua 5.1's modules behind the others: Debian has copas there, which is plain Lua.
local older <const> = 'LUA_PATH="$LUA_PATH;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.1/?.lua" '

-- A test that is pending where the loop cannot be loaded.
local function loop(module, test)
  return function()
    local output <const>, status <const> = helper.run(("%s%s -e 'require \"%s\"'"):format(older, helper.lua, module))
    if status ~= 0 then
      return pending(("%s cannot be loaded: %s"):format(module, output:match "[^\n]*"))
    end
    test()
  end
end

helper.once("cookbook of event loops", function()
  for _, module in ipairs { "luv", "copas" } do
    it("answers questions beside a timer in " .. module, loop(module, function()
      for _, family in ipairs(helper.families) do
        local output = helper.start(("env %s%s"):format(older, example("with-" .. module,
          ("--port 10055 --seconds 1 --interface lo --group " .. family.group))))
        local sock <close> = assert(mcast.socket { family = family.name, interface = "lo" })
        assert.equal("ack", ask(sock, family.group, 10055))
        assert.matches("^4 bytes from ", output:read "l")
        assert.equal("the timer ran: true", await(output, "timer"))
      end
    end))
  end

  it("receives what it sends beside a timer in cqueues", loop("cqueues", function()
    for _, family in ipairs(helper.families) do
      assert.equal("sent 9 datagrams, waited for room: false\nreceived 9 datagrams\nthe timer ran: true\n",
        helper.check(example("with-cqueues", "--count 9 --interface lo --group " .. family.group)))
    end
  end))

  it("waits in cqueues for room in a full send buffer", loop("cqueues", function()
    local host = helper.host()
    helper.check(("tc qdisc add dev %s root tbf rate 8mbit burst 2000 limit 1000000"):format(host.near))
    local output = helper.check(example("with-cqueues", "--count 60 --bytes 8000 --interface " .. host.near))
    assert.matches("^sent 60 datagrams, waited for room: true\n", output)
    assert.matches("the timer ran: true\n$", output)
  end))
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

  it("hears itself, and programs of its host and of another one", function()
    local net, lines = simulate {}
    local host <const> = net:host "shared"
    net:node("a", "examples/own.lua", { "--count", "3" }, { host = host })
    net:node("b", "examples/own.lua", { "--count", "3" }, { host = host })
    net:node("c", "examples/own.lua", { "--count", "3" })
    net:run(1)
    table.sort(lines)
    assert.same({ "a heard another host", "a heard another program of this host", "a heard this program",
      "b heard another host", "b heard another program of this host", "b heard this program",
      "c heard another host", "c heard this program" }, lines)
  end)
end)
