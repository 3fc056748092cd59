-- Sends datagrams of 64 bytes with options of their own, between plain ones; prints a line
-- "kind ns" for each kind, medians. The options name own addresses of lo, 10.7.x.y, one
-- after the other.
-- usage: lua5.4 options.lua addresses count
local mcast <const> = require "mcast"
local pair <const> = require "sockets.pair"
local worker <const> = require "sockets.worker"

local addresses <const>, count <const> = tonumber(arg[1]), tonumber(arg[2])
local now <const> = mcast.now

local receiver <const>, sender <const>, to <const> = pair()
local data <const> = ("x"):rep(64)
local names <const>, sources <const> = {}, {}
for i = 1, addresses do
  names[i] = ("10.7.%d.%d"):format(i // 250, i % 250 + 1)
  sources[i] = assert(mcast.address(names[i], 0))
end

local function named(i)
  return names[i % addresses + 1]
end

local kinds <const> = {
  plain = function() sender:sendto(data, to) end,
  name = function() sender:sendto(data, to, { interface = "lo" }) end,
  index = function() sender:sendto(data, to, { interface = 1 }) end,
  address = function(i) sender:sendto(data, to, { interface = named(i) }) end,
  source = function(i) sender:sendto(data, to, { source = named(i) }) end,
  object = function(i) sender:sendto(data, to, { source = sources[i % addresses + 1] }) end,
  ttl = function() sender:sendto(data, to, { ttl = 1 }) end,
  timeout = function() sender:sendto(data, to, { timeout = 0 }) end,
  all = function(i) sender:sendto(data, to, { interface = "lo", source = named(i), ttl = 1, timeout = 0 }) end,
}

local took <const>, cost <const> = {}, worker.clockcost(now)
for i = -addresses, count do -- those up to 0 are not counted: they look interfaces up
  for kind, send in pairs(kinds) do
    local start <const> = now()
    send(i)
    local seconds <const> = now() - start - cost
    receiver:recvfrom()
    took[kind] = took[kind] or {}
    took[kind][math.max(i, 1)] = seconds
  end
end
for kind, list in pairs(took) do
  table.sort(list)
  print(("%s %.1f"):format(kind, list[#list // 2 + 1] * 1e9))
end
