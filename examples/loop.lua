-- Waits for two sockets, and for three timers, in one loop.
-- usage: lua5.4 loop.lua [seconds]
local mcast <const> = require "mcast"

local loop <const> = require "mcast.loop".new()
local beats <close> = assert(mcast.socket { port = 10000 })
local orders <close> = assert(mcast.socket { host = "127.0.0.1", port = 10001 })
assert(beats:join "224.3.29.71")

local heard = 0
loop:receive(beats, function() heard = heard + 1 end)
loop:receive(orders, function(data)
  if data == "stop" then loop:stop() end
end)

loop:after(0, function()
  assert(beats:sendto("beat", "224.3.29.71", 10000))
  return 0.1 -- seconds until it runs again
end)
loop:after(0.25, function()
  print("beats heard: " .. heard)
  return 0.25
end)
if arg[1] then
  loop:after(tonumber(arg[1]), function()
    assert(orders:sendto("stop", "127.0.0.1", 10001)) -- as another program may
  end)
end

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
loop:run()
print "stopped"
