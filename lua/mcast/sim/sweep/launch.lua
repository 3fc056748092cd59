-- Shares of a sweep by a command that reads shell commands, a line each, runs them somewhere, and prints their output:
-- GNU parallel, for example.
local check <const> = require "mcast.check"
local command <const> = require "mcast.sim.command"
local merge <const> = require "mcast.sim.sweep.merge"
local share <const> = require "mcast.sim.sweep.share"

local launch = {}

-- Splits a range into a number of shares: by default as many as each has seeds.
local function split(shares, range, count)
  local seeds <const> = range.last - range.first + 1
  local each <const> = -(-seeds // (count or math.ceil(math.sqrt(seeds))))
  for first = range.first, range.last, each do
    shares[#shares + 1] = { first = first, last = first + math.min(each - 1, range.last - first) }
  end
  return shares
end

local function write(path, plan, shares)
  local file <close> = check.expect(io.open(path, "w"))
  for _, one in ipairs(shares) do
    local line <const> = command.line(plan.env, { { "MCAST_SHARE", share.text(one.first, one.last) },
      { "MCAST_SWEEP", plan.id }, { "MCAST_VARY", os.getenv "MCAST_VARY" } }, plan.words)
    check.expect(not line:find "\n", "launch: the command has a line break: %s", line)
    check.expect(file:write(line, " < /dev/null\n")) -- not the lines that follow
  end
end

-- Has the command run shares, and adds their results; returns how it ended.
local function run(plan, shares, merged)
  local path <const> = os.tmpname()
  local _ <close> = setmetatable({}, { __close = function() os.remove(path) end })
  write(path, plan, shares)
  io.stdout:flush()
  local pipe <close> = check.expect(io.popen(("(%s\n) < %s"):format(plan.launch, path)))
  for line in pipe:lines() do
    local result <const> = share.read(line)
    if result then
      merged:add(result)
    end
  end
  local _, how <const>, status <const> = pipe:close()
  return ("%s %d"):format(how == "signal" and "signal" or "exit status", status)
end

-- Each of some shares in smaller ones.
local function smaller(shares)
  local list <const> = {}
  for _, one in ipairs(shares) do
    split(list, one)
  end
  return list
end

-- Shares are without a result: where each is a seed alone, these are failures, else they are reported.
local function lose(plan, shares, merged, ended)
  local longest = 1
  for _, one in ipairs(shares) do
    longest = math.max(longest, one.last - one.first + 1)
  end
  for _, one in ipairs(longest == 1 and shares or {}) do
    merged:fail(one.first, ("its share has no result (%s)"):format(ended))
  end
  plan.lost = merged:lacks(ended)
end

-- Runs all seeds of a plan; returns those that failed, in their order. Shares without a result are run again as smaller
-- ones, so the seed that ends them is found; until two rounds have brought no further result.
function launch.run(plan)
  local merged <const> = merge.new(plan)
  local shares, idle, ended = split({}, plan, plan.shares), 0
  repeat
    local before <const> = #merged.shares
    ended = run(plan, shares, merged)
    check.expect(merged.shares[1], "launch: no share has a result (%s): %s", ended, plan.launch)
    shares = merged:missing(shares)
    idle = #merged.shares > before and 0 or idle + 1
    local again <const> = shares[1] ~= nil and idle < 2
    if again then
      io.stderr:write(("sweep: %s, run again\n"):format(merged:lacks(ended)))
      shares = smaller(shares)
    end
  until not again
  lose(plan, shares, merged, ended)
  return merged:failures()
end

return launch
