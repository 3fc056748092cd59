local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local receiver <const> = helper.lua .. " examples/receiver.lua "
local sender <const> = helper.lua .. " examples/sender.lua "

-- The exchange of the tutorial, with Python's socket module.
local python_receiver <const> = [[
import socket, struct
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("", 10000))
membership = struct.pack("4sL", socket.inet_aton("224.3.29.71"), socket.INADDR_ANY)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
print("waiting to receive message", flush=True)
while True:
    data, address = sock.recvfrom(1024)
    print("received %d bytes: %s" % (len(data), data.decode()), flush=True)
    sock.sendto(b"ack", address)
]]
local python_sender <const> = [[
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(2)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
sock.sendto(b"very important data", ("224.3.29.71", 10000))
data, server = sock.recvfrom(16)
print("received %r from %s:%d" % (data.decode(), *server))
]]

-- Starts a receiver; returns once it waits for datagrams.
local function start(command)
  local output = helper.start(command)
  repeat
    local line = assert(output:read "l", "the receiver ended")
  until line == "waiting to receive message"
  return output
end

local function lines(output, n)
  local list = {}
  for i = 1, n do
    list[i] = output:read "l"
  end
  return list
end

helper.network("examples", function()
  it("exchanges data and acknowledgements, and prints them", function()
    local one, two = start(receiver), start(receiver .. "--interface lo")
    local got = helper.check(sender)
    local port = one:read "l":match "^received 19 bytes from 127%.0%.0%.1:(%d+)$"
    assert.same({ "very important data", "sending acknowledgement to 127.0.0.1:" .. port, "",
      "waiting to receive message" }, lines(one, 4))
    assert.same({ "received 19 bytes from 127.0.0.1:" .. port, "very important data" }, lines(two, 2))
    assert.equal([[
sending "very important data"
waiting to receive
received "ack" from 127.0.0.1:10000
waiting to receive
received "ack" from 127.0.0.1:10000
waiting to receive
timed out, no more responses
closing socket
]], got)
  end)

  it("accepts message, group, port, TTL and timeout as arguments", function()
    local output = start(receiver .. "--group ff02::71%lo --port 10013")
    local got = helper.check(sender .. "--port 10013 'hello there' --ttl 0 --timeout 0.05 --group ff02::71%lo")
    assert.matches('^sending "hello there"\nwaiting to receive\nreceived "ack" from %[::1%]:10013\n', got)
    assert.matches("^received 11 bytes from %[::1%]:%d+$", output:read "l")
    assert.equal("hello there", output:read "l")
  end)

  it("waits 0.2 s for an answer", function()
    local began = mcast.now()
    assert.equal('sending "very important data"\nwaiting to receive\ntimed out, no more responses\nclosing socket\n',
      helper.check(sender))
    assert.is_true(mcast.now() - began >= 0.2)
  end)

  it("closes its socket after an error", function()
    local output, status = helper.run(sender .. "--interface lo --group 127.0.0.1 --port 0")
    assert.not_equal(0, status)
    assert.matches("port 0", output)
    assert.matches("closing socket\n", output)
  end)

  it("prints its usage for unknown and incomplete arguments", function()
    for _, arguments in ipairs { "--nonsense 5", "--group" } do
      assert.matches("usage: sender.lua", (helper.run(sender .. arguments)))
      assert.matches("usage: receiver.lua", (helper.run(receiver .. arguments)))
    end
  end)

  it("sends to a receiver in Python", function()
    local theirs = start("python3 -u " .. helper.script(python_receiver))
    local got = helper.check(sender)
    assert.equal(1, select(2, got:gsub('received "ack" from 127%.0%.0%.1:10000\n', "")))
    assert.equal("received 19 bytes: very important data", theirs:read "l")
  end)

  it("receives from a sender in Python", function()
    local ours = start(receiver)
    local got = helper.check("python3 " .. helper.script(python_sender))
    assert.equal("received 'ack' from 127.0.0.1:10000\n", got)
    assert.equal("very important data", lines(ours, 2)[2])
  end)

  it("has 60 lines at most (a protocol: 120), and opens with usage", function()
    for path in helper.check "ls examples/*.lua examples/protocols/*.lua examples/simulator/*.lua":gmatch "[^\n]+" do
      local text = assert(io.open(path)):read "a"
      local protocol = io.open(("examples/protocols/%s.lua"):format(path:match "/([^/-]+)[^/]*%.lua$"))
      assert.is_true(select(2, text:gsub("\n", "")) <= (protocol and 120 or 60), path)
      assert.matches("^%-%- [^\n]+\n%-%- usage: lua5.4 [%w_-]+%.lua", text)
    end
  end)

  it("runs in make demo", function()
    local output = helper.check("sh examples/demo '" .. helper.lua .. "'")
    for _, name in ipairs { "receiver 1", "receiver 2" } do
      assert.matches(name .. " +| received 19 bytes from 127.0.0.1:%d+\n", output)
    end
    assert.equal(2, select(2, output:gsub('sender +| received "ack" from 127%.0%.0%.1:10000\n', "")))
    assert.matches("sender +| closing socket\n$", output)
  end)
end)

helper.describe("example of a sweep", function()
  it("draws the picture of the README #slow", function()
    local path <const> = helper.script ""
    local output <const> = helper.check(("cd examples/simulator && %s sweep.lua %s"):format(helper.lua, path))
    local picture <const> = assert(io.open(path)):read "a"
    assert.is_true(picture == assert(io.open "examples/simulator/election.svg"):read "a",
      "the committed picture differs from the example's")
    assert.equal(2, select(2, picture:gsub(">leads</text>", "")))
    assert.matches("with 2 of %d+ faults and 3 of 5 nodes", output)
  end)
end)

helper.describe("example of repair", function()
  it("draws the picture of the README", function()
    local directory = helper.check("mktemp -d"):match "[^\n]+"
    helper.defer(function() helper.run("rm -r " .. directory) end)
    local path = helper.check "pwd":match "[^\n]+" .. "/examples/simulator/repair."
    helper.check(("cd %s && %s %slua"):format(directory, helper.lua, path))
    local picture = assert(io.open(directory .. "/repair.svg")):read "a"
    assert.is_true(picture == assert(io.open(path .. "svg")):read "a", "the committed picture differs from the example's")
    assert.equal(2, select(2, picture:gsub(">repair %d</text>", "")))
    assert.matches("class=\"arrow multicast\".*class=\"arrow lost\"", picture)
    assert(io.open(directory .. "/repair.html")):close()
  end)
end)

helper.in_lua("each example", function()
  it("compiles under this Lua", function() -- since 5.5, a loop's variable is constant
    for path in helper.check "find examples -name '*.lua'":gmatch "[^\n]+" do
      assert(loadfile(path))
    end
  end)
end)
