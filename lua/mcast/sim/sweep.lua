-- Sweeps: a scenario with many seeds, on all cores. A run depends on its scenario and its seed alone, so each worker is
-- the same script, started with other seeds in its environment.
local check <const> = require "mcast.check"

local sweep = {}

local SHOWN <const> = 10 -- failed seeds whose errors are printed

local function quote(text)
  return text:find "^[%w/._=-]+$" and text or "'" .. text:gsub("'", "'\\''") .. "'"
end

-- The command that started this process, with an environment variable set.
local function command(variable, value)
  local words, first = { ("%s=%s"):format(variable, value) }, 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  for i = first, arg and #arg or -1 do
    words[#words + 1] = quote(arg[i])
  end
  return table.concat(words, " ")
end

function sweep.replay(seed)
  return "replay: " .. command("MCAST_SEED", seed)
end

local function cores()
  local pipe = io.popen "nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null"
  local n = pipe and math.tointeger(tonumber(pipe:read "l" or "1"))
  if pipe then
    pipe:close()
  end
  return n or 1
end

-- Runs the seeds first, first + step ... in this process, and reports those that fail to the process that started it.
local function work(scenario, first, last, step)
  for seed = first, last, step do
    local ok, message = xpcall(scenario, function(m) return tostring(m) end, seed)
    if not ok then
      print(("MCAST_FAILED %d %s"):format(seed, message:gsub("\n.*", "")))
    end
  end
  print "MCAST_DONE"
end

local function spread(first, last, jobs)
  local pipes, failed = {}, {}
  for i = 1, jobs do
    pipes[i] = assert(io.popen(command("MCAST_SWEEP", ("%d:%d:%d"):format(first + i - 1, last, jobs))))
  end
  for i, pipe in ipairs(pipes) do
    local done
    for line in pipe:lines() do
      local seed, message = line:match "^MCAST_FAILED (%-?%d+) (.*)"
      if seed then
        failed[#failed + 1] = { seed = math.tointeger(tonumber(seed)), message = message }
      end
      done = done or line == "MCAST_DONE"
    end
    pipe:close()
    check.expect(done, "worker %d of the sweep ended early", i)
  end
  table.sort(failed, function(a, b) return a.seed < b.seed end)
  return failed
end

local function report(failed, n)
  print(("%d of %d seeds failed"):format(#failed, n))
  for i = 1, math.min(#failed, SHOWN) do
    print(("  seed %d: %s"):format(failed[i].seed, failed[i].message))
  end
  if failed[1] then
    print(sweep.replay(failed[1].seed))
  end
end

local isinteger <const> = check.integer().accepts

local allowed <const> = {
  scenario = check.callable,
  seeds = check.kind("{first, last}", function(value)
    return type(value) == "table" and isinteger(value[1]) and isinteger(value[2]) and #value == 2
  end),
  jobs = check.integer(1, 1000000),
}

-- See sim.sweep.
function sweep.run(options)
  options = check.options(options, allowed)
  check.expect(options.scenario, "missing option 'scenario' (function of a seed)")
  check.expect(options.seeds, "missing option 'seeds' ({first, last})")
  local first <const>, last <const> = options.seeds[1], options.seeds[2]
  local one <const>, share <const> = os.getenv "MCAST_SEED", os.getenv "MCAST_SWEEP"
  if one then
    options.scenario(check.expect(math.tointeger(tonumber(one)), "MCAST_SEED is not an integer: '%s'", one))
    return {}
  elseif share then
    local from, to, step = share:match "^(%-?%d+):(%-?%d+):(%d+)$"
    work(options.scenario, math.tointeger(tonumber(from)), math.tointeger(tonumber(to)), math.tointeger(tonumber(step)))
    os.exit(true, true)
  end
  local failed <const> = spread(first, last, math.min(options.jobs or cores(), last - first + 1))
  report(failed, last - first + 1)
  return failed
end

return sweep
