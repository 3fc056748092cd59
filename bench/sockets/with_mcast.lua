local worker <const> = require "sockets.worker"
local mcast <const> = require "mcast"
local pair <const> = require "sockets.pair"

local now <const> = mcast.now

local cases = {}

function cases.lone(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local add, report = worker.timer(now, 1)
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    receiver:recvfrom()
    add(start, middle, now())
  end
  report()
end

-- By the function of the iterator, as a loop calls it.
function cases.iterate(size, count)
  local receiver, sender, to = pair()
  local data = ("x"):rep(size)
  local next_datagram, state = receiver:datagrams()
  local add, report = worker.timer(now, 1)
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    next_datagram(state)
    add(start, middle, now())
  end
  report()
end

function cases.message(size, count)
  local receiver, sender, to = pair { metadata = true }
  local data, into = ("x"):rep(size), {}
  local add, report = worker.timer(now, 1)
  for _ = 1, count do
    local start = now()
    sender:sendto(data, to)
    local middle = now()
    receiver:recvmsg(nil, into)
    add(start, middle, now())
  end
  report()
end

-- Sends lists by sendmany; receives by calls that return the number of datagrams.
local function bursts(sender, to, size, count, receive)
  local list, add, report = {}, worker.timer(now, worker.burst)
  for i = 1, worker.burst do
    list[i] = ("x"):rep(size)
  end
  for round = 0, count, worker.burst do -- the first is not counted
    local start = now()
    assert(sender:sendmany(list, to) == worker.burst)
    local middle = now()
    local left = worker.burst
    while left > 0 do
      left = left - receive()
    end
    local finish = now()
    if round > 0 then
      add(start, middle, finish)
    end
  end
  report()
end

-- To a receiver that switches trains on after it reads a queue.
function cases.burst(size, count)
  local receiver, sender, to = pair()
  bursts(sender, to, size, count, function() return receiver:recvfrom() and 1 end)
end

function cases.burst_many(size, count)
  local receiver, sender, to = pair()
  local into = {}
  bursts(sender, to, size, count, function() return #receiver:recvmany(nil, into) end)
end

-- To a receiver without trains.
function cases.plain(size, count)
  local plain = require "socket".udp4()
  plain:setoption("recv-buffer-size", 4 << 20)
  plain:setsockname("*", 0)
  plain:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" })
  local to = mcast.address("239.1.2.3", math.tointeger(select(2, plain:getsockname())))
  bursts(assert(mcast.socket()), to, size, count, function() return plain:receive() and 1 end)
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

function cases.messages(size, count)
  local receiver, sender, to = pair { metadata = true }
  local data, into = ("x"):rep(size), {}
  for _ = 1, count do
    sender:sendto(data, to)
    receiver:recvmsg(nil, into)
  end
end

local function open_hearing()
  local sock = assert(mcast.socket { port = 10020, rcvbuf = 2 << 20 }) -- the kernel doubles it
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  return sock
end

-- Receives a flood until its end.
function cases.hear()
  local sock = open_hearing()
  worker.hear(now, function(seconds) return sock:recvfrom(seconds) end)
end

function cases.hear_many()
  local sock, into = open_hearing(), {}
  worker.hear(now, function(seconds) return sock:recvmany(seconds, into) end, true)
end

function cases.answer(size, count, spin)
  local sock = assert(mcast.socket { port = 10021, spin = spin and 1 or 0 })
  assert(sock:join("239.1.2.3", { interface = "lo" }))
  worker.ready()
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
  worker.quantiles(took)
end

function cases.wait(size, count)
  local late, seconds = {}, size / 1e6
  for i = 1, count do
    local start = now()
    mcast.sleep(seconds)
    late[i] = now() - start - seconds
  end
  worker.quantiles(late)
end

worker.run(cases)
