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

  it("of sockets that share a port by reuseaddr all hear a group, the last one what is sent to the host", function()
    local one, two = joined { port = 10021 }, joined { port = 10021 }
    local sender = open {}
    for i = 1, 20 do
      assert(sender:sendto("host " .. i, family.own, 10021))
      assert.equal("host " .. i, (two:recvfrom(5)))
      assert.equal(E.ETIMEDOUT, select(3, one:recvfrom(0)))
    end
    assert(sender:sendto("group", family.group, 10021))
    assert.same({ "group", "group" }, { (one:recvfrom(5)), (two:recvfrom(5)) })
    two:close()
    assert(sender:sendto("host", family.own, 10021))
    assert.equal("host", (one:recvfrom(5)))
  end)

  it("of sockets that share a port by reuseport all hear a group, any one what is sent to the host", function()
    local socks = {}
    for i = 1, 2 do
      socks[i] = joined { port = 10022, reuseport = true, reuseaddr = false }
    end
    for i = 1, 100 do -- by the sender's port: each has its sharer
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
    assert.is_true(got[1] > 0 and got[2] > 0) -- not by chance but once in 2^99
    local sender <close> = assert(mcast.socket { family = family.name })
    assert(sender:sendto("group", family.group, 10022))
    assert.same({ "group", "group" }, { (socks[1]:recvfrom(5)), (socks[2]:recvfrom(5)) })
  end)

  it("a port is shared with another program where both share it in the same way", function()
    local ways <const> = { "REUSEADDR", "REUSEPORT" }
    for i, theirs in ipairs(ways) do
      local output, pid = helper.start("python3 -u " .. helper.script(([[
import socket, time
sock = socket.socket(socket.AF_%s, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_%s, 1)
sock.bind(("", %d))
print("bound")
time.sleep(100)
]]):format(family.name:upper(), theirs, 10022 + i)))
      assert.equal("bound", output:read "l")
      for _, ours in ipairs(ways) do
        local sock, message, errno = mcast.socket { family = family.name, port = 10022 + i,
          reuseaddr = ours == "REUSEADDR", reuseport = ours == "REUSEPORT" }
        if ours == theirs then
          assert(sock, message)
          assert(sock:join(family.group))
          local sender = open {}
          assert(sender:sendto("group", family.group, 10022 + i))
          assert.equal("group", (sock:recvfrom(5)))
          sock:close()
        else
          assert.same({ nil, E.EADDRINUSE }, { sock, errno })
          assert.matches("reuseaddr.*reuseport", message)
        end
      end
      helper.run("kill " .. pid)
    end
  end)
end)
