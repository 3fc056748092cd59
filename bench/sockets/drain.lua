-- Fills the receive buffer with trains of 64 datagrams, then drains it by each method, one
-- after the other; prints a line "method ns" for each, medians of a datagram.
-- usage: lua5.4 drain.lua size count
local mcast <const> = require "mcast"
local pair <const> = require "sockets.pair"
local worker <const> = require "sockets.worker"

local TRAINS <const> = 16

local size <const>, count <const> = tonumber(arg[1]), tonumber(arg[2])
local now <const> = mcast.now
local receiver <const>, sender <const>, to <const> = pair()

local list <const> = {}
for i = 1, worker.burst do
  list[i] = ("x"):rep(size)
end

local function recvmany(into)
  local n = 0
  local got = receiver:recvmany(0, into)
  while got do
    n = n + #got
    got = receiver:recvmany(0, into)
  end
  return n
end

local into <const> = {}
local methods <const> = {
  recvfrom = function()
    local n = 0
    while receiver:recvfrom(0) do
      n = n + 1
    end
    return n
  end,
  datagrams = function()
    local n = 0
    for _ in receiver:datagrams(0) do
      n = n + 1
    end
    return n
  end,
  recvmany = recvmany,
  into = function() return recvmany(into) end,
}

local took <const> = {}
local function drain(name, drained)
  for _ = 1, TRAINS do
    assert(sender:sendmany(list, to))
  end
  local start <const> = now()
  assert(drained() == TRAINS * worker.burst)
  local seconds <const> = now() - start
  took[name] = took[name] or {}
  table.insert(took[name], seconds / TRAINS / worker.burst)
end

drain("first", methods.recvfrom) -- which switches trains on
for _ = 1, math.max(count // (TRAINS * worker.burst), 1) do
  for name, drained in pairs(methods) do
    drain(name, drained)
  end
end
for name, seconds in pairs(took) do
  table.sort(seconds)
  print(("%s %.2f"):format(name, seconds[#seconds // 2 + 1] * 1e9))
end
