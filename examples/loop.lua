-- Waits for two sockets, and for three timers, in one loop.
-- usage: lua5.4 loop.lua [seconds]
local mcast <const> = require "mcast"

local timers = {} -- the next one first

-- Runs an action at a time, and again after the seconds that it returns, if it does.
local function at(due, action)
  local i = 1
  while timers[i] and timers[i].due <= due do i = i + 1 end
  table.insert(timers, i, { due = due, action = action })
end

local function run_due()
  while timers[1].due <= mcast.now() do
    local timer = table.remove(timers, 1)
    local again = timer.action()
    if again then at(timer.due + again, timer.action) end -- counted from when it was due, so that it does not drift
  end
end

local beats <close> = assert(mcast.socket { port = 10000 })
local orders <close> = assert(mcast.socket { host = "127.0.0.1", port = 10001 })
assert(beats:join "224.3.29.71")

local heard, running = 0, true
local actions <const> = {
  [beats] = function() heard = heard + 1 end,
  [orders] = function(data) running = data ~= "stop" end,
}

local began = mcast.now()
at(began, function()
  assert(beats:sendto("beat", "224.3.29.71", 10000))
  return 0.1
end)
at(began + 0.25, function()
  print("beats heard: " .. heard)
  return 0.25
end)
at(began + tonumber(arg[1] or math.huge), function()
  assert(orders:sendto("stop", "127.0.0.1", 10001)) -- as another program may
end)

io.stdout:setvbuf "line" -- to be seen at once, also through a pipe
while running do
  local ready, message, errno = mcast.poll({ beats, orders }, timers[1].due - mcast.now())
  assert(ready or errno == mcast.errno.ETIMEDOUT, message)
  for _, sock in ipairs(ready or {}) do
    local data, from = sock:recvfrom(0) -- one each, so that no socket starves the other or the timers
    if data then actions[sock](data, from) end
  end
  run_due()
end
print "stopped"
