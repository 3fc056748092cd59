-- Running a net.
local check <const> = require "mcast.check"
local core <const> = require "mcast.sim.core"
local locale <const> = require "mcast.locale"
local names <const> = require "mcast.sim.sandbox.names"
local replay <const> = require "mcast.sim.replay"
local sieve <const> = require "mcast.sim.sieve"

local run = {}

-- Has the process's own module raise, until the function that is returned is called: a node that uses it by an upvalue or
-- a lent module would send on the real network, and wait in real time.
local function refuse_real()
  local registry <const> = debug.getregistry()
  local refusal <const> = registry["mcast.refusal"] or {}
  local before <const> = refusal[1]
  registry["mcast.refusal"] = refusal
  refusal[1] = "this is the real network: require mcast within the node"
  return function() refusal[1] = before end
end

-- Raises for a time that is past; times are equal within half a nanosecond.
function run.checktime(net, name, time)
  check.expect(time >= net:now() - 5e-10, "%s: %.6f s is past (now: %.6f s)", name, time, net:now())
end

-- An error of the core about a bound or memory, with the line that replays the run.
local function replayable(net, message)
  local ofcore <const> = type(message) == "string"
    and (message:find "^the bound '[%a_]+' of sim.new is exceeded" or message:find "^not enough memory")
  return ofcore and ("%s\n%s"):format(message, replay.line(net.called)) or message
end

-- From now on, also within a run, the function is called with the net after each event; or none.
function run.watch(net, watcher)
  if net.running and net.watcher ~= watcher then
    net.core:stop() -- and runs on
  end
  net.watcher = watcher
end

-- The function that the core calls after each event, or nil.
local function watching(net, enough)
  local watcher <const> = net.watcher
  return watcher and function()
    watcher(net)
    return enough and enough()
  end or enough
end

-- Runs until a time, until no event is left, or until enough returns true, which is the result.
function run.run(net, till, enough)
  check.expect(not net.running and not core.current(), "a net runs already")
  if not net.seeded then
    net.seeded = math.randomseed(net.seed)
  end
  till = sieve.till(net, till)
  local allow <const>, forget <const> = refuse_real(), names.lend()
  local _ <close> = locale.plain()
  net.running = true
  local ok, result, watcher
  repeat
    watcher = net.watcher
    ok, result = pcall(net.core.run, net.core, till, watching(net, enough))
  until not ok or result or watcher == net.watcher
  net.running = nil
  allow()
  forget()
  replay.ran(net)
  return ok and result or not ok and error(replayable(net, result), 0)
end

return run
