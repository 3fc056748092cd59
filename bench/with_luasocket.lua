local common <const> = require "common"
local socket <const> = require "socket"

local function pair(port)
  local receiver = socket.udp4()
  receiver:setoption("reuseaddr", true)
  assert(receiver:setsockname("*", port or 0))
  assert(receiver:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" }))
  local sender = socket.udp4()
  return receiver, sender, math.tointeger(select(2, receiver:getsockname()))
end

local cases = {}

local function rounds(n, size, count)
  local receiver, sender, port = pair()
  local data = ("x"):rep(size)
  common.rounds(socket.gettime, n, count, function()
    for _ = 1, n do
      sender:sendto(data, "239.1.2.3", port)
    end
  end, function()
    for _ = 1, n do
      receiver:receivefrom()
    end
  end)
end

function cases.lone(size, count)
  rounds(1, size, count)
end

function cases.burst(size, count)
  rounds(common.burst, size, count)
end

function cases.hear()
  local sock = pair(10020)
  sock:setoption("recv-buffer-size", 4 << 20)
  io.stdout:write "ready\n"
  io.stdout:flush()
  local n = 0
  sock:settimeout(10)
  while sock:receivefrom() do
    n = n + 1
    if n == 1 then
      sock:settimeout(0.5)
    end
  end
  print("received " .. n)
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
  common.quantiles(late)
end

common.run(cases)
