local worker <const> = require "sockets.worker"
local socket <const> = require "socket"

local function pair(port)
  local receiver = socket.udp4()
  receiver:setoption("reuseaddr", true)
  receiver:setoption("recv-buffer-size", 4 << 20)
  assert(receiver:setsockname("*", port or 0))
  assert(receiver:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" }))
  local sender = socket.udp4()
  worker.shift()
  return receiver, sender, math.tointeger(select(2, receiver:getsockname()))
end

local cases = {}

local function rounds(n, size, count)
  local receiver, sender, port = pair()
  local data, now = ("x"):rep(size), socket.gettime
  local add, report = worker.timer(now, n)
  for _ = 1, count, n do
    local start = now()
    for _ = 1, n do
      sender:sendto(data, "239.1.2.3", port)
    end
    local middle = now()
    for _ = 1, n do
      receiver:receivefrom()
    end
    add(start, middle, now())
  end
  report()
end

function cases.calls(size, count)
  local receiver, sender, port = pair()
  local data = ("x"):rep(size)
  for _ = 1, count do
    sender:sendto(data, "239.1.2.3", port)
    receiver:receivefrom()
  end
end

function cases.lone(size, count)
  rounds(1, size, count)
end

function cases.burst(size, count)
  rounds(worker.burst, size, count)
end

function cases.hear()
  local sock = pair(10020)
  sock:setoption("recv-buffer-size", 2 << 20)
  worker.hear(socket.gettime, function(seconds)
    sock:settimeout(seconds)
    return sock:receivefrom()
  end)
end

function cases.wait(size, count)
  local late, seconds = {}, size / 1e6
  local sock = pair()
  sock:settimeout(seconds)
  for i = 1, count do
    local start = socket.gettime()
    sock:receivefrom()
    late[i] = socket.gettime() - start - seconds
  end
  worker.quantiles(late)
end

worker.run(cases)
