--- Timers and sockets in one loop: for protocols that act from time to time, and answer in between.
--
-- A script sets up timers and actions of sockets, and runs the loop:
--
--     local loop <const> = require "mcast.loop".new()
--     loop:receive(sock, function(data, from) print(from, data) end)
--     loop:after(0, function()
--       assert(sock:sendto("beat", group))
--       return 5 -- seconds until it runs again
--     end)
--     loop:run()
--
-- It is `mcast.poll` and a list of timers, so a script with a loop runs in the simulator, too. A script that has an event
-- loop of another library needs none: see the topic on event loops.
-- @module mcast.loop
local mcast <const> = require "mcast"
local check <const> = require "mcast.check"

local seconds_kind <const> = check.kind("number of 0 or more, and finite", function(value)
  return type(value) == "number" and value >= 0 and value < math.huge
end)

local a_socket <const> = check.kind("socket", function(value)
  local metatable <const> = debug.getmetatable(value)
  return metatable and metatable.__name == "mcast.socket"
end)

local Loop <const> = { __name = "mcast.loop" }
Loop.__index = Loop

local Timer <const> = { __name = "mcast.timer" }
Timer.__index = Timer

local loop <const> = {}

--- Creates a loop without timers and sockets.
-- @function new
-- @treturn loop
-- @usage local loop <const> = require "mcast.loop".new()
function loop.new()
  return setmetatable({ timers = {}, sockets = {}, receivers = {}, scheduled = 0 }, Loop)
end

--- A loop.
-- @type Loop

-- Puts a timer into its place: by time, and in the order of these calls where times are equal.
local function schedule(self, timer, due)
  local timers <const> = self.timers
  self.scheduled = self.scheduled + 1
  timer.due, timer.number = due, self.scheduled
  local place = #timers + 1
  while place > 1 and timers[place - 1].due > due do
    place = place - 1
  end
  table.insert(timers, place, timer)
end

--- Runs an action after a time, and again after the seconds that it returns, if it returns a number.
-- These count from the time when it was due, so a timer does not drift; turns that were missed are left out.
-- @function Loop:after
-- @number seconds 0 or more
-- @func action without arguments
-- @treturn Timer with the method `cancel`, after which the action does not run
-- @raise if an argument is wrong; an error of the action leaves `Loop:run`
-- @usage local timer <const> = loop:after(0.25, function() print "too late" end)
function Loop:after(seconds, action)
  check.argument(1, "after", seconds, seconds_kind)
  check.argument(2, "after", action, check.callable)
  local timer <const> = setmetatable({ loop = self, action = action }, Timer)
  schedule(self, timer, mcast.now() + seconds)
  return timer
end

function Timer:cancel()
  self.action = nil
  for place, timer in ipairs(self.loop.timers) do
    if timer == self then
      table.remove(self.loop.timers, place)
      return
    end
  end
end

--- Calls an action with each datagram of a socket, and with its sender.
-- A socket with `metadata` passes a message in place of both, as `socket:recvmsg` returns it. A socket has one action.
-- @function Loop:receive
-- @tparam socket sock
-- @tparam ?func action nil: the loop waits for this socket no longer, as is due before or after it is closed
-- @raise if an argument is wrong; an error of the action leaves `Loop:run`
-- @usage loop:receive(sock, function(data, from) sock:sendto(data, from) end)
function Loop:receive(sock, action)
  check.argument(1, "receive", sock, a_socket)
  if action ~= nil then
    check.argument(2, "receive", action, check.callable)
  end
  for place, other in ipairs(self.sockets) do
    if other == sock then
      table.remove(self.sockets, place)
      break
    end
  end
  self.receivers[sock] = nil
  if action then
    local metadata <const> = check.call(sock.getoption, sock, "metadata")
    self.receivers[sock] = { receive = metadata and sock.recvmsg or sock.recvfrom, action = action }
    table.insert(self.sockets, sock)
  end
end

-- One datagram of each socket that has some, so that none starves the others or the timers.
local function receive_ready(self, timeout)
  if #self.sockets == 0 then
    mcast.sleep(timeout)
    return
  end
  local ready <const>, message <const>, errno <const> = mcast.poll(self.sockets, timeout)
  if not ready and errno ~= mcast.errno.ETIMEDOUT then
    error(message, 0)
  end
  for _, sock in ipairs(ready or {}) do
    local receiver <const> = self.running and self.receivers[sock]
    if receiver then
      local data <const>, from <const>, failed <const> = receiver.receive(sock, 0)
      if data then
        receiver.action(data, from)
      elseif failed ~= mcast.errno.ETIMEDOUT then
        error(from, 0)
      end
    end
  end
end

-- The timers that are due, without those that they set: a timer of 0 seconds leaves sockets their turn.
local function run_due(self)
  local now <const>, last <const> = mcast.now(), self.scheduled
  local timer = self.timers[1]
  while self.running and timer and timer.due <= now and timer.number <= last do
    table.remove(self.timers, 1)
    local again <const> = timer.action()
    check.expect(not again or type(again) == "number" and again < math.huge,
      "a timer's action returned %s (seconds, or nothing, expected)", tostring(again))
    if again and timer.action then
      schedule(self, timer, math.max(timer.due + again, mcast.now()))
    end
    timer = self.timers[1]
  end
end

--- Waits, and runs the actions, until a time is over, the loop is stopped, or neither a timer nor a socket is left.
-- It may be called again: timers and sockets stay.
-- @function Loop:run
-- @tparam ?number seconds nil: for ever; 0: one turn, without waiting
-- @raise errors of actions, and of receiving
-- @usage loop:run(10)
function Loop:run(seconds)
  local till <const> = seconds and mcast.now() + check.argument(1, "run", seconds, seconds_kind) or math.huge
  local outer <const> = self.running -- where an action runs the loop
  self.running = true
  while self.running and (self.timers[1] or self.sockets[1]) do
    receive_ready(self, math.min(till, self.timers[1] and self.timers[1].due or math.huge) - mcast.now())
    run_due(self)
    if mcast.now() >= till then
      break
    end
  end
  self.running = outer
end

--- Ends `Loop:run`, the inner one where an action runs the loop, as soon as the running action returns.
-- @function Loop:stop
-- @usage loop:after(10, function() loop:stop() end)
function Loop:stop()
  self.running = false
end

return loop
