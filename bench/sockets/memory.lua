-- Prints the bytes of garbage of a send and of a receive, and of memory of a socket.
-- usage: lua5.4 memory.lua size count
local mcast <const> = require "mcast"
local pair <const> = require "sockets.pair"

local size <const>, count <const> = tonumber(arg[1]), tonumber(arg[2])
local receiver <const>, sender <const>, to <const> = pair()
local nobody <const> = mcast.address("239.1.2.3", 10023)
local data <const> = ("x"):rep(size)

local function garbage(f)
  f()
  collectgarbage()
  collectgarbage "stop"
  local before <const> = collectgarbage "count"
  for _ = 1, count do
    f()
  end
  local bytes <const> = (collectgarbage "count" - before) * 1024 / count
  collectgarbage "restart"
  return bytes
end

local send <const> = garbage(function() sender:sendto(data, nobody) end)
local both <const> = garbage(function() sender:sendto(data, to) receiver:recvfrom() end)

local sockets <const> = {}
for i = 1, 100 do
  sockets[i] = false
end
collectgarbage()
local before <const> = collectgarbage "count"
for i = 1, 100 do
  sockets[i] = mcast.socket()
end
collectgarbage()
local each <const> = (collectgarbage "count" - before) * 1024 / #sockets

print(("send %.1f\nreceive %.1f\nsocket %.0f"):format(send, both - send, each))
