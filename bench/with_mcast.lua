local common <const> = require "common"
local mcast <const> = require "mcast"

local now <const> = mcast.now

local function pair(options)
  options = options or {}
  options.rcvbuf = 4 << 20
  local receiver = assert(mcast.socket(options))
  assert(receiver:join("239.1.2.3", { interface = "lo" }))
  local sender = assert(mcast.socket())
  return receiver, sender, mcast.address("239.1.2.3", receiver:getsockname().port)
end

local cases = {}

function cases.lone(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local sending, receiving = 0, 0
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    receiver:recvfrom()
    receiving = receiving + (now() - middle)
    sending = sending + (middle - start)
  end
  common.report(now, 1, count, sending, receiving)
end

-- By the function of the iterator, as a loop calls it.
function cases.iterate(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local next_datagram, state = receiver:datagrams()
  local sending, receiving = 0, 0
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    next_datagram(state)
    receiving = receiving + (now() - middle)
    sending = sending + (middle - start)
  end
  common.report(now, 1, count, sending, receiving)
end

function cases.message(size, count)
  local receiver, sender, to = pair { metadata = true }
  local data, into = ("x"):rep(size), {}
  local sending, receiving = 0, 0
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    receiver:recvmsg(nil, into)
    receiving = receiving + (now() - middle)
    sending = sending + (middle - start)
  end
  common.report(now, 1, count, sending, receiving)
end

-- Sends lists by sendmany; receives by a method of the receiver.
local function bursts(sender, to, size, count, receiver, receive)
  local list, sending, receiving = {}, 0, 0
  for i = 1, common.burst do
    list[i] = ("x"):rep(size)
  end
  for round = 0, count, common.burst do -- the first is not counted
    local start = now()
    assert(sender:sendmany(list, to) == common.burst)
    local middle = now()
    for _ = 1, common.burst do
      receive(receiver)
    end
    if round > 0 then
      receiving = receiving + (now() - middle)
      sending = sending + (middle - start)
    end
  end
  common.report(now, common.burst, count, sending, receiving)
end

-- Sends with options for each datagram, between plain ones; `size` is the number of own
-- addresses of lo, 10.7.x.y, that the options name one after the other. Prints medians.
function cases.choice(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(64)
  local names, sources = {}, {}
  for i = 1, size do
    names[i] = ("10.7.%d.%d"):format(i // 250, i % 250 + 1)
    sources[i] = assert(mcast.address(names[i], 0))
  end
  local kinds = {
    plain = function() sender:sendto(data, to) end,
    name = function() sender:sendto(data, to, { interface = "lo" }) end,
    index = function() sender:sendto(data, to, { interface = 1 }) end,
    address = function(i) sender:sendto(data, to, { interface = names[i % size + 1] }) end,
    source = function(i) sender:sendto(data, to, { source = names[i % size + 1] }) end,
    object = function(i) sender:sendto(data, to, { source = sources[i % size + 1] }) end,
    ttl = function() sender:sendto(data, to, { ttl = 1 }) end,
    timeout = function() sender:sendto(data, to, { timeout = 0 }) end,
    all = function(i) sender:sendto(data, to, { interface = "lo", source = names[i % size + 1], ttl = 1, timeout = 0 }) end,
  }
  local took, cost = {}, common.clockcost(now)
  for i = -size, count do -- those up to 0 are not counted: they look interfaces up
    for kind, send in pairs(kinds) do
      local start = now()
      send(i)
      local seconds = now() - start - cost
      receiver:recvfrom()
      took[kind] = took[kind] or {}
      took[kind][math.max(i, 1)] = seconds
    end
  end
  for kind, list in pairs(took) do
    table.sort(list)
    print(("%s %.1f"):format(kind, list[#list // 2 + 1] * 1e9))
  end
end

-- To a receiver that switches trains on after it reads a queue.
function cases.burst(size, count)
  local receiver, sender, to = pair()
  bursts(sender, to, size, count, receiver, receiver.recvfrom)
end

-- To a receiver without trains.
function cases.plain(size, count)
  local plain = require "socket".udp4()
  plain:setoption("recv-buffer-size", 4 << 20)
  plain:setsockname("*", 0)
  plain:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" })
  local to = mcast.address("239.1.2.3", math.tointeger(select(2, plain:getsockname())))
  bursts(assert(mcast.socket()), to, size, count, plain, plain.receive)
end

-- Without a clock, for the count of instructions.
function cases.calls(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  for _ = 1, count do
    sender:sendto(data, to)
    receiver:recvfrom()
  end
end

-- Receives a flood until its end.
function cases.hear()
  local sock = assert(mcast.socket { port = 10020, rcvbuf = 2 << 20 }) -- the kernel doubles it
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  common.hear(now, function(seconds) return sock:recvfrom(seconds) end)
end

function cases.answer(size, count, spin)
  local sock = assert(mcast.socket { port = 10021, spin = spin and 1 or 0 })
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  common.ready()
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

-- One datagram to `size` sockets, which poll returns.
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

-- The bytes of garbage of each call, and of memory of each socket.
function cases.memory(size, count)
  local receiver, sender, to = pair()
  local nobody = mcast.address("239.1.2.3", 10023)
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
  local send = garbage(function() sender:sendto(data, nobody) end)
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
