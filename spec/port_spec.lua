-- Neighbours on one port, of this program and of others.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno

helper.each_family(function(family)
  local function open(options)
    options.family = family.name
    local sock = assert(mcast.socket(options))
    helper.defer(function() sock:close() end)
    return sock
  end

  local function joined(options)
    local sock = open(options)
    assert(sock:join(family.group))
    return sock
  end

  it("delivers unicast to the last socket that shares by reuseaddr", function()
    local one, two = joined { port = 10021 }, joined { port = 10021 }
    local sender = open {}
    for i = 1, 20 do
      assert(sender:sendto("host " .. i, family.own, 10021))
      assert.equal("host " .. i, (two:recvfrom(5)))
      assert.equal(E.ETIMEDOUT, select(3, one:recvfrom(0)))
    end
    two:close()
    assert(sender:sendto("host", family.own, 10021))
    assert.equal("host", (one:recvfrom(5)))
  end)

  for option, other in pairs { reuseaddr = "reuseport", reuseport = "reuseaddr" } do
    it("delivers a group to all sockets that share by " .. option, function()
      local sharing <const> = { port = 10021, [option] = true, [other] = false }
      local one, two = joined(sharing), joined(sharing)
      assert(open {}:sendto("group", family.group, 10021))
      assert.same({ "group", "group" }, { (one:recvfrom(5)), (two:recvfrom(5)) })
    end)
  end

  it("spreads unicast over the sockets that share by reuseport", function()
    local socks = {}
    for i = 1, 2 do
      socks[i] = joined { port = 10022, reuseport = true, reuseaddr = false }
    end
    for i = 1, 100 do -- the kernel chooses by the sender's port
      local sender <close> = assert(mcast.socket { family = family.name })
      assert(sender:sendto("host " .. i, family.own, 10022))
    end
    local got = { 0, 0 }
    for i, sock in ipairs(socks) do
      for data in sock:datagrams(0) do
        assert.matches("^host %d+$", data)
        got[i] = got[i] + 1
      end
    end
    assert.equal(100, got[1] + got[2])
    assert.is_true(got[1] > 0 and got[2] > 0) -- fails by chance once in 2^99
  end)

  -- Starts a program that binds a port with an option of the socket module of Python.
  local function start_neighbour(option, port)
    local output = helper.start("python3 -u " .. helper.script(([[
import socket, time
sock = socket.socket(socket.AF_%s, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_%s, 1)
sock.bind(("", %d))
print("bound")
time.sleep(100)
]]):format(family.name:upper(), option:upper(), port)))
    assert.equal("bound", output:read "l")
  end

  for i, option in ipairs { "reuseaddr", "reuseport" } do
    local other <const> = option == "reuseaddr" and "reuseport" or "reuseaddr"
    local port <const> = 10022 + i

    it("shares a port with a program that sets " .. option .. ", too", function()
      start_neighbour(option, port)
      local sock = joined { port = port, [option] = true, [other] = false }
      assert(open {}:sendto("group", family.group, port))
      assert.equal("group", (sock:recvfrom(5)))
    end)

    it("returns EADDRINUSE where a program shares the port by " .. option .. " instead", function()
      start_neighbour(option, port + 2)
      helper.fails(E.EADDRINUSE, "reuseaddr.*reuseport",
        mcast.socket { family = family.name, port = port + 2, [option] = false, [other] = true })
    end)
  end
end)
