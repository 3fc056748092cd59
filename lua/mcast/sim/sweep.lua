-- Sweeps: a scenario for many seeds, on all cores. A scenario and a seed are all
-- that a run depends on, so each worker is the same script with other seeds in its
-- environment.
local sweep = {}

local function quote(text)
  return text:find "^[%w/._=-]+$" and text or "'" .. text:gsub("'", "'\\''") .. "'"
end

-- How this process was started, with a variable set.
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

-- Runs seeds first, first + step ... in this process, and tells of each that fails.
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
    assert(done, ("worker %d of the sweep ended before its time"):format(i))
  end
  table.sort(failed, function(a, b) return a.seed < b.seed end)
  return failed
end

-- options.seeds = {first, last}; options.scenario, a function of the seed that raises where something is wrong;
-- options.jobs, processes (one a core). Gives the list of {seed, message} that failed, and prints it with what
-- replays the first. With MCAST_SEED in the environment only that seed is run, and an error is not caught.
function sweep.run(options)
  assert(type(options.scenario) == "function", "a sweep needs a scenario, which is a function of a seed")
  assert(type(options.seeds) == "table" and #options.seeds == 2, "a sweep needs seeds = { first, last }")
  local first, last = options.seeds[1], options.seeds[2]
  local one, share = os.getenv "MCAST_SEED", os.getenv "MCAST_SWEEP"
  if one then
    options.scenario((assert(math.tointeger(tonumber(one)), "MCAST_SEED is an integer")))
    return {}
  elseif share then
    local from, to, step = share:match "^(%-?%d+):(%-?%d+):(%d+)$"
    work(options.scenario, math.tointeger(tonumber(from)), math.tointeger(tonumber(to)), math.tointeger(tonumber(step)))
    os.exit(true, true)
  end
  local failed = spread(first, last, math.min(options.jobs or cores(), last - first + 1))
  print(("%d of %d seeds failed"):format(#failed, last - first + 1))
  for i, failure in ipairs(failed) do
    if i <= 10 then
      print(("  seed %d: %s"):format(failure.seed, failure.message))
    end
  end
  if failed[1] then
    print(sweep.replay(failed[1].seed))
  end
  return failed
end

return setmetatable(sweep, { __call = function(_, options) return sweep.run(options) end })
