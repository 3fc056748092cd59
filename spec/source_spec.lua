-- The source of what a socket sends to groups, while the addresses of its interface change.
local mcast <const> = require "mcast"
local helper <const> = require "spec.support.helper"

local E <const> = mcast.errno
local port <const> = 10031

-- A wire within this host: what is sent by `one` is received on `one`, by the host's own copy.
local function wire()
  helper.check [[
    ip link add one type veth peer name two && ip link set one addrgenmode none
    ip link set one up && ip link set two up
  ]]
  helper.defer(function() helper.run "ip link del one" end)
  helper.carried "one"
end

helper.each_family(function(family)
  local inet <const> = family.name == "inet"

  local function text(n)
    return inet and "10.71.0." .. n or "fd71::" .. n
  end

  local function change(action, n, interface)
    helper.check(("ip addr %s %s/%d dev %s %s"):format(action, text(n), inet and 24 or 64, interface or "one",
      action == "add" and not inet and "nodad" or ""))
  end

  local function open(options)
    options.family = family.name
    local sock = assert(mcast.socket(options))
    helper.defer(function() sock:close() end)
    return sock
  end

  local function hear()
    local sock = open { port = port }
    assert.equal("one", sock:join(family.group, { interface = "one" }))
    return sock
  end

  -- Asserts that a send succeeds, and returns its source.
  local function send(sender, receiver)
    local data = tostring(mcast.now())
    assert.equal(#data, sender:sendto(data, family.group, port))
    local got, from = assert(receiver:recvfrom(5))
    assert.equal(data, got)
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
    return from.host
  end

  it("sends from the new address after an address change", function()
    wire()
    change("add", 1)
    local sender, receiver = open { interface = "one" }, hear()
    assert.equal(text(1), send(sender, receiver))
    change("del", 1)
    change("add", 2)
    assert.equal(text(2), send(sender, receiver))
    assert.equal(text(2), send(sender, receiver))
    assert.equal(2 + 1, sender:stats().sent)
  end)

  it("sends from an address that came after the socket", function()
    wire()
    local sender, receiver = open { interface = "one" }, hear()
    local sent, message, errno = sender:sendto("x", family.group, port)
    assert.is_nil(sent)
    assert.equal(inet and E.ENETUNREACH or E.EADDRNOTAVAIL, errno)
    assert.matches(inet and "one has no IPv4 address" or "one has no usable address", message)
    change("add", 1)
    assert.equal(text(1), send(sender, receiver))
  end)

  it("loses and repeats nothing of a train across an address change", function()
    wire()
    change("add", 1)
    local sender, receiver = open { interface = "one" }, hear()
    local list, got = {}, {}
    for i = 1, 300 do list[i] = ("%05d"):format(i) end
    for n = 2, 3 do
      change("del", n - 1)
      change("add", n)
      assert.equal(150, sender:sendmany({ table.unpack(list, n * 150 - 299, n * 150 - 150) }, family.group, port))
      for _ = 1, 150 do
        local data, from = assert(receiver:recvfrom(5))
        got[#got + 1] = data
        assert.equal(text(n), from.host)
      end
    end
    assert.same(list, got)
    assert.equal(E.ETIMEDOUT, select(3, receiver:recvfrom(0)))
    assert.equal(300, sender:stats().sent)
  end)

  it("returns an error for a named address that is gone", function()
    wire()
    change("add", 1)
    change("add", 2)
    local sender, receiver = open { interface = text(2) }, hear()
    assert.equal(text(2), send(sender, receiver))
    change("del", 2)
    for _, method in ipairs { "sendto", "sendmany" } do
      local sent, message, errno = sender[method](sender, method == "sendto" and "x" or { "x", "x" }, family.group, port)
      assert.is_nil(sent)
      assert.equal(inet and E.ENETUNREACH or E.EINVAL, errno)
      assert.matches(text(2) .. " is no address of this host any more", message, 1, true)
    end
    change("add", 2)
    assert.equal(text(2), send(sender, receiver))
  end)

  it("sends with a named address that moved to another interface", function()
    wire()
    change("add", 1)
    local sender, receiver = open { interface = text(1) }, hear()
    change("del", 1)
    change("add", 1, "two")
    assert.equal(text(1), send(sender, receiver))
  end)

  it("does not look its source up at each send", function()
    wire()
    change("add", 1)
    local trace = os.tmpname()
    helper.defer(function() os.remove(trace) end)
    helper.check(("strace -f -e trace=network,ioctl -o %s %s %s"):format(trace, helper.lua, helper.script(([[
      local sock = assert(require "mcast".socket { family = %q, interface = "one" })
      for _ = 1, 100 do assert(sock:sendto("x", %q, %d)) end
    ]]):format(family.name, family.group, port))))
    local sends, others = 0, 0
    for line in io.lines(trace) do
      local issend = line:find "sendto%(%d+, \"x\"" or line:find "sendmsg%("
      sends, others = sends + (issend and 1 or 0), others + (issend and 0 or 1)
    end
    assert.is_true(sends >= 100 and others < 100, others)
  end)
end)
