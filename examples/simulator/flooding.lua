-- Flooding: each node forwards a new datagram on all links except the one that it arrived on.
-- usage: lua5.4 flooding.lua
-- A network of n nodes and E links needs 2 E - (n - 1) messages.
local sim <const> = require "mcast.sim"

local n <const>, group <const>, port <const> = 25, "239.1.2.3", 10000

-- A link is a LAN of two nodes. Each has an interface and a socket on it.
local function node(origin)
  local mcast <const> = require "mcast"
  local socks <const>, seen <const> = {}, {}
  for _, interface in ipairs(mcast.interfaces()) do
    if not interface.loopback then
      table.insert(socks, assert(mcast.socket { port = port, interface = interface.name }))
      assert(socks[#socks]:join(group))
    end
  end
  local function flood(data, from)
    seen[data] = true
    print("heard " .. data)
    for _, sock in ipairs(socks) do
      if sock ~= from then assert(sock:sendto(data, group, port)) end
    end
  end
  if origin then flood "news" end
  while true do
    for _, sock in ipairs(assert(mcast.poll(socks))) do
      local data = assert(sock:recvfrom())
      if not seen[data] then flood(data, sock) end
    end
  end
end

local function simulate(name, linked) -- linked(a, b): is there a link, for a < b?
  local heard, messages, links, lans = 0, 0, 0, {}
  local net <const> = sim.new { delay = { 0.001, 0.01 }, output = function() heard = heard + 1 end }
  for b = 1, n do
    lans[b] = {}
    for a = 1, b - 1 do
      if linked(a, b) then
        links = links + 1
        local lan = net:lan(a .. "-" .. b, { prefix = ("10.%d.%d.0/24"):format(a, b) })
        table.insert(lans[a], lan)
        table.insert(lans[b], lan)
      end
    end
  end
  for i = 1, n do net:node("node-" .. i, node, { i == 1 }, { lans = lans[i] }) end
  net:run()
  for i = 1, #net.trace do
    if net.trace[i].kind == "send" then messages = messages + 1 end
  end
  print(("%-8s %6d %6d %9d %11d"):format(name, links, heard, messages, 2 * links - (n - 1)))
end

print "topology  links  heard  messages  by formula"
simulate("line", function(a, b) return a == b - 1 end)
simulate("tree", function(a, b) return a == b // 2 end)
simulate("grid", function(a, b) return a == b - 5 or a == b - 1 and a % 5 > 0 end)
simulate("complete", function() return true end)
