local common <const> = require "common"
local mcast <const> = require "mcast"

local now <const> = mcast.now

local function pair(options)
  local receiver = assert(mcast.socket(options))
  assert(receiver:join("239.1.2.3", { interface = "lo" }))
  local sender = assert(mcast.socket())
  return receiver, sender, mcast.address("239.1.2.3", receiver:getsockname().port)
end

local cases = {}

function cases.lone(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  common.rounds(now, 1, count, function() sender:sendto(data, to) end, function() receiver:recvfrom() end)
end

-- By the iterator, of which a loop calls the function.
function cases.iterate(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local next_datagram, state = receiver:datagrams()
  common.rounds(now, 1, count, function() sender:sendto(data, to) end, function() next_datagram(state) end)
end

function cases.message(size, count)
  local receiver, sender, to = pair { metadata = true }
  local data, into = ("x"):rep(size), {}
  common.rounds(now, 1, count, function() sender:sendto(data, to) end, function() receiver:recvmsg(nil, into) end)
end

-- sendmany, to a receiver that asks for trains once it has seen a queue.
function cases.burst(size, count)
  local receiver, sender, to = pair { rcvbuf = 4 << 20 }
  local list = {}
  for i = 1, common.burst do
    list[i] = ("x"):rep(size)
  end
  sender:sendmany(list, to)
  for _ = 1, common.burst do
    receiver:recvfrom()
  end
  common.rounds(now, common.burst, count, function() assert(sender:sendmany(list, to) == common.burst) end, function(n)
    for _ = 1, n do
      receiver:recvfrom()
    end
  end)
end

-- sendmany, to a receiver that is plain.
function cases.plain(size, count)
  local plain = require "socket".udp4()
  plain:setsockname("*", 0)
  plain:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" })
  local sender = assert(mcast.socket())
  local to = mcast.address("239.1.2.3", math.tointeger(select(2, plain:getsockname())))
  local list = {}
  for i = 1, common.burst do
    list[i] = ("x"):rep(size)
  end
  common.rounds(now, common.burst, count, function() assert(sender:sendmany(list, to) == common.burst) end, function(n)
    for _ = 1, n do
      plain:receive(size)
    end
  end)
end

-- Hears a flood until it is over.
function cases.hear()
  local sock = assert(mcast.socket { port = 10020, rcvbuf = 4 << 20 })
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  io.stdout:write "ready\n"
  io.stdout:flush()
  local n = 0
  local data = sock:recvfrom(10)
  while data do
    n = n + 1
    data = sock:recvfrom(0.5)
  end
  print("received " .. n)
end

function cases.answer(size, count, spin)
  local sock = assert(mcast.socket { port = 10021, spin = spin and 1 or 0 })
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  local data = ("x"):rep(size)
  for _ = 1, count do
    local _, from = sock:recvfrom()
    sock:sendto(data, from)
  end
end

function cases.ask(size, count, spin)
  local sock = assert(mcast.socket { spin = spin and 1 or 0 })
  local data, to, took = ("x"):rep(size), mcast.address("239.1.2.3", 10021), {}
  for i = 1, count do
    local start = now()
    sock:sendto(data, to)
    sock:recvfrom()
    took[i] = now() - start
  end
  common.quantiles(took)
end

function cases.wait(size, count)
  local late, seconds = {}, size / 1e6
  for i = 1, count do
    local start = now()
    mcast.sleep(seconds)
    late[i] = now() - start - seconds
  end
  common.quantiles(late)
end

-- One datagram to as many sockets as size says, found by poll.
function cases.fanout(size, count)
  local sockets = {}
  for i = 1, size do
    sockets[i] = assert(mcast.socket { port = 10022 })
    assert(sockets[i]:join("239.1.2.3", { interface = "lo" }))
  end
  local sender = assert(mcast.socket())
  local to = mcast.address("239.1.2.3", 10022)
  local total = 0
  local rounds = math.max(count // size, 3)
  for _ = 1, rounds do
    sender:sendto(("x"):rep(64), to)
    local start, left = now(), size
    while left > 0 do
      for _, sock in ipairs(mcast.poll(sockets)) do
        sock:recvfrom(0)
        left = left - 1
      end
    end
    total = total + (now() - start)
  end
  print(("delivery %.1f"):format(total / rounds / size * 1e9))
end

-- Bytes of garbage for each call, and of memory for each socket.
function cases.memory(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local function garbage(f)
    f()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, count do
      f()
    end
    local bytes = (collectgarbage "count" - before) * 1024 / count
    collectgarbage "restart"
    return bytes
  end
  local send = garbage(function() sender:sendto(data, to) end)
  sender:sendto(data, to)
  receiver:recvfrom()
  local both = garbage(function() sender:sendto(data, to) receiver:recvfrom() end)
  local sockets = {}
  for i = 1, 100 do
    sockets[i] = false
  end
  collectgarbage()
  local before = collectgarbage "count"
  for i = 1, 100 do
    sockets[i] = mcast.socket()
  end
  collectgarbage()
  local each = (collectgarbage "count" - before) * 1024 / #sockets
  print(("send %.1f\nreceive %.1f\nsocket %.0f"):format(send, both - send, each))
end

common.run(cases)
