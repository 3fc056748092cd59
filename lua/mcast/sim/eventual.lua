-- In the end: some time after all faults have ended, a condition holds.
local calm <const> = require "mcast.sim.calm"
local check <const> = require "mcast.check"
local invariant <const> = require "mcast.sim.invariant"
local replay <const> = require "mcast.sim.replay"
local run <const> = require "mcast.sim.run"
local sieve <const> = require "mcast.sim.sieve"

local eventual = {}

local Goal <const> = {}
local metatable <const> = { __index = Goal }

-- An error is a reason why it does not hold yet. Once it has held, or has failed the run, it is judged.
function Goal:met()
  if not self.judged then
    local ok, holds, why = pcall(self.holds)
    self.why = not ok and holds or why
    self.judged = ok and holds
  end
  return self.judged
end

local function judge(self)
  if not self:met() then
    self.judged = true
    local why <const> = self.why ~= nil and ": " .. tostring(self.why) or ""
    invariant.violated(self.net, self.name, ("%g s after all faults have ended%s"):format(self.within, why))
  end
end

local finite <const> = check.number("seconds of 0 to 1e9", 0, 1e9)

local allowed <const> = { after = finite, within = finite }

-- See Net:eventually.
function eventual.add(net, holds, name, options)
  options = check.options(options, allowed)
  check.expect(options.after, "missing option 'after' (virtual seconds)")
  check.expect(options.within, "missing option 'within' (virtual seconds)")
  run.checktime(net, "option 'after'", options.after)
  local within <const> = options.within
  local after <const> = sieve.till(net, options.after, within)
  local goal <const> = setmetatable({ net = net, holds = holds, name = name, within = within, till = after + within },
    metatable)
  net.core:call(after, function()
    calm(net)
    invariant.await(net, goal)
  end)
  net.core:call(goal.till, function() judge(goal) end)
  replay.await(goal)
end

return eventual
