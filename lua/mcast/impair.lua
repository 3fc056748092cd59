--- Seeded loss and delay on real sockets, for tests where there is no netem. It is preloaded, and the script stays as it
-- is:
--
--     MCAST_IMPAIR="loss=0.05,delay=0.01,seed=7" lua5.4 -l mcast.impair script.lua
--
-- The keys of the environment variable, each once and in any order:
--
-- - `loss`: the probability of 0 to 1 that a datagram is lost.
-- - `duplicate`: the probability that one that is not lost arrives twice.
-- - `delay`: seconds, as in `0.01`, or from least to most, as in `0.001..0.02`; a range reorders datagrams.
-- - `seed`: an integer, 1 by default.
--
-- Anything else raises an error that names `MCAST_IMPAIR`, as does a variable that is not set.
--
-- Each datagram that a socket of this process receives is lost, doubled or delayed on its own; sends are as they were. The
-- draws depend on the seed, on the number of the socket (by creation) and on the number of the datagram that it receives: so
-- the same traffic has the same losses. Receivers in several processes need a seed each, else they lose the same datagrams.
--
-- A delay is in the metadata: a datagram's `time` is later by it, as if the network had delayed it.
--
-- Limits: a delay begins when a call of the script that waits, or receives, sees the datagram: on time where the script waits
-- in this module, late where it works or waits elsewhere. At most 1,000 datagrams of a socket are delayed at a time; more
-- are dropped, and counted in `stats`. An event loop wakes up for a delayed datagram
-- where it asks for `timeout` (cqueues); where it asks for `dirty` alone (LuaSocket's select, copas), it does not sleep until
-- then; where it sees the descriptor alone (luv), a delay raises an error. Simulated sockets have the simulator's own faults.
-- @module mcast.impair
local mcast <const> = require "mcast"
local check <const> = require "mcast.check"
local generator <const> = require "mcast.impair.generator"
local train <const> = require "mcast.train"

local LIMIT <const> = 1000 -- datagrams of a socket that are delayed at a time

local keys <const> = require "mcast.impair.settings"
local settings <const> = keys.parse(keys.given or os.getenv "MCAST_IMPAIR")
local delayed <const> = settings.delay[2] > 0

--
-- Lines: a socket's datagrams on their way.
--

local metatable <const> = (function()
  local sock <close> = assert(mcast.socket())
  return getmetatable(sock)
end)()
local methods <const> = metatable.__index

-- The functions of the module and of its sockets, as they were.
local real <const> = {}
for _, functions in ipairs { methods, mcast } do
  for name, value in pairs(functions) do
    real[name] = value
  end
end

local ETIMEDOUT <const> = mcast.errno.ETIMEDOUT

-- By socket, until it is closed: messages in the order of their arrival (in `due`), and a `failure` of the system.
local lines <const> = setmetatable({}, { __mode = "k" })

local seeds <const> = generator(settings.seed)

local function open(sock)
  lines[sock] = { next = generator(seeds()), metadata = real.getoption(sock, "metadata"), received = 0, dropped = 0,
    descriptor = false, asked = false, due = {} }
  return sock
end

-- A message as it arrives after a delay: metadata have the later time.
local function delay_message(msg, delay)
  return setmetatable({ time = msg.time and msg.time + delay,
    nanoseconds = msg.nanoseconds and msg.nanoseconds + math.floor(delay * 1e9) }, { __index = msg })
end

local function insert(line, msg, now, delay)
  if #line == LIMIT then
    line.dropped = line.dropped + 1
    return
  end
  local i, due = #line, now + delay
  while i > 0 and line.due[i] > due do
    i = i - 1
  end
  table.insert(line, i + 1, delay > 0 and delay_message(msg, delay) or msg)
  table.insert(line.due, i + 1, due)
end

-- Each datagram draws four numbers, so that no key changes the draws of another one.
local function admit(line, msg)
  local function draw() return (line.next() >> 11) * 0x1p-53 end
  local least <const>, most <const> = settings.delay[1], settings.delay[2]
  local lost <const>, twice <const> = draw() < settings.loss, draw() < settings.duplicate
  local now <const>, first <const>, second <const> = real.now(), draw(), draw()
  if not lost then
    insert(line, msg, now, least + (most - least) * first)
  end
  if not lost and twice then
    insert(line, msg, now, least + (most - least) * second)
  end
end

local function try(sock, line)
  if line.metadata then
    return real.recvmsg(sock, 0)
  end
  local data <const>, from, errno <const> = real.recvfrom(sock, 0)
  return data and { data = data, from = from }, from, errno
end

-- Receives all that is there. Without a delay, one that the script can have: the others stay in the receive buffer.
local function pull(sock, line)
  while delayed or not line[1] do
    local msg <const>, message <const>, errno <const> = try(sock, line)
    if not msg then
      line.failure = errno ~= ETIMEDOUT and { message, errno } or line.failure
      return
    end
    admit(line, msg)
  end
end

local function isready(line) return line.failure or line[1] and line.due[1] <= real.now() end

-- Waits for sockets and monitors until a time at most, as poll does, and receives for all lines: a delay counts from the
-- arrival, whatever the script waits for.
local function watch(list, till, writers)
  local all = table.move(list, 1, #list, 1, {})
  for _, one in ipairs(list) do
    till = math.min(till, lines[one] and lines[one].due[1] or till)
  end
  for sock in pairs(delayed and lines or {}) do
    all[#all + 1] = sock
  end
  local ready <const>, writable <const>, errno <const> = real.poll(all, math.max(0, till - real.now()), writers)
  for _, one in ipairs(ready or {}) do
    if lines[one] then pull(one, lines[one]) end
  end
  return ready, writable, errno
end

--
-- The module's functions, over lines.
--

-- A timeout as a number; nil where the module itself has to refuse it.
local function seconds(timeout)
  local number <const> = timeout == nil and math.huge or tonumber(timeout)
  return number == number and number or nil
end

-- A loop that knows of the descriptor alone would sleep with datagrams on their way.
local function checkloop(line)
  if line[1] and line.descriptor and not line.asked then
    check.fail "MCAST_IMPAIR: a delay needs an event loop that asks for timeout or dirty, not for the descriptor alone"
  end
end

-- The next message, or nil, a message and an errno.
local function receive(sock, line, timeout)
  local till <const> = real.now() + timeout
  pull(sock, line)
  repeat
    if line.failure then
      local failure <const> = line.failure
      line.failure = nil
      return nil, table.unpack(failure)
    elseif isready(line) then
      line.received = line.received + 1
      table.remove(line.due, 1)
      return table.remove(line, 1)
    end
    local late <const> = real.now() >= till
    if not late then
      local ready <const>, message <const>, errno <const> = watch({ sock }, till)
      if not ready and errno ~= ETIMEDOUT then return nil, message, errno end
    end
  until late
  checkloop(line)
  return nil, "timeout", ETIMEDOUT
end

-- Replaces a method that receives; `form` makes its results of a message and the table to fill.
local function replace(name, form)
  methods[name] = function(sock, timeout, into)
    local line <const>, number <const> = lines[sock], seconds(timeout)
    local istable <const> = into == nil or type(into) == "table"
    if not line or not number or not istable or name == "recvmsg" and not line.metadata then
      return check.call(real[name], sock, timeout, into) -- which raises
    end
    local msg <const>, message <const>, errno <const> = receive(sock, line, number)
    if not msg then
      return nil, message, errno
    end
    return form(msg, into)
  end
end

replace("recvfrom", function(msg) return msg.data, msg.from end)
replace("recvmsg", function(msg, into)
  into = into or {}
  for name in ("data from group interface ttl time nanoseconds dropped dscp ecn own"):gmatch "%S+" do
    into[name] = msg[name]
  end
  return into
end)
replace("recvmany", function(msg, into) return train.single(msg.data, into), msg.from end)

function methods.datagrams(sock, timeout)
  check.call(real.datagrams, sock, timeout) -- checks the arguments
  return function()
    local data <const>, from <const>, errno <const> = methods.recvfrom(sock, timeout)
    return data or errno ~= ETIMEDOUT and check.fail("%s", from) or nil, from
  end
end

function methods.stats(sock)
  local stats <const>, line <const> = real.stats(sock), lines[sock]
  stats.received, stats.dropped = line.received, stats.dropped and stats.dropped + line.dropped
  return stats
end

function methods.getfd(sock)
  if lines[sock] then lines[sock].descriptor = true end
  return real.getfd(sock)
end

function methods.dirty(sock)
  local dirty <const>, line <const> = real.dirty(sock), lines[sock]
  line.asked = true
  return dirty or line[1] ~= nil
end

function methods.timeout(sock)
  local timeout <const>, line <const> = real.timeout(sock), lines[sock]
  line.asked = true
  return line.due[1] and math.max(0, math.min(timeout or math.huge, line.due[1] - real.now())) or timeout
end

methods.close = function(sock, ...)
  lines[sock] = nil
  return real.close(sock, ...)
end
metatable.__close = methods.close
local collect <const> = metatable.__gc
metatable.__gc = function(sock) lines[sock] = nil collect(sock) end -- a weak table has it for a cycle more

function mcast.socket(options)
  local sock <const>, message <const>, errno <const> = check.call(real.socket, options)
  if not sock then
    return nil, message, errno
  end
  return open(sock)
end

-- Those of a list that are ready: sockets by their lines, monitors as poll reported them.
local function choose(list, ready)
  local reported, chosen = {}, {}
  for _, one in ipairs(ready) do
    reported[one] = not lines[one]
  end
  for _, one in ipairs(list) do
    if reported[one] or lines[one] and isready(lines[one]) then
      chosen[#chosen + 1] = one
    end
  end
  return chosen
end

function mcast.poll(sockets, timeout, writers)
  local number <const> = seconds(timeout)
  check.call(real.poll, sockets, number and 0 or timeout, writers) -- checks the arguments
  local till <const> = real.now() + number
  for _, one in ipairs(sockets) do
    if lines[one] then lines[one].asked = true end
  end
  repeat
    local late <const> = real.now() >= till
    local ready <const>, writable <const>, errno <const> = watch(sockets, till, writers)
    if not ready and errno ~= ETIMEDOUT then
      return nil, writable, errno
    end
    local chosen <const> = choose(sockets, ready or {})
    if chosen[1] or ready and writers and writable[1] then
      return table.unpack({ chosen, ready and writable or {} }, 1, writers and 2 or 1)
    end
  until late
  return nil, "timeout", ETIMEDOUT
end

function mcast.sleep(timeout)
  local number <const> = delayed and timeout ~= nil and seconds(timeout)
  if not number then
    return real.sleep(timeout)
  end
  local till <const> = real.now() + number
  repeat watch({}, till) until real.now() >= till
end

return settings
