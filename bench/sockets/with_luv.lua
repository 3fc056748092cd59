local worker <const> = require "sockets.worker"
local luv <const> = require "luv"

local function now()
  return luv.hrtime() / 1e9
end

local cases = {}

local function rounds(n, size, count)
  local receiver, sender = luv.new_udp(), luv.new_udp()
  assert(receiver:bind("0.0.0.0", 0))
  assert(receiver:set_membership("239.1.2.3", "127.0.0.1", "join"))
  local port, data, got = receiver:getsockname().port, ("x"):rep(size), 0
  receiver:recv_start(function(err, received)
    assert(not err, err)
    got = got + (received and 1 or 0)
  end)
  receiver:recv_buffer_size(4 << 20)
  worker.shift()
  local add, report = worker.timer(now, n)
  for _ = 1, count, n do
    local start = now()
    for _ = 1, n do
      sender:try_send(data, "239.1.2.3", port)
    end
    local middle = now()
    got = 0
    while got < n do
      luv.run "once"
    end
    add(start, middle, now())
  end
  report()
end

function cases.lone(size, count)
  rounds(1, size, count)
end

function cases.burst(size, count)
  rounds(worker.burst, size, count)
end

worker.run(cases)
