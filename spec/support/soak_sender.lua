-- Sends for spec/support/soak.lua: as a module, or as a process of its own.
-- usage: lua5.4 spec/support/soak_sender.lua family plain|train size count host port
local mcast <const> = require "mcast"

local train <const> = 64 -- datagrams of one sendmany, which are sent as one train

local function list(size)
  local t = {}
  for i = 1, train do
    t[i] = ("x"):rep(size)
  end
  return t
end

-- Sends n datagrams of two alternating sizes, so that no receiver combines them.
local function sendplain(sender, size, n, host, port)
  local data = { [0] = ("x"):rep(size), ("x"):rep(size + 1) }
  for i = 1, n do
    assert(sender:sendto(data[i & 1], host, port) == size + (i & 1))
  end
  return n
end

-- Sends n trains; returns the number of datagrams.
local function sendtrains(sender, size, n, host, port)
  local data = list(size)
  for _ = 1, n do
    assert(sender:sendmany(data, host, port) == train)
  end
  return n * train
end

local send <const> = { train_length = train, plain = sendplain, train = sendtrains }

-- Sends from a process of its own; prints the number sent by its own and the socket's count.
local function flood(family, kind, size, n, host, port)
  local sender <close> = assert(mcast.socket { family = family })
  io.write(send[kind](sender, tonumber(size), tonumber(n), host, tonumber(port)), " ", sender:stats().sent, "\n")
end

if arg[0]:find "soak_sender" then
  flood(table.unpack(arg))
end
return send
